//! Trust records: a person said of one project file, as it was, that it may switch a session on.
//!
//! A record binds the file's canonical path, the very bytes that were shown, the session's identity
//! and what that identity stood for, the directory itself and its owner. If any of them differs,
//! the file is as untrusted as one that was never seen.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    project::{Found, Place},
    settings::{Proposal, SettingsError},
};
use crate::{
    model::{CredentialIdentifier, RegionName},
    system::{
        directory::{self, PathError},
        files::{self, Durability, Stamp},
        hash,
        owned::Identity,
    },
};

/// No record is larger, in bytes.
const LIMIT: u64 = 64 << 10;
const VERSION: u32 = 1;

/// Which directories a record covers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The file's own directory alone.
    Here,
    /// It and all below it.
    Tree,
}

/// What was decided about one project file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    /// The file's canonical path, base64.
    path: String,
    /// RFC 3339.
    created: String,
    decision: Decision,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    /// Whatever the file holds: nothing, and without a word.
    Denied,
    Trusted(Bound),
}

/// All that trust is bound to, besides the path.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// SHA-256 of the file's bytes, in hexadecimal digits.
    pub content: String,
    /// The bytes themselves, base64: to show later what changed.
    pub bytes: String,
    /// Which session was meant.
    pub identity: CredentialIdentifier,
    /// What that session stood for: a hash of each hop's identity.
    pub fingerprint: String,
    /// The directory that the file stands in.
    pub directory: Identity,
    /// Which directories are covered.
    pub scope: Scope,
}

/// What may be done about a project file.
#[derive(Debug)]
pub enum Judgement {
    /// Nothing; a person said so, and wants to hear no more of it.
    Denied,
    /// Nothing here: the record covers the file's own directory alone.
    NotHere,
    /// What it asks for.
    Trusted(Box<Trusted>),
    /// Nothing, until a person has looked at it.
    Untrusted(Why),
}

/// Why a file is not trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// It has been trusted with other content; these were the bytes.
    Changed(Vec<u8>),
    /// It was never seen.
    New,
    /// It stands in another directory now, at the same path.
    OtherDirectory,
}

/// A project file that a person trusted as it is. Only [`Store::judge`] makes one.
#[derive(Debug)]
pub struct Trusted {
    place: Place,
    proposal: Proposal,
    bound: Bound,
    /// Where the record is, and how it looked.
    record: (PathBuf, Option<Stamp>),
    id: String,
}

impl Trusted {
    /// Where the file is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it asks for.
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The region that it asks for.
    pub fn region(&self) -> Option<&RegionName> {
        self.proposal.region()
    }

    /// What it was bound to.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// The record's file and its stamp.
    pub fn record(&self) -> &(PathBuf, Option<Stamp>) {
        &self.record
    }

    /// Differs whenever path, content, session or decision do.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Record {
    /// The file's path.
    pub fn path(&self) -> PathBuf {
        let bytes = STANDARD.decode(&self.path).unwrap_or_default();
        OsStr::from_bytes(&bytes).into()
    }

    /// When the decision was made, RFC 3339.
    pub fn created(&self) -> &str {
        &self.created
    }

    /// What was trusted; `None` for a file that was denied.
    pub fn bound(&self) -> Option<&Bound> {
        match &self.decision {
            Decision::Denied => None,
            Decision::Trusted(bound) => Some(bound),
        }
    }

    fn new(path: &Path, created: String, decision: Decision) -> Self {
        let path = STANDARD.encode(path.as_os_str().as_bytes());
        Self { version: VERSION, path, created, decision }
    }
}

impl Bound {
    /// Binds a file to a session.
    pub fn new(
        found: &Found,
        identity: CredentialIdentifier,
        fingerprint: String,
        scope: Scope,
    ) -> Self {
        Self {
            content: found.content_hash(),
            bytes: STANDARD.encode(found.bytes()),
            identity,
            fingerprint,
            directory: found.directory().clone(),
            scope,
        }
    }

    /// The bytes that were trusted.
    pub fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.bytes).unwrap_or_default()
    }
}

/// The records of one home.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The records below `directory`. Nothing is read yet.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// What may be done about a file.
    pub fn judge(&self, found: Found) -> Result<Judgement, Unreadable> {
        let place = found.place().clone();
        let Some((record, stamp, id)) = self.read(&place.file)? else {
            return Ok(Judgement::Untrusted(Why::New));
        };
        let bound = match record.decision {
            Decision::Denied => return Ok(Judgement::Denied),
            Decision::Trusted(bound) => bound,
        };
        if bound.content != found.content_hash() {
            return Ok(Judgement::Untrusted(Why::Changed(bound.bytes())));
        }
        if !bound.directory.is(found.directory()) {
            return Ok(Judgement::Untrusted(Why::OtherDirectory));
        }
        if bound.scope == Scope::Here && place.above > 0 {
            return Ok(Judgement::NotHere);
        }
        let proposal = found.proposal()?;
        let record = (self.path(&place.file), Some(stamp));
        Ok(Judgement::Trusted(Box::new(Trusted { place, proposal, bound, record, id })))
    }

    /// The record of a project file.
    pub fn record(&self, file: &Path) -> Result<Option<Record>, Unreadable> {
        Ok(self.read(file)?.map(|(record, ..)| record))
    }

    /// Records that a file is trusted; `created` is RFC 3339.
    pub fn trust(&self, file: &Path, created: String, bound: Bound) -> Result<(), PathError> {
        self.write(file, Record::new(file, created, Decision::Trusted(bound)))
    }

    /// Records that a file is never to be used nor mentioned.
    pub fn deny(&self, file: &Path, created: String) -> Result<(), PathError> {
        self.write(file, Record::new(file, created, Decision::Denied))
    }

    /// Removes the record of a file; tells whether there was one.
    pub fn forget(&self, file: &Path) -> Result<bool, PathError> {
        files::remove(&self.path(file))
    }

    /// Every record that can be read, by path.
    pub fn list(&self) -> Vec<Record> {
        if !matches!(directory::existing(&self.directory), Ok(Some(_))) {
            return Vec::new();
        }
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let read = |path: &Path| {
            let content = files::read_private(path, LIMIT).ok().flatten()?;
            serde_json::from_slice::<Record>(&content.bytes).ok()
        };
        let mut all: Vec<Record> = entries.filter_map(|entry| read(&entry.path())).collect();
        all.sort_by_key(Record::path);
        all
    }

    fn path(&self, file: &Path) -> PathBuf {
        self.directory.join(hash::full(file.as_os_str().as_bytes()))
    }

    fn read(&self, file: &Path) -> Result<Option<(Record, Stamp, String)>, Unreadable> {
        let path = self.path(file);
        // A record counts only where nobody else can have put it.
        if directory::existing(&self.directory)?.is_none() {
            return Ok(None);
        }
        let Some(content) = files::read_private(&path, LIMIT)? else { return Ok(None) };
        let record: Record = serde_json::from_slice(&content.bytes)
            .map_err(|error| Unreadable::Damaged { path: path.clone(), source: error })?;
        if record.version != VERSION || record.path() != file {
            return Ok(None);
        }
        Ok(Some((record, content.stamp, hash::short(&content.bytes))))
    }

    fn write(&self, file: &Path, record: Record) -> Result<(), PathError> {
        directory::ensure(&self.directory)?;
        let text = serde_json::to_vec(&record).unwrap_or_default();
        files::write_private(&self.path(file), &text, Durability::Disk)
    }
}

/// Why a file cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The record is no record.
    #[error("the trust record '{}' is damaged", path.display())]
    Damaged {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The project file's content is not accepted.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::project;

    struct Case {
        _top: tempfile::TempDir,
        root: PathBuf,
        store: Store,
    }

    impl Case {
        fn new() -> Self {
            let top = tempfile::tempdir().unwrap();
            let root = top.path().canonicalize().unwrap().join("shop");
            std::fs::create_dir_all(root.join("sub")).unwrap();
            let store = Store::new(top.path().join("trust"));
            let case = Self { _top: top, root, store };
            case.write("session = \"dev\"\n");
            case
        }

        fn write(&self, text: &str) {
            let file = self.root.join(".leapp.toml");
            files::write_private(&file, text.as_bytes(), Durability::Cache).unwrap();
        }

        fn judge(&self, from: &str) -> Judgement {
            let found = project::find(&self.root.join(from), None).unwrap().unwrap();
            self.store.judge(found).unwrap()
        }

        fn trust(&self, scope: Scope) {
            let found = project::find(&self.root, None).unwrap().unwrap();
            let file = found.place().file.clone();
            let identity = CredentialIdentifier::Session(uuid::Uuid::from_u128(1));
            let bound = Bound::new(&found, identity, "f".into(), scope);
            self.store.trust(&file, "now".into(), bound).unwrap();
        }

        fn is_trusted(&self) -> bool {
            matches!(self.judge(""), Judgement::Trusted(_))
        }
    }

    #[test]
    fn trust_is_bound_to_content_directory_and_scope() {
        let case = Case::new();
        assert!(matches!(case.judge(""), Judgement::Untrusted(Why::New)));
        case.trust(Scope::Tree);
        assert!(case.is_trusted() && matches!(case.judge("sub"), Judgement::Trusted(_)));
        case.write("session = \"prod\"\n");
        let Judgement::Untrusted(Why::Changed(old)) = case.judge("") else { panic!("trusted") };
        assert_eq!(old, b"session = \"dev\"\n");
        case.write("session = \"dev\"\n");
        assert!(case.is_trusted(), "the same bytes again are the ones that were trusted");
        case.trust(Scope::Here);
        assert!(case.is_trusted() && matches!(case.judge("sub"), Judgement::NotHere));
    }

    #[test]
    fn another_directory_at_the_same_path_is_not_trusted() {
        let case = Case::new();
        case.trust(Scope::Tree);
        std::fs::rename(&case.root, case.root.with_extension("old")).unwrap();
        std::fs::create_dir(&case.root).unwrap();
        case.write("session = \"dev\"\n");
        let found = project::find(&case.root, None).unwrap().unwrap();
        if found.directory().birth_ns.is_some() {
            assert!(matches!(case.judge(""), Judgement::Untrusted(Why::OtherDirectory)));
        }
    }

    #[test]
    fn a_denial_holds_whatever_the_file_says_until_it_is_forgotten() {
        let case = Case::new();
        let file = case.root.join(".leapp.toml");
        case.store.deny(&file, "now".into()).unwrap();
        case.write("session = \"other\"\n");
        assert!(matches!(case.judge(""), Judgement::Denied));
        assert_eq!(case.store.list().len(), 1);
        assert!(case.store.forget(&file).unwrap() && !case.store.forget(&file).unwrap());
        assert!(matches!(case.judge(""), Judgement::Untrusted(Why::New)));
    }

    #[test]
    fn a_record_under_anothers_name_or_damaged_trusts_nothing() {
        let case = Case::new();
        case.trust(Scope::Tree);
        let (file, other) = (case.root.join(".leapp.toml"), case.root.join("sub/.leapp.toml"));
        files::write_private(&other, b"session = \"dev\"\n", Durability::Cache).unwrap();
        std::fs::copy(case.store.path(&file), case.store.path(&other)).unwrap();
        assert!(matches!(case.judge("sub"), Judgement::Untrusted(Why::New)));
        files::write_private(&case.store.path(&file), b"{", Durability::Cache).unwrap();
        let found = project::find(&case.root, None).unwrap().unwrap();
        assert!(matches!(case.store.judge(found), Err(Unreadable::Damaged { .. })));
    }
}
