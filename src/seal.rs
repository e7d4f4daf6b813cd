//! Sealed boxes: AES-256-GCM (NIST SP 800-38D) and the derivation of keys from other keys.
//!
//! Deliberately absent: any idea of what is sealed.

use std::io;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, Nonce},
};
use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::{secret::SecretBytes, system::entropy};

/// Length of a key in bytes.
pub const KEY: usize = 32;
/// Length of a nonce in bytes: 96 bits, random.
const NONCE: usize = 12;
/// Length of the authentication tag in bytes.
const TAG: usize = 16;

/// A key for sealing.
#[derive(Clone, Debug)]
pub struct Key(SecretBytes);

/// A box could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key is wrong, or the box or its associated data was changed.
    #[error("wrong key, or the data was changed")]
    Refused,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Entropy(#[from] io::Error),
}

impl Key {
    /// A new random key.
    pub fn random() -> Result<Self, SealError> {
        Ok(Self(SecretBytes::new(entropy::bytes::<KEY>()?.to_vec())))
    }

    /// A key from its bytes; `None` unless there are [`KEY`] of them.
    pub fn from_bytes(bytes: SecretBytes) -> Option<Self> {
        (bytes.expose().len() == KEY).then_some(Self(bytes))
    }

    /// HKDF with SHA-256 (<https://www.rfc-editor.org/rfc/rfc5869>).
    pub fn derive(material: &[u8], salt: &[u8], purpose: &str) -> Self {
        let mut bytes = vec![0; KEY];
        let done = Hkdf::<Sha256>::new(Some(salt), material).expand(purpose.as_bytes(), &mut bytes);
        debug_assert!(done.is_ok(), "32 bytes are always within HKDF's limit");
        Self(SecretBytes::new(bytes))
    }

    /// Argon2id, version 1.3 (<https://www.rfc-editor.org/rfc/rfc9106>).
    ///
    /// `None` when the costs are outside what the algorithm or this program accepts.
    pub fn from_passphrase(passphrase: &[u8], salt: &[u8], cost: Cost) -> Option<Self> {
        let sane = cost.memory_kib <= 1 << 20 && cost.passes <= 16 && cost.lanes <= 8;
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY)).ok();
        let params = params.filter(|_| sane)?;
        let mut bytes = vec![0; KEY];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, salt, &mut bytes)
            .ok()?;
        Some(Self(SecretBytes::new(bytes)))
    }

    /// The key's bytes, for a place that keeps keys.
    pub fn bytes(&self) -> &SecretBytes {
        &self.0
    }

    /// Seals `plain`; the box is nonce, ciphertext and tag. `associated` must be given again to
    /// open it.
    pub fn seal(&self, plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = entropy::bytes::<NONCE>()?;
        let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let body = sealed.get_mut(NONCE..).unwrap_or_default();
        let tag = self.cipher()?.encrypt_inout_detached(
            &Nonce::<Aes256Gcm>::from(nonce),
            associated,
            body.into(),
        );
        match tag {
            Ok(tag) => {
                sealed.extend_from_slice(&tag);
                Ok(sealed)
            }
            Err(_) => {
                sealed.zeroize();
                Err(SealError::Refused)
            }
        }
    }

    /// Opens a box that [`Key::seal`] made, in place.
    pub fn open(&self, mut sealed: Vec<u8>, associated: &[u8]) -> Result<SecretBytes, SealError> {
        let tag_at = sealed.len().checked_sub(TAG).ok_or(SealError::Refused)?;
        let tag: [u8; TAG] = sealed.split_off(tag_at).try_into().map_err(|_| SealError::Refused)?;
        let (nonce, body) = sealed.split_first_chunk_mut::<NONCE>().ok_or(SealError::Refused)?;
        let nonce = Nonce::<Aes256Gcm>::from(*nonce);
        self.cipher()?
            .decrypt_inout_detached(&nonce, associated, body.into(), &tag.into())
            .map_err(|_| SealError::Refused)?;
        sealed.drain(..NONCE);
        Ok(SecretBytes::new(sealed))
    }

    fn cipher(&self) -> Result<Aes256Gcm, SealError> {
        Aes256Gcm::new_from_slice(self.0.expose()).map_err(|_| SealError::Refused)
    }
}

/// What Argon2id costs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// The second of the two settings that RFC 9106 §4 recommends: 64 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_opens_only_with_its_key_and_its_data() {
        let key = Key::random().unwrap();
        let sealed = key.seal(b"content", b"data").unwrap();
        assert_eq!(key.open(sealed.clone(), b"data").unwrap().expose(), b"content");
        assert!(key.open(sealed.clone(), b"other").is_err());
        assert!(Key::random().unwrap().open(sealed.clone(), b"data").is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open(changed, b"data").is_err(), "bit flip at {place}");
            assert!(key.open(sealed[..place].to_vec(), b"data").is_err(), "cut at {place}");
        }
    }

    /// Test case 1 of RFC 5869, appendix A.1, cut to 32 bytes.
    #[test]
    fn derivation_follows_the_rfc() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let mut bytes = [0; KEY];
        Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22]).expand(&info, &mut bytes).unwrap();
        assert_eq!(bytes[..4], [0x3c, 0xb2, 0x5f, 0x25]);
        assert_eq!(Key::derive(b"m", b"s", "p").0.expose().len(), KEY);
    }

    #[test]
    fn absurd_costs_are_refused() {
        let cost = Cost { memory_kib: u32::MAX, passes: 1, lanes: 1 };
        assert!(Key::from_passphrase(b"x", b"saltsalt", cost).is_none());
        let small = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        assert!(Key::from_passphrase(b"x", b"saltsalt", small).is_some());
    }
}
