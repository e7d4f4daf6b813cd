//! The AWS config and credentials files: what stands in them, read as the AWS CLI reads it, and how a
//! setting is changed without touching anything else.
//!
//! The judge is botocore: Python's `RawConfigParser` with what `configloader` makes of it. Where the
//! other SDKs read the same text differently, that is a [`Warning`]. The SDKs' own description is
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.
//!
//! Deliberately absent: opening files, the environment, and what a setting means.

mod differ;
pub mod edit;
mod header;
mod lines;
mod merge;
mod parse;

pub use edit::{EditError, Editor};
pub use merge::{Named, Profile, SharedConfig, Value};

use crate::secret::{Secret, SecretBytes};

/// No file is larger, in bytes. A config of 100,000 profiles fits.
pub const SIZE_LIMIT: usize = 16 << 20;

/// Keys whose values only [`Profile::secret`] and its like give.
const SECRET_KEYS: &[&str] = &["aws_secret_access_key", "aws_security_token", "aws_session_token"];

/// Which of the two files a text is; they name their sections differently.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FileKind {
    /// `~/.aws/config`.
    Config,
    /// `~/.aws/credentials`.
    Credentials,
}

/// Why the AWS CLI would refuse the whole file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong there. Never holds a value.
    pub problem: String,
}

/// Something that other SDKs read differently, or that is likely not what was meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Counted from 1.
    pub line: usize,
    /// What it is. Never holds a value.
    pub text: String,
}

/// What a section is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SectionKind {
    /// `[default]`.
    Default,
    /// Everything that the AWS CLI does not look at, and `[DEFAULT]`, from which all others inherit.
    Other,
    /// `[profile NAME]` in the config file, `[NAME]` in the credentials file.
    Profile,
    /// `[services NAME]`.
    Services,
    /// `[sso-session NAME]`.
    SsoSession,
}

/// A section as it stands in one file, without what it inherits.
#[derive(Debug)]
pub struct Section {
    /// What it is for.
    pub kind: SectionKind,
    /// The name without its prefix; `default` for the default profile, the whole header for `Other`.
    pub name: String,
    /// Where its header stands.
    pub line: usize,
    /// In the order of the file; no key twice.
    pub settings: Vec<Setting>,
}

impl Section {
    /// Whether it is `[DEFAULT]`, from which all others of the file inherit.
    pub fn is_inherited(&self) -> bool {
        self.kind == SectionKind::Other && self.name == header::INHERITED
    }
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// In lower case.
    pub key: String,
    /// May be empty. A value of several lines has `\n` between them, and begins with one where a
    /// block is nested.
    pub value: Secret,
    /// Where the key stands.
    pub line: usize,
    /// The lines of a nested block: key as written, value, line. Of equal keys the last one counts.
    pub nested: Vec<(String, Secret, usize)>,
}

impl Setting {
    /// The value, unless the key is one that holds a secret.
    pub fn text(&self) -> Option<&str> {
        (!is_secret(&self.key)).then(|| self.value.expose())
    }

    /// The value of `key` in the nested block.
    pub fn inner(&self, key: &str) -> Option<&Secret> {
        self.nested.iter().rev().find(|(name, _, _)| name == key).map(|(_, value, _)| value)
    }
}

/// Whether the values of `key` are secret. Access key ids are not.
fn is_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

/// One file: its settings, and its bytes as they were.
#[derive(Debug)]
pub struct Document {
    kind: FileKind,
    content: SecretBytes,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
}

impl Document {
    /// Reads a file's content, or says where the AWS CLI would give it up.
    pub fn parse(kind: FileKind, bytes: &[u8]) -> Result<Self, SyntaxError> {
        let text = lines::decode(bytes)?;
        let (sections, warnings) = parse::parse(kind, text)?;
        let mut content = SecretBytes::with_capacity(bytes.len());
        content.extend(bytes);
        Ok(Self { kind, content, sections, warnings })
    }

    /// Which file it is.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// All sections, in the order of the file.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// What is odd, in the order of the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The file's content, as it was given.
    pub fn bytes(&self) -> &[u8] {
        self.content.expose()
    }

    /// Begins a change of the file.
    pub fn edit(&self) -> Editor<'_> {
        Editor::new(self)
    }
}
