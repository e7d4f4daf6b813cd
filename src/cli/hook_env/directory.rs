//! What the current directory switches on.

use std::{os::unix::ffi::OsStrExt, path::PathBuf};

use super::{
    Asking,
    decision::{Decision, Effect, Set},
    notes::Note,
    session::{Closed, Wanted, closing, key_of},
};
use crate::{
    activation::{
        Lease, Trusted, lease,
        project::Place,
        trust::{Scope, Why},
    },
    cli::{
        context::{self, Context},
        failure::Failure,
        handout::{Regions, is_of_environment},
        project::{self, Doubt, Here, led_to, shown},
    },
    envdelta::Kind,
    model::{CredentialIdentifier, RegionName},
    resolver::{
        Cache, Entry,
        answer::{Answer, Question},
        audit, marks,
    },
    shell::Owner,
    system::{files, hash},
};

/// How long an answer holds that came of something that failed, in seconds.
const RETRY: i64 = 30;

pub(super) fn decide(context: &Context, hook: &Asking) -> Decision {
    let decision = match project::here(context) {
        Here::Nothing => return nothing(hook),
        Here::Denied(place) => no(context, place, None),
        Here::Elsewhere(place) => Decision { here: true, ..no(context, place, None) },
        Here::Refused(refused) => {
            let file = shown(&refused.place.file);
            let note = format!("{file} is not used: {}", refused.problem);
            no(context, refused.place, Some(note))
        }
        Here::Untrusted(place, why, content) => {
            let file = shown(&place.file);
            let note = match why {
                Why::New => format!("{file} is not trusted: leapp trust"),
                Why::Changed(_) => format!("{file} has changed since it was trusted: leapp trust"),
                Why::OtherDirectory => {
                    format!("{file} is in another directory than the one trusted: leapp trust")
                }
            };
            let notes = vec![Note::once_about(note.clone(), content)];
            Decision { notes, ..no(context, place, Some(note)) }
        }
        Here::Trusted(trusted) => return trusted_project(context, hook, &trusted),
    };
    // What a person switched on or off holds against a directory that switches nothing on.
    match hook.hold {
        Owner::Nobody => decision,
        _ => Decision { effect: Effect::Stay, owner: hook.hold, ..decision },
    }
}

/// No project counts here.
pub(super) fn nothing(hook: &Asking) -> Decision {
    match hook.hold {
        Owner::Nobody => Decision::default(),
        owner => Decision { effect: Effect::Stay, owner, ..Decision::default() },
    }
}

/// Nothing is on here, as long as the file stays as it is and nobody trusts it.
fn no(context: &Context, place: Place, note: Option<String>) -> Decision {
    let answer = hash::short(note.as_deref().unwrap_or_default().as_bytes());
    let lease = lease_on(context, lease::NONE, &place, &answer);
    let notes = note.map(Note::once).into_iter().collect();
    Decision { lease, notes, ..Decision::nothing(place) }
}

fn lease_on(context: &Context, shelf: &str, place: &Place, answer: &str) -> Option<PathBuf> {
    let given = Lease::on_file(&context.run, shelf, place, answer);
    given.ok().map(|lease| lease.base().to_owned())
}

fn trusted_project(context: &Context, hook: &Asking, trusted: &Trusted) -> Decision {
    let id = trusted.bound().identity.uuid();
    let shelf = trusted.bound().identity.to_string();
    // Given before anything is read: what changes from now on takes it back.
    let lease = lease_on(context, &shelf, trusted.place(), trusted.id());
    let (record, seen) = trusted.record();
    if files::stamp(record) != *seen {
        // Taken back between the look at it and the lease.
        return no(context, trusted.place().clone(), None);
    }
    let stopped = marks::is_stopped(&context.run, id);
    let warm = (!stopped).then(|| warm(context, trusted)).flatten();
    let mut decision = warm.unwrap_or_else(|| look(context, hook, trusted));
    decision.owner = Owner::Directory;
    decision.place = Some(trusted.place().clone());
    decision.lease = decision.lease.or(lease);
    if matches!(decision.effect, Effect::Off) && hook.hold != Owner::Nobody {
        decision.effect = Effect::Stay;
        decision.owner = hook.hold;
    }
    decision.here = trusted.bound().scope == Scope::Here;
    announce(context, hook, &mut decision);
    decision
}

/// Says what was switched on, where that is news, and records it.
fn announce(context: &Context, hook: &Asking, decision: &mut Decision) {
    let before = context.before.state();
    let Effect::Set(set) = &decision.effect else { return };
    let same = before.is_some_and(|state| state.access_key_id == set.key);
    if same && (hook.held || before.is_some_and(|state| state.kind == Kind::Directory)) {
        return;
    }
    let ours = before.filter(|state| hook.held && state.kind == Kind::Directory);
    let renewed = ours
        .is_some_and(|state| state.identities.first() == Some(&set.identity) && state.expiry > 0);
    if decision.is_on() {
        if !renewed {
            decision.notes.insert(0, Note::news(format!("{} is on ({})", set.session, set.region)));
        }
        let expiry = set.delta.sets.iter().find(|(n, _)| n.as_str() == "LEAPP_STATE");
        let expiry = expiry.and_then(|(_, v)| crate::envdelta::State::parse(v.expose()));
        let expiry = expiry.map_or(0, |state| i64::try_from(state.expiry).unwrap_or(0));
        let handed = audit::HandedOut {
            identity: &set.identity,
            command: "hook",
            region: set.delta.region(),
            directory: std::env::current_dir().ok(),
            expires: crate::model::Timestamp(expiry),
        };
        audit::append(&context.home.audit(), &handed);
    } else if renewed && decision.notes.is_empty() {
        let text = format!("credentials of '{}' are not there any more", set.session);
        decision.notes.insert(0, Note::news(text));
    }
}

/// The complete answer, if it lies in the cache and nothing that it was made from has changed.
fn warm(context: &Context, trusted: &Trusted) -> Option<Decision> {
    if context::is_cache_off() {
        return None;
    }
    let cache = Cache::find(&context.run, &context.home.tag()).ok()??;
    let answer = Answer::find(&cache, &key(context, trusted), 0, true)?;
    let ask_again = answer.clocked().left() - answer.clocked().window();
    let set = Set {
        key: key_of(&answer.delta),
        identity: answer.identity,
        region: answer.delta.region().unwrap_or_default().to_owned(),
        session: answer.session,
        warning: "",
        delta: answer.delta,
    };
    let notes = answer.notes.into_iter().map(Note::once).collect();
    let effect = Effect::Set(Box::new(set));
    Some(Decision { effect, ask_again: Some(ask_again.max(1)), notes, ..Decision::default() })
}

fn key(context: &Context, trusted: &Trusted) -> String {
    use std::os::unix::ffi::OsStringExt;
    let region = trusted.region().map(RegionName::as_str);
    let question = Question {
        form: "hook",
        name: trusted.id(),
        region: None,
        project: region,
        duration: None,
    };
    question.key(&|name| context.own(name).map(OsStringExt::into_vec))
}

/// Reads the workspace and looks into the cache.
fn look(context: &Context, hook: &Asking, trusted: &Trusted) -> Decision {
    match try_look(context, hook, trusted) {
        Ok(decision) => decision,
        Err(failure) => failed(context, trusted, &failure),
    }
}

fn try_look(context: &Context, hook: &Asking, trusted: &Trusted) -> Result<Decision, Failure> {
    // The name in the file as well: it may mean something else by now.
    let known = context.known_around(&trusted.proposal().session().text());
    if matches!(trusted.bound().identity, CredentialIdentifier::Session(_)) {
        known.readable()?;
    }
    let place = trusted.place();
    let catalog = &known.catalog;
    let led = match led_to(catalog, trusted) {
        Ok(led) => led,
        Err(doubt) => return Ok(doubtful(context, trusted, &doubt)),
    };
    let mut notes = Vec::new();
    if led.renamed {
        let (old, new) = (trusted.proposal().session().text(), &led.session.name);
        let file = shown(&place.file);
        notes.push(format!(
            "session '{old}' is called '{new}' now; put into {file}:  session = \"{new}\""
        ));
    }
    if led.session.protected {
        return Ok(suggested(context, hook, trusted, led.session.name.as_str()));
    }
    let regions = Regions::of_project(trusted);
    let wanted = Wanted {
        context,
        catalog,
        session: led.session,
        kind: Kind::Directory,
        regions,
        root: place.directory().as_os_str().as_bytes().to_vec(),
    };
    let mut found = wanted.look()?;
    found.decision.notes.extend(notes.iter().map(Note::once));
    if let (Some(working), Effect::Set(set)) = (found.working, &found.decision.effect) {
        notes.extend(working.notes);
        let mut files = known.files.clone();
        files.extend(working.file);
        if !is_of_environment(catalog, led.session) {
            keep(context, trusted, Made { entry: working.entry, set, notes, files });
        }
    }
    Ok(found.decision)
}

struct Made<'a> {
    entry: Entry,
    set: &'a Set,
    notes: Vec<String>,
    files: Vec<(PathBuf, Option<files::Stamp>)>,
}

/// Keeps the answer for the next shell.
fn keep(context: &Context, trusted: &Trusted, made: Made<'_>) {
    let Made { entry, set, notes, mut files } = made;
    let Some(cache) = context.existing_cache() else { return };
    if entry.clocked.left() < entry.clocked.window() {
        return;
    }
    files.push(trusted.record().clone());
    let answer = Answer {
        session: set.session.clone(),
        identity: set.identity.clone(),
        entry,
        delta: set.delta.clone(),
        notes,
        files,
    };
    answer.keep(&cache, &key(context, trusted));
}

/// The file was trusted for another session than it would lead to now.
fn doubtful(context: &Context, trusted: &Trusted, doubt: &Doubt) -> Decision {
    let (message, hint) = doubt.explain(trusted.proposal());
    let file = shown(&trusted.place().file);
    no(context, trusted.place().clone(), Some(format!("{file}: {message}: {hint}")))
}

/// A directory never switches a protected session on; it says which one it means.
fn suggested(context: &Context, hook: &Asking, trusted: &Trusted, name: &str) -> Decision {
    let note = format!("this directory is for '{name}', which is protected: leapp use {name}");
    let decision = no(context, trusted.place().clone(), Some(note));
    let held_here = context.before.state().is_some_and(|state| {
        hook.hold == Owner::Use
            && state.identities.first() == Some(&trusted.bound().identity.to_string())
    });
    if held_here {
        // It is on by hand already, so that there is nothing to suggest.
        return Decision { effect: Effect::Stay, notes: Vec::new(), ..decision };
    }
    decision
}

/// Nothing can be said of the session now, and it must not give way to other credentials.
fn failed(context: &Context, trusted: &Trusted, failure: &Failure) -> Decision {
    let hint = failure.hint.as_deref().unwrap_or("leapp doctor");
    let name = trusted.proposal().session().text();
    let note = format!("'{name}' cannot be switched on: {}: {hint}", failure.in_a_line());
    let decision = no(context, trusted.place().clone(), Some(note));
    let closed = Closed {
        kind: Kind::Directory,
        managed: closing(),
        identity: trusted.bound().identity.to_string(),
        name,
        region: trusted.region().map(ToString::to_string),
        root: trusted.place().directory().as_os_str().as_bytes().to_vec(),
    };
    let effect = closed.set(context).map_or(Effect::Off, |set| Effect::Set(Box::new(set)));
    Decision { effect, ask_again: Some(RETRY), ..decision }
}
