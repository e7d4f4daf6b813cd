//! A value that must not leak: wiped when dropped, redacted in `Debug`, read in one way only.
//!
//! Deliberately absent: `Display`, `Serialize`, `PartialEq`. Whoever needs the value calls
//! [`Secret::expose`], so that a search for `expose` is the audit.

use std::fmt;

use zeroize::Zeroizing;

/// Text that is wiped from memory when dropped.
///
/// The limit of that promise: a `String` that grew before it came here has left copies behind, so
/// build the text with its final capacity.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; no copy is made.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text. The only way to read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Bytes that are wiped from memory when dropped: keys, rendered shell text, opened boxes.
///
/// Appending past the capacity would leave an unwiped copy, so [`SecretBytes::extend`] moves to a
/// larger buffer by hand and wipes the old one.
#[derive(Clone, Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over; no copy is made.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// An empty buffer with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// The bytes. The only way to read them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Appends `more` without leaving a copy of the old content behind.
    pub fn extend(&mut self, more: &[u8]) {
        let needed = self.0.len().saturating_add(more.len());
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_value_nor_its_length() {
        assert_eq!(format!("{:?}", Secret::new("TESTSECRET".into())), "Secret(..)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2])), "SecretBytes(..)");
    }

    #[test]
    fn extending_past_the_capacity_keeps_the_content() {
        let mut bytes = SecretBytes::with_capacity(2);
        bytes.extend(b"ab");
        bytes.extend(b"cdef");
        assert_eq!(bytes.expose(), b"abcdef");
    }
}
