//! stdin, read no further than asked: what follows belongs to the command that we become.

use std::io;

/// One line of at most `limit` bytes, without its line end.
pub fn line(limit: usize) -> io::Result<String> {
    let stdin = io::stdin();
    let mut bytes = Vec::with_capacity(limit);
    while bytes.len() < limit {
        let mut byte = [0];
        if nix::unistd::read(&stdin, &mut byte)? == 0 || byte == *b"\n" {
            break;
        }
        bytes.extend(byte);
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}
