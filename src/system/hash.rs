//! Hashes as text, for names of files and keys.

use sha2::{Digest, Sha256};

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The first 32 hexadecimal digits of SHA-256 over `parts`, each bound to its length.
pub fn long<'a>(parts: impl IntoIterator<Item = Option<&'a [u8]>>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        let length = part.map_or(u64::MAX, |bytes| bytes.len() as u64);
        digest.update(length.to_le_bytes());
        digest.update(part.unwrap_or_default());
    }
    let mut text = hex(&digest.finalize());
    text.truncate(32);
    text
}

/// All 64 hexadecimal digits of SHA-256.
pub fn full(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first 16 hexadecimal digits of SHA-256.
pub fn short(bytes: &[u8]) -> String {
    let mut text = hex(&Sha256::digest(bytes));
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard() {
        assert_eq!(short(b"abc"), "ba7816bf8f01cfea");
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let two = |a: &'static [u8], b: &'static [u8]| long([Some(a), Some(b)]);
        assert_ne!(two(b"ab", b"c"), two(b"a", b"bc"));
        assert_ne!(long([Some(b"".as_slice())]), long([None]));
    }
}
