//! Changes of a file that leave everything else as it is, byte for byte.
//!
//! A changed file is parsed once more, and given out only if it says what was asked for and otherwise
//! what it said before.
//!
//! Deliberately absent: writing the file, comments of ours, and inherited settings of `[DEFAULT]`.

mod model;
mod rows;

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use self::{model::Model, rows::Rows};
use super::{
    Document, SectionKind, SyntaxError, differ, header,
    lines::{is_blank, trim},
};

/// Why a change cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EditError {
    /// A key that no file of ours gets.
    #[error("'{0}' is not the name of a setting")]
    Key(String),
    /// A section that this file cannot hold.
    #[error("no section for '{0}' can stand in this file")]
    Section(String),
    /// The result would mean something else than what was asked for.
    #[error("the file cannot be changed without a change of what else it says")]
    SideEffect,
    /// The result would be refused by the AWS CLI.
    #[error("the changed file would not be valid")]
    Syntax(#[source] SyntaxError),
    /// A value that would not be read back by everyone.
    #[error("the value of '{key}' cannot be written: {problem}")]
    Value {
        /// The setting.
        key: String,
        /// What is wrong with the value, without showing it.
        problem: &'static str,
    },
}

/// A change in the making. The first thing that goes wrong is what [`Editor::finish`] says.
#[derive(Debug)]
pub struct Editor<'a> {
    document: &'a Document,
    rows: Rows<'a>,
    model: Model<'a>,
    failure: Option<EditError>,
}

impl<'a> Editor<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let rows = Rows::of(document).map_err(EditError::Syntax);
        let (rows, failure) = match rows {
            Ok(rows) => (rows, None),
            Err(error) => (Rows::default(), Some(error)),
        };
        Self { document, rows, model: Model::of(document), failure }
    }

    /// Sets `key`, in a new section where there is none. `value` may be empty. Where several sections
    /// are of this name, the one that counts is meant; `[default]` may be named as either kind.
    pub fn set(&mut self, kind: SectionKind, name: &str, key: &str, value: &str) -> &mut Self {
        self.attempt(|editor| editor.try_set(kind, name, key, value))
    }

    /// Removes `key` with all its lines, if it is there.
    pub fn remove(&mut self, kind: SectionKind, name: &str, key: &str) -> &mut Self {
        self.attempt(|editor| {
            let key = checked_key(key)?;
            checked_kind(kind, name)?;
            if let Some(at) = editor.rows.section(kind, name) {
                editor.rows.remove(at, &key);
                editor.model.remove(kind, name, &key);
            }
            Ok(())
        })
    }

    /// Removes every section of this name with all that stands in it, comments too. Comments above
    /// the next section are that one's.
    pub fn remove_section(&mut self, kind: SectionKind, name: &str) -> &mut Self {
        self.attempt(|editor| {
            checked_kind(kind, name)?;
            while let Some(at) = editor.rows.section(kind, name) {
                editor.rows.remove_section(at);
            }
            editor.model.remove_section(kind, name);
            Ok(())
        })
    }

    /// The changed file. Holds whatever secrets the file held.
    pub fn finish(self) -> Result<Vec<u8>, EditError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut bytes = Zeroizing::new(self.rows.join());
        let changed = Document::parse(self.document.kind(), &bytes).map_err(EditError::Syntax)?;
        let comments = Rows::of(&changed).map_err(EditError::Syntax)?.comments();
        if Model::of(&changed) != self.model || comments != self.rows.comments_wanted() {
            return Err(EditError::SideEffect);
        }
        Ok(std::mem::take(&mut *bytes))
    }

    fn attempt(&mut self, change: impl FnOnce(&mut Self) -> Result<(), EditError>) -> &mut Self {
        if self.failure.is_none() {
            self.failure = change(self).err();
        }
        self
    }

    fn try_set(
        &mut self,
        kind: SectionKind,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), EditError> {
        let key = checked_key(key)?;
        if let Some(problem) = problem_of(value) {
            return Err(EditError::Value { key, problem });
        }
        let file = self.document.kind();
        let text =
            header::write(file, kind, name).ok_or_else(|| EditError::Section(name.to_owned()))?;
        match self.rows.section(kind, name) {
            Some(_) if self.model.get(kind, name, &key) == Some(value) => return Ok(()),
            Some(at) => self.rows.set(at, &key, value),
            None => self.rows.append(file, &text, &key, value),
        }
        let (kind, name) = header::read(file, &text);
        self.model.set(kind, &name, &key, value);
        Ok(())
    }
}

/// The key in lower case, if it is one that all SDKs take.
fn checked_key(key: &str) -> Result<String, EditError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if key.is_empty() || !key.chars().all(fits) {
        return Err(EditError::Key(key.to_owned()));
    }
    Ok(key.to_ascii_lowercase())
}

/// Sections that mean nothing to us are not ours to take away.
fn checked_kind(kind: SectionKind, name: &str) -> Result<(), EditError> {
    if kind == SectionKind::Other {
        return Err(EditError::Section(name.to_owned()));
    }
    Ok(())
}

/// Why a value would not be read back as it is.
fn problem_of(value: &str) -> Option<&'static str> {
    if value.contains(['\n', '\r']) {
        return Some("it has more than one line");
    }
    if value.contains(|c: char| c.is_control() || (is_blank(c) && c != ' ')) {
        return Some("it holds a control character or an unusual blank");
    }
    if trim(value) != value {
        return Some("it begins or ends with a blank");
    }
    differ::has_comment(value).then_some("other SDKs would take a part of it for a comment")
}

/// Whether two ways to name a section mean the same one.
fn is_same(kind: SectionKind, name: &str, other: SectionKind, other_name: &str) -> bool {
    let plain = |kind| match kind {
        SectionKind::Default => SectionKind::Profile,
        kind => kind,
    };
    kind != SectionKind::Other && plain(kind) == plain(other) && name == other_name
}
