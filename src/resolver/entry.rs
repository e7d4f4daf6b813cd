//! One set of credentials in the cache, with the clocks by which its end is judged.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    cloud::CLOCK_TOLERANCE,
    model::{CredentialKind, Credentials, Grant, Timestamp, credentials::renewal_window},
    secret::{Secret, SecretBytes},
    system::clock,
};

/// When credentials end, by clocks that this machine can read.
///
/// The server's time is the truth. Two local clocks stand for it: the wall clock with its offset
/// at the time of issue, and the clock since boot, which nobody can set. Either may be off later (a
/// wall clock is corrected, a virtual machine sleeps), so the one that says less counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Clocked {
    /// When they were issued, by the server's clock.
    pub issued_at: Timestamp,
    /// When they end, by the server's clock.
    pub expires_at: Timestamp,
    /// Server minus local wall clock at the time of issue, in seconds.
    pub offset: i64,
    /// When they end, in seconds since this machine's start.
    pub expires_boot: i64,
}

impl Clocked {
    /// Reads the clocks for credentials that were issued just now.
    pub fn now(credentials: &Credentials, offset: i64) -> Self {
        let (issued_at, expires_at) = (credentials.issued_at, credentials.expires_at());
        let expires_boot = clock::since_boot().saturating_add(expires_at.since(issued_at));
        Self { issued_at, expires_at, offset, expires_boot }
    }

    /// Seconds until the end; negative when it is over.
    pub fn left(&self) -> i64 {
        let wall = self.local_expiry().since(Timestamp(clock::now()));
        wall.min(self.expires_boot.saturating_sub(clock::since_boot()))
    }

    /// The end by this machine's wall clock, which counts as right within five minutes.
    pub fn local_expiry(&self) -> Timestamp {
        if self.clock_is_off() { self.expires_at.plus(-self.offset) } else { self.expires_at }
    }

    /// Whether this machine's wall clock was off when the credentials were issued.
    pub fn clock_is_off(&self) -> bool {
        self.offset.abs() > CLOCK_TOLERANCE
    }

    /// How much must be left for the credentials to be handed out without a try to renew them.
    pub fn window(&self) -> i64 {
        renewal_window(self.expires_at.since(self.issued_at).max(0))
    }
}

/// An entry of the cache's `c` folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The session that the credentials are of.
    pub session: Uuid,
    /// The credentials.
    pub credentials: Credentials,
    /// When they end.
    pub clocked: Clocked,
}

/// The same as JSON; borrows the secrets, so that no copy is left behind.
#[derive(Serialize)]
struct Written<'a> {
    session: Uuid,
    kind: &'a str,
    grants: Vec<WrittenGrant<'a>>,
    clocked: Clocked,
}

#[derive(Serialize)]
struct WrittenGrant<'a> {
    audience: &'a str,
    values: Vec<(&'a str, &'a str)>,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Read<'a> {
    session: Uuid,
    kind: &'a str,
    #[serde(borrow)]
    grants: Vec<ReadGrant<'a>>,
    clocked: Clocked,
}

#[derive(Deserialize)]
struct ReadGrant<'a> {
    audience: &'a str,
    #[serde(borrow)]
    values: Vec<(&'a str, &'a str)>,
    expires_at: Timestamp,
}

impl Entry {
    /// The entry's bytes, for sealing.
    pub fn to_bytes(&self) -> SecretBytes {
        let grants = self.credentials.grants.iter().map(|grant| WrittenGrant {
            audience: &grant.audience,
            values: grant.values.iter().map(|(name, v)| (name.as_str(), v.expose())).collect(),
            expires_at: grant.expires_at,
        });
        let written = Written {
            session: self.session,
            kind: self.credentials.kind.as_str(),
            grants: grants.collect(),
            clocked: self.clocked,
        };
        // Room for all at once: a buffer that grows leaves copies behind.
        let mut buffer = Vec::with_capacity(16 << 10);
        _ = serde_json::to_writer(&mut buffer, &written);
        SecretBytes::new(buffer)
    }

    /// Reads what [`Entry::to_bytes`] wrote.
    ///
    /// Values that JSON must escape are refused: they could not be borrowed, and no cloud's keys
    /// have them.
    pub fn from_bytes(bytes: &SecretBytes) -> Option<Self> {
        let read: Read<'_> = serde_json::from_slice(bytes.expose()).ok()?;
        let grants = read.grants.into_iter().map(|grant| Grant {
            audience: grant.audience.to_owned(),
            values: grant
                .values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
                .collect(),
            expires_at: grant.expires_at,
        });
        let credentials = Credentials {
            kind: CredentialKind::parse(read.kind)?,
            grants: grants.collect(),
            issued_at: read.clocked.issued_at,
        };
        Some(Self { session: read.session, credentials, clocked: read.clocked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credentials::{SECRET_KEY, TOKEN};

    fn entry() -> Entry {
        let grant = |audience: &str, expires: i64| Grant {
            audience: audience.into(),
            values: vec![(TOKEN.into(), Secret::new("TESTSECRET".into()))],
            expires_at: Timestamp(expires),
        };
        let now = clock::now();
        let credentials = Credentials {
            kind: CredentialKind::BearerTokens,
            grants: vec![grant("https://arm", now + 3600), grant("https://graph", now + 1800)],
            issued_at: Timestamp(now),
        };
        let clocked = Clocked::now(&credentials, 0);
        Entry { session: Uuid::from_u128(1), credentials, clocked }
    }

    #[test]
    fn an_entry_reads_what_it_wrote() {
        let read = Entry::from_bytes(&entry().to_bytes()).unwrap();
        assert_eq!(read.credentials.grants.len(), 2);
        assert_eq!(read.credentials.value(TOKEN).unwrap().expose(), "TESTSECRET");
        assert!(read.credentials.value(SECRET_KEY).is_none());
        assert_eq!(read.clocked, entry().clocked);
        assert!(Entry::from_bytes(&SecretBytes::new(b"{}".to_vec())).is_none());
    }

    #[test]
    fn the_clock_that_says_less_counts() {
        let mut clocked = entry().clocked;
        assert!((1799..=1800).contains(&clocked.left()));
        clocked.offset = 3600;
        assert!(clocked.left() <= -1799, "the wall clock is an hour behind the server's");
        assert_eq!(clocked.local_expiry(), clocked.expires_at.plus(-3600));
        clocked.offset = -3600;
        assert!((1799..=1800).contains(&clocked.left()), "the clock since boot still counts");
        clocked.offset = 200;
        assert_eq!(clocked.local_expiry(), clocked.expires_at, "small differences are none");
    }
}
