//! The sealed cache: two folders of sealed files, `c` for credentials and `h` for answers.
//!
//! Its key lives in the kernel, else in the vault; the files lie below the key's id, so that what
//! an older key sealed is never even tried. Each file is bound to its format, its name, the user
//! and this start of the machine: anything else is a miss, and a miss is never an error.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    seal::Key,
    secret::SecretBytes,
    system::{
        directory,
        files::{self, Durability},
        kernel_key::{self, KernelKey, Unavailable},
        lock::Lock,
        process,
    },
};

/// How long the key lives after the last cold path, in seconds.
const KEY_LIFE: u32 = 12 * 3600;
/// No entry is larger, in bytes.
const LIMIT: u64 = 256 << 10;
/// Part of every entry's associated data; a new form of entry gets a new number.
const FORMAT: &str = "leapp-cache-1";

/// The folders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shelf {
    /// Complete answers, for the warm path.
    Answers,
    /// Credentials: the truth.
    Credentials,
}

impl Shelf {
    fn directory(self) -> &'static str {
        match self {
            Self::Answers => "h",
            Self::Credentials => "c",
        }
    }
}

/// An open cache.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    key: Key,
    boot: String,
}

impl Cache {
    /// The cache, if the kernel has its key already. Creates nothing.
    pub fn find(run: &Path, tag: &str) -> Result<Option<Self>, Unavailable> {
        Ok(kernel_key::find(&description(tag))?.and_then(|key| Self::of_kernel(run, key)))
    }

    /// The cache; makes its key where the kernel has none yet, and its folders.
    pub fn ensure(run: &Path, tag: &str) -> Result<Self, Unavailable> {
        if let Some(cache) = Self::find(run, tag)? {
            kernel_key::renew(&description(tag), KEY_LIFE);
            cache.make_folders();
            return Ok(cache);
        }
        // Adding a key replaces one of the same name silently, so only one process may do it.
        let lock = Lock::take(&run.join("key.lock"), Duration::from_secs(5)).ok().flatten();
        if let Some(cache) = Self::find(run, tag)? {
            return Ok(cache);
        }
        remove_stale(run);
        let key = Key::random().map_err(|error| Unavailable::new(&error.to_string()))?;
        kernel_key::add(&description(tag), key.bytes(), KEY_LIFE)?;
        // Read back: what counts is the key that the kernel gives to the next process.
        let cache = Self::find(run, tag)?;
        let cache = cache.ok_or_else(|| Unavailable::new("it does not give back what it keeps"))?;
        cache.make_folders();
        drop(lock);
        Ok(cache)
    }

    /// A cache whose key the vault keeps.
    pub fn with_key(run: &Path, key: Key) -> Self {
        let name = crate::system::hash::short(key.bytes().expose());
        let cache = Self { directory: run.join(format!("v{name}")), key, boot: process::boot_id() };
        cache.make_folders();
        cache
    }

    /// The content of an entry; `None` for anything but a whole entry of ours.
    pub fn read(&self, shelf: Shelf, name: &str) -> Option<SecretBytes> {
        let content = files::read_private(&self.path(shelf, name), LIMIT).ok().flatten()?;
        self.key.open(content.bytes, self.associated(shelf, name).as_bytes()).ok()
    }

    /// Keeps an entry. A cache that cannot be written is a slower cache, not a failure.
    pub fn write(&self, shelf: Shelf, name: &str, content: &SecretBytes) -> bool {
        let associated = self.associated(shelf, name);
        let Ok(sealed) = self.key.seal(content.expose(), associated.as_bytes()) else {
            return false;
        };
        files::write_private(&self.path(shelf, name), &sealed, Durability::Cache).is_ok()
    }

    /// Removes an entry; tells whether it was there.
    pub fn remove(&self, shelf: Shelf, name: &str) -> bool {
        files::remove(&self.path(shelf, name)).unwrap_or(false)
    }

    /// The names of all entries of a shelf.
    pub fn names(&self, shelf: Shelf) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.join(shelf.directory()));
        let entries = entries.into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// Where an entry lies.
    pub fn path(&self, shelf: Shelf, name: &str) -> PathBuf {
        self.directory.join(shelf.directory()).join(name)
    }

    fn of_kernel(run: &Path, found: KernelKey) -> Option<Self> {
        let directory = run.join(format!("k{}", found.serial));
        Key::from_bytes(found.bytes).map(|key| Self { directory, key, boot: process::boot_id() })
    }

    fn make_folders(&self) {
        for shelf in [Shelf::Answers, Shelf::Credentials] {
            _ = directory::ensure(&self.directory.join(shelf.directory()));
        }
    }

    fn associated(&self, shelf: Shelf, name: &str) -> String {
        let (shelf, user) = (shelf.directory(), process::user());
        format!("{FORMAT}\0{shelf}\0{name}\0{user}\0{}", self.boot)
    }
}

/// Forgets the key, so that nothing that was sealed can be opened again; tells whether there was
/// one.
pub fn forget_key(tag: &str) -> bool {
    kernel_key::remove(&description(tag)).unwrap_or(false)
}

fn description(tag: &str) -> String {
    format!("leapp:{tag}")
}

/// Removes every folder of sealed files: their keys are gone, or are to be.
pub fn remove_all(run: &Path) {
    remove_folders(run, &['k', 'v']);
}

/// Removes the folders of the kernel's keys that are gone.
fn remove_stale(run: &Path) {
    remove_folders(run, &['k']);
}

fn remove_folders(run: &Path, kinds: &[char]) {
    let entries = std::fs::read_dir(run).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(kinds) && entry.path().is_dir() {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(run: &Path) -> Cache {
        Cache::with_key(run, Key::random().unwrap())
    }

    #[test]
    fn an_entry_is_read_back_under_its_own_name_only() {
        let run = tempfile::tempdir().unwrap();
        let cache = cache(run.path());
        let content = SecretBytes::new(b"TESTSECRET".to_vec());
        assert!(cache.write(Shelf::Credentials, "a", &content));
        assert_eq!(cache.read(Shelf::Credentials, "a").unwrap().expose(), b"TESTSECRET");
        let (from, to) = (cache.path(Shelf::Credentials, "a"), cache.path(Shelf::Credentials, "b"));
        std::fs::copy(&from, &to).unwrap();
        assert!(cache.read(Shelf::Credentials, "b").is_none(), "an entry under another name");
        std::fs::copy(&from, cache.path(Shelf::Answers, "a")).unwrap();
        assert!(cache.read(Shelf::Answers, "a").is_none(), "an entry on another shelf");
        let sealed = std::fs::read(&from).unwrap();
        assert!(!sealed.windows(10).any(|w| w == b"TESTSECRET"));
    }

    #[test]
    fn torn_foreign_and_absent_entries_are_misses() {
        let run = tempfile::tempdir().unwrap();
        let one = cache(run.path());
        let content = SecretBytes::new(b"x".to_vec());
        one.write(Shelf::Answers, "a", &content);
        let path = one.path(Shelf::Answers, "a");
        let sealed = std::fs::read(&path).unwrap();
        files::write_private(&path, &sealed[..sealed.len() - 1], Durability::Cache).unwrap();
        assert!(one.read(Shelf::Answers, "a").is_none());
        assert!(one.read(Shelf::Answers, "none").is_none());
        let other_boot = Cache { boot: "another".into(), ..one };
        other_boot.write(Shelf::Answers, "a", &content);
        let back = Cache { boot: process::boot_id(), ..other_boot };
        assert!(back.read(Shelf::Answers, "a").is_none(), "an entry of another start");
    }
}
