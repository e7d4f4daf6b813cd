//! What a provider is called in the settings, and in the identifiers of what it lists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A lower-case letter or digit, and at most 31 more or hyphens: it is a file's name, too.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(String);

impl ProviderName {
    /// Reads the exact form.
    pub fn parse(text: &str) -> Result<Self, ProviderNameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = (1..=32).contains(&text.len())
            && text.bytes().all(|b| plain(b) || b == b'-')
            && text.bytes().next().is_some_and(plain);
        if good { Ok(Self(text.to_owned())) } else { Err(ProviderNameError(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProviderName {
    type Error = ProviderNameError;

    fn try_from(text: String) -> Result<Self, ProviderNameError> {
        Self::parse(&text)
    }
}

impl From<ProviderName> for String {
    fn from(name: ProviderName) -> Self {
        name.0
    }
}

/// The text has not the form of a provider's name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is no name for a provider: up to 32 lower-case letters, digits and hyphens, \
     such as corp-broker"
)]
pub struct ProviderNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_checked() {
        for good in ["a", "corp-broker", "9", &"x".repeat(32)] {
            assert!(ProviderName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a.b", "../a", "a:b", "é", &"x".repeat(33)] {
            assert!(ProviderName::parse(bad).is_err(), "{bad}");
        }
    }
}
