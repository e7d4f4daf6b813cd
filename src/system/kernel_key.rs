//! Keys in the kernel's user keyring: they live until a time limit or the machine's next start,
//! and never on disk. See <https://man7.org/linux/man-pages/man7/user-keyring.7.html>.
//!
//! Where the kernel or a container refuses, every call says so and the caller goes on without.

use crate::secret::SecretBytes;

/// A key of the kernel's.
#[derive(Debug)]
pub struct KernelKey {
    /// The kernel's serial number, as hexadecimal digits.
    pub serial: String,
    /// The key's content.
    pub bytes: SecretBytes,
}

/// The kernel has no keyring for us.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the kernel keyring cannot be used: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    /// With what is wrong, as a fragment.
    pub fn new(problem: &str) -> Self {
        Self(problem.to_owned())
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use linux_keyutils::{Key, KeyError, KeyPermissions, KeyRing, KeyRingIdentifier};

    use super::{KernelKey, SecretBytes, Unavailable};

    /// All for who possesses the key; view, read and search for the user, so that a login session
    /// with another session keyring finds it too.
    const PERMISSIONS: u32 = 0x3f0b_0000;
    /// The longest key we keep, in bytes.
    const LONGEST: usize = 64;

    impl From<KeyError> for Unavailable {
        fn from(error: KeyError) -> Self {
            Self(error.to_string())
        }
    }

    fn keyring() -> Result<KeyRing, Unavailable> {
        Ok(KeyRing::from_special_id(KeyRingIdentifier::User, false)?)
    }

    fn search(description: &str) -> Result<Option<Key>, Unavailable> {
        match keyring()?.search(description) {
            Ok(key) => Ok(Some(key)),
            Err(
                KeyError::KeyDoesNotExist
                | KeyError::KeyringDoesNotExist
                | KeyError::KeyExpired
                | KeyError::KeyRevoked
                | KeyError::MissingFileOrDirectory,
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key of that description, if there is one.
    pub fn find(description: &str) -> Result<Option<KernelKey>, Unavailable> {
        let Some(key) = search(description)? else {
            return Ok(None);
        };
        let mut buffer = vec![0; LONGEST];
        let length = match key.read(&mut buffer) {
            Ok(length) => length,
            Err(KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyDoesNotExist) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        buffer.truncate(length);
        Ok(Some(KernelKey { serial: serial(key), bytes: SecretBytes::new(buffer) }))
    }

    /// Adds a key that lasts for `seconds`, in place of one of the same description.
    ///
    /// Adding replaces silently: whoever must not do that looks first, under a lock.
    pub fn add(
        description: &str,
        bytes: &SecretBytes,
        seconds: u32,
    ) -> Result<String, Unavailable> {
        let key = keyring()?.add_key(description, bytes.expose())?;
        key.set_perms(KeyPermissions::from_u32(PERMISSIONS))?;
        key.set_timeout(usize::try_from(seconds).unwrap_or(usize::MAX))?;
        Ok(serial(key))
    }

    /// Lets the key last for `seconds` from now. Who does not possess it may not, and that is no
    /// fault: it ends at its old time and a new one takes its place.
    pub fn renew(description: &str, seconds: u32) {
        if let Ok(Some(key)) = search(description) {
            _ = key.set_timeout(usize::try_from(seconds).unwrap_or(usize::MAX));
        }
    }

    /// Removes the key; tells whether there was one.
    pub fn remove(description: &str) -> Result<bool, Unavailable> {
        let Some(key) = search(description)? else {
            return Ok(false);
        };
        if key.invalidate().is_err() {
            keyring()?.unlink_key(key)?;
        }
        Ok(true)
    }

    fn serial(key: Key) -> String {
        format!("{:x}", key.get_id().0)
    }
}

#[cfg(target_os = "linux")]
pub use kernel::{add, find, remove, renew};

#[cfg(not(target_os = "linux"))]
mod absent {
    use super::{KernelKey, SecretBytes, Unavailable};

    fn refuse<T>() -> Result<T, Unavailable> {
        Err(Unavailable("this system has none".into()))
    }

    /// There is no such keyring here.
    pub fn find(_: &str) -> Result<Option<KernelKey>, Unavailable> {
        refuse()
    }

    /// There is no such keyring here.
    pub fn add(_: &str, _: &SecretBytes, _: u32) -> Result<String, Unavailable> {
        refuse()
    }

    /// There is no such keyring here.
    pub fn renew(_: &str, _: u32) {}

    /// There is no such keyring here.
    pub fn remove(_: &str) -> Result<bool, Unavailable> {
        refuse()
    }
}

#[cfg(not(target_os = "linux"))]
pub use absent::{add, find, remove, renew};
