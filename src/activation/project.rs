//! Finding a project file: the climb, and the checks on what it finds.
//!
//! The shells climb in the same way before they start us, so that both always mean the same file.

use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::settings::{Proposal, SettingsError};
use crate::system::{
    files::{self, Stamp},
    hash, owned,
    owned::{Identity, Node},
};

/// The names of project files; in one directory the first wins.
pub const NAMES: [&str; 2] = [".leapp.local.toml", ".leapp.toml"];

/// No project file is larger, in bytes.
const LIMIT: u64 = 4096;
/// How many directories are looked at.
const DEPTH: usize = 64;

/// A project file that governs a directory: opened, checked and hashed, but not trusted.
#[derive(Clone, Debug)]
pub struct Found {
    place: Place,
    bytes: Vec<u8>,
    stamp: Stamp,
    directory: Identity,
}

/// Where a project file is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file's canonical path.
    pub file: PathBuf,
    /// How many directories above the current one it lies.
    pub above: usize,
    /// When it was changed last, in nanoseconds since the epoch.
    pub mtime_ns: i128,
}

/// A project file that cannot be used. It governs all the same: nothing of a directory above it
/// counts.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Where it is.
    pub place: Place,
    /// What is wrong with it.
    pub problem: String,
}

impl Place {
    /// The directory that the file stands in.
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }

    /// The file's path relative to the current directory, as the kernel resolves it.
    pub fn relative(&self) -> PathBuf {
        let up: PathBuf = std::iter::repeat_n("..", self.above).collect();
        up.join(self.file.file_name().unwrap_or_default())
    }
}

impl Found {
    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its bytes, which are the ones that were hashed and are parsed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its bytes, in hexadecimal digits.
    pub fn content_hash(&self) -> String {
        hash::full(&self.bytes)
    }

    /// How it looked when it was read.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The directory's own identity.
    pub fn directory(&self) -> &Identity {
        &self.directory
    }

    /// What it asks for: to be shown or recorded, never to be acted upon.
    pub fn proposal(&self) -> Result<Proposal, SettingsError> {
        Proposal::parse(&self.bytes)
    }
}

/// The project file that governs `from`, a canonical path; `None` when there is none.
///
/// `home` is the user's home directory: a file right in it is refused.
///
/// Climbs while the directory is the user's own, looks into a directory that holds `.git` and not
/// above it, and stops after 64 directories.
pub fn find(from: &Path, home: Option<Node>) -> Result<Option<Found>, Box<Refused>> {
    for (above, directory) in from.ancestors().take(DEPTH).enumerate() {
        if !owned::is_ours(directory) {
            return Ok(None);
        }
        for name in NAMES {
            let file = directory.join(name);
            // Links are followed here, because the shells do: that it is one is refused below.
            if let Ok(meta) = std::fs::metadata(&file) {
                let place = Place { file, above, mtime_ns: owned::mtime_ns(&meta) };
                return open(place, home).map(Some);
            }
        }
        if directory.join(".git").exists() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The project file of that path, wherever we are. For commands that name a path.
pub fn at(file: PathBuf, home: Option<Node>) -> Result<Option<Found>, Box<Refused>> {
    match std::fs::metadata(&file) {
        Ok(meta) => {
            open(Place { file, above: 0, mtime_ns: owned::mtime_ns(&meta) }, home).map(Some)
        }
        Err(_) => Ok(None),
    }
}

fn open(place: Place, home: Option<Node>) -> Result<Found, Box<Refused>> {
    match check(&place, home) {
        Ok((bytes, stamp, directory)) => Ok(Found { place, bytes, stamp, directory }),
        Err(problem) => Err(Box::new(Refused { place, problem })),
    }
}

type Checked = (Vec<u8>, Stamp, Identity);

/// Checks file and directory on opened descriptors. The text is a fragment that follows the path.
fn check(place: &Place, home: Option<Node>) -> Result<Checked, String> {
    let path = place.directory();
    let directory = owned::open_directory(path).map_err(|e| format!("its directory: {e}"))?;
    let meta = directory.metadata().map_err(|error| error.to_string())?;
    if path.parent().is_none() || home == Some(Node::of(&meta)) {
        return Err("a project file in your home or root directory would cover everything".into());
    }
    writable_by_others(&meta)
        .map_or(Ok(()), |who| Err(format!("{who} can write its directory")))?;
    for above in path.ancestors().skip(1) {
        let Ok(meta) = std::fs::metadata(above) else { continue };
        if home == Some(Node::of(&meta)) {
            break;
        }
        if owned::is_open_to_all(&meta) {
            return Err(format!("everybody can write '{}'", above.display()));
        }
    }
    let file = owned::open_plain(&place.file).map_err(|error| error.to_string())?;
    let facts = file.metadata().map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("it is no regular file".into());
    }
    if facts.uid() != crate::system::process::user() {
        return Err(format!("it belongs to user id {}, not to you", facts.uid()));
    }
    if facts.nlink() != 1 {
        return Err("it has a second name (a hard link)".into());
    }
    writable_by_others(&facts).map_or(Ok(()), |who| Err(format!("{who} can write it")))?;
    let content = files::read_opened(&place.file, file, LIMIT).map_err(|error| {
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    })?;
    Ok((content.bytes, content.stamp, Identity::of(&meta)))
}

fn writable_by_others(meta: &Metadata) -> Option<&'static str> {
    let mode = meta.mode();
    if mode & 0o002 != 0 {
        Some("everybody")
    } else if mode & 0o020 != 0 && !owned::is_private_group(meta.gid()) {
        Some("its group")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::system::files::{Durability, write_private};

    fn project() -> (tempfile::TempDir, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        write_private(&root.join(".leapp.toml"), b"session = \"dev\"\n", Durability::Cache)
            .unwrap();
        (top, root)
    }

    fn found(from: &Path) -> Option<PathBuf> {
        find(from, None).unwrap().map(|found| found.place.relative())
    }

    fn problem(from: &Path) -> String {
        find(from, None).unwrap_err().problem
    }

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_climb_finds_the_nearest_and_stops_at_a_repository() {
        let (_top, root) = project();
        assert_eq!(found(&root), Some(".leapp.toml".into()));
        assert_eq!(found(&root.join("a/b")), Some("../../.leapp.toml".into()));
        std::fs::create_dir(root.join("a/.git")).unwrap();
        assert_eq!(found(&root.join("a/b")), None, "a nested clone inherits nothing");
        write_private(&root.join("a/.leapp.local.toml"), b"x", Durability::Cache).unwrap();
        write_private(&root.join("a/.leapp.toml"), b"y", Durability::Cache).unwrap();
        assert_eq!(found(&root.join("a/b")), Some("../.leapp.local.toml".into()));
    }

    #[test]
    fn a_file_that_another_could_have_made_is_refused() {
        let (_top, root) = project();
        let file = root.join(".leapp.toml");
        chmod(&file, 0o646);
        assert_eq!(problem(&root), "everybody can write it");
        chmod(&file, 0o600);
        chmod(&root, 0o777);
        assert_eq!(problem(&root), "everybody can write its directory");
        chmod(&root, 0o755);
        let second = root.join("second");
        std::fs::hard_link(&file, &second).unwrap();
        assert!(problem(&root).contains("hard link"));
        std::fs::remove_file(&file).unwrap();
        symlink(&second, &file).unwrap();
        assert!(problem(&root).contains("link"), "{}", problem(&root));
        std::fs::remove_file(&file).unwrap();
        write_private(&file, &[b'#'; 5000], Durability::Cache).unwrap();
        assert!(problem(&root).contains("4096 bytes"), "{}", problem(&root));
        std::fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(problem(&root).contains("no regular file"), "{}", problem(&root));
    }

    #[test]
    fn home_and_open_ancestors_are_refused() {
        let (top, root) = project();
        let home = Node::of(&std::fs::metadata(&root).unwrap());
        let refused = find(&root, Some(home)).unwrap_err();
        assert!(refused.problem.contains("cover everything"));
        chmod(&top.path().canonicalize().unwrap(), 0o777);
        assert!(problem(&root).contains("everybody can write '"));
        chmod(&top.path().canonicalize().unwrap(), 0o1777);
        assert!(find(&root, None).is_ok(), "a sticky directory is fine");
    }
}
