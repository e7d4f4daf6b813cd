//! The system vault: Secret Service on Linux, Keychain on macOS, through `keyring-core`.
//!
//! The Secret Service store unlocks by itself and may raise a dialog, so it is asked first whether
//! it is locked. Every call runs under a time limit: a service that never answers is given up.

use std::{sync::Arc, sync::mpsc, thread, time::Duration};

use keyring_core::{CredentialStore, Entry, Error as KeyringError};

use super::{Backend, OpenVault, SERVICE, Settings, Unlock, VaultError};
use crate::secret::Secret;

#[cfg(target_os = "linux")]
const LABEL: &str = "system vault (Secret Service)";
#[cfg(not(target_os = "linux"))]
const LABEL: &str = "system vault";

/// For a question that needs no person.
const QUICK: Duration = Duration::from_secs(2);
/// For a read or write in an unlocked vault.
const USUAL: Duration = Duration::from_secs(10);
/// For a dialog that a person answers.
const DIALOG: Duration = Duration::from_mins(2);

/// The backend.
pub(super) struct SystemVault;

struct Opened {
    store: Arc<CredentialStore>,
}

/// Whether a dialog would appear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Locked,
    Unlocked,
}

impl Backend for SystemVault {
    fn id(&self) -> &'static str {
        "system"
    }

    fn label(&self) -> &'static str {
        LABEL
    }

    fn answers(&self, _: &Settings) -> Result<(), VaultError> {
        state().map(|_| ())
    }

    fn open(&self, _: &Settings, unlock: &dyn Unlock) -> Result<Box<dyn OpenVault>, VaultError> {
        if state()? == State::Locked {
            if !unlock.may_ask() {
                return Err(VaultError::Locked(LABEL));
            }
            unlock.announce("the system vault is locked; answer the dialog that it shows");
            within(DIALOG, raise_dialog)?;
            if state()? == State::Locked {
                return Err(VaultError::Cancelled);
            }
        }
        let store = within(QUICK, open_store)?;
        Ok(Box::new(Opened { store }))
    }

    fn lock(&self, _: &Settings) -> bool {
        false
    }
}

impl OpenVault for Opened {
    fn fetch(&self, subject: &str) -> Result<Option<Secret>, VaultError> {
        self.with_entry(subject, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(failed(&error)),
        })
    }

    fn store(&self, subject: &str, item: &Secret) -> Result<(), VaultError> {
        let item = item.clone();
        self.with_entry(subject, move |entry| {
            entry.set_password(item.expose()).map_err(|error| failed(&error))
        })
    }

    fn remove(&self, subject: &str) -> Result<bool, VaultError> {
        self.with_entry(subject, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(KeyringError::NoEntry) => Ok(false),
            Err(error) => Err(failed(&error)),
        })
    }
}

impl Opened {
    fn with_entry<T: Send + 'static>(
        &self,
        subject: &str,
        act: impl FnOnce(&Entry) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let store = Arc::clone(&self.store);
        let subject = subject.to_owned();
        within(USUAL, move || {
            let entry = store.build(SERVICE, &subject, None).map_err(|error| failed(&error))?;
            act(&entry)
        })
    }
}

/// Runs `act` on a thread of its own and gives it up when the time is over: a call that hangs in
/// the system's library cannot be cancelled in any other way.
fn within<T: Send + 'static>(
    limit: Duration,
    act: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || _ = sender.send(act()));
    receiver
        .recv_timeout(limit)
        .unwrap_or(Err(VaultError::Silent { vault: LABEL, seconds: limit.as_secs() }))
}

#[cfg(target_os = "linux")]
fn state() -> Result<State, VaultError> {
    within(QUICK, || {
        let service = connect()?;
        let locked = match service.get_default_collection() {
            Ok(collection) => collection.is_locked().map_err(|error| refused(&error))?,
            // Without a collection the first item makes one, and a dialog asks for its password.
            Err(secret_service::Error::NoResult) => true,
            Err(error) => return Err(refused(&error)),
        };
        Ok(if locked { State::Locked } else { State::Unlocked })
    })
}

#[cfg(target_os = "linux")]
fn raise_dialog() -> Result<(), VaultError> {
    let service = connect()?;
    match service.get_default_collection() {
        Ok(collection) => collection.unlock().map_err(|error| refused(&error)),
        Err(secret_service::Error::NoResult) => {
            service.create_collection("Login", "default").map_err(|error| refused(&error))?;
            Ok(())
        }
        Err(error) => Err(refused(&error)),
    }
}

#[cfg(target_os = "linux")]
fn connect() -> Result<secret_service::blocking::SecretService<'static>, VaultError> {
    use secret_service::{EncryptionType, blocking::SecretService};
    SecretService::connect(EncryptionType::Dh)
        .map_err(|error| VaultError::Absent(format!("{LABEL}: {}", plain(&error.to_string()))))
}

#[cfg(target_os = "linux")]
fn refused(error: &secret_service::Error) -> VaultError {
    match error {
        secret_service::Error::Prompt => VaultError::Cancelled,
        error => VaultError::Failed { vault: LABEL, detail: plain(&error.to_string()) },
    }
}

#[cfg(target_os = "linux")]
fn open_store() -> Result<Arc<CredentialStore>, VaultError> {
    let store = zbus_secret_service_keyring_store::Store::new().map_err(|error| failed(&error))?;
    Ok(store)
}

/// The Keychain asks by itself, and tells nobody beforehand.
#[cfg(target_os = "macos")]
fn state() -> Result<State, VaultError> {
    Ok(State::Unlocked)
}

#[cfg(target_os = "macos")]
fn raise_dialog() -> Result<(), VaultError> {
    Ok(())
}

#[cfg(target_os = "macos")]
fn open_store() -> Result<Arc<CredentialStore>, VaultError> {
    let store =
        apple_native_keyring_store::keychain::Store::new().map_err(|error| failed(&error))?;
    Ok(store)
}

/// What the library says, without the bytes that some of its errors carry.
fn failed(error: &KeyringError) -> VaultError {
    let detail = match error {
        KeyringError::BadEncoding(_) => "an item is no text".to_owned(),
        KeyringError::BadDataFormat(..) => "an item is damaged".to_owned(),
        error => plain(&error.to_string()),
    };
    VaultError::Failed { vault: LABEL, detail }
}

/// A library's message as a fragment of ours.
fn plain(message: &str) -> String {
    message.trim().trim_end_matches('.').to_owned()
}
