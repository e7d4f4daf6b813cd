//! `leapp stop`: forgets what leapp holds. What was handed out cannot be called back, and that is
//! said.

use serde_json::json;

use super::{
    args::StopArgs, context::Context, env::chosen_shell, failure::Outcome, print_json, start::local,
};
use crate::{
    envdelta,
    model::{Catalog, Session, Timestamp},
    resolver::{CredentialManager, marks},
    system::directory,
};

pub(super) fn run(context: &Context, args: &StopArgs) -> Outcome<()> {
    let known = context.known();
    let sessions: Vec<&Session> = match &args.name {
        Some(name) => chosen(&known.catalog, known.find(name)?, args.with_parents),
        None => {
            known.readable()?;
            known.catalog.sessions().collect()
        }
    };
    let manager = context.manager(&known.catalog, context.existing_cache())?;
    directory::ensure(&context.run)?;
    let stopped: Vec<Stopped<'_>> =
        sessions.into_iter().map(|session| stop(context, &manager, session)).collect();
    if context.ui.manner().json {
        let rows = stopped.iter().map(|s| {
            json!({
                "name": s.session.name,
                "copiesValidUntil": s.until.map(Timestamp::rfc3339),
            })
        });
        return print_json(&rows.collect());
    }
    tell(context, args, &stopped);
    Ok(())
}

struct Stopped<'a> {
    session: &'a Session,
    /// Until when copies that were handed out stay valid.
    until: Option<Timestamp>,
}

fn chosen<'a>(catalog: &'a Catalog, session: &'a Session, with_parents: bool) -> Vec<&'a Session> {
    let chain = with_parents.then(|| catalog.chain(session).ok()).flatten();
    chain.unwrap_or_else(|| vec![session])
}

fn stop<'a>(
    context: &Context,
    manager: &CredentialManager<'_>,
    session: &'a Session,
) -> Stopped<'a> {
    let forgotten = manager.forget(session);
    marks::stop(&context.run, session.id);
    crate::activation::lease::revoke_all(&context.run);
    let until = forgotten.iter().map(|entry| entry.clocked.local_expiry()).max();
    Stopped { session, until }
}

fn tell(context: &Context, args: &StopArgs, stopped: &[Stopped<'_>]) {
    let mut said = 0;
    for Stopped { session, until } in stopped {
        match until {
            Some(until) => context.ui.say(&format!(
                "stopped '{}'; copies that were handed out stay valid until {}",
                session.name,
                local(*until)
            )),
            None if !args.all => {
                context.ui.say(&format!("session '{}' was not active", session.name));
            }
            None => continue,
        }
        said += 1;
    }
    if said == 0 {
        context.ui.say("no session was active");
    }
    // What a directory or 'leapp use' has put into a shell, its hook takes out by itself.
    let by_eval = |kind| matches!(kind, envdelta::Kind::Env | envdelta::Kind::Exec);
    let on = context.before.state().is_some_and(|state| {
        by_eval(state.kind)
            && stopped
                .iter()
                .any(|s| state.identities.contains(&s.session.identifier().to_string()))
    });
    if on {
        let line = chosen_shell(None).eval_line(&["leapp", "env", "--unset"]).unwrap_or_default();
        context.ui.say(&format!("this shell still has a copy: {line}"));
    }
}
