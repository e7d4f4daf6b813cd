//! What `leapp use` switched on stays on: with new credentials where there are new ones, and closed
//! where there are none.

use super::{
    decision::{Decision, EXPIRED, Effect},
    notes::Note,
    session::{Closed, Wanted, closing},
};
use crate::{
    activation::Lease,
    cli::{
        context::{Context, variable},
        failure::{Failure, Outcome},
        handout::Regions,
    },
    envdelta::Kind,
    model::{RegionName, SessionName},
    resolver::marks,
    shell::Owner,
    system::terminal,
};

/// `held`: this very shell has it on; otherwise an outer one has.
pub(super) fn decide(
    context: &Context,
    identity: &str,
    region: Option<&RegionName>,
    held: bool,
) -> Decision {
    let lease = Lease::by_hand(&context.run, identity).ok().map(|lease| lease.base().to_owned());
    let decision = look(context, identity, region, held)
        .unwrap_or_else(|failure| failed(context, identity, region, &failure));
    Decision { owner: Owner::Use, lease, ..decision }
}

/// The session cannot be found or read: what it left must not give way to other credentials.
fn failed(
    context: &Context,
    identity: &str,
    region: Option<&RegionName>,
    failure: &Failure,
) -> Decision {
    // From the environment, so that it may be anything; prompts show it.
    let name = variable("LEAPP_SESSION").and_then(|name| name.into_string().ok());
    let name = name.and_then(|name| SessionName::parse(&name).ok());
    let name = name.map_or_else(|| "unknown".to_owned(), |name| name.to_string());
    let hint = failure.hint.as_deref().unwrap_or("leapp doctor");
    let note = format!("'{name}' cannot stay on ({}): leapp off, or {hint}", failure.in_a_line());
    let closed = Closed {
        kind: Kind::Use,
        managed: closing(),
        identity: identity.to_owned(),
        name,
        region: region.map(ToString::to_string),
        root: Vec::new(),
    };
    let effect = closed.set(context).map_or(Effect::Off, |set| Effect::Set(Box::new(set)));
    Decision { effect, notes: vec![Note::once(note)], ..Decision::default() }
}

fn look(
    context: &Context,
    identity: &str,
    region: Option<&RegionName>,
    held: bool,
) -> Outcome<Decision> {
    let known = context.known_around(identity);
    let session = known.find(identity)?;
    let catalog = &known.catalog;
    let regions = Regions { flag: region.cloned(), ..Regions::default() };
    let (kind, root) = (Kind::Use, Vec::new());
    let wanted = Wanted { context, catalog, session, kind, regions, root };
    let found = wanted.look()?;
    let known = context.before.state().map(|state| state.access_key_id.clone());
    if let Effect::Set(set) = &found.decision.effect
        && set.warning != EXPIRED
        && {
            let same = known.as_ref() == Some(&set.key);
            // A state that comes from elsewhere may be anybody's word: it keeps what is there, and
            // puts nothing else there.
            let forged = !held && !same;
            forged || session.protected && !(held && same) && !was_named(context, session.id)
        }
    {
        // Others than those which were asked for are not put into a shell unasked.
        let name = &session.name;
        let region = RegionName::parse(&set.region).ok().or_else(|| region.cloned());
        let set = region.map(|region| wanted.expired(&region)).transpose()?;
        let note = Note::once(format!("credentials of '{name}' have ended: leapp use {name}"));
        let effect = set.map_or(Effect::Off, |set| Effect::Set(Box::new(set)));
        return Ok(Decision { effect, notes: vec![note], ..Decision::default() });
    }
    Ok(found.decision)
}

fn was_named(context: &Context, session: uuid::Uuid) -> bool {
    let terminal = terminal::identity().unwrap_or_default();
    !terminal.is_empty() && marks::is_named(&context.run, session, &terminal)
}
