//! `leapp session remove NAME`: dependants are named first; then session, credentials and secret go.

use serde_json::json;

use crate::{
    cli::{
        args::RemoveArgs,
        context::Context,
        failure::{Failure, Kind, Outcome},
        known::Known,
        print_json, trust,
    },
    model::{Catalog, Session, Workspace},
    system::terminal::Echo,
    vault::OpenVault,
};

pub(super) fn run(context: &Context, args: &RemoveArgs) -> Outcome<()> {
    let known = context.known();
    let session = known.find_own(&args.name)?.clone();
    let workspace = &known.catalog.workspace;
    let dependants = dependants(workspace, &session);
    let names: Vec<&str> = dependants.iter().map(|s| s.name.as_str()).collect();
    refuse_bound(&known, &session, args)?;
    if !dependants.is_empty() && !args.with_dependants {
        let message = format!("session '{}' is needed by {}", session.name, names.join(", "));
        return Err(Failure::new(Kind::Failed, message).hint(format!(
            "give them another parent, or: leapp session remove {} --with-dependants",
            session.name
        )));
    }
    if !args.yes {
        confirm(context, &session, &names)?;
    }
    let mut going = dependants;
    going.push(session);
    // Opened before anything changes, used after: a workspace that cannot be written must not have
    // lost its secrets, and they cannot be had again.
    let vault = vault_of(context, workspace, &going)?;
    let ids: Vec<_> = going.iter().map(|session| session.id).collect();
    context.change(|opened| {
        let now = dependants_of(&opened.workspace, &ids);
        if now.iter().any(|id| !ids.contains(id)) {
            return Err(Failure::new(
                Kind::Failed,
                "a session that depends on it was added meanwhile",
            )
            .hint(format!("leapp session remove {}", args.name)));
        }
        opened.workspace.sessions.retain(|session| !ids.contains(&session.id));
        Ok(())
    })?;
    forget(context, &known.catalog, &going, vault.as_deref())?;
    for session in &going {
        trust::forget_session(context, session)?;
    }
    let names: Vec<&str> = going.iter().map(|session| session.name.as_str()).collect();
    if context.ui.manner().json {
        return print_json(&json!({ "removed": names }));
    }
    context.ui.say(&format!("removed {}", names.join(", ")));
    for (profile, _) in known.catalog.bound.iter().filter(|(_, id)| ids.contains(id)) {
        let command = format!("leapp profile unbind {}", crate::cli::profile::word(profile));
        context.ui.note(&format!("profile '{profile}' is still bound to it: {command}"));
    }
    context.ui.say("undo: leapp workspace restore 1 (a removed secret must be given again)");
    Ok(())
}

/// The vault may have the only copy of a key that a profile's programs go on to use.
fn refuse_bound(known: &Known, session: &Session, args: &RemoveArgs) -> Outcome<()> {
    let bound = known.catalog.bound.iter().filter(|(_, id)| **id == session.id);
    let mut bound: Vec<&str> = bound.map(|(profile, _)| profile.as_str()).collect();
    bound.sort_unstable();
    let Some(first) = bound.first().filter(|_| !args.with_dependants) else { return Ok(()) };
    let message =
        format!("session '{}' is what profile '{}' calls", session.name, bound.join("', '"));
    Err(Failure::new(Kind::Failed, message).hint(format!(
        "leapp profile unbind {}; or: leapp session remove {} --with-dependants",
        shell_words::quote(first),
        session.name
    )))
}

/// Every session below this one, the nearest first.
fn dependants(workspace: &Workspace, session: &Session) -> Vec<Session> {
    let mut found: Vec<Session> = Vec::new();
    let mut parents = vec![session.id];
    while let Some(parent) = parents.pop() {
        for child in workspace.children(parent) {
            if child.id != session.id && !found.iter().any(|seen| seen.id == child.id) {
                parents.push(child.id);
                found.push(child.clone());
            }
        }
    }
    found
}

/// The ids of all sessions below any of these.
fn dependants_of(workspace: &Workspace, ids: &[uuid::Uuid]) -> Vec<uuid::Uuid> {
    let sessions = ids.iter().filter_map(|id| workspace.by_id(*id));
    sessions.flat_map(|session| dependants(workspace, session)).map(|s| s.id).collect()
}

fn confirm(context: &Context, session: &Session, dependants: &[&str]) -> Outcome<()> {
    let also = match dependants {
        [] => String::new(),
        names => format!(" and what depends on it ({})", names.join(", ")),
    };
    let prompt = format!("Remove session '{}'{also}? [y/N] ", session.name);
    let answer = context.ui.ask(&prompt, Echo::On).map_err(|error| {
        let failure = Failure::from(error);
        match failure.kind {
            Kind::NeedsAction => failure
                .doing(format!("cannot remove session '{}'", session.name))
                .hint(format!("leapp session remove {} --yes", session.name)),
            _ => failure,
        }
    })?;
    match answer.expose().trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::cancelled()),
    }
}

/// The vault, opened, if any of the sessions has a secret in it.
fn vault_of(
    context: &Context,
    workspace: &Workspace,
    going: &[Session],
) -> Outcome<Option<Box<dyn OpenVault>>> {
    match workspace.vault.as_deref() {
        // A vault that is gone has nothing left to remove, and none is made for that.
        Some("file") if !context.home.join("vault/vault.json").exists() => Ok(None),
        Some(recorded) if going.iter().any(has_secret) => {
            let (_, vault) = context.open_vault(Some(recorded))?;
            Ok(Some(vault))
        }
        _ => Ok(None),
    }
}

/// Removes the cached credentials and the vault's items of sessions that are gone.
fn forget(
    context: &Context,
    catalog: &Catalog,
    going: &[Session],
    vault: Option<&dyn OpenVault>,
) -> Outcome<()> {
    let manager = context.manager(catalog, context.existing_cache())?;
    for session in going {
        manager.forget(session);
        if let Some(vault) = vault.filter(|_| has_secret(session)) {
            vault.remove(&session.identifier().to_string())?;
        }
    }
    Ok(())
}

fn has_secret(session: &Session) -> bool {
    crate::access::factory(&session.session_type).is_none_or(|f| f.secret().is_some())
}
