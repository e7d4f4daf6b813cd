//! How a failure is told to the processes that waited for the same request: what the cloud, a provider
//! or a program answered. What depends on who asked, such as that nobody could be asked, is not told.
//!
//! Deliberately absent: where that is written and for how long; it stands in `flight`.

use super::{
    flight::{Shared, SharedFailure},
    manager::ResolveError,
};
use crate::{
    access::{
        AccessError,
        provider::{FailureKind, Problem, ProviderError, ProviderName},
    },
    cloud::{CloudError, ErrorKind},
};

/// What went wrong with the cloud, and how one process tells it to another.
const WORDS: &[(&str, ErrorKind)] = &[
    ("duration", ErrorKind::DurationTooLong),
    ("expired", ErrorKind::Expired),
    ("login", ErrorKind::LoginNeeded),
    ("mfa", ErrorKind::MfaRejected),
    ("refused", ErrorKind::Refused),
    ("unreachable", ErrorKind::Unreachable),
];

/// A program that gives credentials failed, or took too long.
const PROGRAM: &str = "program";
const PROGRAM_LATE: &str = "program-late";

/// The same of a provider.
const OF_PROVIDERS: &[(&str, FailureKind)] = &[
    ("provider-failed", FailureKind::Failed),
    ("provider-incomplete", FailureKind::Incomplete),
    ("provider-refused", FailureKind::Refused),
    ("provider-unreachable", FailureKind::Unreachable),
];

/// What is told of an error; `None` where everybody must see for themselves. What a program said on
/// its stderr is for the one who ran it, and not for a file.
pub(super) fn shared(error: &ResolveError) -> Option<Shared<'_>> {
    match error {
        ResolveError::Access(AccessError::Cloud(cloud)) => {
            let word = WORDS.iter().find(|(_, known)| *known == cloud.kind);
            let kind = word.map_or("unreachable", |(word, _)| word);
            Some(Shared { kind, code: &cloud.code, message: cloud.message.clone(), hint: None })
        }
        ResolveError::Access(AccessError::Program { timed_out, .. }) => {
            let (kind, what) =
                if *timed_out { (PROGRAM_LATE, "took too long") } else { (PROGRAM, "failed") };
            let message = format!("the program that gives the credentials {what}");
            Some(Shared { kind, code: "", message, hint: None })
        }
        ResolveError::Access(AccessError::Provider(error)) => {
            let (kind, _) = OF_PROVIDERS.iter().find(|(_, known)| *known == error.kind())?;
            let message = error.problem.to_string();
            Some(Shared { kind, code: error.provider.as_str(), message, hint: error.hint() })
        }
        _ => None,
    }
}

impl From<SharedFailure> for ResolveError {
    fn from(failed: SharedFailure) -> Self {
        let of_provider = OF_PROVIDERS.iter().find(|(word, _)| *word == failed.kind);
        if let (Some((_, kind)), Ok(provider)) = (of_provider, ProviderName::parse(&failed.code)) {
            let SharedFailure { message, hint, pid: process, .. } = failed;
            let problem = Problem::Told { kind: *kind, message, hint, process };
            let wanted = "credentials".to_owned();
            return AccessError::from(ProviderError { provider, wanted, problem }).into();
        }
        let message = format!("{} (as process {} found)", failed.message, failed.pid);
        let timed_out = failed.kind == PROGRAM_LATE;
        if timed_out || failed.kind == PROGRAM {
            return AccessError::Program { problem: message, said: None, timed_out }.into();
        }
        let kind = WORDS.iter().find(|(word, _)| *word == failed.kind);
        let kind = kind.map_or(ErrorKind::Unreachable, |(_, kind)| *kind);
        AccessError::Cloud(CloudError { kind, code: failed.code, message }).into()
    }
}
