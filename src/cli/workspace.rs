//! `leapp workspace info` and `restore`.

use std::path::Path;

use serde_json::json;

use super::{
    args::WorkspaceCommand,
    context::{Context, workspace_state},
    failure::{Failure, Kind, Outcome},
    print, print_json,
    start::local,
};
use crate::{
    model::Timestamp,
    output::table::{self, Row},
    system::{files, terminal::Echo},
    workspace::{KeySource, Store, backups},
};

pub(super) fn run(context: &Context, command: WorkspaceCommand) -> Outcome<()> {
    match command {
        WorkspaceCommand::Info => info(context),
        WorkspaceCommand::Restore { number: None, .. } => list(context),
        WorkspaceCommand::Restore { number: Some(number), yes } => {
            restore(context, usize::from(number), yes)
        }
    }
}

fn info(context: &Context) -> Outcome<()> {
    let path = context.home.workspace();
    let kept = backups::list(&context.home).len();
    let state = workspace_state(context);
    let (sessions, source, vault, problem) = match &state {
        Ok(Some(opened)) => {
            let workspace = &opened.workspace;
            (workspace.sessions.len(), Some(opened.source), workspace.vault.clone(), None)
        }
        Ok(None) => (0, None, None, Some("there is none yet".to_owned())),
        Err(error) => (0, None, None, Some(error.to_string())),
    };
    let vault_key =
        state.as_ref().ok().and_then(Option::as_ref).is_some_and(|o| o.vault_key.is_some());
    if context.ui.manner().json {
        print_json(&json!({
            "path": path,
            "sessions": sessions,
            "openedBy": source.map(KeySource::as_str),
            "vaultHoldsKey": vault_key,
            "vault": vault,
            "backups": kept,
            "runDirectory": context.run,
            "problem": problem,
        }))?;
    } else {
        let opened_by = source.map_or("-", KeySource::as_str);
        let also = if vault_key { ", or the vault" } else { "" };
        print(&format!(
            "workspace:      {}\nsessions:       {sessions}\nopened by:      {opened_by}{also}\n\
             secrets in:     {}\nbackups:        {kept}\nrun-time files: {}\n",
            path.display(),
            vault.map_or_else(|| "-".to_owned(), |vault| format!("{vault} vault")),
            context.run.display(),
        ))?;
        if source == Some(KeySource::MachineKeyFile) {
            context.ui.note(
                "this machine has no id: the key is the file 'machine-key' beside the workspace",
            );
        }
    }
    match state {
        Err(error) => Err(error.into()),
        Ok(None) => {
            context.ui.say("there is no workspace yet; next: leapp session add");
            Ok(())
        }
        Ok(Some(_)) => Ok(()),
    }
}

fn list(context: &Context) -> Outcome<()> {
    let store = Store::new(context.home.clone());
    let all = backups::list(&context.home);
    let rows = all.iter().enumerate().map(|(at, path)| {
        let opened = store.open_file(path, &|place| context.workspace_key(place));
        let sessions = opened.map(|opened| opened.workspace.sessions.len());
        (at + 1, path.clone(), time_of(path), sessions.ok())
    });
    let rows: Vec<_> = rows.collect();
    if context.ui.manner().json {
        let rows = rows.iter().map(|(number, path, time, sessions)| {
            json!({ "number": number, "path": path, "written": time.rfc3339(), "sessions": sessions })
        });
        return print_json(&rows.collect());
    }
    if rows.is_empty() {
        context.ui.say("there are no backups; one is made before each change");
        return Ok(());
    }
    let rows: Vec<Row> = rows
        .iter()
        .map(|(number, _, time, sessions)| Row {
            cells: vec![
                number.to_string(),
                local(*time),
                sessions.map_or_else(|| "unreadable".to_owned(), |n| n.to_string()),
            ],
            ..Row::default()
        })
        .collect();
    print(&table::render(&["NUMBER", "WRITTEN", "SESSIONS"], &rows, context.ui.table_style()))?;
    context.ui.say("next: leapp workspace restore NUMBER");
    Ok(())
}

fn restore(context: &Context, number: usize, yes: bool) -> Outcome<()> {
    let all = backups::list(&context.home);
    let path = all.get(number - 1).ok_or_else(|| {
        Failure::usage(format!("there is no backup {number}; there are {}", all.len()))
            .hint("leapp workspace restore lists them")
    })?;
    if !yes {
        confirm(context, number, path)?;
    }
    let (opened, aside) =
        Store::new(context.home.clone()).restore(path, &|place| context.workspace_key(place))?;
    let sessions = opened.workspace.sessions.len();
    if context.ui.manner().json {
        return print_json(&json!({ "restored": path, "sessions": sessions, "setAside": aside }));
    }
    context.ui.say(&format!("restored the workspace; sessions: {sessions}"));
    if let Some(aside) = aside {
        context.ui.say(&format!("what stood there is '{}'", aside.display()));
    }
    context.ui.say("next: leapp list");
    Ok(())
}

fn confirm(context: &Context, number: usize, path: &Path) -> Outcome<()> {
    let prompt =
        format!("Put the backup of {} in the workspace's place? [y/N] ", local(time_of(path)));
    let answer = context.ui.ask(&prompt, Echo::On).map_err(|error| {
        let failure = Failure::from(error);
        match failure.kind {
            Kind::NeedsAction => failure
                .doing("cannot restore the workspace")
                .hint(format!("leapp workspace restore {number} --yes")),
            _ => failure,
        }
    })?;
    match answer.expose().trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::cancelled()),
    }
}

fn time_of(path: &Path) -> Timestamp {
    let nanoseconds = files::stamp(path).map_or(0, |stamp| stamp.mtime_ns);
    Timestamp(i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0))
}
