//! The audit log: one line a hand-out. Never a secret, never an argument of a command.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    model::{CredentialIdentifier, Timestamp},
    system::{clock, files, process},
};

/// When the log is this large, in bytes, the next cold path begins a new one.
const ROTATE: u64 = 4 << 20;
/// How much of the log's end is read for what was used recently, in bytes.
const RECENT: u64 = 256 << 10;

/// One line.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    time: String,
    identity: String,
    command: String,
    pid: u32,
    parent: u32,
    program: String,
    expires: String,
}

/// Appends a line for a hand-out of `identity` by the subcommand `command`.
///
/// A log that cannot be written keeps nobody from working.
pub fn append(path: &Path, identity: &str, command: &str, expires: Timestamp) {
    let parent = process::parent_id();
    let line = Line {
        time: Timestamp(clock::now()).rfc3339(),
        identity: identity.to_owned(),
        command: command.to_owned(),
        pid: process::id(),
        parent,
        program: process::program_name(parent).unwrap_or_default(),
        expires: expires.rfc3339(),
    };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        _ = files::append_line(path, &text);
    }
}

/// Begins a new log when this one has grown large; the old one is kept once. For cold paths.
pub fn rotate(path: &Path) {
    if files::stamp(path).is_some_and(|stamp| stamp.size > ROTATE) {
        _ = std::fs::rename(path, path.with_extension("jsonl.old"));
    }
}

/// When each identity was handed out last, from the end of the log.
pub fn recent(path: &Path) -> HashMap<CredentialIdentifier, String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let size = file.metadata().map_or(0, |meta| meta.len());
        _ = file.seek(SeekFrom::Start(size.saturating_sub(RECENT)));
        _ = file.take(RECENT).read_to_end(&mut text);
    }
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines
        .filter_map(|line| Some((CredentialIdentifier::parse(&line.identity).ok()?, line.time)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_and_when_and_the_last_one_counts() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("audit.jsonl");
        let identity = "session:00000000-0000-0000-0000-000000000001";
        append(&path, identity, "env", Timestamp(0));
        append(&path, identity, "exec", Timestamp(3600));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("\"command\":\"exec\"") && text.contains("1970-01-01T01:00:00Z"));
        assert_eq!(recent(&path).len(), 1);
        rotate(&path);
        assert!(path.exists(), "a small log stays");
    }
}
