//! Where secrets are kept: the system vault by default, an encrypted file where there is none.
//!
//! One item a subject (`session:<uuid>`, `workspace:<id>`), each an opaque text. Deliberately
//! absent: what a session is, and asking. Whoever can ask hands in an [`Unlock`].

use std::{path::PathBuf, time::Duration};

use crate::{secret::Secret, system::directory::PathError};

mod file;
mod system;

/// The service under which the system vault files our items.
pub const SERVICE: &str = "leapp-cli";

/// Every backend, in the order of preference.
pub const BACKENDS: &[&dyn Backend] = &[&system::SystemVault, &file::FileVault];

/// What a backend needs to know.
#[derive(Debug)]
pub struct Settings {
    /// The file vault's directory.
    pub directory: PathBuf,
    /// Tells this home's kernel keys from others.
    pub tag: String,
    /// The file vault's passphrase, from the environment.
    pub passphrase: Option<Secret>,
    /// A file that holds it.
    pub passphrase_file: Option<PathBuf>,
    /// How long an unlocked file vault stays so; zero: every time anew.
    pub unlock_for: Duration,
    /// Whether a vault that is not there may be made: only when the first secret is stored.
    pub may_create: bool,
}

/// A place for secrets.
pub trait Backend: Sync {
    /// The word for settings and for the workspace: `system`, `file`.
    fn id(&self) -> &'static str;
    /// What a person calls it here.
    fn label(&self) -> &'static str;
    /// Whether it can be used at all; the error says why not. Raises no dialog.
    fn answers(&self, settings: &Settings) -> Result<(), VaultError>;
    /// Opens it, asking through `unlock` where it must.
    fn open(
        &self,
        settings: &Settings,
        unlock: &dyn Unlock,
    ) -> Result<Box<dyn OpenVault>, VaultError>;
    /// Forgets an unlocked state of ours; tells whether there was one.
    fn lock(&self, settings: &Settings) -> bool;
}

/// An opened vault.
pub trait OpenVault {
    /// The item of `subject`; `None` when there is none.
    fn fetch(&self, subject: &str) -> Result<Option<Secret>, VaultError>;
    /// Keeps `item`, in place of an older one.
    fn store(&self, subject: &str, item: &Secret) -> Result<(), VaultError>;
    /// Removes the item; one that is not there is no error. Tells whether it was there.
    fn remove(&self, subject: &str) -> Result<bool, VaultError>;
}

/// Who can be asked to unlock a vault.
pub trait Unlock {
    /// Whether a person may be asked at all.
    fn may_ask(&self) -> bool;
    /// The passphrase of the file vault; `None` when nobody answers.
    fn passphrase(&self, purpose: Passphrase) -> Option<Secret>;
    /// Says that the system is about to raise a dialog.
    fn announce(&self, text: &str);
}

/// What a passphrase is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passphrase {
    /// To open the vault once more after a wrong one.
    Again,
    /// To make a new vault: asked twice.
    New,
    /// To open the vault.
    Open,
}

/// What went wrong with a vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is none.
    #[error("there is no {0}")]
    Absent(String),
    /// The person gave no answer.
    #[error("cancelled")]
    Cancelled,
    /// What is there cannot be read.
    #[error("the {vault} is damaged: {detail}")]
    Damaged {
        /// Which vault.
        vault: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// It refused or failed.
    #[error("the {vault} failed: {detail}")]
    Failed {
        /// Which vault.
        vault: &'static str,
        /// What it said.
        detail: String,
    },
    /// A person must unlock it, and may not be asked now.
    #[error("the {0} is locked")]
    Locked(&'static str),
    /// Another vault is asked for than the one that holds the secrets.
    #[error(
        "the secrets of this workspace are in the {recorded} vault, but LEAPP_VAULT is '{asked}'"
    )]
    Mismatch {
        /// The vault that the workspace names.
        recorded: String,
        /// The value of `LEAPP_VAULT`.
        asked: String,
    },
    /// A file of the vault's cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It did not answer in time.
    #[error("the {vault} did not answer within {seconds} s")]
    Silent {
        /// Which vault.
        vault: &'static str,
        /// How long we waited.
        seconds: u64,
    },
    /// The passphrase is wrong.
    #[error("the passphrase of the file vault is wrong")]
    WrongPassphrase,
}

/// The backend of that id.
pub fn backend(id: &str) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| backend.id() == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Unlock for Nobody {
        fn may_ask(&self) -> bool {
            false
        }
        fn passphrase(&self, _: Passphrase) -> Option<Secret> {
            None
        }
        fn announce(&self, _: &str) {}
    }

    fn settings(directory: &std::path::Path, passphrase: Option<&str>) -> Settings {
        Settings {
            directory: directory.join("vault"),
            tag: crate::system::hash::short(directory.to_string_lossy().as_bytes()),
            passphrase: passphrase.map(|text| Secret::new(text.into())),
            passphrase_file: None,
            unlock_for: Duration::ZERO,
            may_create: true,
        }
    }

    /// The contract of every backend that answers on this machine; the integration tests run it
    /// against a real Secret Service.
    #[test]
    fn every_backend_keeps_the_contract() {
        let ids: Vec<_> = BACKENDS.iter().map(|b| b.id()).collect();
        assert_eq!(ids, ["system", "file"]);
        for backend in BACKENDS {
            assert!(self::backend(backend.id()).is_some());
            assert!(!backend.label().is_empty());
        }
        let top = tempfile::tempdir().unwrap();
        let settings = settings(top.path(), Some("TESTSECRET passphrase"));
        let vault = backend("file").unwrap().open(&settings, &Nobody).unwrap();
        assert!(vault.fetch("session:a").unwrap().is_none());
        vault.store("session:a", &Secret::new("one".into())).unwrap();
        vault.store("session:b", &Secret::new("other".into())).unwrap();
        vault.store("session:a", &Secret::new("two".into())).unwrap();
        assert_eq!(vault.fetch("session:a").unwrap().unwrap().expose(), "two");
        assert!(vault.remove("session:a").unwrap());
        assert!(!vault.remove("session:a").unwrap());
        assert!(vault.fetch("session:a").unwrap().is_none());
        assert_eq!(vault.fetch("session:b").unwrap().unwrap().expose(), "other");
    }

    #[test]
    fn a_wrong_passphrase_opens_nothing_and_none_is_locked() {
        let top = tempfile::tempdir().unwrap();
        let file = backend("file").unwrap();
        let right = settings(top.path(), Some("right"));
        file.open(&right, &Nobody).unwrap().store("s", &Secret::new("x".into())).unwrap();
        let wrong = file.open(&settings(top.path(), Some("wrong")), &Nobody);
        assert!(matches!(wrong, Err(VaultError::WrongPassphrase)));
        let none = file.open(&settings(top.path(), None), &Nobody);
        assert!(matches!(none, Err(VaultError::Locked(_))));
    }

    #[test]
    fn an_item_under_another_name_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let settings = settings(top.path(), Some("right"));
        let vault = backend("file").unwrap().open(&settings, &Nobody).unwrap();
        vault.store("a", &Secret::new("x".into())).unwrap();
        vault.store("b", &Secret::new("y".into())).unwrap();
        let items: Vec<_> = std::fs::read_dir(&settings.directory)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "item"))
            .collect();
        let (first, second) = (&items[0], &items[1]);
        std::fs::copy(first, second).unwrap();
        let results = [vault.fetch("a"), vault.fetch("b")];
        assert!(results.iter().any(|r| matches!(r, Err(VaultError::Damaged { .. }))));
    }
}
