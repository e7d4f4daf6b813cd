//! Temporary credentials: one or more grants, each with its own audience and expiry.
//!
//! A set of AWS keys is one grant with three values; an Azure session would be several grants, one
//! a resource. Nothing here knows which cloud issued what.

use crate::secret::Secret;

use super::Timestamp;

/// What a set of credentials consists of. Output forms say which kinds they can print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// Bearer tokens, one an audience, each in the value [`TOKEN`].
    BearerTokens,
    /// One grant with [`KEY_ID`], [`SECRET_KEY`] and [`SESSION_TOKEN`].
    SessionKeys,
}

impl CredentialKind {
    /// The word for files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BearerTokens => "bearer-tokens",
            Self::SessionKeys => "session-keys",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::BearerTokens, Self::SessionKeys].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Value name: the id of a temporary key. No secret, but kept beside its secret.
pub const KEY_ID: &str = "key-id";
/// Value name: the secret half of a temporary key.
pub const SECRET_KEY: &str = "secret-key";
/// Value name: the token without which a temporary key is refused.
pub const SESSION_TOKEN: &str = "session-token";
/// Value name: a bearer token.
pub const TOKEN: &str = "token";

/// Credentials for one audience.
#[derive(Clone, Debug)]
pub struct Grant {
    /// For whom: a resource's URI for a token, the cloud's name for session keys.
    pub audience: String,
    /// Named values; [`KEY_ID`] and its like.
    pub values: Vec<(String, Secret)>,
    /// When the server stops accepting them, by the server's clock.
    pub expires_at: Timestamp,
}

impl Grant {
    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&Secret> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// What one session handed out.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// What the grants consist of.
    pub kind: CredentialKind,
    /// At least one.
    pub grants: Vec<Grant>,
    /// When they were issued, by the server's clock.
    pub issued_at: Timestamp,
}

impl Credentials {
    /// When the first of the grants ends, by the server's clock.
    pub fn expires_at(&self) -> Timestamp {
        self.grants.iter().map(|grant| grant.expires_at).min().unwrap_or_default()
    }

    /// Seconds from issue to the first expiry; never negative.
    pub fn lifetime(&self) -> i64 {
        self.expires_at().since(self.issued_at).max(0)
    }

    /// The value of that name in the first grant that has it.
    pub fn value(&self, name: &str) -> Option<&Secret> {
        self.grants.iter().find_map(|grant| grant.value(name))
    }
}

/// How long before the end credentials are no longer handed out without trying to renew them, in
/// seconds: a quarter of the lifetime, 15 minutes at most.
pub fn renewal_window(lifetime: i64) -> i64 {
    (lifetime / 4).min(15 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(audience: &str, expires_at: i64) -> Grant {
        Grant {
            audience: audience.into(),
            values: vec![(TOKEN.into(), Secret::new(format!("TESTSECRET{audience}")))],
            expires_at: Timestamp(expires_at),
        }
    }

    #[test]
    fn several_audiences_end_with_the_first_of_them() {
        let credentials = Credentials {
            kind: CredentialKind::BearerTokens,
            grants: vec![grant("https://arm", 5000), grant("https://graph", 4000)],
            issued_at: Timestamp(400),
        };
        assert_eq!(credentials.expires_at(), Timestamp(4000));
        assert_eq!(credentials.lifetime(), 3600);
        assert!(!format!("{credentials:?}").contains("TESTSECRET"));
    }

    #[test]
    fn the_renewal_window_is_a_quarter_and_at_most_a_quarter_of_an_hour() {
        assert_eq!(renewal_window(900), 225);
        assert_eq!(renewal_window(3600), 900);
        assert_eq!(renewal_window(43_200), 900);
        assert_eq!(renewal_window(0), 0);
    }

    #[test]
    fn kinds_read_what_they_write() {
        for kind in [CredentialKind::BearerTokens, CredentialKind::SessionKeys] {
            assert_eq!(CredentialKind::parse(kind.as_str()), Some(kind));
        }
    }
}
