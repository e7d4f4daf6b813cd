//! The long-term key that stands in a profile, for who moves it into the vault.
//!
//! Deliberately absent: changing the file, and asking AWS about the key.

use std::path::Path;

use super::validity::{self, InFile};
use crate::{
    cloud::shared_config::{Profile, Value},
    secret::Secret,
};

/// A key that has no end.
#[derive(Debug)]
pub struct LongTermKey<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
    file: &'a Path,
    line: usize,
}

impl LongTermKey<'_> {
    /// File and line.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.file
    }
}

/// The key that counts in a profile, if it is a long-term one.
pub fn long_term_key(profile: &Profile) -> Option<LongTermKey<'_>> {
    let file = validity::own_keys(profile)?;
    if super::facts::token_of(profile, file).is_some() {
        return None;
    }
    let of = |key: &str| -> Option<Value<'_>> {
        match file {
            InFile::Config => profile.config_value(key),
            InFile::Credentials => profile.credentials_value(key),
        }
    };
    let (id, secret) = (of("aws_access_key_id")?, of("aws_secret_access_key")?);
    Some(LongTermKey { id: id.text()?, secret: secret.secret(), file: id.file, line: id.line })
}

/// Whether a profile has keys that end.
pub fn has_temporary_keys(profile: &Profile) -> bool {
    let file = validity::own_keys(profile);
    file.is_some_and(|file| super::facts::token_of(profile, file).is_some())
}
