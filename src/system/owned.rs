//! Files and directories of the user's own that are not ours: who owns them, who can write them.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::process;

/// Tells a directory from another one that stands at the same path later.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The inode number.
    pub inode: u64,
    /// When it was made, in nanoseconds since the epoch; `None` where the file system does not
    /// know.
    pub birth_ns: Option<u64>,
    /// The owner's user id.
    pub owner: u32,
}

impl Identity {
    /// Of an opened directory.
    pub fn of(meta: &Metadata) -> Self {
        let born = meta.created().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        let birth_ns = born.and_then(|age| u64::try_from(age.as_nanos()).ok());
        Self { inode: meta.ino(), birth_ns, owner: meta.uid() }
    }

    /// Whether `other` is the same directory. Where the file system knows no time of birth, inode
    /// numbers are not stable either, so that only the owner counts.
    pub fn is(&self, other: &Self) -> bool {
        let known = self.birth_ns.is_some() && other.birth_ns.is_some();
        self.owner == other.owner && (!known || self == other)
    }
}

/// Whether `path` is a directory of the user's, links followed.
pub fn is_ours(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == process::user())
}

/// Whether everybody can replace what stands in the directory.
pub fn is_open_to_all(meta: &Metadata) -> bool {
    meta.mode() & 0o002 != 0 && meta.mode() & 0o1000 == 0
}

/// Which file this is as long as it exists: device and inode number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Node(u64, u64);

impl Node {
    /// Of any file.
    pub fn of(meta: &Metadata) -> Self {
        Self(meta.dev(), meta.ino())
    }

    /// The same, from the system call alone: between fork and exec.
    pub(super) fn of_stat(stat: &libc::stat) -> Self {
        Self(number(stat.st_dev), number(stat.st_ino))
    }
}

/// Systems differ in the type of a device's number.
fn number<T: TryInto<u64>>(number: T) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

/// The time of the last change in nanoseconds since the epoch.
pub fn mtime_ns(meta: &Metadata) -> i128 {
    i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
}

/// Opens a directory; a symbolic link is refused.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// Opens a file for reading; a symbolic link is refused, and a pipe does not keep us waiting.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a symbolic link"),
        _ => error,
    })
}

/// Whether a group is the user's own private group: of the user's name, and with nobody else in it.
///
/// Many systems give each user such a group and a umask of 002, so that every file of the user's
/// is writable by it.
pub fn is_private_group(group: u32) -> bool {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    let group = nix::unistd::Group::from_gid(group.into()).ok().flatten();
    let (Some(user), Some(group)) = (user, group) else { return false };
    user.gid == group.gid && user.name == group.name && group.mem.iter().all(|m| *m == user.name)
}
