//! One request in flight: of all processes that want the same credentials, one asks and the others
//! take what it got.
//!
//! The lock is the kernel's, so a leader that dies frees it. Its file says who leads and whether a
//! person is being asked; a failure is left beside it for those who waited.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::system::{
    clock, directory,
    files::{self, Durability},
    lock::{self, Lock},
    process,
};

/// How long a follower waits that has no terminal.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that has a terminal waits: as long as a person needs for a code, and some more.
const LONG_PATIENCE: Duration = Duration::from_mins(5);
/// How long a failure is shared, in seconds.
const SHARED: i64 = 2;

/// What a follower should know while it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wait {
    /// The leader's process id.
    pub leader: u32,
    /// Whether the leader is asking a person.
    pub asking: bool,
}

/// The end of entering.
pub(super) enum Entered {
    /// This process leads.
    Leader(Flight),
    /// The leader failed while this process waited.
    Failed(SharedFailure),
    /// The leader asks a person, and this process may not wait for that.
    Asking(u32),
    /// It took too long.
    TimedOut(u32),
}

/// A failure, for those who waited for the request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct SharedFailure {
    /// The process that failed.
    pub(super) pid: u32,
    /// When, in seconds since the epoch.
    pub(super) at: i64,
    /// What kind of failure: the word of an error kind of `cloud`, or of a provider's failure.
    pub(super) kind: String,
    /// The cloud's code, or a provider's name.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
    /// What helps, where that was told too.
    #[serde(default)]
    pub(super) hint: Option<String>,
}

/// What is shared of a failure.
pub(super) struct Shared<'a> {
    pub(super) kind: &'static str,
    pub(super) code: &'a str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// The lead; dropping it ends it.
pub(super) struct Flight {
    lock: Lock,
    failure: PathBuf,
}

/// What the leader is doing, as words of one length.
const ASKING: &str = "asking ";
const IDLE: &str = "idle   ";
const WORKING: &str = "working";

impl Flight {
    /// Takes the lead for `name`, or waits for who has it.
    pub(super) fn enter(
        run: &Path,
        name: &str,
        may_ask: bool,
        tell: &dyn Fn(Wait),
    ) -> io::Result<Entered> {
        let path = path(run, name);
        _ = directory::ensure(path.parent().unwrap_or(run));
        let failure = path.with_extension("failed");
        let (began, started) = (Instant::now(), clock::now());
        let limit = if may_ask { LONG_PATIENCE } else { PATIENCE };
        let mut pause = Duration::from_millis(2);
        let mut waited = false;
        loop {
            if let Some(lock) = Lock::try_take(&path)? {
                // Whether the leader failed while this process waited for it.
                if let Some(failed) = read_failure(&failure).filter(|_| waited)
                    && failed.at >= started
                    && clock::now().saturating_sub(failed.at) <= SHARED
                {
                    return Ok(Entered::Failed(failed));
                }
                let flight = Self { lock, failure };
                flight.note(WORKING);
                return Ok(Entered::Leader(flight));
            }
            let wait = who(&path);
            if wait.asking && !may_ask {
                return Ok(Entered::Asking(wait.leader));
            }
            if began.elapsed() > Duration::from_millis(300) {
                tell(wait);
            }
            if began.elapsed() > limit {
                return Ok(Entered::TimedOut(wait.leader));
            }
            waited = true;
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Says whether a person is being asked now.
    pub(super) fn asking(&self, asking: bool) {
        self.note(if asking { ASKING } else { WORKING });
    }

    /// Leaves a failure for those who wait.
    pub(super) fn share(&self, failure: Shared<'_>) {
        let Shared { kind, code, message, hint } = failure;
        let shared = SharedFailure {
            pid: process::id(),
            at: clock::now(),
            kind: kind.to_owned(),
            code: code.to_owned(),
            message,
            hint,
        };
        let text = serde_json::to_vec(&shared).unwrap_or_default();
        _ = files::write_private(&self.failure, &text, Durability::Cache);
    }

    /// The request succeeded: an earlier failure is past.
    pub(super) fn clear(&self) {
        _ = files::remove(&self.failure);
    }

    fn note(&self, word: &str) {
        _ = self.lock.note(&format!("{:010} {word}\n", process::id()));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.note(IDLE);
    }
}

/// Whether a request for `name` is in flight. Creates nothing.
pub(super) fn is_flying(run: &Path, name: &str) -> bool {
    lock::is_held(&path(run, name))
}

/// Keeps everybody from taking the lead for `name` while the result lives; `None` when somebody
/// has it.
pub(super) fn try_hold(run: &Path, name: &str) -> Option<Lock> {
    Lock::try_take(&path(run, name)).ok().flatten()
}

fn path(run: &Path, name: &str) -> PathBuf {
    run.join("l").join(name)
}

fn who(path: &Path) -> Wait {
    let note = lock::read_note(path);
    let (pid, word) = note.split_once(' ').unwrap_or((&note, ""));
    let leader = pid.parse().unwrap_or(0);
    // A leader that was killed has left its note, and the next one has not written yet.
    let asking = word.trim_end() == ASKING.trim_end() && process::is_alive(leader);
    Wait { leader, asking }
}

fn read_failure(path: &Path) -> Option<SharedFailure> {
    let content = files::read_private(path, 64 << 10).ok().flatten()?;
    serde_json::from_slice(&content.bytes).ok()
}
