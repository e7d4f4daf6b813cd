//! Names of sessions: what may stand in one, and when two are the same.
//!
//! A session of the workspace has a name of our grammar. What others name (profiles, the ids of
//! providers) has the name that they gave it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest session name, in characters.
pub const MAX_NAME: usize = 64;

/// A session's name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, or what [`SessionName::foreign`] allows.
///
/// Two names that differ only in case are the same name; [`SessionName::is`] compares so.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionName(String);

impl SessionName {
    /// Parses a name; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if !starts_well {
            return Err(NameError::Start);
        }
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong);
        }
        if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() {
            return Err(NameError::Uuid);
        }
        match text.chars().find(|c| !(c.is_ascii_alphanumeric() || ".-_".contains(*c))) {
            Some(bad) => Err(NameError::Character(bad)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name of a source that somebody else named. Refused: nothing, more than
    /// [`LONGEST_NAME`](super::identifier::LONGEST_NAME) bytes, and control characters.
    pub fn foreign(text: &str) -> Result<Self, NameError> {
        super::identifier::check(text).map(|()| Self(text.to_owned()))
    }

    /// The name of a source that is called by its identifier, which has been checked.
    pub fn of(id: &super::CredentialIdentifier) -> Self {
        Self(id.to_string())
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one word of a command line, for hints: quoted where a shell would read it as
    /// something else.
    pub fn word(&self) -> String {
        let is_plain = |c: char| c.is_alphanumeric() || "._:@%+=,/-".contains(c);
        if self.0.chars().all(is_plain) && !self.0.starts_with(['-', '=']) {
            return self.0.clone();
        }
        format!("'{}'", self.0.replace('\'', "'\\''"))
    }

    /// Whether `other` is this name, without regard to case.
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SessionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<SessionName> for String {
    fn from(name: SessionName) -> Self {
        name.0
    }
}

/// Why a text is no session name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// A character that a name may not hold.
    #[error("a name holds letters, digits, '.', '_' and '-' only, not {0:?}")]
    Character(char),
    /// No text at all.
    #[error("a name cannot be empty")]
    Empty,
    /// The first character is no letter or digit.
    #[error("a name begins with a letter or a digit")]
    Start,
    /// More than [`MAX_NAME`] characters, or 256 bytes for a foreign name.
    #[error("a name has at most 64 characters, one from elsewhere 256 bytes")]
    TooLong,
    /// The form of an id: the two must not be taken for each other.
    #[error("a name cannot have the form of a UUID")]
    Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_grammar() {
        for good in ["a", "9", "prod", "shop.dev-1_x", &"a".repeat(64)] {
            assert!(SessionName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "a b",
            "a,b",
            "a/b",
            "ä",
            "a:b",
            &"a".repeat(65),
            "a\n",
            "5883d543-47de-4e35-a0d4-163d3e8ce255",
        ] {
            assert!(SessionName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_from_elsewhere_is_quoted_for_a_command_line() {
        for (name, word) in [
            ("prod", "prod"),
            ("profile:a/b", "profile:a/b"),
            ("my prod", "'my prod'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("-x", "'-x'"),
        ] {
            assert_eq!(SessionName::foreign(name).unwrap().word(), word);
        }
        assert!(SessionName::foreign("a\u{1b}[2J").is_err());
        assert!(SessionName::foreign("").is_err());
    }

    #[test]
    fn case_does_not_tell_names_apart() {
        assert!(SessionName::parse("Prod").unwrap().is("pROD"));
    }
}
