//! The deterministic id of something that can give credentials.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one source of credentials; editing the source keeps it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialIdentifier {
    /// A session of the workspace, by its UUID.
    Session(Uuid),
}

impl CredentialIdentifier {
    /// Reads the exact form, `session:<uuid>`.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        text.strip_prefix("session:")
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Self::Session)
            .ok_or_else(|| IdentifierError(text.to_owned()))
    }
}

impl fmt::Display for CredentialIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id}"),
        }
    }
}

impl TryFrom<String> for CredentialIdentifier {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Self, IdentifierError> {
        Self::parse(&text)
    }
}

impl From<CredentialIdentifier> for String {
    fn from(id: CredentialIdentifier) -> Self {
        id.to_string()
    }
}

/// The text is no identifier of a kind that this program knows.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no credential identifier of the form session:<uuid>")]
pub struct IdentifierError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_what_it_writes() {
        let id = CredentialIdentifier::Session(Uuid::from_u128(7));
        assert_eq!(CredentialIdentifier::parse(&id.to_string()), Ok(id));
        for bad in ["", "session:", "session:x", "profile:x", "00000000"] {
            assert!(CredentialIdentifier::parse(bad).is_err(), "{bad}");
        }
    }
}
