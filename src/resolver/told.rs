//! How a failure is told to the processes that waited for the same request: what the cloud or a
//! provider answered. What depends on who asked, such as that nobody could be asked, is not told.
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

/// The same of a provider.
const OF_PROVIDERS: &[(&str, FailureKind)] = &[
    ("provider-failed", FailureKind::Failed),
    ("provider-incomplete", FailureKind::Incomplete),
    ("provider-refused", FailureKind::Refused),
    ("provider-unreachable", FailureKind::Unreachable),
];

/// What is told of an error; `None` where everybody must see for themselves.
pub(super) fn shared(error: &ResolveError) -> Option<Shared<'_>> {
    match error {
        ResolveError::Access(AccessError::Cloud(cloud)) => {
            let word = WORDS.iter().find(|(_, known)| *known == cloud.kind);
            let kind = word.map_or("unreachable", |(word, _)| word);
            Some(Shared { kind, code: &cloud.code, message: cloud.message.clone(), hint: None })
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
        let kind = WORDS.iter().find(|(word, _)| *word == failed.kind);
        AccessError::Cloud(CloudError {
            kind: kind.map_or(ErrorKind::Unreachable, |(_, kind)| *kind),
            code: failed.code,
            message: format!("{} (as process {} found)", failed.message, failed.pid),
        })
        .into()
    }
}
