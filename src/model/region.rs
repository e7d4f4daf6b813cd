//! The form of a region's or a location's name. Which ones exist is the `cloud` room's knowledge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A well-formed region or location name: lower-case letters, digits and inner hyphens, 2 to 40.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionName(String);

impl RegionName {
    /// Parses a name by its form alone.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (2..=40).contains(&text.len())
            && text.chars().all(form)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(RegionError(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RegionName {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        Self::parse(&text)
    }
}

impl From<RegionName> for String {
    fn from(name: RegionName) -> Self {
        name.0
    }
}

/// The text has not the form of a region's name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} has not the form of a region, such as eu-west-1")]
pub struct RegionError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_checked() {
        for good in ["eu-west-1", "us-gov-east-1", "westeurope", "moon-east-2001"] {
            assert!(RegionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "EU-west-1", "eu west 1", "-eu", "eu-", "eu_west", "eu-west-1\n"] {
            assert!(RegionName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
