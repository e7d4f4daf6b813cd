//! `leapp provider list` and `refresh`: the programs of third parties, and what they have.
//!
//! `list` runs none of them: it tells what they said last.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    args::ProviderCommand,
    context::{Context, variable},
    failure::{Failure, Kind, Outcome},
    print, print_json,
};
use crate::{
    access::provider::{
        self, Provider, Settings,
        listing::{self, Changes, Listed, Listing, Shelf},
    },
    model::{Timestamp, duration},
    output::table::{self, Emphasis, Row},
    system::{clock, directory, lock::Lock},
};

/// Where the protocol is described.
const MANUAL: &str = "docs/providers.md describes them";
/// How long another process that asks a provider is waited for.
const WAIT: Duration = Duration::from_secs(30);

pub(super) fn run(context: &Context, command: &ProviderCommand) -> Outcome<()> {
    match command {
        ProviderCommand::List => list(context),
        ProviderCommand::Refresh { name } => refresh(context, name.as_deref()),
    }
}

fn list(context: &Context) -> Outcome<()> {
    let shelf = Shelf::new(context.home.path());
    let providers = &context.config()?.providers;
    let all: Vec<(&Settings, Listing)> = providers.iter().map(|p| (p, shelf.read(p))).collect();
    if context.ui.manner().json {
        return print_json(&all.iter().map(|(settings, known)| to_json(settings, known)).collect());
    }
    if all.is_empty() {
        context.ui.say("no providers are configured");
        context.ui.say(MANUAL);
        return Ok(());
    }
    let rows: Vec<Row> = all.iter().map(|(settings, known)| row(settings, known)).collect();
    let names = ["NAME", "PROVIDER", "IDENTITIES", "LISTED", "STATUS"];
    print(&table::render(&names, &rows, context.ui.table_style()))
}

fn row(settings: &Settings, known: &Listing) -> Row {
    let last = known.last.as_ref();
    let (status, emphasis) = match (&known.failure, last) {
        (Some(failure), _) => (format!("failed: {}", failure.message), Emphasis::Warning),
        (None, None) => (format!("run: leapp provider refresh {}", settings.name), Emphasis::None),
        (None, Some(_)) => ("ok".to_owned(), Emphasis::Good),
    };
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    Row {
        mark: "",
        cells: vec![
            settings.name.to_string(),
            dash(last.map(|last| last.description.name.clone())),
            dash(last.map(count)),
            dash(last.map(|last| format!("{} ago", duration::brief(clock::now() - last.at.0)))),
            status,
        ],
        emphasis,
    }
}

/// How many identities there are: `5 (2 unusable)`.
fn count(last: &Listed) -> String {
    match last.items.iter().filter(|item| item.unusable.is_some()).count() {
        0 => last.items.len().to_string(),
        unusable => format!("{} ({unusable} unusable)", last.items.len()),
    }
}

fn to_json(settings: &Settings, known: &Listing) -> Json {
    let last = known.last.as_ref();
    let words: Vec<_> = settings.arguments.iter().map(|word| word.to_string_lossy()).collect();
    json!({
        "name": settings.name,
        "command": settings.command.to_string_lossy(),
        "args": words,
        "timeoutSeconds": settings.timeout.as_secs(),
        "description": last.map(|last| &last.description),
        "listedAt": last.map(|last| last.at.rfc3339()),
        "identities": last.map(|last| &last.items),
        "failure": known.failure.as_ref().map(|failure| {
            json!({ "at": failure.at.rfc3339(), "message": failure.message })
        }),
    })
}

fn refresh(context: &Context, name: Option<&str>) -> Outcome<()> {
    let providers = &context.config()?.providers;
    let chosen: Vec<&Settings> = match name {
        None => providers.iter().collect(),
        Some(name) => vec![find(providers, name)?],
    };
    if chosen.is_empty() {
        return Err(Failure::new(Kind::Incomplete, "no providers are configured").hint(MANUAL));
    }
    let Asked { done, failures } = ask(context, &chosen)?;
    tell(context, &done)?;
    let number = failures.len();
    match failures.into_iter().next() {
        None => Ok(()),
        Some(only) if chosen.len() == 1 => Err(only),
        Some(first) => {
            let message = format!("{number} of {} providers did not list anything", chosen.len());
            Err(Failure::new(first.kind, message).hint("leapp provider list"))
        }
    }
}

/// Asks every provider anew. One that fails is a note: it keeps nothing from being listed.
pub(super) fn refresh_all(context: &Context) -> Outcome<()> {
    // Settings that cannot be read are told with the list.
    let Ok(config) = context.config() else { return Ok(()) };
    if config.providers.is_empty() {
        context.ui.note(&format!("no providers are configured; {MANUAL}"));
        return Ok(());
    }
    let chosen: Vec<&Settings> = config.providers.iter().collect();
    let Asked { done, failures } = ask(context, &chosen)?;
    if let ([_], [failure]) = (chosen.as_slice(), failures.as_slice()) {
        context.ui.note(&in_a_line(failure));
    }
    for (settings, listed, changes) in done {
        context.ui.say(&news(settings, &listed, &changes));
    }
    Ok(())
}

/// Asks one provider anew, because its last listing has not what is wanted. Of several processes that
/// do so at once, the first one asks.
pub(super) fn look_for(context: &Context, settings: &Settings, id: &str) -> Outcome<()> {
    let shelf = Shelf::new(context.home.path());
    let path = context.run.join(format!("refresh-{}.lock", settings.name));
    let made = directory::ensure(&context.run).is_ok();
    // Without a lock nobody is kept waiting, and everybody asks.
    let _lock = made.then(|| Lock::take(&path, WAIT).ok().flatten());
    let has = |listed: Listed| listed.items.iter().any(|i| i.id == id && i.unusable.is_none());
    if shelf.read(settings).last.is_some_and(has) {
        return Ok(());
    }
    match ask(context, &[settings])?.failures.into_iter().next() {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// What came of asking providers anew.
struct Asked<'a> {
    done: Vec<(&'a Settings, Listed, Changes)>,
    failures: Vec<Failure>,
}

/// Asks providers anew, one after the other. An error is something that keeps all from being asked.
fn ask<'a>(context: &Context, chosen: &[&'a Settings]) -> Outcome<Asked<'a>> {
    context.home.refuse_inside_git(variable("LEAPP_HOME").is_some())?;
    let environment = provider::environment(&|name| context.own(name));
    let mut asked = Asked { done: Vec::new(), failures: Vec::new() };
    for settings in chosen {
        context.ui.waiting(&format!("asking provider '{}'", settings.name));
        let provider = Provider::new(settings, &environment);
        let now = Timestamp(clock::now());
        match listing::refresh(&provider, &Shelf::new(context.home.path()), now) {
            Ok((listed, changes)) => asked.done.push((*settings, listed, changes)),
            Err(error) => {
                let failure = Failure::from(error);
                if failure.kind == Kind::Cancelled {
                    return Err(failure);
                }
                if chosen.len() > 1 {
                    // One that fails keeps no other from being asked.
                    context.ui.note(&in_a_line(&failure));
                }
                asked.failures.push(failure);
            }
        }
    }
    if asked.done.iter().any(|(_, _, changes)| !changes.is_empty()) {
        crate::activation::lease::revoke_all(&context.run);
    }
    Ok(asked)
}

fn in_a_line(failure: &Failure) -> String {
    let parts = std::iter::once(&failure.message).chain(&failure.causes);
    parts.map(String::as_str).collect::<Vec<_>>().join(": ")
}

/// Says what each has, and what is new.
fn tell(context: &Context, done: &[(&Settings, Listed, Changes)]) -> Outcome<()> {
    if context.ui.manner().json {
        let all = done.iter().map(|(settings, listed, changes)| {
            json!({
                "name": settings.name,
                "identities": listed.items,
                "added": changes.added,
                "changed": changes.changed,
                "removed": changes.removed,
            })
        });
        return print_json(&all.collect());
    }
    for (settings, listed, changes) in done {
        let name = &settings.name;
        context.ui.say(&news(settings, listed, changes));
        for (sign, ids) in [("+", &changes.added), ("~", &changes.changed), ("-", &changes.removed)]
        {
            for id in ids.iter().take(SHOWN) {
                context.ui.say(&format!("  {sign} ext:{name}:{id}"));
            }
            if let Some(more) = ids.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                context.ui.say(&format!("  {sign} and {more} more"));
            }
        }
    }
    Ok(())
}

/// How many it has, and how many of them are new.
fn news(settings: &Settings, listed: &Listed, changes: &Changes) -> String {
    let name = &settings.name;
    let noun = if listed.items.len() == 1 { "identity" } else { "identities" };
    let parts = [
        (changes.added.len(), "added"),
        (changes.changed.len(), "changed"),
        (changes.removed.len(), "removed"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, word)| format!("{number} {word}")).collect();
    let news = if parts.is_empty() { "no change".to_owned() } else { parts.join(", ") };
    format!("provider '{name}' has {} {noun} ({news})", count(listed))
}

/// How many changes of a kind are named.
const SHOWN: usize = 20;

fn find<'a>(providers: &'a [Settings], name: &str) -> Outcome<&'a Settings> {
    providers.iter().find(|settings| settings.name.as_str() == name).ok_or_else(|| {
        let failure = Failure::new(Kind::Incomplete, format!("there is no provider {name:?}"));
        failure.hint(if providers.is_empty() { MANUAL } else { "leapp provider list" })
    })
}
