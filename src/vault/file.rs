//! The file vault: for machines without a system vault, such as servers and containers.
//!
//! `vault.json` holds the salt and the costs of Argon2id and a box to try a key on; each item is a
//! sealed file of its own, bound to its subject. An unlocked vault is a key in the kernel keyring.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Backend, OpenVault, Passphrase, Settings, Unlock, VaultError};
use crate::{
    seal::{Cost, Key},
    secret::{Secret, SecretBytes},
    system::{
        clock,
        directory::{self, PathError},
        entropy, files,
        files::Durability,
        hash, kernel_key,
        lock::Lock,
    },
};

const LABEL: &str = "file vault";
const FORMAT: &str = "leapp-file-vault";
const VERSION: u32 = 1;
/// What the box to try a key on holds.
const PROOF: &[u8] = b"leapp file vault";
/// No file of the vault is larger, in bytes.
const LIMIT: u64 = 1 << 20;
/// How often a wrong passphrase is asked again.
const TRIES: usize = 3;

/// The backend.
pub(super) struct FileVault;

#[derive(Deserialize, Serialize)]
struct Header {
    format: String,
    version: u32,
    argon2id: Cost,
    salt: String,
    proof: String,
}

struct Opened {
    directory: std::path::PathBuf,
    key: Key,
}

impl Backend for FileVault {
    fn id(&self) -> &'static str {
        "file"
    }

    fn label(&self) -> &'static str {
        LABEL
    }

    fn answers(&self, _: &Settings) -> Result<(), VaultError> {
        Ok(())
    }

    fn open(
        &self,
        settings: &Settings,
        unlock: &dyn Unlock,
    ) -> Result<Box<dyn OpenVault>, VaultError> {
        let key = match read_header(settings)? {
            Some(header) => unlocked(settings, &header)
                .map_or_else(|| ask_for_key(settings, &header, unlock), Ok)?,
            None if !settings.may_create => {
                let path = settings.directory.join("vault.json");
                return Err(VaultError::Absent(format!("{LABEL}: {} is missing", path.display())));
            }
            None => create(settings, unlock)?,
        };
        Ok(Box::new(Opened { directory: settings.directory.clone(), key }))
    }

    fn lock(&self, settings: &Settings) -> bool {
        kernel_key::remove(&description(settings)).unwrap_or(false)
    }
}

impl OpenVault for Opened {
    fn fetch(&self, subject: &str) -> Result<Option<Secret>, VaultError> {
        let Some(content) = files::read_private(&self.path(subject), LIMIT)? else {
            return Ok(None);
        };
        let damaged = |what: &str| damaged(&format!("the item of {subject} {what}"));
        let plain = self.key.open(content.bytes, subject.as_bytes());
        let plain = plain.map_err(|_| damaged("cannot be opened"))?;
        let text = std::str::from_utf8(plain.expose()).map_err(|_| damaged("is no text"))?;
        Ok(Some(Secret::new(text.to_owned())))
    }

    fn store(&self, subject: &str, item: &Secret) -> Result<(), VaultError> {
        let sealed = self.key.seal(item.expose().as_bytes(), subject.as_bytes());
        let sealed = sealed.map_err(|error| failed(&error.to_string()))?;
        Ok(files::write_private(&self.path(subject), &sealed, Durability::Disk)?)
    }

    fn remove(&self, subject: &str) -> Result<bool, VaultError> {
        Ok(files::remove(&self.path(subject))?)
    }
}

impl Opened {
    /// A hash, because a subject's characters are not all fit for a file name.
    fn path(&self, subject: &str) -> std::path::PathBuf {
        let name = hash::long([Some(subject.as_bytes())]);
        self.directory.join(format!("{name}.item"))
    }
}

fn read_header(settings: &Settings) -> Result<Option<Header>, VaultError> {
    let path = settings.directory.join("vault.json");
    let Some(content) = files::read_private(&path, LIMIT)? else {
        return Ok(None);
    };
    let header: Header = serde_json::from_slice(&content.bytes)
        .map_err(|error| damaged(&format!("{}: {error}", path.display())))?;
    if header.format != FORMAT || header.version != VERSION {
        return Err(damaged(&format!("{} is of a format of another program", path.display())));
    }
    Ok(Some(header))
}

/// The key, if the vault was unlocked a while ago and the key fits this very vault.
fn unlocked(settings: &Settings, header: &Header) -> Option<Key> {
    let kept = kernel_key::find(&description(settings)).ok().flatten()?;
    Key::from_bytes(kept.bytes).filter(|key| proves(key, header))
}

/// Whether there are items, which a new header could never open.
fn has_items(settings: &Settings) -> bool {
    let entries = std::fs::read_dir(&settings.directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().extension().is_some_and(|e| e == "item"))
}

fn ask_for_key(
    settings: &Settings,
    header: &Header,
    unlock: &dyn Unlock,
) -> Result<Key, VaultError> {
    if let Some(passphrase) = given(settings)? {
        let key = key_of(&passphrase, header)?;
        if !proves(&key, header) {
            return Err(VaultError::WrongPassphrase);
        }
        keep_unlocked(settings, &key);
        return Ok(key);
    }
    if !unlock.may_ask() {
        return Err(VaultError::Locked(LABEL));
    }
    for attempt in 0..TRIES {
        let purpose = if attempt == 0 { Passphrase::Open } else { Passphrase::Again };
        let passphrase = unlock.passphrase(purpose).ok_or(VaultError::Cancelled)?;
        let key = key_of(&passphrase, header)?;
        if proves(&key, header) {
            keep_unlocked(settings, &key);
            return Ok(key);
        }
    }
    Err(VaultError::WrongPassphrase)
}

fn create(settings: &Settings, unlock: &dyn Unlock) -> Result<Key, VaultError> {
    let passphrase = match given(settings)? {
        Some(passphrase) => passphrase,
        None if !unlock.may_ask() => return Err(VaultError::Locked(LABEL)),
        None => unlock.passphrase(Passphrase::New).ok_or(VaultError::Cancelled)?,
    };
    set_aside_lost_items(settings, unlock)?;
    directory::ensure(&settings.directory)?;
    // Two processes may both find no vault; the second one uses what the first one made.
    let lock = Lock::take(&settings.directory.join(".lock"), Duration::from_secs(10));
    let _lock = lock.map_err(|error| failed(&error.to_string()))?;
    if let Some(header) = read_header(settings)? {
        let key = key_of(&passphrase, &header)?;
        return if proves(&key, &header) { Ok(key) } else { Err(VaultError::WrongPassphrase) };
    }
    let (header, key) = new_header(&passphrase)?;
    let text = serde_json::to_vec_pretty(&header).map_err(|error| failed(&error.to_string()))?;
    files::write_private(&settings.directory.join("vault.json"), &text, Durability::Disk)?;
    keep_unlocked(settings, &key);
    Ok(key)
}

fn new_header(passphrase: &Secret) -> Result<(Header, Key), VaultError> {
    let salt = entropy::bytes::<16>().map_err(|error| failed(&error.to_string()))?;
    let mut header = Header {
        format: FORMAT.into(),
        version: VERSION,
        argon2id: Cost::RECOMMENDED,
        salt: STANDARD.encode(salt),
        proof: String::new(),
    };
    let key = key_of(passphrase, &header)?;
    let proof = key.seal(PROOF, FORMAT.as_bytes()).map_err(|error| failed(&error.to_string()))?;
    header.proof = STANDARD.encode(proof);
    Ok((header, key))
}

/// Items whose vault.json is lost cannot be opened, unless it is found again: they are kept.
fn set_aside_lost_items(settings: &Settings, unlock: &dyn Unlock) -> Result<(), VaultError> {
    if settings.directory.join("vault.json").exists() || !has_items(settings) {
        return Ok(());
    }
    let aside = settings.directory.with_extension(format!("lost-{}", clock::now()));
    let renamed = std::fs::rename(&settings.directory, &aside);
    renamed.map_err(|e| PathError::io("rename", &settings.directory, e))?;
    unlock.announce(&format!("the old vault, without its vault.json, is '{}'", aside.display()));
    Ok(())
}

/// The passphrase that was given without asking.
fn given(settings: &Settings) -> Result<Option<Secret>, VaultError> {
    if let Some(passphrase) = &settings.passphrase {
        return Ok(Some(passphrase.clone()));
    }
    let Some(path) = &settings.passphrase_file else {
        return Ok(None);
    };
    // Often a link into a folder that a container's manager mounts.
    let content = files::read_users(path, LIMIT)?.ok_or_else(|| {
        failed(&format!("LEAPP_VAULT_PASSPHRASE_FILE names '{}': no such file", path.display()))
    })?;
    let mode = std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode() & 0o7777);
    if mode & 0o077 != 0 {
        return Err(PathError::LooseMode { path: path.clone(), mode }.into());
    }
    let bytes = SecretBytes::new(content);
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| VaultError::WrongPassphrase)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(failed(&format!("the passphrase in '{}' is empty", path.display())));
    }
    Ok(Some(Secret::new(text.to_owned())))
}

fn key_of(passphrase: &Secret, header: &Header) -> Result<Key, VaultError> {
    let salt = STANDARD.decode(&header.salt).map_err(|_| damaged("its salt is no base64"))?;
    Key::from_passphrase(passphrase.expose().as_bytes(), &salt, header.argon2id)
        .ok_or_else(|| damaged("its Argon2id costs are out of range"))
}

fn proves(key: &Key, header: &Header) -> bool {
    let sealed = STANDARD.decode(&header.proof).unwrap_or_default();
    key.open(sealed, FORMAT.as_bytes()).is_ok_and(|plain| plain.expose() == PROOF)
}

/// Where the kernel refuses, the vault is unlocked every time.
fn keep_unlocked(settings: &Settings, key: &Key) {
    let seconds = u32::try_from(settings.unlock_for.as_secs()).unwrap_or(u32::MAX);
    if seconds > 0 {
        _ = kernel_key::add(&description(settings), key.bytes(), seconds);
    }
}

fn description(settings: &Settings) -> String {
    format!("leapp-vault:{}", settings.tag)
}

fn damaged(detail: &str) -> VaultError {
    VaultError::Damaged { vault: LABEL, detail: detail.into() }
}

fn failed(detail: &str) -> VaultError {
    VaultError::Failed { vault: LABEL, detail: detail.into() }
}
