//! `leapp use`: a person names a session for this shell.

use std::ffi::OsString;

use clap::Parser as _;

use super::{
    decision::{Decision, Effect, PROTECTED, Set},
    notes::Note,
    session::key_of,
};
use crate::{
    activation::Lease,
    cli::{
        args::{HookEnvArgs, UseCli},
        context::Context,
        failure::{Failure, Kind, Outcome},
        handout::{Asked, hand_out},
        usage,
    },
    envdelta::Kind as StateKind,
    model::{CredentialIdentifier, duration},
    resolver::marks,
    shell::Owner,
};

pub(super) fn decide(context: &Context, args: &HookEnvArgs) -> Outcome<Decision> {
    let words = std::iter::once("leapp use".into()).chain(args.words.iter().cloned());
    let typed = UseCli::try_parse_from(words.clone())
        .map_err(|error| usage::failure(&error, &words.collect::<Vec<OsString>>()))?;
    let asked = Asked {
        form: "use",
        name: typed.args.name,
        selection: typed.args.selection,
        kind: StateKind::Use,
        by_hand: true,
        again: false,
    };
    let answer = hand_out(context, &asked)?;
    // Its lease comes afterwards: new credentials take every lease back.
    let lease = Lease::by_hand(&context.run, &answer.identity).ok();
    let id = CredentialIdentifier::parse(&answer.identity)
        .map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
    if marks::is_stopped(&context.run, id.uuid()) {
        let message = format!("session '{}' was stopped meanwhile", answer.session);
        return Err(Failure::new(Kind::NeedsAction, message).hint("leapp use NAME"));
    }
    let clocked = *answer.clocked();
    let ask_again = (clocked.left() - clocked.window()).max(1);
    let region = answer.delta.region().unwrap_or_default().to_owned();
    let left = duration::brief(clocked.left());
    let note = format!("{} is on ({region}), {left} left; 'leapp off' ends it", answer.session);
    let protected = context.known_around(&answer.identity).find(&answer.identity)?.protected;
    let set = Set {
        key: key_of(&answer.delta),
        identity: answer.identity,
        region,
        session: answer.session,
        warning: if protected { PROTECTED } else { "" },
        delta: answer.delta,
    };
    Ok(Decision {
        effect: Effect::Set(Box::new(set)),
        owner: Owner::Use,
        lease: lease.map(|lease| lease.base().to_owned()),
        ask_again: Some(ask_again),
        notes: vec![Note::news(note)],
        ..Decision::default()
    })
}
