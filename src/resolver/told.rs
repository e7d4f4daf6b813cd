//! How a failure of the cloud, or of a program, is told to the processes that waited for the same request.
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

/// A program that gives credentials failed, or took too long.
const PROGRAM: &str = "program";
const PROGRAM_LATE: &str = "program-late";

/// Leaves what those who wait should know. What a program said on its stderr is for the one who ran
/// it, and not for a file.
pub(super) fn share(flight: &flight::Flight, error: &AccessError) {
    match error {
        AccessError::Cloud(cloud) => flight.share(word(cloud.kind), &cloud.code, &cloud.message),
        AccessError::Program { timed_out, .. } => {
            let (kind, what) =
                if *timed_out { (PROGRAM_LATE, "took too long") } else { (PROGRAM, "failed") };
            flight.share(kind, "", &format!("the program that gives the credentials {what}"));
        }
        _ => {}
    }
}

/// The word for it.
fn word(kind: ErrorKind) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == kind).map_or("unreachable", |(word, _)| word)
}

impl From<flight::SharedFailure> for ResolveError {
    fn from(failed: flight::SharedFailure) -> Self {
        let message = format!("{} (as process {} found)", failed.message, failed.pid);
        let timed_out = failed.kind == PROGRAM_LATE;
        if timed_out || failed.kind == PROGRAM {
            return AccessError::Program { problem: message, timed_out }.into();
        }
        let kind = WORDS.iter().find(|(word, _)| *word == failed.kind);
        let kind = kind.map_or(ErrorKind::Unreachable, |(_, kind)| *kind);
        AccessError::Cloud(CloudError { kind, code: failed.code, message }).into()
    }
}
