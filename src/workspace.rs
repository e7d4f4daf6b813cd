//! The workspace file: read, write, back up, restore. Encrypted, and without secrets of any kind.
//!
//! Every change happens under a lock, on what the file holds at that moment, and replaces the
//! file whole. A file that cannot be read is never overwritten.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    model::Workspace,
    seal::{Key, SealError},
    system::{
        directory::{self, Narrowed, PathError},
        files::{self, Durability},
        lock::Lock,
        paths::Home,
    },
};

pub mod backups;
mod envelope;
mod machine_key;

pub use envelope::VaultKey;
pub use machine_key::KeySource;

/// No workspace is larger, in bytes.
const LIMIT: u64 = 256 << 20;
/// How long a change waits for another process's change.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is wrong with the workspace.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Another process has been changing it for too long.
    #[error("another leapp process has held the workspace for {} s", PATIENCE.as_secs())]
    Busy,
    /// The file is no workspace, or was changed.
    #[error("'{}' is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The Leapp desktop app wrote the file.
    #[error("'{}' was written by the Leapp desktop app", path.display())]
    Desktop {
        /// The file.
        path: PathBuf,
        /// Whether a workspace of ours stood there before.
        replaced_ours: bool,
    },
    /// There is no file, but there are backups of one.
    #[error("'{}' is gone, but there are backups of it", path.display())]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// A newer program wrote the file.
    #[error("'{}' has format version {version}; this program reads up to {}", path.display(), envelope::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// A file or directory cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Sealing failed.
    #[error("the workspace cannot be sealed")]
    Seal(#[from] SealError),
    /// None of the keys of this machine opens the file.
    #[error("'{}' was sealed on another machine, or this machine's id has changed", path.display())]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
}

impl WorkspaceError {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Path(PathError::io(action, path, source))
    }
}

/// Fetches the key that the vault holds for the workspace. Called only when the machine's own key
/// does not open it.
pub type VaultKeySource<'a> = &'a dyn Fn(&VaultKey) -> Option<Key>;

/// The workspace of one home.
#[derive(Debug)]
pub struct Store {
    home: Home,
}

/// An opened workspace.
#[derive(Debug)]
pub struct Opened {
    /// Its content.
    pub workspace: Workspace,
    /// Where its key came from.
    pub source: KeySource,
    /// Under which item the vault also holds its key.
    pub vault_key: Option<VaultKey>,
    /// How the file looked when it was read.
    pub stamp: Option<files::Stamp>,
    envelope: envelope::Secrets,
}

impl Opened {
    /// Lets the vault's `kek` open the workspace too, from the next change on.
    pub fn add_vault_key(&mut self, place: VaultKey, kek: &Key) -> Result<(), WorkspaceError> {
        self.envelope.wrap_for_vault(&place, kek)?;
        self.vault_key = Some(place);
        Ok(())
    }
}

impl Store {
    /// The workspace of `home`. Nothing is read yet.
    pub fn new(home: Home) -> Self {
        Self { home }
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.home.workspace()
    }

    /// Reads the workspace; one that does not exist is empty. Creates nothing.
    pub fn open(&self, vault: VaultKeySource<'_>) -> Result<Option<Opened>, WorkspaceError> {
        let path = self.path();
        // The desktop app's file is recognised before its mode is judged.
        let Some(content) = files::read_owned(&path, LIMIT)? else {
            let lost = !backups::list(&self.home).is_empty();
            return if lost { Err(WorkspaceError::Gone { path }) } else { Ok(None) };
        };
        if envelope::is_desktop(&content.bytes) {
            let replaced_ours = !backups::list(&self.home).is_empty();
            return Err(WorkspaceError::Desktop { path, replaced_ours });
        }
        if content.mode & 0o077 != 0 {
            return Err(PathError::LooseMode { path, mode: content.mode }.into());
        }
        let mut opened = self.decode(&path, &content.bytes, vault)?;
        opened.stamp = Some(content.stamp);
        Ok(Some(opened))
    }

    /// Changes the workspace: reads it, lets `change` work on it, backs the old one up and writes
    /// the new one. What `change` refuses is not written.
    ///
    /// Returns what `change` returned and the directories whose mode was narrowed.
    pub fn update<T, E: From<WorkspaceError>>(
        &self,
        vault: VaultKeySource<'_>,
        change: impl FnOnce(&mut Opened) -> Result<T, E>,
    ) -> Result<(T, Vec<Narrowed>), E> {
        let (_lock, narrowed) = self.lock()?;
        let mut opened = match self.open(vault)? {
            Some(opened) => opened,
            None => self.create()?,
        };
        let before = (contents(&opened), opened.vault_key.clone());
        let result = change(&mut opened)?;
        // A change that changes nothing must not push a backup out.
        let healed = opened.source == KeySource::Vault;
        if opened.stamp.is_some()
            && !healed
            && before == (contents(&opened), opened.vault_key.clone())
        {
            return Ok((result, narrowed));
        }
        let text = opened.envelope.seal(&opened.workspace)?;
        backups::keep(&self.home, &self.path())?;
        let written = files::write_private(&self.path(), &text, Durability::Disk);
        written.map_err(WorkspaceError::from)?;
        Ok((result, narrowed))
    }

    /// Reads any file in the workspace's format, such as a backup.
    pub fn open_file(
        &self,
        path: &Path,
        vault: VaultKeySource<'_>,
    ) -> Result<Opened, WorkspaceError> {
        let content = files::read_private(path, LIMIT)?.ok_or_else(|| {
            WorkspaceError::io("open", path, io::Error::from(io::ErrorKind::NotFound))
        })?;
        self.decode(path, &content.bytes, vault)
    }

    /// Puts the backup at `path` in the workspace's place. A file that stands there is kept: as a
    /// backup when it is a workspace, else under a name of its own, which is returned.
    pub fn restore(
        &self,
        path: &Path,
        vault: VaultKeySource<'_>,
    ) -> Result<(Opened, Option<PathBuf>), WorkspaceError> {
        let (_lock, _) = self.lock()?;
        let restored = self.open_file(path, vault)?;
        let content = files::read_private(path, LIMIT)?.map(|c| c.bytes).unwrap_or_default();
        let aside = match self.open(vault) {
            Ok(Some(_)) => {
                backups::keep(&self.home, &self.path())?;
                None
            }
            Ok(None) | Err(WorkspaceError::Gone { .. }) => None,
            Err(_) => Some(backups::set_aside(&self.path())?),
        };
        files::write_private(&self.path(), &content, Durability::Disk)?;
        Ok((restored, aside))
    }

    fn lock(&self) -> Result<(Lock, Vec<Narrowed>), WorkspaceError> {
        let narrowed = directory::ensure(self.home.path())?.into_iter().collect();
        let path = self.home.join(".lock");
        let lock = Lock::take(&path, PATIENCE).map_err(|e| WorkspaceError::io("lock", &path, e))?;
        Ok((lock.ok_or(WorkspaceError::Busy)?, narrowed))
    }

    fn create(&self) -> Result<Opened, WorkspaceError> {
        let (source, key) = machine_key::for_sealing(&self.home)?;
        let envelope = envelope::Secrets::new(&key)?;
        let workspace = Workspace::default();
        Ok(Opened { workspace, source, vault_key: None, stamp: None, envelope })
    }

    fn decode(
        &self,
        path: &Path,
        bytes: &[u8],
        vault: VaultKeySource<'_>,
    ) -> Result<Opened, WorkspaceError> {
        let read = envelope::Envelope::parse(path, bytes)?;
        let candidates = machine_key::for_opening(&self.home)?;
        let opened = read.open_with_machine(&candidates);
        let opened = opened.or_else(|| {
            read.open_with_vault(vault, || machine_key::for_sealing(&self.home).map(|(_, key)| key))
        });
        let (source, secrets) =
            opened.ok_or_else(|| WorkspaceError::WrongKey { path: path.to_owned() })?;
        let vault_key = read.vault_key();
        let workspace = read.content(path, &secrets)?;
        Ok(Opened { workspace, source, vault_key, stamp: None, envelope: secrets })
    }
}

/// The content as text, to see whether it changed.
fn contents(opened: &Opened) -> Option<String> {
    serde_json::to_string(&opened.workspace).ok()
}
