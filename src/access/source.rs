//! Where credentials can come from besides the workspace: one file a source.
//!
//! A source lists what it has, complete but not verified: without the network, without a program,
//! without a question. How an entry is turned into credentials is its factory's business.
//!
//! Deliberately absent: anything that asks a cloud.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::provider::Settings;
use crate::{
    model::{CredentialIdentifier, Session, catalog::Unusable},
    secret::Secret,
    vault::VaultError,
};

/// Every source, in the order in which a list shows equals.
pub const SOURCES: &[&dyn Source] = &[
    &super::profile::SharedFiles,
    &super::container::Container,
    &super::instance::Instance,
    &super::environment::Environment,
    &super::external::External,
];

/// One category of sources outside the workspace.
pub trait Source: Sync {
    /// A word for messages and tests.
    fn id(&self) -> &'static str;

    /// All files that the list depends on, whether they exist or not.
    fn files(&self, place: &dyn Place) -> Vec<PathBuf> {
        _ = place;
        Vec::new()
    }

    /// What is there now, usable or not. A source may leave out what is not in the scope, where that
    /// saves work.
    fn list(&self, place: &dyn Place, scope: Scope<'_>) -> Listing;

    /// Whether the identifier is one of this source's.
    fn has(&self, id: &CredentialIdentifier) -> bool;

    /// Why an identifier of this source that is not in its list is not there.
    fn why_absent(&self, place: &dyn Place) -> String;

    /// The secret that a subject of this source stands for, read anew each time. `None` for a
    /// subject that is not this source's, or that has none.
    fn secret(&self, subject: &str, place: &dyn Place) -> Result<Option<Secret>, VaultError> {
        _ = (subject, place);
        Ok(None)
    }
}

/// Of what a list is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Of everything.
    All,
    /// Of these, and of all that stands behind them.
    Around(&'a [CredentialIdentifier]),
}

/// What a source found.
#[derive(Debug, Default)]
pub struct Listing {
    /// What can be used.
    pub sessions: Vec<Session>,
    /// What cannot, and why.
    pub unusable: Vec<Unusable>,
    /// Profiles that only call us, with the session that they call us for.
    pub bound: Vec<(String, uuid::Uuid)>,
    /// Files that could not be read at all: what was in them is not known.
    pub problems: Vec<Problem>,
    /// What a person should know of a single source.
    pub warnings: Vec<SourceWarning>,
    /// What a person should know besides: lists that are old, or could not be made anew.
    pub notes: Vec<String>,
    /// Why other identities of a provider are not there.
    pub absences: Vec<Absence>,
}

/// Why an identity that a provider does not have in its list is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Absence {
    /// The provider.
    pub provider: String,
    /// Why, as a sentence.
    pub text: String,
    /// The command that looks again.
    pub command: String,
}

/// Something about one source that works, but not as one may think.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceWarning {
    /// Of which source.
    pub identifier: CredentialIdentifier,
    /// A sentence.
    pub text: String,
}

/// A file that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, where the file's text is at fault; counted from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub text: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.file.display();
        match self.place {
            Some((line, column)) => write!(f, "{file}:{line}:{column}: {}", self.text),
            None => write!(f, "{file}: {}", self.text),
        }
    }
}

/// The surroundings that sources and their factories may look at.
pub trait Place {
    /// The user's own value of a variable, whatever a session of ours has put there; `None` also
    /// for an empty one.
    fn own(&self, name: &str) -> Option<OsString>;

    /// The name of the session of ours whose keys the environment holds, if it holds such.
    fn keys_of(&self) -> Option<String>;

    /// The environment for a program that gives credentials: the user's own, without what a session
    /// of ours has set, and without any passphrase.
    fn child_environment(&self) -> Vec<(OsString, OsString)>;

    /// Where leapp keeps its files.
    fn home(&self) -> &Path;

    /// Where locks lie; `None` where none can be kept.
    fn run(&self) -> Option<&Path>;

    /// The settings of the third-party providers; an error tells why they cannot be read.
    fn providers(&self) -> Result<&[Settings], Problem>;

    /// Whether requests of ours may go to an address that a variable names.
    fn trusts(&self, url: &str) -> bool;
}

/// The user's own variable as text.
pub(super) fn text(place: &dyn Place, name: &str) -> Option<String> {
    place.own(name).and_then(|value| value.into_string().ok()).filter(|text| !text.is_empty())
}

/// A path of the user's from a variable or a file: `~/` is their home directory.
pub(super) fn expand(place: &dyn Place, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), place.own("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// The source that an identifier belongs to.
pub fn of(id: &CredentialIdentifier) -> Option<&'static dyn Source> {
    SOURCES.iter().copied().find(|source| source.has(id))
}

/// The files that all the lists depend on, whether they exist or not.
pub fn files(place: &dyn Place) -> Vec<PathBuf> {
    SOURCES.iter().flat_map(|source| source.files(place)).collect()
}

/// What every source has, one after the other; the sessions sorted without regard to case.
pub fn list_all(place: &dyn Place, scope: Scope<'_>) -> Listing {
    let mut all = Listing::default();
    for source in SOURCES {
        let Listing { sessions, unusable, bound, problems, warnings, notes, absences } =
            source.list(place, scope);
        all.sessions.extend(sessions);
        all.unusable.extend(unusable);
        all.bound.extend(bound);
        all.problems.extend(problems);
        all.warnings.extend(warnings);
        all.notes.extend(notes);
        all.absences.extend(absences);
    }
    all.sessions.sort_by_cached_key(|session| {
        let name = session.name.as_str();
        (name.to_lowercase(), name.to_owned())
    });
    all.unusable
        .sort_by_cached_key(|unusable| (unusable.name.to_lowercase(), unusable.name.clone()));
    all
}

/// The secret that a subject outside the vault stands for.
pub fn secret(subject: &str, place: &dyn Place) -> Result<Option<Secret>, VaultError> {
    for source in SOURCES {
        if let Some(secret) = source.secret(subject, place)? {
            return Ok(Some(secret));
        }
    }
    Ok(None)
}
