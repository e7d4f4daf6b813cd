//! The form of the file: a JSON envelope around AES-256-GCM under a random data key.
//!
//! The data key is wrapped under a key derived from the machine's id and, once there is a vault,
//! under a key that the vault holds. The header is associated data of every box in the file.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{KeySource, VaultKeySource, WorkspaceError, machine_key::Material};
use crate::{
    model::Workspace,
    seal::{Key, SealError},
    secret::SecretBytes,
    system::entropy,
};

const FORMAT: &str = "leapp-workspace";
/// The version that this program reads and writes.
pub(super) const VERSION: u32 = 1;
const KDF: &str = "HKDF-SHA-256";
const PURPOSE: &str = "leapp workspace key";
/// How the desktop app's file begins: base64 of `Salted__`, the mark of the `crypto-js` library.
const DESKTOP: &[u8] = b"U2FsdGVkX1";

/// Whether the Leapp desktop app wrote these bytes.
pub(super) fn is_desktop(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(DESKTOP)
}

/// Under which item the vault holds the workspace's key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VaultKey {
    /// The vault's backend: `system` or `file`.
    pub backend: String,
    /// The item's subject.
    pub item: String,
}

/// Everything in the file but the content: in clear, but authenticated.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Header {
    format: String,
    version: u32,
    kdf: String,
    salt: String,
    keys: WrappedKeys,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct WrappedKeys {
    machine: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vault: Option<VaultWrapped>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct VaultWrapped {
    place: VaultKey,
    key: String,
}

/// The file's form, its large part borrowed.
#[derive(Deserialize, Serialize)]
struct File<'a> {
    header: Header,
    nonce: &'a str,
    ciphertext: &'a str,
}

/// Just enough to tell whose file it is.
#[derive(Deserialize)]
struct Peek {
    header: PeekHeader,
}

#[derive(Deserialize)]
struct PeekHeader {
    format: String,
    version: u64,
}

/// A parsed file whose boxes are still closed.
pub(super) struct Envelope {
    header: Header,
    sealed: Vec<u8>,
}

/// What is needed to write the workspace again.
#[derive(Debug)]
pub(super) struct Secrets {
    header: Header,
    data_key: Key,
}

impl Envelope {
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, WorkspaceError> {
        let damaged = |detail: String| WorkspaceError::Damaged { path: path.to_owned(), detail };
        // A form that cannot be read at all may be that of a newer program.
        let file: Result<File<'_>, _> = serde_json::from_slice(bytes);
        let (format, version) = match &file {
            Ok(file) => (file.header.format.clone(), u64::from(file.header.version)),
            Err(error) => {
                let peek: Peek =
                    serde_json::from_slice(bytes).map_err(|_| damaged(error.to_string()))?;
                (peek.header.format, peek.header.version)
            }
        };
        if format != FORMAT {
            return Err(damaged(format!("its format is {format:?}")));
        }
        if version > u64::from(VERSION) {
            return Err(WorkspaceError::Newer { path: path.to_owned(), version });
        }
        let file = file.map_err(|error| damaged(error.to_string()))?;
        if file.header.kdf != KDF {
            return Err(damaged(format!("its key derivation is {:?}", file.header.kdf)));
        }
        let decode = |text: &str, what: &str| {
            STANDARD.decode(text).map_err(|_| damaged(format!("its {what} is no base64")))
        };
        let mut sealed = decode(file.nonce, "nonce")?;
        sealed.extend(decode(file.ciphertext, "ciphertext")?);
        Ok(Self { header: file.header, sealed })
    }

    pub(super) fn vault_key(&self) -> Option<VaultKey> {
        self.header.keys.vault.as_ref().map(|wrapped| wrapped.place.clone())
    }

    /// Tries each piece of key material of this machine.
    pub(super) fn open_with_machine(&self, materials: &[Material]) -> Option<(KeySource, Secrets)> {
        let wrapped = STANDARD.decode(&self.header.keys.machine).ok()?;
        materials.iter().find_map(|(source, material)| {
            let kek = machine_kek(material, &self.header.salt);
            let key = unwrap(&kek, wrapped.clone())?;
            Some((*source, Secrets { header: self.header.clone(), data_key: key }))
        })
    }

    /// Asks the vault. The machine's own key is wrapped anew, so that the next change heals the
    /// file.
    pub(super) fn open_with_vault(
        &self,
        vault: VaultKeySource<'_>,
        machine: impl FnOnce() -> Result<SecretBytes, WorkspaceError>,
    ) -> Option<(KeySource, Secrets)> {
        let entry = self.header.keys.vault.as_ref()?;
        let kek = vault(&entry.place)?;
        let data_key = unwrap(&kek, STANDARD.decode(&entry.key).ok()?)?;
        let mut secrets = Secrets { header: self.header.clone(), data_key };
        secrets.wrap_for_machine(&machine().ok()?).ok()?;
        Some((KeySource::Vault, secrets))
    }

    pub(super) fn content(
        self,
        path: &Path,
        secrets: &Secrets,
    ) -> Result<Workspace, WorkspaceError> {
        let damaged = |detail: String| WorkspaceError::Damaged { path: path.to_owned(), detail };
        // The header as it stands in the file: `secrets` may already hold a healed one.
        let associated = associated(&self.header).map_err(|error| damaged(error.to_string()))?;
        let plain = secrets
            .data_key
            .open(self.sealed, &associated)
            .map_err(|error| damaged(error.to_string()))?;
        serde_json::from_slice(plain.expose()).map_err(|error| damaged(error.to_string()))
    }
}

impl Secrets {
    pub(super) fn new(machine: &SecretBytes) -> Result<Self, WorkspaceError> {
        let salt = entropy::bytes::<16>().map_err(SealError::from)?;
        let header = Header {
            format: FORMAT.into(),
            version: VERSION,
            kdf: KDF.into(),
            salt: STANDARD.encode(salt),
            keys: WrappedKeys { machine: String::new(), vault: None },
        };
        let mut secrets = Self { header, data_key: Key::random()? };
        secrets.wrap_for_machine(machine)?;
        Ok(secrets)
    }

    pub(super) fn wrap_for_vault(&mut self, place: &VaultKey, kek: &Key) -> Result<(), SealError> {
        let key = self.wrap(kek)?;
        self.header.keys.vault = Some(VaultWrapped { place: place.clone(), key });
        Ok(())
    }

    pub(super) fn seal(&self, workspace: &Workspace) -> Result<Vec<u8>, WorkspaceError> {
        let unwritable = |error: serde_json::Error| SealError::Entropy(error.into());
        let plain = SecretBytes::new(serde_json::to_vec(workspace).map_err(unwritable)?);
        let associated = associated(&self.header).map_err(unwritable)?;
        let sealed = self.data_key.seal(plain.expose(), &associated)?;
        let (nonce, ciphertext) = sealed.split_at_checked(12).ok_or(SealError::Refused)?;
        let (nonce, ciphertext) = (STANDARD.encode(nonce), STANDARD.encode(ciphertext));
        let file = File { header: self.header.clone(), nonce: &nonce, ciphertext: &ciphertext };
        let mut text = serde_json::to_vec_pretty(&file).map_err(unwritable)?;
        text.push(b'\n');
        Ok(text)
    }

    fn wrap_for_machine(&mut self, material: &SecretBytes) -> Result<(), SealError> {
        self.header.keys.machine = self.wrap(&machine_kek(material, &self.header.salt))?;
        Ok(())
    }

    fn wrap(&self, kek: &Key) -> Result<String, SealError> {
        let sealed = kek.seal(self.data_key.bytes().expose(), PURPOSE.as_bytes())?;
        Ok(STANDARD.encode(sealed))
    }
}

fn machine_kek(material: &SecretBytes, salt: &str) -> Key {
    Key::derive(material.expose(), salt.as_bytes(), PURPOSE)
}

fn unwrap(kek: &Key, wrapped: Vec<u8>) -> Option<Key> {
    kek.open(wrapped, PURPOSE.as_bytes()).ok().and_then(Key::from_bytes)
}

fn associated(header: &Header) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(header)
}
