//! Private files: born 0600, replaced atomically, checked on the opened descriptor.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::fcntl::OFlag;

use super::directory::{self, PathError};

/// How a file of ours looks from outside; any change of its content changes one of these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since the epoch.
    pub mtime_ns: i128,
}

impl Stamp {
    fn of(meta: &std::fs::Metadata) -> Self {
        let nanoseconds = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Self { inode: meta.ino(), size: meta.size(), mtime_ns: nanoseconds }
    }
}

/// The stamp of the file at `path`, links followed; `None` when there is none.
pub fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|meta| Stamp::of(&meta))
}

/// A file's content and how it looked when it was read.
#[derive(Debug)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Inode, size and time of change.
    pub stamp: Stamp,
    /// Permission bits.
    pub mode: u32,
    /// The owner's user id.
    pub owner: u32,
}

/// Reads a file of the user's without judging its mode; `None` when there is none.
///
/// A symbolic link and a foreign owner are refused. At most `limit` bytes are read.
pub fn read_owned(path: &Path, limit: u64) -> Result<Option<Content>, PathError> {
    let Some(file) = open(path, OFlag::O_NOFOLLOW)? else { return Ok(None) };
    let content = read_opened(path, file, limit)?;
    if content.owner != super::process::user() {
        return Err(PathError::ForeignOwner { path: path.to_owned(), owner: content.owner });
    }
    Ok(Some(content))
}

/// Reads a file of the user's own choosing, links followed; `None` when there is none.
///
/// What is no regular file is refused: a pipe could keep us waiting for ever.
pub fn read_users(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
    let Some(file) = open(path, OFlag::empty())? else { return Ok(None) };
    read_opened(path, file, limit).map(|content| Some(content.bytes))
}

/// Opens a file for reading; a pipe does not keep us waiting.
fn open(path: &Path, flags: OFlag) -> Result<Option<File>, PathError> {
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PathError::io("open", path, error)),
    }
}

/// The content of an opened file, if it is a regular file of at most `limit` bytes.
pub fn read_opened(path: &Path, file: File, limit: u64) -> Result<Content, PathError> {
    let failed = |e| PathError::io("read", path, e);
    let meta = file.metadata().map_err(|e| PathError::io("inspect", path, e))?;
    if !meta.is_file() {
        return Err(failed(io::Error::other("it is no regular file")));
    }
    if meta.len() > limit {
        return Err(failed(io::Error::other(format!("it is larger than {limit} bytes"))));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).saturating_add(1));
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    let (stamp, mode, owner) = (Stamp::of(&meta), meta.mode() & 0o7777, meta.uid());
    Ok(Content { bytes, stamp, mode, owner })
}

/// Reads a private file; `None` when there is none. A mode that lets others in is refused.
pub fn read_private(path: &Path, limit: u64) -> Result<Option<Content>, PathError> {
    let content = read_owned(path, limit)?;
    match &content {
        Some(c) if c.mode & 0o077 != 0 => {
            Err(PathError::LooseMode { path: path.to_owned(), mode: c.mode })
        }
        _ => Ok(content),
    }
}

/// Whether a write must survive a power cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// The file may be lost with the power, never torn: caches.
    Cache,
    /// On disk before the call returns.
    Disk,
}

/// The beginning of the names of files that are being written.
pub(super) const WRITING: &str = ".leapp-writing-";

/// Replaces `path` by a file with `bytes` and mode 0600: whole or not at all.
///
/// The directory must exist. What an interrupted writer left behind longer ago than ten minutes
/// is removed on the way.
pub fn write_private(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), PathError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let failed = |e| PathError::io("write", path, e);
    if durability == Durability::Disk {
        remove_leftovers(directory);
    }
    let mut file = tempfile::Builder::new()
        .prefix(WRITING)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if durability == Durability::Disk {
        file.as_file().sync_all().map_err(failed)?;
    }
    file.persist(path).map_err(|e| failed(e.error))?;
    if durability == Durability::Disk {
        directory::sync(directory).map_err(failed)?;
    }
    Ok(())
}

/// A file that is about to be replaced, with room for its new content beside it.
#[derive(Debug)]
pub struct Successor {
    path: PathBuf,
    made: tempfile::NamedTempFile,
}

impl Successor {
    /// Makes room for about `size` bytes. A file without write permission is left alone, although a
    /// rename needs none: that is its owner's word.
    pub fn beside(path: &Path, size: usize) -> Result<Self, PathError> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let failed = |e| PathError::io("write", path, e);
        let meta = std::fs::metadata(path).map_err(|e| PathError::io("inspect", path, e))?;
        if meta.mode() & 0o222 == 0 {
            return Err(failed(io::Error::from(io::ErrorKind::PermissionDenied)));
        }
        remove_leftovers(directory);
        let mut made = tempfile::Builder::new()
            .prefix(WRITING)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .map_err(failed)?;
        made.write_all(&vec![b' '; size.saturating_add(1024)]).map_err(failed)?;
        made.as_file().sync_all().map_err(failed)?;
        Ok(Self { path: path.to_owned(), made })
    }

    /// Replaces the file, whole or not at all: mode 0600, on disk.
    pub fn replace(self, bytes: &[u8]) -> Result<(), PathError> {
        use std::os::unix::fs::FileExt;
        let failed = |e| PathError::io("write", &self.path, e);
        let file = self.made.as_file();
        file.write_all_at(bytes, 0).map_err(failed)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        file.set_len(length).and_then(|()| file.sync_all()).map_err(failed)?;
        self.made.persist(&self.path).map_err(|e| failed(e.error))?;
        directory::sync(self.path.parent().unwrap_or(Path::new("."))).map_err(failed)
    }
}

/// Appends `line` in one write, so that lines of several processes never mix. Created 0600.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(flags.bits());
    options.open(path)?.write_all(line)
}

/// Removes a file; one that is not there is no error. Tells whether it was there.
pub fn remove(path: &Path) -> Result<bool, PathError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(PathError::io("remove", path, error)),
    }
}

/// Overwrites a file with zeros, syncs it and removes it.
///
/// On copy-on-write and flash storage old blocks may stay readable to whoever reads the raw disk.
pub fn shred(path: &Path) -> Result<(), PathError> {
    let failed = |e| PathError::io("shred", path, e);
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = OpenOptions::new().write(true).custom_flags(flags.bits()).open(path);
    let mut file: File = opened.map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let zeros = vec![0; usize::try_from(size).unwrap_or(0)];
    file.write_all(&zeros).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    remove(path).map(|_| ())
}

/// Removes what interrupted writers left behind longer ago than ten minutes.
pub(super) fn remove_leftovers(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(WRITING);
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        if ours && age.is_some_and(|age| age > Duration::from_mins(10)) {
            _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_born_private_and_read_back() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("f");
        write_private(&path, b"one", Durability::Disk).unwrap();
        write_private(&path, b"two", Durability::Cache).unwrap();
        let content = read_private(&path, 100).unwrap().unwrap();
        assert_eq!((content.bytes.as_slice(), content.mode), (b"two".as_slice(), 0o600));
        assert_eq!(stamp(&path), Some(content.stamp));
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
        assert!(read_private(&path, 2).is_err());
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_private(&path, 100), Err(PathError::LooseMode { .. })));
        assert!(read_private(&top.path().join("none"), 9).unwrap().is_none());
    }

    #[test]
    fn links_and_directories_are_no_private_files() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("f");
        write_private(&path, b"x", Durability::Cache).unwrap();
        let link = top.path().join("l");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(read_private(&link, 9), Err(PathError::Link { .. })));
        assert!(read_private(top.path(), 9).is_err());
    }
}
