//! What this shell inherited from a session of ours, and whether it still holds.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use super::{Finding, unset};
use crate::{
    cli::context::{Context, variable},
    envdelta::{Kind, MARKERS, State},
    shell::Shell,
    system::clock,
};

const SUBJECT: &str = "state";
/// Stands in place of credentials that ended.
const TOMBSTONE: &str = "LEAPP-EXPIRED";

pub(super) fn findings(context: &Context, shell: &dyn Shell) -> Vec<Finding> {
    let name = variable("LEAPP_SESSION").unwrap_or_default().to_string_lossy().into_owned();
    let Some(text) = variable("LEAPP_STATE") else {
        if name.is_empty() {
            return vec![Finding::ok(SUBJECT, "no session is on in this shell")];
        }
        let text =
            format!("LEAPP_SESSION is '{name}', but no session is on here: it was inherited");
        return vec![Finding::warning(SUBJECT, text).command(unset(shell, &["LEAPP_SESSION"]))];
    };
    let stale = |text: &str| vec![Finding::warning(SUBJECT, text).command(unset(shell, MARKERS))];
    if text.to_str().and_then(State::parse).is_none() {
        return stale("LEAPP_STATE is none that leapp wrote; it counts for nothing");
    }
    let Some(state) = context.before.state() else {
        return stale(
            "LEAPP_STATE speaks of another access key than the one here: other credentials have \
             replaced the session's, or it was inherited without them",
        );
    };
    let off = way_out(state.kind, shell);
    let now = u64::try_from(clock::now()).unwrap_or(0);
    if state.access_key_id == TOMBSTONE || state.expiry <= now {
        let text = format!("the credentials of session '{name}' in this shell have ended");
        return vec![Finding::warning(SUBJECT, text).command(off)];
    }
    let root = Path::new(OsStr::from_bytes(&state.root));
    if !state.root.is_empty() && !root.is_dir() {
        let root = root.display();
        let text = format!("session '{name}' was switched on by '{root}', which is gone");
        return vec![Finding::warning(SUBJECT, text).command(off)];
    }
    let by = match state.kind {
        Kind::Directory => "its directory",
        Kind::Env => "'leapp env'",
        Kind::Exec => "'leapp exec'",
        Kind::Use => "'leapp use'",
    };
    vec![Finding::ok(SUBJECT, format!("session '{name}' is on, by {by}"))]
}

/// What ends a session in this shell.
fn way_out(kind: Kind, shell: &dyn Shell) -> String {
    match (kind, shell.id()) {
        (Kind::Exec, _) => "exit".to_owned(),
        (Kind::Directory | Kind::Use, "powershell") => "leapp-off".to_owned(),
        (Kind::Directory | Kind::Use, _) => "leapp off".to_owned(),
        (Kind::Env, _) => shell.eval_line(&["leapp", "env", "--unset"]).unwrap_or_default(),
    }
}
