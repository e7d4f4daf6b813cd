//! `leapp start` and `leapp rotate`: credentials into the cache, none into the environment.

use serde_json::json;

use super::{
    args::{Selection, StartArgs},
    context::Context,
    env::chosen_shell,
    failure::Outcome,
    handout::{choose, confirm, mfa_code, resolve, resolve_as},
    print_json,
};
use crate::{
    activation::lease,
    model::{Session, duration},
    resolver::{CredentialManager, Resolved, Want, marks},
};

/// Whether what is in the cache will do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    Rotate,
    Start,
}

pub(super) fn run(context: &Context, args: StartArgs, mode: Mode) -> Outcome<()> {
    context.ui.give_code(mfa_code(args.mfa_code.as_deref())?);
    let known = context.known_for(args.name.as_deref())?;
    let session = match &args.name {
        Some(name) => known.find(name)?,
        None => choose(context, &known)?,
    };
    confirm(context, session)?;
    marks::unstop(&context.run, session.id);
    let manager = context.manager(&known.catalog, context.cache(true))?;
    let selection = Selection { duration: args.duration, ..Selection::default() };
    let resolved = match mode {
        Mode::Start => resolve(&manager, session, &selection)?,
        Mode::Rotate => rotate(&manager, session, args.duration)?,
    };
    // Another process may have fetched them, and not have told every shell yet.
    lease::revoke_all(&context.run);
    tell(context, session, &resolved, mode)
}

fn rotate(
    manager: &CredentialManager<'_>,
    session: &Session,
    duration: Option<u32>,
) -> Outcome<Resolved> {
    resolve_as(manager, session, Want { duration, min_ttl: None, fresh: true })
}

fn tell(context: &Context, session: &Session, resolved: &Resolved, mode: Mode) -> Outcome<()> {
    let (name, clocked) = (&session.name, &resolved.clocked);
    if context.ui.manner().json {
        return print_json(&json!({
            "name": name,
            "identifier": session.identifier().to_string(),
            "status": "active",
            "expiration": clocked.local_expiry().rfc3339(),
            "secondsLeft": clocked.left(),
            "startDateTime": clocked.issued_at.rfc3339(),
        }));
    }
    let (left, until) = (duration::brief(clocked.left()), local(clocked.local_expiry()));
    let word = if mode == Mode::Rotate { "has new credentials" } else { "is active" };
    context.ui.say(&format!("session '{name}' {word}, {left} left (until {until})"));
    let line = chosen_shell(None).eval_line(&["leapp", "env", name.as_str()]);
    context.ui.say(&format!("next: {}", line.unwrap_or_default()));
    Ok(())
}

/// A time in this machine's time zone: `14:05`, or with the date when it is another day.
pub(super) fn local(time: crate::model::Timestamp) -> String {
    let zone = jiff::tz::TimeZone::system();
    let at = jiff::Timestamp::from_second(time.0).unwrap_or_default().to_zoned(zone.clone());
    let now = crate::system::clock::now();
    let now = jiff::Timestamp::from_second(now).unwrap_or_default().to_zoned(zone);
    let form = if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(form).to_string()
}
