//! Wrong arguments, told in our own form. What was typed by mistake may be a secret.

use std::ffi::OsString;

use clap::{
    CommandFactory,
    error::{ContextKind, ErrorKind},
};

use super::{args::Cli, failure::Failure};

/// The failure that a parser's error is.
pub(super) fn failure(error: &clap::Error, arguments: &[OsString]) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("a command is missing").hint(help_of(arguments));
    }
    let near_a_secret = ["add", "edit"].iter().any(|word| arguments.iter().any(|a| a == word));
    if near_a_secret && let Some(failure) = hidden(error) {
        return failure;
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut failure = Failure::usage(first.trim_start_matches("error: "));
    let mut usage = None;
    for line in lines {
        match line.trim().strip_prefix("tip: ") {
            Some(tip) => failure.hint = Some(tip.to_owned()),
            None if line.starts_with("Usage:") => usage = Some(line.trim().to_owned()),
            None if line.starts_with("For more") => {}
            None => failure.causes.push(line.trim().to_owned()),
        }
    }
    failure.causes.extend(usage);
    failure.hint = failure.hint.or_else(|| Some(help_of(arguments)));
    failure
}

/// The command that shows the help of what was typed.
fn help_of(arguments: &[OsString]) -> String {
    let mut command = Cli::command();
    let mut words = vec!["leapp".to_owned()];
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        if word.starts_with('-') {
            continue;
        }
        let Some(next) = command.find_subcommand(word).cloned() else { break };
        words.push(word.to_owned());
        command = next;
    }
    words.push("--help".into());
    words.join(" ")
}

/// An argument that is not expected, where a secret is what one might type: it is not repeated.
fn hidden(error: &clap::Error) -> Option<Failure> {
    let text = |kind| error.get(kind).map(ToString::to_string);
    let unexpected = match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            text(ContextKind::InvalidArg).filter(|word| !word.starts_with('-'))
        }
        ErrorKind::TooManyValues => text(ContextKind::InvalidValue),
        _ => None,
    };
    unexpected?;
    Some(Failure::usage("there is an argument that is not expected; it is not repeated here").hint(
        "a secret is never an argument: --secret-access-key-stdin reads it, a terminal asks for it",
    ))
}

/// A name as a person types it to a shell: what providers and profiles are called may have blanks.
pub(super) fn typed(name: &str) -> std::borrow::Cow<'_, str> {
    shell_words::quote(name)
}
