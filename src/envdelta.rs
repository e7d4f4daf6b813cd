//! Which variables a session sets and removes, and how to go back.
//!
//! Deliberately absent: I/O, any shell's spelling, and secret values in anything exported as state.

#![forbid(unsafe_code)]

mod inherited;
mod state;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

pub use self::inherited::{Inherited, Return, Saving, Step};
pub(crate) use self::inherited::{is_conditional, listed};
pub use self::state::{Kind, ORIGINALS, Original, Originals, State, StateError};
use crate::secret::Secret;

/// The name of an environment variable that every shell can spell without quoting.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VarName(Cow<'static, str>);

impl VarName {
    /// Accepts `[A-Za-z_][A-Za-z0-9_]*`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        (starts_well && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_'))
            .then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name of our own lists; a test holds that each of them parses.
    const fn listed(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

/// What a variable is set to.
#[derive(Clone, Debug)]
pub enum Value {
    /// May be shown: a region, a name, a time.
    Public(String),
    /// Must not be shown.
    Secret(Secret),
}

impl Value {
    /// The text, secret or not.
    pub fn expose(&self) -> &str {
        match self {
            Self::Public(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// Variables of ours that belong to every cloud. They always stand first among what a delta sets.
pub const MARKERS: &[&str] = &["LEAPP_SESSION", "LEAPP_STATE"];

/// The closed lists of one cloud: every variable that a session of it may touch.
#[derive(Debug)]
pub struct Managed {
    /// `aws` and the like.
    pub cloud: &'static str,
    /// The variable whose value says whose credentials are present: the ownership tag.
    pub key: &'static str,
    /// The variables that are credentials only together: all set, or none, and reverted as one.
    pub group: &'static [&'static str],
    /// Set by every session, in this order, `key` last; one without a value is removed.
    pub sets: &'static [&'static str],
    /// Set by some sessions; left alone, unless an earlier session of ours set it, by the others.
    pub conditional: &'static [&'static str],
    /// What stands for credentials where there are none: no cloud accepts it, and no program goes
    /// on to look for others.
    pub closed: &'static [(&'static str, &'static str)],
    /// The variables that say where to work.
    pub regions: &'static [&'static str],
    /// Removed by every session, because they outrank or contradict what it sets.
    pub removes: &'static [&'static str],
}

/// The access key id that stands for none.
pub const CLOSED: &str = "LEAPP-EXPIRED";

/// AWS. The removed names are those that an SDK or a prompt reads before the keys.
const AWS: Managed = Managed {
    cloud: "aws",
    key: "AWS_ACCESS_KEY_ID",
    group: &[
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
    ],
    sets: &[
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_SESSION_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
    ],
    conditional: &["AWS_ENDPOINT_URL"],
    closed: &[
        ("AWS_ACCESS_KEY_ID", CLOSED),
        ("AWS_SECRET_ACCESS_KEY", CLOSED),
        ("AWS_SESSION_TOKEN", CLOSED),
        ("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T00:00:00Z"),
    ],
    regions: &["AWS_REGION", "AWS_DEFAULT_REGION"],
    removes: &[
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_EXPIRATION",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_TOKEN_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_VAULT",
        "AWSUME_PROFILE",
        "AWS_SSO_PROFILE",
    ],
};

/// Every cloud's lists. A cloud is added here and nowhere else.
pub const MANAGED: [&Managed; 1] = [&AWS];

impl Managed {
    /// The lists of `cloud`.
    pub fn of(cloud: &str) -> Option<&'static Self> {
        MANAGED.into_iter().find(|managed| managed.cloud == cloud)
    }
}

/// A closed change of the environment: first remove, then set, in order.
#[derive(Clone, Debug, Default)]
pub struct EnvDelta {
    /// Removed first.
    pub removes: Vec<VarName>,
    /// Set afterwards: markers first, the access key id last, so that a change that was cut short
    /// leaves no credentials that work.
    pub sets: Vec<(VarName, Value)>,
}

impl EnvDelta {
    /// The change that switches a session of `managed` on.
    ///
    /// Both lists are always given in full, whatever the environment holds, so that the result
    /// does not depend on it. The one exception is a conditional variable without a value: it is
    /// not touched, unless `before` says that an earlier session of ours set it; then it goes back
    /// to its original, because it belongs to that other session.
    pub fn session(
        managed: &Managed,
        values: Vec<(&str, Value)>,
        before: &Inherited,
    ) -> Result<Self, DeltaError> {
        let mut values = values;
        let mut delta = Self::default();
        let mut take = |name: &str| {
            let at = values.iter().position(|(given, _)| *given == name)?;
            Some(values.remove(at).1)
        };
        for &name in managed.removes {
            delta.removes.push(VarName::listed(name));
        }
        for &name in MARKERS {
            delta.set_or_remove(name, take(name));
        }
        for &name in managed.conditional {
            match take(name) {
                Some(value) => delta.set_or_remove(name, Some(value)),
                None => match before.recorded(name) {
                    Original::Untouched => {}
                    Original::Unset => delta.set_or_remove(name, None),
                    Original::Set(text) => delta.set_or_remove(name, Some(Value::Public(text))),
                },
            }
        }
        for &name in managed.sets {
            let value = take(name);
            if value.is_none() && managed.group.contains(&name) {
                return Err(DeltaError::Incomplete(name));
            }
            delta.set_or_remove(name, value);
        }
        match values.first() {
            Some((name, _)) => Err(DeltaError::NotManaged((*name).to_owned())),
            None => Ok(delta),
        }
    }

    /// The change that leaves no credentials that work, in place of a session's. `name` and `state`
    /// are those of the session, `region` where it would work.
    pub fn closed(
        managed: &Managed,
        name: &str,
        state: String,
        region: Option<&str>,
        before: &Inherited,
    ) -> Result<Self, DeltaError> {
        let public = |text: &str| Value::Public(text.to_owned());
        let mut values: Vec<(&str, Value)> =
            managed.closed.iter().map(|(name, text)| (*name, public(text))).collect();
        values.push(("LEAPP_SESSION", public(name)));
        values.push(("LEAPP_STATE", Value::Public(state)));
        if let Some(region) = region {
            values.extend(managed.regions.iter().map(|name| (*name, public(region))));
        }
        Self::session(managed, values, before)
    }

    /// Whether the change touches `name`.
    pub fn touches(&self, name: &str) -> bool {
        self.names().any(|touched| touched.as_str() == name)
    }

    /// Every variable that the change touches.
    pub fn names(&self) -> impl Iterator<Item = &VarName> {
        self.removes.iter().chain(self.sets.iter().map(|(name, _)| name))
    }

    /// The ownership tags among what the change sets. They are to be removed before anything else
    /// happens, or the earlier key id could meet the new secret.
    pub fn keys(&self) -> impl Iterator<Item = &VarName> {
        let is_key = |name: &str| MANAGED.iter().any(|managed| managed.key == name);
        self.sets.iter().map(|(name, _)| name).filter(move |name| is_key(name.as_str()))
    }

    /// What the change sets, but for the credentials themselves: what can be told apart later from
    /// what a user has put in its place.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_credential = |name: &str| MANAGED.iter().any(|m| m.group.contains(&name));
        let public = self.sets.iter().filter_map(|(name, value)| match value {
            Value::Public(text) => Some((name.as_str(), text.as_str())),
            Value::Secret(_) => None,
        });
        public.filter(move |(name, _)| !is_credential(name))
    }

    /// Where the programs work that get the change.
    pub fn region(&self) -> Option<&str> {
        let is_region = |name: &str| MANAGED.iter().any(|m| m.regions.contains(&name));
        self.given().find(|(name, _)| is_region(name)).map(|(_, region)| region)
    }

    fn set_or_remove(&mut self, name: &'static str, value: Option<Value>) {
        match value {
            Some(value) => self.sets.push((VarName::listed(name), value)),
            None => self.removes.push(VarName::listed(name)),
        }
    }
}

/// Why a session's values do not make a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeltaError {
    /// A part of the credentials has no value.
    Incomplete(&'static str),
    /// A value for a variable that is on none of the lists, or a second one for the same.
    NotManaged(String),
}

impl fmt::Display for DeltaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(name) => write!(f, "the credentials lack a value for '{name}'"),
            Self::NotManaged(name) => write!(f, "a session does not set the variable '{name}'"),
        }
    }
}

impl Error for DeltaError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Inherited {
        Inherited::read(|_| None)
    }

    fn credentials() -> Vec<(&'static str, Value)> {
        vec![
            ("AWS_ACCESS_KEY_ID", Value::Public("ASIA1".into())),
            ("AWS_SECRET_ACCESS_KEY", Value::Secret(Secret::new("TESTSECRET".into()))),
            ("AWS_SESSION_TOKEN", Value::Secret(Secret::new("TESTTOKEN".into()))),
            ("AWS_CREDENTIAL_EXPIRATION", Value::Public("2030-01-01T00:00:00Z".into())),
            ("LEAPP_STATE", Value::Public("1".into())),
            ("LEAPP_SESSION", Value::Public("prod".into())),
        ]
    }

    #[test]
    fn names_are_parsed_strictly() {
        for good in ["A", "_", "a1", "AWS_REGION"] {
            assert_eq!(VarName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "1A", "A-B", "A B", "A=", "Ä", "A\n", "A;B"] {
            assert_eq!(VarName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_managed_list_is_well_formed() {
        for managed in MANAGED {
            let mut seen = Vec::new();
            for lists in [managed.sets, managed.conditional, managed.removes, MARKERS] {
                for name in lists {
                    assert!(VarName::parse(name).is_some(), "{name}");
                    assert!(!seen.contains(name), "{name} is listed twice");
                    seen.push(name);
                }
            }
            assert_eq!(managed.sets.last(), Some(&managed.key));
            assert!(managed.group.contains(&managed.key));
            assert!(managed.group.iter().all(|name| managed.sets.contains(name)));
            let closed: Vec<_> = managed.closed.iter().map(|(name, _)| *name).collect();
            assert_eq!(closed, managed.group);
            assert!(managed.regions.iter().all(|name| managed.sets.contains(name)));
            assert!(Managed::of(managed.cloud).is_some());
        }
        let aws = Managed::of("aws").unwrap();
        for name in ORIGINALS {
            assert!(nothing().is_listed(name));
        }
        assert_eq!(aws.removes.len(), 15);
    }

    #[test]
    fn a_session_prints_its_lists_in_full_with_the_key_id_last() {
        let aws = Managed::of("aws").unwrap();
        let delta = EnvDelta::session(aws, credentials(), &nothing()).unwrap();
        let sets: Vec<_> = delta.sets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(sets.first(), Some(&"LEAPP_SESSION"));
        assert_eq!(sets.get(1), Some(&"LEAPP_STATE"));
        assert_eq!(sets.last(), Some(&"AWS_ACCESS_KEY_ID"));
        for name in aws.sets.iter().chain(aws.removes).chain(MARKERS) {
            assert!(delta.touches(name), "{name}");
        }
        assert!(delta.removes.iter().any(|name| name.as_str() == "AWS_ACCOUNT_ID"));
        assert!(!delta.touches("AWS_ENDPOINT_URL"));
        assert_eq!(delta.keys().count(), 1);
    }

    #[test]
    fn half_credentials_and_unknown_names_are_refused() {
        let aws = Managed::of("aws").unwrap();
        for missing in aws.group {
            let mut values = credentials();
            values.retain(|(name, _)| name != missing);
            let error = EnvDelta::session(aws, values, &nothing()).unwrap_err();
            assert_eq!(error, DeltaError::Incomplete(missing));
        }
        for extra in ["PATH", "LEAPP_STATE"] {
            let mut values = credentials();
            values.push((extra, Value::Public(String::new())));
            let error = EnvDelta::session(aws, values, &nothing()).unwrap_err();
            assert_eq!(error, DeltaError::NotManaged(extra.into()));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let aws = Managed::of("aws").unwrap();
        let delta = EnvDelta::session(aws, credentials(), &nothing()).unwrap();
        assert!(!format!("{delta:?}").contains("TESTSECRET"));
    }
}
