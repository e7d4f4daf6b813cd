//! Directories of ours: 0700, owned by the user, no link.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

/// Why a directory or file of ours cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// It belongs to another user.
    #[error("'{}' belongs to user id {owner}, not to you", path.display())]
    ForeignOwner {
        /// The path.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
    },
    /// The system refused.
    #[error("cannot {action} '{}'", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A symbolic link where a file or directory of ours should be.
    #[error("'{}' is a symbolic link; it must be a real file or directory", path.display())]
    Link {
        /// The path.
        path: PathBuf,
    },
    /// A file of ours that others may read or write.
    #[error("'{}' has mode {mode:04o}; others must not have access to it", path.display())]
    LooseMode {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl PathError {
    /// An [`PathError::Io`], or [`PathError::Link`] where the system says that a link stood there.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let link = source.raw_os_error() == Some(libc::ELOOP)
            || (source.kind() == io::ErrorKind::NotADirectory && path.is_symlink());
        let path = path.to_owned();
        if link { Self::Link { path } } else { Self::Io { action, path, source } }
    }

    /// Whether the cause is a full disk or an exhausted quota.
    pub fn is_full(&self) -> bool {
        let full = |source: &io::Error| {
            matches!(
                source.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            )
        };
        matches!(self, Self::Io { source, .. } if full(source))
    }
}

/// A directory that was too open and is 0700 now.
#[derive(Debug)]
pub struct Narrowed {
    /// The directory.
    pub path: PathBuf,
    /// Its permission bits before.
    pub mode: u32,
}

/// Makes sure that `path` is a directory of the user's with mode 0700, and creates it if need be.
///
/// A wider mode is narrowed and told. Owner and mode are those of the opened directory.
pub fn ensure(path: &Path) -> Result<Option<Narrowed>, PathError> {
    match open(path) {
        Ok(directory) => check(path, &directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|e| PathError::io("create", path, e))?;
            let directory = open(path).map_err(|e| PathError::io("open", path, e))?;
            check(path, &directory)
        }
        Err(error) => Err(PathError::io("open", path, error)),
    }
}

/// Like [`ensure`], but a directory that is not there stays away: `None`. For commands that only
/// read; a wider mode is refused nothing and narrowed all the same.
pub fn existing(path: &Path) -> Result<Option<Option<Narrowed>>, PathError> {
    match open(path) {
        Ok(directory) => check(path, &directory).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PathError::io("open", path, error)),
    }
}

/// Whether `path` is a directory of the user's with mode 0700 exactly.
pub fn is_private(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|m| m.is_dir() && m.uid() == super::process::user() && m.mode() & 0o777 == 0o700)
}

/// Writes a directory's entries to disk, so that a rename in it survives a power cut.
pub fn sync(path: &Path) -> io::Result<()> {
    open(path)?.sync_all()
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn check(path: &Path, directory: &File) -> Result<Option<Narrowed>, PathError> {
    let meta = directory.metadata().map_err(|e| PathError::io("inspect", path, e))?;
    if meta.uid() != super::process::user() {
        return Err(PathError::ForeignOwner { path: path.to_owned(), owner: meta.uid() });
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    let narrowed = directory.set_permissions(Permissions::from_mode(0o700));
    narrowed.map_err(|e| PathError::io("narrow the mode of", path, e))?;
    Ok(Some(Narrowed { path: path.to_owned(), mode }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loose_directory_is_narrowed_and_a_link_refused() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("a/b");
        assert!(ensure(&path).unwrap().is_none());
        assert!(is_private(&path));
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(ensure(&path).unwrap().unwrap().mode, 0o755);
        assert!(is_private(&path));
        let link = top.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(ensure(&link), Err(PathError::Link { .. })));
        assert!(existing(&top.path().join("none")).unwrap().is_none());
    }
}
