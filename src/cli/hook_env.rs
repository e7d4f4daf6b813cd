//! `leapp hook-env`: what a shell's hook asks when something has changed.
//!
//! It asks nobody, opens no vault, waits for nothing and uses no network; at most it starts one
//! detached `leapp renew`. Whatever goes wrong becomes an answer too: the hook takes it whole.

mod by_hand;
mod decision;
mod directory;
mod keep;
mod notes;
mod session;

use self::decision::{Decision, Effect};
use super::{args::HookEnvArgs, context::Context, failure::Outcome, print_bytes};
use crate::{
    activation::{Lease, project::Place},
    envdelta::Kind,
    shell::{self, Change, Owner, Reply},
    system::process,
};

pub(super) fn run(context: &Context, args: HookEnvArgs) -> Outcome<u8> {
    let shell = shell::by_id(&args.shell).unwrap_or(shell::POSIX);
    let hook = Asking::of(context, &args);
    let decision = if args.by_hand {
        by_hand::decide(context, &args)?
    } else if let Some(identity) = &args.keep {
        keep::decide(context, identity, args.region.as_ref(), hook.held)
    } else if process::is_sudo() {
        // No directory counts, and what a person has switched on by hand stays on.
        match Asking::used(context).filter(|_| hook.hold == Owner::Use) {
            Some((identity, region)) => {
                keep::decide(context, &identity, region.as_ref(), hook.held)
            }
            None => directory::nothing(&hook),
        }
    } else if let Some((identity, region)) = Asking::used(context).filter(|_| !hook.held) {
        keep::decide(context, &identity, region.as_ref(), false)
    } else {
        directory::decide(context, &hook)
    };
    let reply = reply(context, &hook, &decision);
    if let Some(base) = decision.lease.clone().filter(|_| !shell.has_clock()) {
        _ = Lease::at(base).set_end(decision.ask_again);
    }
    let text = shell.reply(&reply, &context.before).map_err(|error| {
        super::failure::Failure::new(super::failure::Kind::Failed, error.to_string())
            .doing(format!("{} cannot take the environment", shell.id()))
    })?;
    print_bytes(text.expose()).map(|()| 0)
}

/// What the hook has told about its shell.
struct Asking {
    /// The shell has saved what was there before us.
    held: bool,
    /// Who holds the shell against directories.
    hold: Owner,
    /// What was said already.
    said: Vec<String>,
}

impl Asking {
    fn of(context: &Context, args: &HookEnvArgs) -> Self {
        let hold = match args.hold.as_str() {
            "u" => Owner::Use,
            "o" => Owner::Off,
            _ => Owner::Nobody,
        };
        let said = args.said.split(',').filter(|word| !word.is_empty()).map(str::to_owned);
        // Without credentials of ours in the environment nothing is held, whatever the shell says.
        Self { held: args.held && context.before.state().is_some(), hold, said: said.collect() }
    }

    /// A session that `leapp use` switched on, here or in an outer shell.
    fn used(context: &Context) -> Option<(String, Option<crate::model::RegionName>)> {
        let state = context.before.state().filter(|state| state.kind == Kind::Use)?;
        let region = super::context::variable("AWS_REGION").and_then(|r| r.into_string().ok());
        let region = region.and_then(|text| crate::model::RegionName::parse(&text).ok());
        Some((state.identities.first()?.clone(), region))
    }
}

/// The answer in the hook's words.
fn reply<'a>(context: &'a Context, hook: &Asking, decision: &'a Decision) -> Reply<'a> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = |path: &std::path::Path| path.as_os_str().as_bytes().to_vec();
    let place = decision.place.as_ref();
    let (notes, said) = notes::unsaid(&decision.notes, &hook.said, decision.is_on());
    let mut reply = Reply {
        change: change(context, hook, decision),
        owner: decision.owner,
        keep_owner: matches!(decision.effect, Effect::Stay),
        file: place.map(|place| bytes(&place.file)).unwrap_or_default(),
        relative: place.map(|place| bytes(&place.relative())).unwrap_or_default(),
        mtime_ns: place.map_or(0, |place: &Place| place.mtime_ns),
        lease: decision.lease.as_deref().map_or_else(|| b"/".to_vec(), bytes),
        ask_again: decision.ask_again.or_else(|| without_lease(decision)),
        here: decision.here,
        notes,
        said,
        ..Reply::default()
    };
    if let Effect::Set(set) = &decision.effect {
        reply.key.clone_from(&set.key);
        reply.identity.clone_from(&set.identity);
        reply.region.clone_from(&set.region);
        reply.session.clone_from(&set.session);
        reply.warning = set.warning;
    }
    reply
}

fn has_markers() -> bool {
    crate::envdelta::MARKERS.iter().any(|name| super::context::variable(name).is_some())
}

/// An answer without a lease could not be taken back: it is asked for again soon. In seconds.
fn without_lease(decision: &Decision) -> Option<i64> {
    let holds = decision.owner == Owner::Nobody || decision.lease.is_some();
    (!holds).then_some(10)
}

/// What has to happen to the environment, given what the shell has saved.
fn change<'a>(context: &'a Context, hook: &Asking, decision: &'a Decision) -> Change<'a> {
    let before = &context.before;
    let outer = before.state().is_some_and(|state| state.kind != Kind::Env) && !hook.held;
    let outer_is_execs = before.state().is_some_and(|state| state.kind == Kind::Exec);
    match &decision.effect {
        Effect::Set(set) if hook.held => Change::SetAgain(&set.delta),
        Effect::Set(set) if outer => Change::SetFrom(&set.delta, before),
        Effect::Set(set) => Change::Set(&set.delta),
        Effect::Off if hook.held => Change::Back,
        Effect::Off if outer && !outer_is_execs => Change::BackFrom(before),
        // What says that something is on speaks of keys that are not there any more.
        Effect::Off if before.state().is_none() && has_markers() => Change::Markers,
        Effect::Off | Effect::Stay => Change::None,
    }
}
