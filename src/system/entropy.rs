//! Random bytes from the system.

use std::io;

/// `N` random bytes; an error where the system has none to give.
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer).map_err(io::Error::other)?;
    Ok(buffer)
}
