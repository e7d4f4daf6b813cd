//! Marks that last until the machine's next start: a session was stopped by hand; a person named a
//! protected session on this terminal; a renewal in the background failed.

use std::{
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::system::{
    clock, directory,
    files::{self, Durability},
    hash,
    lock::{self, Lock},
};

/// How long naming a protected session holds on a terminal, in seconds.
const NAMED: i64 = 60 * 60;

/// How long after a failed renewal none is begun, in seconds.
const RETRY: i64 = 5 * 60;

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

/// Becomes the one renewal of the session; `None` while there is another.
pub fn begin_renewal(run: &Path, session: Uuid) -> io::Result<Option<Lock>> {
    let path = renewing(run, session);
    directory::ensure(path.parent().unwrap_or(run)).map_err(io::Error::other)?;
    Lock::try_take(&path)
}

/// Whether a renewal in the background is at work.
pub fn is_renewing(run: &Path, session: Uuid) -> bool {
    lock::is_held(&renewing(run, session))
}

/// Notes why a renewal in the background failed; no secret.
pub fn fail_renewal(run: &Path, session: Uuid, why: &str) {
    let path = failed(run, session);
    _ = directory::ensure(path.parent().unwrap_or(run));
    let why: String = why.chars().take(300).collect();
    let text = format!("{} {why}", clock::since_boot());
    _ = files::write_private(&path, text.as_bytes(), Durability::Cache);
}

/// New credentials came: an earlier failure is past.
pub fn clear_renewal(run: &Path, session: Uuid) {
    _ = files::remove(&failed(run, session));
}

/// Why a renewal failed within the last five minutes.
pub fn failed_renewal(run: &Path, session: Uuid) -> Option<String> {
    let content = files::read_private(&failed(run, session), 4096).ok().flatten()?;
    let text = String::from_utf8(content.bytes).ok()?;
    let (at, why) = text.split_once(' ')?;
    let age = clock::since_boot().saturating_sub(at.parse().ok()?);
    (0..RETRY).contains(&age).then(|| why.to_owned())
}

fn failed(run: &Path, session: Uuid) -> PathBuf {
    run.join("r").join(session.to_string())
}

fn renewing(run: &Path, session: Uuid) -> PathBuf {
    run.join("r").join(format!("{session}.lock"))
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
        assert_eq!(failed_renewal(run, id), None);
        let one = begin_renewal(run, id).unwrap();
        assert!(one.is_some() && is_renewing(run, id) && begin_renewal(run, id).unwrap().is_none());
        drop(one);
        assert!(!is_renewing(run, id));
        fail_renewal(run, id, "no network");
        assert_eq!(failed_renewal(run, id).as_deref(), Some("no network"));
        clear_renewal(run, id);
        assert_eq!(failed_renewal(run, id), None);
        assert!(!is_named(run, id, "/dev/pts/1"));
        name(run, id, "/dev/pts/1");
        assert!(is_named(run, id, "/dev/pts/1") && !is_named(run, id, "/dev/pts/2"));
    }
}
