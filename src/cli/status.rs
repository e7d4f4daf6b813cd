//! `leapp status`: the connection of this directory, this shell or a session; with `--check`, what
//! the cloud says of it; with `--watch`, what becomes of it.

mod changes;
mod check;
mod choice;
mod jobs;
mod look;
mod shell;
mod tell;
mod watch;

use super::{
    args::StatusArgs,
    context::Context,
    failure::{Failure, Kind, Outcome},
    handout::mfa_code,
    known::Known,
    print, print_json,
};
use crate::{
    model::Session,
    resolver::connection::{Answer, Connection, Event, Part, Reason, Selection, State},
};

use self::{choice::Chosen, tell::Facts};

pub(super) use shell::of_this_shell;

pub(super) fn run(context: &Context, args: StatusArgs) -> Outcome<u8> {
    if args.watch {
        return watch::run(context, &args);
    }
    context.ui.give_code(mfa_code(args.mfa_code.as_deref())?);
    let known = match args.name.as_deref().filter(|_| args.check) {
        Some(name) => context.known_for(Some(name))?,
        None => context.known(),
    };
    match choice::choose(context, &known, args.name.as_deref())? {
        Chosen::Missing(failure) => missing(context, &args, failure),
        Chosen::Session(session) => of_session(context, &known, session, &args),
        Chosen::Shell(Some(session)) if args.check => of_session(context, &known, session, &args),
        Chosen::Shell(None) if args.check => {
            let message = "what this shell's credentials were made from is not here to be asked";
            let failure = Failure::new(Kind::Incomplete, message);
            missing(context, &args, failure.hint("leapp status NAME --check"))
        }
        Chosen::Shell(session) => of_shell(context, &known, session, &args),
    }
}

/// What this shell has, by its own variables; where that has ended, what is needed to go on.
fn of_shell(
    context: &Context,
    known: &Known,
    session: Option<&Session>,
    args: &StatusArgs,
) -> Outcome<u8> {
    let Some(session) = session.filter(|_| !shell::has_credentials(context)) else {
        return of_this_shell(context).map(|()| 0);
    };
    let manager = context.manager(&known.catalog, context.existing_cache())?;
    match look::look(&manager, session) {
        // That another process has some is not to have them here.
        State::Inactive | State::Pending | State::Valid { .. } => {
            of_this_shell(context).map(|()| 0)
        }
        _ => of_session(context, known, session, args),
    }
}

fn of_session(
    context: &Context,
    known: &Known,
    session: &Session,
    args: &StatusArgs,
) -> Outcome<u8> {
    let mut connection = Connection::default();
    let found = choice::region_of(context, known, session, args.region.as_ref())?;
    let region = match &found {
        Ok(choice) => Part::Chosen(choice.region.to_string()),
        Err(failure) => Part::Missing(Some(failure.in_a_line())),
    };
    let identity = Part::Chosen(choice::identity(session));
    let start = connection.on(Event::Selected(Selection { identity, region })).start;
    let mut facts = Facts::of(session);
    let failure = match (start, found) {
        (Some(validation), Ok(choice)) => {
            let (answer, failure) = if args.check {
                for note in &choice.notes {
                    context.ui.note(note);
                }
                facts.checked = true;
                let manager = context.manager(&known.catalog, context.cache(false))?;
                check::check(context, &manager, session, &choice.region)
            } else {
                let manager = context.manager(&known.catalog, context.existing_cache())?;
                (Answer::Is(look::look(&manager, session)), None)
            };
            connection.on(Event::Answered { stamp: validation.stamp, answer });
            failure
        }
        (_, Err(failure)) => Some(failure),
        (None, Ok(_)) => None,
    };
    finish(context, &connection, &facts, failure)
}

/// What was asked for is not there, or nothing was.
fn missing(context: &Context, args: &StatusArgs, failure: Failure) -> Outcome<u8> {
    let mut connection = Connection::default();
    let cause = Some(choice::in_a_line(&failure));
    connection
        .on(Event::Selected(Selection { identity: Part::Missing(cause), region: Part::Open }));
    let facts = Facts { name: args.name.clone(), ..Facts::default() };
    finish(context, &connection, &facts, Some(failure))
}

/// Tells the state. With `--json` it is on stdout even where the command fails.
fn finish(
    context: &Context,
    connection: &Connection,
    facts: &Facts,
    failure: Option<Failure>,
) -> Outcome<u8> {
    let json = context.ui.manner().json;
    // Cancelled is not failed: nothing is known that was not known before.
    if json && failure.as_ref().is_none_or(|failure| failure.kind != Kind::Cancelled) {
        print_json(&tell::members(connection, facts))?;
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    if !json {
        print(&format!("{}\n", tell::in_words(connection, facts)))?;
    }
    if let Some(next) = tell::next(connection) {
        context.ui.say(&format!("next: {next}"));
    }
    Ok(exit(connection.state()))
}

/// The exit status of a state.
fn exit(state: &State) -> u8 {
    match state {
        State::Inactive
        | State::Initializing
        | State::Pending
        | State::Valid { .. }
        | State::Validating => 0,
        State::Incomplete { .. } => Kind::Incomplete.exit(),
        State::Invalid { reason, .. } => match reason {
            Reason::Failed => Kind::Failed,
            Reason::Refused => Kind::Invalid,
            Reason::Storage => Kind::Storage,
            Reason::Unreachable => Kind::Unreachable,
        }
        .exit(),
        State::RequiresUserAction { .. } => Kind::NeedsAction.exit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Timestamp,
        resolver::connection::{Missing, Need},
    };

    #[test]
    fn every_state_has_its_exit_status() {
        let invalid = |reason| State::Invalid { reason, cause: String::new() };
        let action = |need| State::RequiresUserAction { need, command: String::new(), cause: None };
        let (expires, started) = (Timestamp(1), None);
        for (state, status) in [
            (State::Valid { expires, left: 1, started, caller: None }, 0),
            (State::Inactive, 0),
            (State::Pending, 0),
            (action(Need::Confirm), 3),
            (action(Need::Login), 3),
            (action(Need::Mfa), 3),
            (action(Need::Unlock), 3),
            (invalid(Reason::Refused), 4),
            (State::Incomplete { missing: Missing::default(), cause: None }, 5),
            (invalid(Reason::Unreachable), 6),
            (invalid(Reason::Storage), 7),
            (invalid(Reason::Failed), 1),
        ] {
            assert_eq!(exit(&state), status, "{state:?}");
        }
    }
}
