//! `leapp complete`: what may stand at a place of a command line, for the shells' completion.
//!
//! Prints one candidate a line, with a tab and what it is; or a directive: `:files`, or `:command N`
//! where the words from N on are a command of their own. It asks nobody, opens no vault, creates
//! nothing, and never fails: what cannot be known is not offered.

use clap::{Arg, Command, CommandFactory};

use super::{
    args::{self, Cli, CompleteArgs, Values},
    context::Context,
    failure::Outcome,
    print,
    session::{edit, summary_of},
};
use crate::{access, cloud::partition::PARTITIONS, model::Workspace, workspace::Store};

pub(super) fn run(context: &Context, args: &CompleteArgs) -> Outcome<()> {
    let words: Vec<String> =
        args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut root = Cli::command();
    root.build();
    let place = Place::find(root, &words, args.at);
    let current = words.get(args.at).map_or("", String::as_str);
    let offered = match place {
        Place::Wrapped(at) => return print(&format!(":command {at}\n")),
        Place::Value(values, arg) => offer(context, values, arg.as_ref()),
        Place::Word { command, argument, typed } => {
            let flags = current.starts_with('-');
            let command = edited(context, &command, &typed).unwrap_or(command);
            if flags { flags_of(&command) } else { words_of(context, &command, argument) }
        }
    };
    match offered {
        Offered::Files => print(":files\n"),
        Offered::These(all) => print(&lines(&all, current)),
    }
}

/// Where the cursor is.
enum Place {
    /// A word of the command, its so-manieth argument.
    Word { command: Command, argument: usize, typed: Vec<String> },
    /// The value of an option.
    Value(Values, Option<Arg>),
    /// In a command that is wrapped, whose words begin there.
    Wrapped(usize),
}

/// What may stand there.
enum Offered {
    Files,
    These(Vec<(String, String)>),
}

impl Place {
    fn find(root: Command, words: &[String], at: usize) -> Self {
        let mut command = root;
        let mut path: Vec<String> = Vec::new();
        let mut typed = Vec::new();
        let mut place = 1;
        while place < at {
            let Some(word) = words.get(place) else { break };
            if path == ["exec"] && (word == "--" || typed.len() == 1 && !word.starts_with('-')) {
                return Self::Wrapped(place + usize::from(word == "--"));
            }
            if let Some(option) = option_of(&command, word) {
                if place + 1 == at && !word.contains('=') && takes_value(&option) {
                    return Self::Value(args::values_of(&path, &option), Some(option));
                }
                place += usize::from(takes_value(&option) && !word.contains('='));
            } else if let Some(next) = command.find_subcommand(word).filter(|_| typed.is_empty()) {
                path.push(next.get_name().to_owned());
                command = next.clone();
            } else if !word.starts_with('-') {
                typed.push(word.clone());
            }
            place += 1;
        }
        if path == ["exec"]
            && typed.len() == 1
            && !words.get(at).is_some_and(|w| w.starts_with('-'))
        {
            return Self::Wrapped(at);
        }
        let argument = typed.len();
        Self::Word { command: named(command, &path), argument, typed }
    }
}

/// The command under its whole path, by which its arguments are known.
fn named(command: Command, path: &[String]) -> Command {
    command.bin_name(path.join(" "))
}

fn path_of(command: &Command) -> Vec<String> {
    let name = command.get_bin_name().unwrap_or_default();
    name.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn option_of(command: &Command, word: &str) -> Option<Arg> {
    let long = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
    let short = word.strip_prefix('-').filter(|rest| rest.chars().count() == 1);
    let is = |arg: &&Arg| {
        (long.is_some() && arg.get_long() == long)
            || short.is_some_and(|text| arg.get_short() == text.chars().next())
    };
    command.get_arguments().find(is).cloned()
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// `session edit NAME` takes the flags of that session's type.
fn edited(context: &Context, command: &Command, typed: &[String]) -> Option<Command> {
    if path_of(command) != ["session", "edit"] {
        return None;
    }
    let workspace = workspace(context)?;
    let session = workspace.by_name(typed.first()?)?;
    let factory = access::factory(&session.session_type)?;
    let mut flags = edit::command(String::new(), factory);
    flags.build();
    Some(flags)
}

fn flags_of(command: &Command) -> Offered {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let flags = shown.filter_map(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some((format!("--{}", arg.get_long()?), help))
    });
    Offered::These(flags.collect())
}

fn words_of(context: &Context, command: &Command, argument: usize) -> Offered {
    if command.has_subcommands() {
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let about = |c: &Command| c.get_about().map(ToString::to_string).unwrap_or_default();
        return Offered::These(shown.map(|c| (c.get_name().to_owned(), about(c))).collect());
    }
    let arg = command.get_positionals().nth(argument);
    match arg {
        Some(arg) => offer(context, args::values_of(&path_of(command), arg), Some(arg)),
        None => Offered::These(Vec::new()),
    }
}

fn offer(context: &Context, values: Values, arg: Option<&Arg>) -> Offered {
    let possible = arg.map(Arg::get_possible_values).unwrap_or_default();
    match values {
        Values::Files => Offered::Files,
        Values::Regions => {
            let regions = PARTITIONS.iter().flat_map(|partition| {
                partition
                    .regions
                    .iter()
                    .map(|region| ((*region).to_owned(), partition.id.to_owned()))
            });
            Offered::These(regions.collect())
        }
        Values::Sessions => Offered::These(sessions(context)),
        Values::Others => {
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            Offered::These(shown.map(|v| (v.get_name().to_owned(), String::new())).collect())
        }
    }
}

/// The names of the sessions, unless the settings turn them off.
fn sessions(context: &Context) -> Vec<(String, String)> {
    if !context.config().is_ok_and(|config| config.completion_names) {
        return Vec::new();
    }
    let Some(workspace) = workspace(context) else { return Vec::new() };
    let described = workspace.sessions.iter().map(|session| {
        let summary = summary_of(session);
        let parts = [summary.account, summary.role, Some(session.session_type.clone())];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (session.name.to_string(), parts.join(" "))
    });
    described.collect()
}

/// The workspace, if the machine's own key opens it: a vault might ask.
fn workspace(context: &Context) -> Option<Workspace> {
    let opened = Store::new(context.home.clone()).open(&|_| None).ok()?;
    opened.map(|opened| opened.workspace)
}

/// The candidates that begin with what was typed, without regard to case.
fn lines(all: &[(String, String)], current: &str) -> String {
    // `--region=eu`: only what is behind the sign is completed.
    let current = match current.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => value,
        _ => current,
    };
    let begins = |text: &str| {
        text.get(..current.len()).is_some_and(|start| start.eq_ignore_ascii_case(current))
    };
    let fitting = all.iter().filter(|(value, _)| begins(value));
    let is_plain = |text: &&(String, String)| !text.0.contains(['\n', '\t']);
    let line = |(value, about): &(String, String)| {
        let about = about.lines().next().unwrap_or_default().replace('\t', " ");
        if about.is_empty() { format!("{value}\n") } else { format!("{value}\t{about}\n") }
    };
    fitting.filter(is_plain).map(line).collect()
}
