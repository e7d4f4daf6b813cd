//! `leapp list`: every session with its status, from the cache alone.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{
    args::ListArgs,
    context::Context,
    failure::Outcome,
    print, print_json,
    session::{summary_of, with_parent},
};
use crate::{
    model::{Session, Workspace, duration},
    output::table::{self, Emphasis, Row},
    resolver::status::{self, Status},
};

pub(super) fn run(context: &Context, args: &ListArgs) -> Outcome<()> {
    let opened = context.workspace()?;
    let empty = Workspace::default();
    let workspace = opened.as_ref().map_or(&empty, |opened| &opened.workspace);
    let manager = context.manager(workspace, context.existing_cache())?;
    let statuses = status::of_all(&manager, workspace);
    let wanted = args.text.as_deref().unwrap_or_default().to_lowercase();
    let mut shown: Vec<(&Session, Status)> = workspace
        .sessions
        .iter()
        .zip(statuses)
        .filter(|(session, _)| wanted.is_empty() || haystack(session).contains(&wanted))
        .collect();
    shown.sort_by_cached_key(|(session, _)| session.name.as_str().to_ascii_lowercase());
    if context.ui.manner().json {
        let names: HashMap<String, &Session> =
            workspace.sessions.iter().map(|s| (s.identifier().to_string(), s)).collect();
        let rows = shown.iter().map(|(session, status)| {
            let parent = session.parent.as_ref().and_then(|id| names.get(&id.to_string()));
            row_json(context, session, parent.map(|parent| parent.name.to_string()), *status)
        });
        return print_json(&rows.collect());
    }
    if shown.is_empty() {
        say_empty(context, workspace, &wanted);
        return Ok(());
    }
    let rows: Vec<Row> =
        shown.iter().map(|(s, status)| row(context, workspace, s, *status)).collect();
    let names = ["NAME", "TYPE", "ACCOUNT", "ROLE", "REGION", "STATUS"];
    print(&table::render(&names, &rows, context.ui.table_style()))
}

/// A status for people.
pub(super) fn in_words(status: Status) -> String {
    match status {
        Status::Active { left, .. } => format!("active {}", duration::brief(left)),
        Status::Inactive => "inactive".into(),
        Status::Incomplete => "incomplete".into(),
        Status::NeedsPerson => "needs MFA".into(),
        Status::Pending => "pending".into(),
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

fn row(context: &Context, workspace: &Workspace, session: &Session, status: Status) -> Row {
    let summary = summary_of(session);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let protected = if session.protected { " !" } else { "" };
    let region = workspace.home_region(session).map(ToString::to_string);
    let emphasis = match status {
        Status::Active { .. } => Emphasis::Good,
        Status::Inactive | Status::Pending => Emphasis::None,
        Status::Incomplete | Status::NeedsPerson => Emphasis::Warning,
    };
    Row {
        mark: if is_on(context, session) { "*" } else { "" },
        cells: vec![
            format!("{}{protected}", session.name),
            session.session_type.clone(),
            dash(summary.account),
            dash(summary.role),
            region.unwrap_or_else(|| fallback_region(session)),
            in_words(status),
        ],
        emphasis,
    }
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
fn fallback_region(session: &Session) -> String {
    let factory = crate::access::factory(&session.session_type);
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

fn say_empty(context: &Context, workspace: &Workspace, wanted: &str) {
    if workspace.sessions.is_empty() {
        context.ui.say("there are no sessions yet");
        context.ui.say("next: leapp session add");
    } else {
        context.ui.say(&format!("no session has {wanted:?}; 'leapp list' shows all"));
    }
}
