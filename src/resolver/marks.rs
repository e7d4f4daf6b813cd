//! Marks that last until the machine's next start: a session was stopped by hand; a person named a
//! protected session on this terminal.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::system::{
    clock, directory,
    files::{self, Durability},
    hash,
};

/// How long naming a protected session holds on a terminal, in seconds.
const NAMED: i64 = 60 * 60;

/// Marks the session as stopped: hooks and background renewal leave it alone from now on.
pub fn stop(run: &Path, session: Uuid) {
    let path = stopped(run, session);
    _ = directory::ensure(path.parent().unwrap_or(run));
    _ = files::write_private(&path, b"", Durability::Cache);
}

/// The session was asked for by name again.
pub fn unstop(run: &Path, session: Uuid) {
    _ = files::remove(&stopped(run, session));
}

/// Whether the session is marked as stopped.
pub fn is_stopped(run: &Path, session: Uuid) -> bool {
    stopped(run, session).exists()
}

/// Notes that a person named the session on the terminal `terminal`.
pub fn name(run: &Path, session: Uuid, terminal: &str) {
    let path = named(run, session, terminal);
    _ = directory::ensure(path.parent().unwrap_or(run));
    let now = clock::since_boot().to_string();
    _ = files::write_private(&path, now.as_bytes(), Durability::Cache);
}

/// Whether a person named the session on this terminal within the last hour.
pub fn is_named(run: &Path, session: Uuid, terminal: &str) -> bool {
    let content = files::read_private(&named(run, session, terminal), 64).ok().flatten();
    let at = content.and_then(|c| String::from_utf8(c.bytes).ok()?.parse::<i64>().ok());
    at.is_some_and(|at| (0..NAMED).contains(&clock::since_boot().saturating_sub(at)))
}

fn stopped(run: &Path, session: Uuid) -> PathBuf {
    run.join("s").join(session.to_string())
}

fn named(run: &Path, session: Uuid, terminal: &str) -> PathBuf {
    run.join("p").join(format!("{session}-{}", hash::short(terminal.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_and_go() {
        let run = tempfile::tempdir().unwrap();
        let (run, id) = (run.path(), Uuid::from_u128(1));
        assert!(!is_stopped(run, id));
        stop(run, id);
        assert!(is_stopped(run, id) && !is_stopped(run, Uuid::from_u128(2)));
        unstop(run, id);
        assert!(!is_stopped(run, id));
        assert!(!is_named(run, id, "/dev/pts/1"));
        name(run, id, "/dev/pts/1");
        assert!(is_named(run, id, "/dev/pts/1") && !is_named(run, id, "/dev/pts/2"));
    }
}
