//! `leapp exec`: becoming one program with a session's credentials.

use std::ffi::{OsStr, OsString};

use super::{
    args::ExecArgs,
    context::{Context, variable},
    failure::{Failure, Outcome},
    handout::{Asked, hand_out},
};
use crate::{
    envdelta::{EnvDelta, Kind as StateKind, Return},
    system::{exec, terminal},
};

/// Variables that no program may inherit from us.
const OURS_ALONE: &[&str] = &["LEAPP_VAULT_PASSPHRASE"];

/// Replaces this process by the command; returns only when that fails.
pub(super) fn run(context: &Context, args: ExecArgs, tail: Option<Vec<OsString>>) -> Failure {
    let is_shell = args.command.is_empty() && tail.is_none();
    let command = match command(&args, tail) {
        Ok(command) => command,
        Err(failure) => return failure,
    };
    let environment = match environment(context, args) {
        Ok(environment) => environment,
        Err(failure) => return failure,
    };
    let Some((program, arguments)) = command.split_first() else {
        return Failure::usage("there is no command to run");
    };
    if is_shell {
        context.ui.say("this is a shell with the session; 'exit' leaves it");
    }
    context.ui.finish();
    exec::exec(program, arguments, &environment).into()
}

/// The environment of the command. A function of its own: it can run in another process than the
/// one that becomes the command.
fn environment(context: &Context, args: ExecArgs) -> Outcome<Vec<(OsString, OsString)>> {
    let asked = Asked {
        form: "exec",
        name: args.name,
        selection: args.selection,
        kind: StateKind::Exec,
        by_hand: true,
        again: false,
    };
    let answer = hand_out(context, &asked)?;
    Ok(applied(std::env::vars_os(), &answer.delta))
}

/// The user's own environment, as it was before a session of ours: for programs that look for keys
/// themselves. No passphrase, and nothing of a session.
pub(super) fn own_environment(context: &Context) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let steps = match context.before.way_back() {
        Return::Everything(steps) => steps,
        Return::MarkersOnly => Vec::new(),
    };
    let goes = |name: &OsStr| {
        let name = name.to_str();
        name.is_some_and(|name| {
            OURS_ALONE.contains(&name)
                || name == "LEAPP_SESSION"
                || name == "LEAPP_STATE"
                || steps.iter().any(|step| step.name.as_str() == name)
        })
    };
    environment.retain(|(name, _)| !goes(name));
    let originals = steps
        .iter()
        .filter_map(|step| Some((step.name.as_str().into(), step.otherwise.as_ref()?.into())));
    environment.extend(originals);
    environment
}

/// An environment after a change.
fn applied(
    current: impl Iterator<Item = (OsString, OsString)>,
    delta: &EnvDelta,
) -> Vec<(OsString, OsString)> {
    let goes = |name: &OsStr| {
        let name = name.to_str();
        name.is_some_and(|name| delta.touches(name) || OURS_ALONE.contains(&name))
    };
    let kept = current.filter(|(name, _)| !goes(name));
    let sets = delta.sets.iter();
    kept.chain(sets.map(|(name, value)| (name.as_str().into(), value.expose().into()))).collect()
}

/// The words of the command; the user's shell where there are none, on a terminal.
fn command(args: &ExecArgs, tail: Option<Vec<OsString>>) -> Outcome<Vec<OsString>> {
    let mut words = args.command.clone();
    if let Some(tail) = tail {
        // A `--` behind the command is the command's own.
        if !words.is_empty() {
            words.push("--".into());
        }
        words.extend(tail);
    }
    if !words.is_empty() {
        return Ok(words);
    }
    let interactive = terminal::stdin_is_terminal() && terminal::stdout_is_terminal();
    match variable("SHELL").filter(|_| interactive) {
        Some(shell) => Ok(vec![shell]),
        None => Err(Failure::usage("there is no command to run")
            .hint("leapp exec NAME -- COMMAND; on a terminal, your shell is run without one")),
    }
}

/// Splits the arguments of `exec` at the first `--`: before it stands what is ours, and a session
/// is named only there.
pub(super) fn split(arguments: Vec<OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    let at = arguments.iter().position(|word| word == "--");
    let is_exec = |head: &[OsString]| command_of(head) == Some("exec");
    match at {
        Some(at) if arguments.get(..at).is_some_and(is_exec) => {
            let tail = arguments.get(at + 1..).unwrap_or_default().to_vec();
            let head = arguments.into_iter().take(at).collect();
            (head, Some(tail))
        }
        _ => (arguments, None),
    }
}

/// The subcommand among arguments that were not parsed, or cannot be.
pub(super) fn command_of(arguments: &[OsString]) -> Option<&str> {
    // `--color` takes the word behind it.
    let before = |at: usize| at.checked_sub(1).and_then(|at| arguments.get(at));
    let is_value = |at: usize| before(at).is_some_and(|word| word == "--color");
    let mut words = arguments.iter().enumerate().skip(1);
    let found = words.find(|(at, w)| !w.to_string_lossy().starts_with('-') && !is_value(*at));
    found.and_then(|(_, word)| word.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_command_begins_at_the_first_double_hyphen() {
        let (head, tail) = split(words("leapp exec prod -r eu-west-1 -- ls -- -l"));
        assert_eq!((head, tail), (words("leapp exec prod -r eu-west-1"), Some(words("ls -- -l"))));
        let (head, tail) = split(words("leapp --json exec -- ls"));
        assert_eq!((head, tail), (words("leapp --json exec"), Some(words("ls"))));
        let (_, tail) = split(words("leapp --color never exec -- prod"));
        assert_eq!(tail, Some(words("prod")));
        assert_eq!(split(words("leapp list -- x")).1, None);
        assert_eq!(split(words("leapp exec prod ls")).1, None);
    }

    #[test]
    fn a_commands_environment_has_no_passphrase_and_no_profile() {
        let current =
            ["AWS_PROFILE", "LEAPP_VAULT_PASSPHRASE", "LEAPP_VAULT_PASSPHRASE_FILE", "HOME"];
        let current = current.iter().map(|name| (OsString::from(name), OsString::from("x")));
        let mut delta = EnvDelta::default();
        delta.removes.push(crate::envdelta::VarName::parse("AWS_PROFILE").unwrap());
        let names: Vec<_> = applied(current, &delta).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["LEAPP_VAULT_PASSPHRASE_FILE", "HOME"]);
    }
}
