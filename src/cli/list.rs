//! `leapp list`: everything that can give credentials, with its status, from the cache alone; and
//! what cannot, with the reason.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::{
    args::ListArgs,
    context::Context,
    failure::Outcome,
    known::Known,
    print, print_json, provider,
    session::{summary_of, with_parent},
};
use crate::{
    access::{self, OWN_KEYS, profile::holds_long_term_keys},
    model::{CredentialIdentifier, Session, catalog::Unusable, duration},
    output::table::{self, Emphasis, Row, visible},
    resolver::status::{self, Status},
};

pub(super) fn run(context: &Context, args: &ListArgs) -> Outcome<()> {
    if args.refresh {
        provider::refresh_all(context)?;
    }
    let known = context.known();
    let manager = context.viewer(&known.catalog);
    let statuses = status::of_all(&manager, &known.catalog);
    let wanted = args.text.as_deref().unwrap_or_default().to_lowercase();
    let mut shown: Vec<(&Session, Status)> = known
        .catalog
        .sessions()
        .zip(statuses)
        .filter(|(session, _)| !is_inner(session))
        .filter(|(session, _)| wanted.is_empty() || haystack(session).contains(&wanted))
        .collect();
    shown.sort_by_cached_key(|(session, _)| session.name.as_str().to_lowercase());
    let unusable: Vec<&Unusable> = known
        .catalog
        .unusable
        .iter()
        // That this shell's keys are ours is no news.
        .filter(|unusable| unusable.code != OWN_KEYS)
        .filter(|unusable| unusable.name.to_lowercase().contains(&wanted))
        .collect();
    if context.ui.manner().json {
        // A workspace that cannot be read is no empty one.
        known.readable()?;
        return print_json(&in_json(context, &known, &shown, &unusable));
    }
    if shown.is_empty() && unusable.is_empty() {
        known.readable()?;
        say_empty(context, &known, &wanted);
    } else {
        print(&in_words_all(context, &known, &shown, &unusable))?;
    }
    say_notes(context, &known, &shown);
    known.readable()
}

/// Why a source that is complete in itself is not so now: what it stands upon is not there.
fn why_incomplete(known: &Known, session: &Session, status: Status) -> Option<String> {
    let broken = (status == Status::Incomplete).then(|| known.catalog.chain(session).err());
    broken.flatten().map(|error| known.why(&error))
}

/// Nobody names it: it stands behind roles that share a code.
fn is_inner(session: &Session) -> bool {
    matches!(session.source, Some(CredentialIdentifier::MfaSession { .. }))
}

fn in_words_all(
    context: &Context,
    known: &Known,
    shown: &[(&Session, Status)],
    unusable: &[&Unusable],
) -> String {
    let rows: Vec<Row> = shown.iter().map(|(s, status)| row(context, known, s, *status)).collect();
    let names = ["NAME", "TYPE", "ACCOUNT", "ROLE", "REGION", "STATUS"];
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&table::render(&names, &rows, context.ui.table_style()));
    }
    let incomplete: Vec<(&Session, String)> = shown
        .iter()
        .filter_map(|(session, status)| Some((*session, why_incomplete(known, session, *status)?)))
        .collect();
    if !incomplete.is_empty() {
        text.push_str("\nincomplete:\n");
    }
    for (session, why) in &incomplete {
        text.push_str(&format!("  {}  {}\n", visible(session.name.as_str()), visible(why)));
    }
    if !unusable.is_empty() {
        let between = if rows.is_empty() { "" } else { "\n" };
        text.push_str(between);
        text.push_str("not usable:\n");
        for unusable in unusable {
            let name = shown_name(&unusable.identifier, &unusable.name);
            text.push_str(&format!("  {}  {}\n", visible(&name), visible(&unusable.reason)));
            if let Some(place) = &unusable.place {
                text.push_str(&format!(
                    "  {:width$}  {}\n",
                    "",
                    visible(place),
                    width = name.len()
                ));
            }
        }
    }
    text
}

/// A name that can be typed and tells what it is.
fn shown_name(identifier: &CredentialIdentifier, name: &str) -> String {
    match identifier {
        CredentialIdentifier::SsoSession(_) => identifier.to_string(),
        _ => name.to_owned(),
    }
}

/// What a person should know besides: on stderr, so that the list stays one.
fn say_notes(context: &Context, known: &Known, shown: &[(&Session, Status)]) {
    for problem in &known.problems {
        context.ui.note(&format!("{problem}; nothing in that file counts"));
    }
    for note in &known.notes {
        context.ui.note(note);
    }
    let visible: HashSet<CredentialIdentifier> =
        shown.iter().map(|(session, _)| session.identifier()).collect();
    for warning in known.warnings.iter().filter(|w| visible.contains(&w.identifier)) {
        context.ui.note(&format!("{}: {}", warning.identifier, warning.text));
    }
    let keys = shown.iter().filter(|(session, _)| holds_long_term_keys(session)).count();
    if keys > 0 {
        context.ui.say(&format!(
            "k: a long-term key in a plain file ({keys}); to move one into the vault: \
             leapp session add aws-iam-user NAME --from-profile PROFILE --replace"
        ));
    }
}

/// A status for people.
pub(super) fn in_words(status: Status) -> String {
    match status {
        Status::Active { left, .. } => format!("active {}", duration::brief(left)),
        Status::Inactive => "inactive".into(),
        Status::Incomplete => "incomplete".into(),
        Status::NeedsLogin => "needs login".into(),
        Status::NeedsPerson => "needs MFA".into(),
        Status::Pending => "pending".into(),
    }
}

/// The same for one session: not everybody asks for the code of a device.
pub(super) fn in_words_of(session: &Session, status: Status) -> String {
    match (status, &session.source) {
        (Status::NeedsPerson, Some(CredentialIdentifier::External { .. })) => {
            "needs an answer".into()
        }
        _ => in_words(status),
    }
}

/// A status for programs.
pub(super) fn as_members(status: Status) -> Json {
    match status {
        Status::Active { left, expires, started } => json!({
            "status": "active",
            "expiration": expires.rfc3339(),
            "secondsLeft": left,
            "startDateTime": started.rfc3339(),
        }),
        other => json!({ "status": other.as_str() }),
    }
}

fn row(context: &Context, known: &Known, session: &Session, status: Status) -> Row {
    let summary = summary_of(session);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let protected = if session.protected { " !" } else { "" };
    let key = if holds_long_term_keys(session) { " k" } else { "" };
    let region = known.catalog.home_region(session).map(ToString::to_string);
    let emphasis = match status {
        Status::Active { .. } => Emphasis::Good,
        Status::Inactive | Status::Pending => Emphasis::None,
        Status::Incomplete | Status::NeedsLogin | Status::NeedsPerson => Emphasis::Warning,
    };
    Row {
        mark: if is_on(context, session) { "*" } else { "" },
        cells: vec![
            format!("{}{protected}{key}", name_of(session)),
            kind(session),
            dash(summary.account),
            dash(summary.role),
            region.unwrap_or_else(|| fallback_region(session)),
            in_words_of(session, status),
        ],
        emphasis,
    }
}

/// What a person types; with what a provider calls it, which says more than most ids.
fn name_of(session: &Session) -> String {
    match (&session.source, &session.display_name) {
        (Some(CredentialIdentifier::External { .. }), Some(shown)) => {
            format!("{} ({shown})", session.name)
        }
        _ => session.name.to_string(),
    }
}

/// The type; of what was found elsewhere without the cloud's name, which all of them have: what is
/// behind it must not be cut off.
fn kind(session: &Session) -> String {
    let kind = session.session_type.as_str();
    let short = kind.strip_prefix("aws-").filter(|_| !session.is_own());
    short.unwrap_or(kind).to_owned()
}

fn in_json(
    context: &Context,
    known: &Known,
    shown: &[(&Session, Status)],
    unusable: &[&Unusable],
) -> Json {
    let names: HashMap<String, String> = known
        .catalog
        .sessions()
        .map(|s| (s.identifier().to_string(), s.name.to_string()))
        .collect();
    let mut bound: HashMap<uuid::Uuid, Vec<&str>> = HashMap::new();
    for (profile, session) in &known.catalog.bound {
        bound.entry(*session).or_default().push(profile);
    }
    let rows = shown.iter().map(|(session, status)| {
        let parent = session.parent.as_ref().and_then(|id| names.get(&id.to_string()));
        let mut row = row_json(context, session, parent.cloned(), *status);
        if let Some(row) = row.as_object_mut() {
            let id = session.identifier();
            let warnings = known.warnings.iter().filter(|w| w.identifier == id);
            row.insert("warnings".into(), warnings.map(|w| w.text.clone()).collect());
            if let Some(why) = why_incomplete(known, session, *status) {
                row.insert("reason".into(), why.into());
            }
            row.insert("longTermKeysInFile".into(), holds_long_term_keys(session).into());
            row.insert("boundProfiles".into(), json!(bound.get(&session.id).cloned()));
        }
        row
    });
    let unusable = unusable.iter().map(|unusable| {
        json!({
            "identifier": unusable.identifier.to_string(),
            "name": unusable.name,
            "status": "unusable",
            "code": unusable.code,
            "reason": unusable.reason,
            "place": unusable.place,
        })
    });
    rows.chain(unusable).collect()
}

fn row_json(
    context: &Context,
    session: &Session,
    parent_name: Option<String>,
    status: Status,
) -> Json {
    let mut row = with_parent(session, parent_name);
    if let (Some(row), Some(status)) = (row.as_object_mut(), as_members(status).as_object()) {
        row.extend(status.clone());
        row.insert("current".into(), is_on(context, session).into());
    }
    row
}

/// Where a session works that has no region and no default: what its factory falls back to.
/// Where one of another source works its programs' surroundings tell.
fn fallback_region(session: &Session) -> String {
    if !session.is_own() {
        return "-".into();
    }
    let factory = access::factory(&session.session_type);
    let region = factory.and_then(|factory| factory.home_region(session, None).ok());
    region.map_or_else(|| "-".into(), |region| region.to_string())
}

fn is_on(context: &Context, session: &Session) -> bool {
    let state = context.before.state();
    state.is_some_and(|state| state.identities.contains(&session.identifier().to_string()))
}

fn haystack(session: &Session) -> String {
    let summary = summary_of(session);
    let region = session.region.as_ref().map(ToString::to_string);
    let parts = [
        Some(session.name.to_string()),
        session.display_name.clone(),
        Some(session.session_type.clone()),
        summary.account,
        summary.role,
        region,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase()
}

fn say_empty(context: &Context, known: &Known, wanted: &str) {
    if known.catalog.sessions().next().is_none() {
        context.ui.say("there are no sessions yet, and no profiles");
        context.ui.say("next: leapp session add");
    } else {
        context.ui.say(&format!("nothing has {wanted:?}; 'leapp list' shows all"));
    }
}
