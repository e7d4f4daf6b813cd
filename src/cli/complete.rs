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
    handout::recent,
    print,
    session::{edit, summary_of},
};
use crate::{
    access::{self, profile, provider::listing::Shelf},
    cloud::{partition::PARTITIONS, shared_config::Profile},
    model::{RegionName, Workspace},
    output::table::visible,
    workspace::Store,
};

/// What the identifier of a session begins with, where it is typed in full.
const SESSION: &str = "session:";
/// What an exact name of a profile begins with.
const PROFILE: &str = "profile:";

pub(super) fn run(context: &Context, args: &CompleteArgs) -> Outcome<()> {
    let words: Vec<String> =
        args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut root = Cli::command();
    root.build();
    let offered = match Place::find(context, root, &words, args.at) {
        Place::Flag(command) => flags_of(&command),
        Place::Value(values, arg) => offer(context, values, Some(&arg)),
        Place::Word { command, path, number } => words_of(context, &command, &path, number),
        Place::Wrapped(at) => return print(&format!(":command {at}\n")),
    };
    match offered {
        Offered::Files => print(":files\n"),
        Offered::These(all) => print(&lines(&all, words.get(args.at).map_or("", String::as_str))),
    }
}

/// Where the cursor is.
enum Place {
    /// An option of that command.
    Flag(Command),
    /// The value of an option.
    Value(Values, Arg),
    /// The command's so-manieth word, counted from 0.
    Word { command: Command, path: Vec<String>, number: usize },
    /// In a command that is wrapped, whose words begin there.
    Wrapped(usize),
}

/// What may stand there.
enum Offered {
    Files,
    These(Vec<(String, String)>),
}

impl Place {
    fn find(context: &Context, root: Command, words: &[String], at: usize) -> Self {
        let mut command = root;
        let mut path: Vec<String> = Vec::new();
        let mut number = 0;
        let mut only_words = false;
        let mut place = 1;
        while let Some(word) = words.get(place).filter(|_| place < at) {
            let wraps = path == ["exec"];
            if only_words {
                number += 1;
            } else if word == "--" {
                if wraps {
                    return Self::Wrapped(place + 1);
                }
                only_words = true;
            } else if word.starts_with('-') {
                if let Some(option) = option_of(&command, word).filter(|_| !word.contains('=')) {
                    place += 1;
                    if place == at {
                        return Self::Value(args::values_of(&path, &option), option);
                    }
                }
            } else if let Some(next) = command.find_subcommand(word).filter(|_| number == 0) {
                path.push(next.get_name().to_owned());
                command = next.clone();
            } else if wraps && number == 1 {
                return Self::Wrapped(place);
            } else {
                number += 1;
                command = edited(context, &path, word).unwrap_or(command);
            }
            place += 1;
        }
        let current = words.get(at).map_or("", String::as_str);
        if only_words || !current.starts_with('-') {
            if path == ["exec"] && number == 1 {
                return Self::Wrapped(at);
            }
            return Self::Word { command, path, number };
        }
        match option_of(&command, current).filter(|_| current.contains('=')) {
            Some(option) => Self::Value(args::values_of(&path, &option), option),
            None => Self::Flag(command),
        }
    }
}

/// The option of that word, if it takes a value.
fn option_of(command: &Command, word: &str) -> Option<Arg> {
    let long = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
    let short = word.strip_prefix('-').filter(|rest| rest.chars().count() == 1);
    let is = |arg: &&Arg| {
        arg.get_action().takes_values()
            && ((long.is_some() && arg.get_long() == long)
                || short.is_some_and(|text| arg.get_short() == text.chars().next()))
    };
    command.get_arguments().find(is).cloned()
}

/// `session edit NAME` takes the flags of that session's type.
fn edited(context: &Context, path: &[String], name: &str) -> Option<Command> {
    if path != ["session", "edit"] {
        return None;
    }
    let workspace = workspace(context)?;
    let session = workspace.by_name(name)?;
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

fn words_of(context: &Context, command: &Command, path: &[String], number: usize) -> Offered {
    if command.has_subcommands() && number == 0 {
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let about = |c: &Command| c.get_about().map(ToString::to_string).unwrap_or_default();
        return Offered::These(shown.map(|c| (c.get_name().to_owned(), about(c))).collect());
    }
    match command.get_positionals().nth(number) {
        Some(arg) => offer(context, args::values_of(path, arg), Some(arg)),
        None => Offered::These(Vec::new()),
    }
}

fn offer(context: &Context, values: Values, arg: Option<&Arg>) -> Offered {
    match values {
        Values::Files => Offered::Files,
        Values::Others => {
            let possible = arg.map(Arg::get_possible_values).unwrap_or_default();
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            Offered::These(shown.map(|v| (v.get_name().to_owned(), String::new())).collect())
        }
        Values::BoundProfiles => Offered::These(profiles(context, true)),
        Values::Profiles => Offered::These(profiles(context, false)),
        Values::Providers => Offered::These(providers(context)),
        Values::Regions => Offered::These(regions(&recent(context).regions_here)),
        Values::Sessions => Offered::These(sessions(context)),
    }
}

/// The regions with their names: those used here lately first, for shells that keep the order.
fn regions(recent: &[RegionName]) -> Vec<(String, String)> {
    let all = PARTITIONS.iter().flat_map(|partition| partition.regions);
    let mut all: Vec<(String, String)> =
        all.map(|region| (region.id.to_owned(), region.name.to_owned())).collect();
    let place = |id: &str| recent.iter().position(|known| known.as_str() == id);
    all.sort_by_key(|(id, _)| place(id).unwrap_or(usize::MAX));
    all
}

/// The names of sessions and profiles, and of what providers listed last, unless the settings turn
/// them off.
fn sessions(context: &Context) -> Vec<(String, String)> {
    if !context.config().is_ok_and(|config| config.completion_names) {
        return Vec::new();
    }
    let opened = Store::new(context.home.clone()).open(&|_| None).ok().flatten();
    let known = context.known_beside(Ok(opened), None);
    let mut all: Vec<(String, String)> = Vec::new();
    for session in known.choices() {
        let summary = summary_of(session);
        let kind = Some(session.session_type.clone());
        let parts = [session.display_name.clone(), summary.account, summary.role, kind];
        let about = parts.into_iter().flatten().collect::<Vec<String>>().join(" ");
        let exact = session.identifier().to_string();
        if exact.starts_with(PROFILE) && exact != session.name.as_str() {
            all.push((exact, about.clone()));
        }
        all.push((session.name.to_string(), about));
    }
    all.extend(known.catalog.bound.keys().map(|name| (name.clone(), "a bound profile".to_owned())));
    // Nobody can judge a name by what a terminal does not show.
    all.retain(|(name, _)| visible(name) == *name);
    all.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    all
}

/// The names of the providers, unless the settings turn names off.
fn providers(context: &Context) -> Vec<(String, String)> {
    let Ok(config) = context.config() else { return Vec::new() };
    let shelf = Shelf::new(context.home.path());
    let described = config.providers.iter().map(|settings| {
        let last = shelf.read(settings).last;
        (settings.name.to_string(), last.map(|last| last.description.name).unwrap_or_default())
    });
    described.filter(|_| config.completion_names).collect()
}

/// The names of the profiles, unless the settings turn names off.
fn profiles(context: &Context, bound: bool) -> Vec<(String, String)> {
    if !context.config().is_ok_and(|config| config.completion_names) {
        return Vec::new();
    }
    let shared = profile::load(context).shared;
    let is_bound = |profile: &&Profile| {
        profile.get("credential_process").and_then(profile::Bound::parse).is_some()
    };
    let all = shared.profiles().filter(|profile| !bound || is_bound(profile));
    all.map(|profile| (profile.name.clone(), String::new())).collect()
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
    let (kind, current) = match current.strip_prefix(SESSION) {
        Some(name) => (SESSION, name),
        None => ("", current),
    };
    // An exact form is offered to who has begun to type one.
    let exact = current.starts_with(PROFILE);
    let begins = |text: &str| {
        (exact || !text.starts_with(PROFILE) || text == current)
            && text.get(..current.len()).is_some_and(|start| start.eq_ignore_ascii_case(current))
    };
    let line = |(value, about): &(String, String)| {
        let about = about.lines().next().unwrap_or_default();
        let about: String = about.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if about.is_empty() {
            format!("{kind}{value}\n")
        } else {
            format!("{kind}{value}\t{about}\n")
        }
    };
    // What is called by its identifier is no session of the workspace.
    let fits = |value: &str| kind.is_empty() || !value.contains(':');
    all.iter().filter(|(value, _)| begins(value) && fits(value)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_begin_with_what_was_typed() {
        let all = [
            ("Prod".to_owned(), "a\nb".to_owned()),
            ("prod-eu".to_owned(), "\u{1b}[1m".to_owned()),
        ];
        assert_eq!(lines(&all, ""), "Prod\ta\nprod-eu\t [1m\n");
        assert_eq!(lines(&all, "PROD-"), "prod-eu\t [1m\n");
        assert_eq!(lines(&all, "--parent=prod-"), "prod-eu\t [1m\n");
        assert_eq!(lines(&all, "session:Pr"), "session:Prod\ta\nsession:prod-eu\t [1m\n");
        assert_eq!(lines(&all, "é"), "");
    }
}
