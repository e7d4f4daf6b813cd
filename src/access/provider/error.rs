//! What goes wrong with a provider. Its stdout is never part of an error; the last line of its
//! stderr is.

use super::{
    ProviderName, RefusalKind,
    reply::{Refusal, ReplyError, clean},
};
use crate::system::{
    child::{ChildError, End},
    directory::PathError,
    executable::ExecutableError,
};

/// A provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("provider '{provider}' gave no {wanted}")]
pub struct ProviderError {
    /// Which one.
    pub provider: ProviderName,
    /// What it was asked for.
    pub wanted: String,
    /// Why.
    #[source]
    pub problem: Problem,
}

/// Why a provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The person stopped.
    #[error("cancelled")]
    Cancelled,
    /// It cannot be run, or was stopped for what it did.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// It ended in another way than by itself with status 0.
    #[error("it {}{}", ended(*.end), quoted(.last.as_ref()))]
    Crashed {
        /// How.
        end: End,
        /// The last line of its stderr.
        last: Option<String>,
    },
    /// The program may not be run.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// The keys that it gave have ended.
    #[error("its credentials have expired already")]
    Expired,
    /// What it listed cannot be kept.
    #[error("what it listed cannot be kept")]
    Keeping(#[source] PathError),
    /// A person must answer, and cannot be asked here.
    #[error("it asks {0:?}, and nobody can be asked here")]
    NeedsPerson(String),
    /// It says why itself.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// Its answer is none.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// It took too long.
    #[error("it did not end within {seconds} s{}", quoted(.last.as_ref()))]
    TimedOut {
        /// What it had.
        seconds: u64,
        /// The last line of its stderr.
        last: Option<String>,
    },
    /// What another process, which asked for the same, was told.
    #[error("{message} (as process {process} found)")]
    Told {
        /// Of what kind it is.
        kind: FailureKind,
        /// What it was told.
        message: String,
        /// What helps.
        hint: Option<String>,
        /// Which process.
        process: u32,
    },
    /// It asks and asks.
    #[error("it asked {0} times and still gives no credentials")]
    TooManyQuestions(usize),
    /// It answered something that it was not asked.
    #[error("it answered with '{0}', which it was not asked for")]
    Unasked(&'static str),
}

fn ended(end: End) -> String {
    match end {
        End::Code(code) => format!("ended with status {code}"),
        End::Signal(signal) => format!("was ended by signal {signal}"),
    }
}

fn quoted(last: Option<&String>) -> String {
    last.map(|line| format!(": {line}")).unwrap_or_default()
}

/// The last line of a text that says something.
pub(super) fn last_line(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    text.lines().rev().map(clean).find(|line| !line.is_empty())
}

/// The kinds of failure, by what helps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailureKind {
    /// A person must do or answer something.
    Action,
    /// The person stopped.
    Cancelled,
    /// The provider does not work.
    Failed,
    /// Something is not configured.
    Incomplete,
    /// Access is denied.
    Refused,
    /// What stands behind the provider does not answer.
    Unreachable,
}

impl ProviderError {
    /// Of what kind it is.
    pub fn kind(&self) -> FailureKind {
        match &self.problem {
            Problem::Cancelled | Problem::Child(ChildError::Interrupted(_)) => {
                FailureKind::Cancelled
            }
            Problem::NeedsPerson(_) => FailureKind::Action,
            Problem::Executable(_) => FailureKind::Incomplete,
            Problem::Refused(refusal) => match refusal.kind {
                RefusalKind::Action => FailureKind::Action,
                RefusalKind::Failed => FailureKind::Failed,
                RefusalKind::Incomplete => FailureKind::Incomplete,
                RefusalKind::Refused => FailureKind::Refused,
                RefusalKind::Unreachable => FailureKind::Unreachable,
            },
            Problem::TimedOut { .. } => FailureKind::Unreachable,
            Problem::Told { kind, .. } => *kind,
            Problem::Child(_)
            | Problem::Crashed { .. }
            | Problem::Expired
            | Problem::Keeping(_)
            | Problem::Reply(_)
            | Problem::TooManyQuestions(_)
            | Problem::Unasked(_) => FailureKind::Failed,
        }
    }

    /// What helps, where that is known.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Refused(refusal) => refusal.hint.clone(),
            Problem::Told { hint, .. } => hint.clone(),
            Problem::Reply(ReplyError::Version(spoken)) => {
                let newer = spoken.iter().all(|version| *version > super::VERSION);
                Some(
                    if newer { "install a newer leapp" } else { "install a newer provider" }.into(),
                )
            }
            Problem::Executable(error) => executable_hint(error),
            Problem::TimedOut { .. } if self.wanted.starts_with("credentials") => {
                Some("if it needs longer, give it a 'timeout' in config.toml".into())
            }
            Problem::Child(ChildError::Start(error)) => match error.raw_os_error() {
                Some(libc::ENOENT) => Some("is the interpreter in its first line there?".into()),
                Some(libc::ENOEXEC) => {
                    Some("a script begins with a line such as #!/usr/bin/env python3".into())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn executable_hint(error: &ExecutableError) -> Option<String> {
    match error {
        ExecutableError::Writable { path, mode } if mode & 0o1000 == 0 => {
            Some(format!("chmod go-w '{}'", path.display()))
        }
        ExecutableError::ForeignOwner { .. } | ExecutableError::Writable { .. } => {
            Some("put the program where only you and root can write".into())
        }
        ExecutableError::NotExecutable(path) => Some(format!("chmod u+x '{}'", path.display())),
        _ => None,
    }
}
