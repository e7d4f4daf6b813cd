//! Random bytes from the system.

use std::io;

/// `N` random bytes; an error where the system has none to give.
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer).map_err(io::Error::other)?;
    Ok(buffer)
}

/// A word that nobody else has: 16 hexadecimal digits. For names of files, not for secrets.
pub fn word() -> String {
    let random = bytes::<8>().unwrap_or_else(|_| u64::from(std::process::id()).to_le_bytes());
    super::hash::hex(&random)
}
