//! How a failure of the cloud is told to the processes that waited for the same request.
//!
//! Deliberately absent: where that is written and for how long; it stands in `flight`.

use super::{flight, manager::ResolveError};
use crate::{
    access::AccessError,
    cloud::{CloudError, ErrorKind},
};

/// What went wrong, and how one process tells it to another.
const WORDS: &[(&str, ErrorKind)] = &[
    ("duration", ErrorKind::DurationTooLong),
    ("expired", ErrorKind::Expired),
    ("login", ErrorKind::LoginNeeded),
    ("mfa", ErrorKind::MfaRejected),
    ("refused", ErrorKind::Refused),
    ("unreachable", ErrorKind::Unreachable),
];

/// The word for it.
pub(super) fn word(kind: ErrorKind) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == kind).map_or("unreachable", |(word, _)| word)
}

impl From<flight::SharedFailure> for ResolveError {
    fn from(failed: flight::SharedFailure) -> Self {
        let kind = WORDS.iter().find(|(word, _)| *word == failed.kind);
        AccessError::Cloud(CloudError {
            kind: kind.map_or(ErrorKind::Unreachable, |(_, kind)| *kind),
            code: failed.code,
            message: format!("{} (as process {} found)", failed.message, failed.pid),
        })
        .into()
    }
}
