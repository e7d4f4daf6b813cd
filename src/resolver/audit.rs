//! The audit log: one line a hand-out. Never a secret, never an argument of a command.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    model::{CredentialIdentifier, RegionName, Timestamp},
    system::{clock, files, process},
};

/// When the log is this large, in bytes, the next cold path begins a new one.
const ROTATE: u64 = 4 << 20;
/// How much of the log's end is read for what was used recently, in bytes.
const RECENT: u64 = 256 << 10;
/// How much is remembered of one directory.
const OF_A_DIRECTORY: usize = 5;
/// A directory of a longer path is left out, in bytes.
const LONGEST_DIRECTORY: usize = 1 << 10;
/// A line is appended as one piece as long as it is shorter than this, in bytes.
const LONGEST_LINE: usize = 4 << 10;

/// What was handed out.
#[derive(Debug)]
pub struct HandedOut<'a> {
    /// Whose credentials.
    pub identity: &'a str,
    /// The subcommand that did it.
    pub command: &'a str,
    /// Where they are to work.
    pub region: Option<&'a str>,
    /// The current directory; it is recorded where it is text of ordinary length.
    pub directory: Option<PathBuf>,
    /// When they end.
    pub expires: Timestamp,
}

/// One line. What older programs did not write may be absent.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    time: String,
    identity: String,
    command: String,
    pid: u32,
    parent: u32,
    program: String,
    expires: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
}

/// Appends a line for a hand-out.
///
/// A log that cannot be written keeps nobody from working.
pub fn append(path: &Path, handed: &HandedOut<'_>) {
    let parent = process::parent_id();
    let directory = handed.directory.as_deref().and_then(Path::to_str);
    let mut line = Line {
        time: Timestamp(clock::now()).rfc3339(),
        identity: handed.identity.to_owned(),
        command: handed.command.to_owned(),
        pid: process::id(),
        parent,
        program: process::program_name(parent).unwrap_or_default(),
        expires: handed.expires.rfc3339(),
        region: handed.region.map(ToOwned::to_owned),
        directory: directory.filter(|text| text.len() <= LONGEST_DIRECTORY).map(Into::into),
    };
    let mut text = serde_json::to_vec(&line);
    // Control characters take six bytes each.
    if text.as_ref().is_ok_and(|text| text.len() >= LONGEST_LINE) {
        line.directory = None;
        text = serde_json::to_vec(&line);
    }
    if let Ok(mut text) = text {
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

/// What was used recently, from the end of the log.
#[derive(Debug, Default)]
pub struct Recent {
    /// The place of each identity that was handed out, in any directory: 0 is the newest. The times in
    /// the log are of whole seconds, its lines are in order.
    pub identities: HashMap<CredentialIdentifier, usize>,
    /// The identities that were handed out in the directory that was asked for, newest first, few.
    pub identities_here: Vec<CredentialIdentifier>,
    /// The regions that were worked in from there, newest first, few.
    pub regions_here: Vec<RegionName>,
}

impl Recent {
    /// Reads the last part of the log, for that directory.
    pub fn read(path: &Path, directory: Option<&Path>) -> Self {
        let mut recent = Self::default();
        let here = directory.and_then(Path::to_str);
        let text = end_of(path);
        let lines = text.split(|byte| *byte == b'\n').rev();
        for line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
            let is_here = here.is_some() && line.directory.as_deref() == here;
            let region = line.region.filter(|_| is_here);
            if let Some(region) = region.and_then(|region| RegionName::parse(&region).ok()) {
                remember(&mut recent.regions_here, region);
            }
            let Ok(identity) = CredentialIdentifier::parse(&line.identity) else { continue };
            if is_here {
                remember(&mut recent.identities_here, identity.clone());
            }
            let place = recent.identities.len();
            recent.identities.entry(identity).or_insert(place);
        }
        recent
    }
}

fn remember<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < OF_A_DIRECTORY && !list.contains(&item) {
        list.push(item);
    }
}

/// The last part of the log; its first line may be cut, and is then no line.
fn end_of(path: &Path) -> Vec<u8> {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let size = file.metadata().map_or(0, |meta| meta.len());
        _ = file.seek(SeekFrom::Start(size.saturating_sub(RECENT)));
        _ = file.take(RECENT).read_to_end(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: &str = "session:00000000-0000-0000-0000-000000000001";

    fn hand_out(path: &Path, identity: &str, region: &str, directory: &str) {
        let handed = HandedOut {
            identity,
            command: "exec",
            region: Some(region),
            directory: Some(directory.into()),
            expires: Timestamp(3600),
        };
        append(path, &handed);
    }

    fn regions(recent: &Recent) -> Vec<&str> {
        recent.regions_here.iter().map(RegionName::as_str).collect()
    }

    #[test]
    fn a_line_says_who_where_and_when_and_the_last_one_counts() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("audit.jsonl");
        hand_out(&path, IDENTITY, "eu-west-1", "/code/shop");
        hand_out(&path, IDENTITY, "eu-west-2", "/code/shop");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("\"command\":\"exec\"") && text.contains("1970-01-01T01:00:00Z"));
        assert!(text.contains("\"directory\":\"/code/shop\",") || text.contains("shop\"}"));
        assert_eq!(Recent::read(&path, None).identities.len(), 1);
        rotate(&path);
        assert!(path.exists(), "a small log stays");
    }

    #[test]
    fn a_directory_has_its_own_newest_first_and_few() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("audit.jsonl");
        let id = |number: u32| format!("session:00000000-0000-0000-0000-{number:012}");
        for number in 1..=7 {
            hand_out(&path, &id(number), &format!("eu-west-{number}"), "/here");
        }
        hand_out(&path, &id(9), "us-east-1", "/there");
        hand_out(&path, &id(4), "eu-west-4", "/here");
        let recent = Recent::read(&path, Some(Path::new("/here")));
        let expected = ["eu-west-4", "eu-west-7", "eu-west-6", "eu-west-5", "eu-west-3"];
        assert_eq!(regions(&recent), expected);
        let here: Vec<String> = recent.identities_here.iter().map(ToString::to_string).collect();
        assert_eq!(here, [4, 7, 6, 5, 3].map(id));
        assert_eq!(recent.identities.len(), 8, "those of elsewhere are known too");
        let place = |number| recent.identities[&CredentialIdentifier::parse(&id(number)).unwrap()];
        assert_eq!([4, 9, 7, 1].map(place), [0, 1, 2, 7]);
        for nowhere in [None, Some(Path::new("/her")), Some(Path::new("/here/below"))] {
            let recent = Recent::read(&path, nowhere);
            assert!(recent.identities_here.is_empty() && recent.regions_here.is_empty());
        }
        assert!(Recent::read(&top.path().join("none"), None).identities.is_empty());
    }

    #[test]
    fn lines_of_older_programs_and_foreign_text_are_no_trouble() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("audit.jsonl");
        let old = format!(
            "{{\"time\":\"2026-01-01T00:00:00Z\",\"identity\":\"{IDENTITY}\",\"command\":\"env\",\
             \"pid\":1,\"parent\":1,\"program\":\"sh\",\"expires\":\"2026-01-01T01:00:00Z\"}}\n"
        );
        files::append_line(&path, b"cut\"}\n\xff\n").unwrap();
        files::append_line(&path, old.as_bytes()).unwrap();
        hand_out(&path, "of:a:newer:program", "no region", "/here");
        let recent = Recent::read(&path, Some(Path::new("/here")));
        let id = CredentialIdentifier::parse(IDENTITY).unwrap();
        assert_eq!(recent.identities[&id], 0);
        assert!(recent.identities_here.is_empty() && recent.regions_here.is_empty());
    }

    #[test]
    fn a_line_is_short_and_only_the_end_of_the_log_is_read() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("audit.jsonl");
        // The first is just not too long; what escapes to more than a line takes is left out.
        for (directory, kept) in [
            (format!("/{}", "a".repeat(1023)), true),
            (format!("/{}", "a".repeat(1024)), false),
            (format!("/{}", "\u{1}".repeat(1000)), false),
        ] {
            hand_out(&path, IDENTITY, "eu-west-1", &directory);
            let recent = Recent::read(&path, Some(Path::new(&directory)));
            assert_eq!(recent.identities_here.len(), usize::from(kept), "{}", directory.len());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().all(|line| line.len() < LONGEST_LINE) && text.lines().count() == 3);
        hand_out(&path, IDENTITY, "eu-west-9", "/here");
        let filler = format!("{}\n", "x".repeat(64 << 10));
        for _ in 0..4 {
            files::append_line(&path, filler.as_bytes()).unwrap();
        }
        let recent = Recent::read(&path, Some(Path::new("/here")));
        assert!(recent.identities.is_empty() && recent.regions_here.is_empty());
    }
}
