//! Complete answers, for the warm path: what was asked, what was handed out, and the stamps of
//! every file that it was made from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    cache::{Cache, Shelf},
    entry::{Clocked, Entry},
};
use crate::{
    envdelta::{EnvDelta, Value, VarName},
    model::Credentials,
    secret::{Secret, SecretBytes},
    system::{
        files::{self, Stamp},
        hash,
    },
};

/// The user's own variables that an answer can depend on.
pub const OWN_VARIABLES: &[&str] = &[
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "HOME",
];

/// What was asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// What the answer is for: `env`, `exec`, `credential-process`.
    pub form: &'a str,
    /// The name as it was typed.
    pub name: &'a str,
    /// `--region`.
    pub region: Option<&'a str>,
    /// The region of the project file that governs.
    pub project: Option<&'a str>,
    /// `--duration`, in seconds.
    pub duration: Option<u32>,
}

impl Question<'_> {
    /// The answer's name in the cache. `own` gives the user's own value of a variable.
    pub fn key(&self, own: &dyn Fn(&str) -> Option<Vec<u8>>) -> String {
        let duration = self.duration.map(u32::to_le_bytes);
        let variables: Vec<Option<Vec<u8>>> = OWN_VARIABLES.iter().map(|name| own(name)).collect();
        let typed = [
            Some(self.form.as_bytes()),
            Some(self.name.as_bytes()),
            self.region.map(str::as_bytes),
            self.project.map(str::as_bytes),
            duration.as_ref().map(<[u8; 4]>::as_slice),
        ];
        hash::long(typed.into_iter().chain(variables.iter().map(Option::as_deref)))
    }
}

/// What was handed out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The session's name.
    pub session: String,
    /// Its identifier.
    pub identity: String,
    /// Whose credentials, and until when.
    pub entry: Entry,
    /// The change of the environment.
    pub delta: EnvDelta,
    /// What the user is told each time.
    pub notes: Vec<String>,
    /// The files that the answer was made from, as they were then; `None`: there was none.
    pub files: Vec<(PathBuf, Option<Stamp>)>,
}

impl Answer {
    /// The credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.entry.credentials
    }

    /// When they end.
    pub fn clocked(&self) -> &Clocked {
        &self.entry.clocked
    }

    /// Stamps of files as they are now.
    pub fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Vec<(PathBuf, Option<Stamp>)> {
        paths.into_iter().map(|path| (path.clone(), files::stamp(&path))).collect()
    }

    /// Keeps the answer under its question's key.
    pub fn keep(&self, cache: &Cache, key: &str) -> bool {
        cache.write(Shelf::Answers, key, &self.to_bytes())
    }

    /// The files that are not as they were.
    pub fn changed(&self) -> Vec<PathBuf> {
        let changed = self.files.iter().filter(|(path, stamp)| files::stamp(path) != *stamp);
        changed.map(|(path, _)| path.clone()).collect()
    }

    /// The answer that was kept, if it still holds: every file is as it was, and at least
    /// `min_ttl` seconds are left, and the window for renewal, where `renewable`.
    pub fn find(cache: &Cache, key: &str, min_ttl: u32, renewable: bool) -> Option<Self> {
        let answer = Self::read(cache, key)?;
        let window = if renewable { answer.clocked().window() } else { 1 };
        let least = i64::from(min_ttl).max(window).max(1);
        let fresh = answer.clocked().left() >= least;
        (fresh && answer.changed().is_empty()).then_some(answer)
    }

    /// An answer, whether it still holds or not.
    pub fn read(cache: &Cache, key: &str) -> Option<Self> {
        Self::from_bytes(&cache.read(Shelf::Answers, key)?)
    }

    fn to_bytes(&self) -> SecretBytes {
        let entry = self.entry.to_bytes();
        let variable = |(name, value): &'_ (VarName, Value)| Variable {
            name: name.as_str().to_owned(),
            secret: matches!(value, Value::Secret(_)),
        };
        let head = Head {
            session: self.session.clone(),
            identity: self.identity.clone(),
            removes: self.delta.removes.iter().map(|name| name.as_str().to_owned()).collect(),
            sets: self.delta.sets.iter().map(variable).collect(),
            notes: self.notes.clone(),
            files: self.files.iter().map(|(path, stamp)| FileStamp::new(path, *stamp)).collect(),
        };
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let mut bytes = SecretBytes::with_capacity(32 << 10);
        push(&mut bytes, &head);
        push(&mut bytes, entry.expose());
        for (_, value) in &self.delta.sets {
            push(&mut bytes, value.expose().as_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &SecretBytes) -> Option<Self> {
        let mut rest = bytes.expose();
        let head: Head = serde_json::from_slice(pop(&mut rest)?).ok()?;
        let entry = Entry::from_bytes(&SecretBytes::new(pop(&mut rest)?.to_vec()))?;
        let mut delta = EnvDelta::default();
        for name in &head.removes {
            delta.removes.push(VarName::parse(name)?);
        }
        for variable in &head.sets {
            let text = String::from_utf8(pop(&mut rest)?.to_vec()).ok()?;
            let value = value_of(text, variable.secret);
            delta.sets.push((VarName::parse(&variable.name)?, value));
        }
        let files = head.files.into_iter().map(FileStamp::parts).collect();
        Some(Self {
            session: head.session,
            identity: head.identity,
            entry,
            delta,
            notes: head.notes,
            files,
        })
    }
}

/// The part of an answer without secrets.
#[derive(Deserialize, Serialize)]
struct Head {
    session: String,
    identity: String,
    removes: Vec<String>,
    sets: Vec<Variable>,
    notes: Vec<String>,
    files: Vec<FileStamp>,
}

#[derive(Deserialize, Serialize)]
struct Variable {
    name: String,
    secret: bool,
}

/// A path as bytes, and inode, size and time of change.
#[derive(Deserialize, Serialize)]
struct FileStamp {
    path: PathBuf,
    stamp: Option<(u64, u64, i64, i64)>,
}

const BILLION: i128 = 1_000_000_000;

impl FileStamp {
    fn new(path: &std::path::Path, stamp: Option<Stamp>) -> Self {
        let parts = |s: Stamp| {
            let seconds = i64::try_from(s.mtime_ns.div_euclid(BILLION)).unwrap_or(0);
            let nanoseconds = i64::try_from(s.mtime_ns.rem_euclid(BILLION)).unwrap_or(0);
            (s.inode, s.size, seconds, nanoseconds)
        };
        Self { path: path.to_owned(), stamp: stamp.map(parts) }
    }

    fn parts(self) -> (PathBuf, Option<Stamp>) {
        let stamp = self.stamp.map(|(inode, size, seconds, nanoseconds)| Stamp {
            inode,
            size,
            mtime_ns: i128::from(seconds) * BILLION + i128::from(nanoseconds),
        });
        (self.path, stamp)
    }
}

fn push(bytes: &mut SecretBytes, part: &[u8]) {
    bytes.extend(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(part);
}

fn pop<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (part, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

fn value_of(text: String, secret: bool) -> Value {
    if secret { Value::Secret(Secret::new(text)) } else { Value::Public(text) }
}
