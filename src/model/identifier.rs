//! The deterministic id of something that can give credentials.
//!
//! An id holds the kind of its source and the user's own name for it; no counter, no time, no hash
//! of a content. So editing a source keeps its id, and renaming it removes one and adds another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::NameError;

/// The namespace of the UUIDs that follow from an identifier; chosen once, at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d8f_1c0e_6a0b_4b9f_9c47_2f1e_83a6_d0b2);

/// No name from outside is longer, in bytes.
pub const LONGEST_NAME: usize = 256;

/// Names one source of credentials; editing the source keeps it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialIdentifier {
    /// The endpoint that a container's `AWS_CONTAINER_CREDENTIALS_*` variables name.
    Container,
    /// The keys in the user's own environment.
    Environment,
    /// What a third party's provider gives, by its own id.
    External {
        /// The provider's name in the settings.
        provider: String,
        /// The id, in the provider's own words.
        id: String,
    },
    /// The role of the machine that we run on.
    Instance,
    /// A session of a profile's long-term keys that a one-time code was given for. All roles behind
    /// the same keys and device share it; nobody names it.
    MfaSession {
        /// The profile that holds the keys.
        profile: String,
        /// The device: a serial number or an ARN.
        device: String,
    },
    /// A profile of the shared config and credentials files, by its name.
    Profile(String),
    /// A session of the workspace, by its UUID.
    Session(Uuid),
    /// An `[sso-session]` of the shared config file, by its name.
    SsoSession(String),
}

/// The one id of its kind, and how lists show it; either may be typed.
const SINGLES: [(CredentialIdentifier, &str, &str); 3] = [
    (CredentialIdentifier::Container, "containerRoleCredential", "ecs:containerRole"),
    (CredentialIdentifier::Environment, "environmentCredential", "env:accessKey"),
    (CredentialIdentifier::Instance, "ec2InstanceRoleCredential", "ec2:instanceProfile"),
];

impl CredentialIdentifier {
    /// Reads an exact form: `session:<uuid>`, `profile:<name>`, `sso-session:<name>`,
    /// `ext:<provider>:<id>`, or the name of a source that there is one of.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let refuse = || IdentifierError(text.to_owned());
        if let Some((id, ..)) = SINGLES.iter().find(|(_, id, shown)| [*id, *shown].contains(&text))
        {
            return Ok(id.clone());
        }
        let (kind, rest) = text.split_once(':').ok_or_else(refuse)?;
        let named = || check(rest).map(|()| rest.to_owned()).map_err(|_| refuse());
        match kind {
            "session" => Uuid::try_parse(rest).map(Self::Session).map_err(|_| refuse()),
            "profile" => named().map(Self::Profile),
            "sso-session" => named().map(Self::SsoSession),
            "ext" => {
                let (provider, id) = rest.split_once(':').ok_or_else(refuse)?;
                check(provider).and_then(|()| check(id)).map_err(|_| refuse())?;
                Ok(Self::External { provider: provider.to_owned(), id: id.to_owned() })
            }
            _ => Err(refuse()),
        }
    }

    /// The UUID by which caches, marks and leases know the source: a session's own, else one that
    /// follows from the id (RFC 9562, version 5).
    pub fn uuid(&self) -> Uuid {
        match self {
            Self::Session(id) => *id,
            other => Uuid::new_v5(&NAMESPACE, other.to_string().as_bytes()),
        }
    }

    /// What lists and messages call a source that there is one of; `None` for others.
    pub fn single_name(&self) -> Option<&'static str> {
        SINGLES.iter().find(|(id, ..)| id == self).map(|(_, _, shown)| *shown)
    }
}

/// Whether a name from outside can stand in an id: it is not empty, not too long, and nothing in it
/// moves a terminal's cursor.
pub fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > LONGEST_NAME {
        return Err(NameError::TooLong);
    }
    match name.chars().find(|c| c.is_control()) {
        Some(bad) => Err(NameError::Character(bad)),
        None => Ok(()),
    }
}

impl fmt::Display for CredentialIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, id, _)) = SINGLES.iter().find(|(single, ..)| single == self) {
            return f.write_str(id);
        }
        match self {
            Self::Container | Self::Environment | Self::Instance => Ok(()),
            Self::External { provider, id } => write!(f, "ext:{provider}:{id}"),
            Self::MfaSession { profile, device } => write!(f, "mfa:{device}:{profile}"),
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::SsoSession(name) => write!(f, "sso-session:{name}"),
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
#[error(
    "{0:?} is no credential identifier: session:<uuid>, profile:<name>, sso-session:<name>, \
     ext:<provider>:<id>, ecs:containerRole, ec2:instanceProfile or env:accessKey"
)]
pub struct IdentifierError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_what_it_writes() {
        for id in [
            CredentialIdentifier::Session(Uuid::from_u128(7)),
            CredentialIdentifier::Profile("a b/c".into()),
            CredentialIdentifier::SsoSession("work".into()),
            CredentialIdentifier::External { provider: "corp".into(), id: "a:b".into() },
            CredentialIdentifier::Container,
            CredentialIdentifier::Environment,
            CredentialIdentifier::Instance,
        ] {
            assert_eq!(CredentialIdentifier::parse(&id.to_string()), Ok(id));
        }
        for bad in [
            "",
            "session:",
            "session:x",
            "profile:",
            "profile:a\nb",
            "00000000",
            "ext:a",
            "ext::a",
            "mfa:a:b",
        ] {
            assert!(CredentialIdentifier::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_there_is_one_of_is_known_by_both_its_names() {
        for (id, written, shown) in SINGLES {
            assert_eq!(CredentialIdentifier::parse(shown), Ok(id.clone()));
            assert_eq!(id.to_string(), written);
            assert_eq!(id.single_name(), Some(shown));
        }
    }
}
