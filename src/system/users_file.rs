//! Files of the user's that other programs read and write too: changed whole or not at all.
//!
//! Links are followed and their target is replaced, so that a dotfile manager's link stays one. Mode
//! and owner stay. Deliberately absent: what stands in such a file, and any repair of permissions.

use std::{
    fs::{DirBuilder, File, Metadata, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::NamedTempFile;

use super::{directory::PathError, files};
use crate::secret::SecretBytes;

/// How often a change is made anew because another program was faster.
const TRIES: usize = 8;
/// How long another leapp may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many links as the kernel follows.
const LINKS: usize = 40;

/// Why a file of the user's stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum UsersFileError {
    /// The system or the file's mode does not allow it.
    #[error("'{}' cannot be written: it belongs to user id {owner} and has mode {mode:04o}", path.display())]
    Blocked {
        /// The file or directory that is in the way.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Other programs write it all the time.
    #[error("'{}' is being changed by another program", .0.display())]
    Busy(PathBuf),
    /// Other names of the file would keep the old content.
    #[error("'{}' has {links} hard links, and the others would keep the old content", path.display())]
    HardLinks {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// Anything else that the system refuses.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// What became of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Replaced {
    /// The change is made, in this file: links resolved.
    Changed(PathBuf),
    /// Nothing was to be changed.
    Unchanged,
}

/// Replaces the file at `path` by what `change` makes of its content; `None` stands for no file.
///
/// `change` may be called several times: whenever another program has changed the file meanwhile. It
/// answers `None` where there is nothing to change. Folders that are missing are made.
pub fn replace<E: From<UsersFileError>>(
    path: &Path,
    limit: u64,
    mut change: impl FnMut(Option<&[u8]>) -> Result<Option<SecretBytes>, E>,
) -> Result<Replaced, E> {
    let target = target_of(path).map_err(E::from)?;
    for _ in 0..TRIES {
        let before = read(&target, limit).map_err(E::from)?;
        let Some(after) = change(before.as_ref().map(SecretBytes::expose))? else {
            return Ok(Replaced::Unchanged);
        };
        if write(&target, before.as_ref(), after.expose(), limit)? {
            return Ok(Replaced::Changed(target));
        }
    }
    Err(UsersFileError::Busy(target).into())
}

/// Whether [`replace`] could write the file, as far as a look can tell. Changes nothing.
pub fn check(path: &Path) -> Result<(), UsersFileError> {
    let target = target_of(path)?;
    let present = target.ancestors().skip(1).find(|directory| directory.exists());
    if let Some(directory) = present {
        writable(directory)?;
    }
    match std::fs::metadata(&target) {
        Ok(meta) => allowed(&target, &meta),
        Err(_) => Ok(()),
    }
}

/// Where a chain of links ends; there need be nothing there.
fn target_of(path: &Path) -> Result<PathBuf, UsersFileError> {
    let failed = |path: &Path, error| PathError::io("follow", path, error);
    let mut target = std::path::absolute(path).map_err(|error| failed(path, error))?;
    for _ in 0..LINKS {
        match std::fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("/")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(failed(path, io::Error::from_raw_os_error(libc::ELOOP)).into())
}

fn read(target: &Path, limit: u64) -> Result<Option<SecretBytes>, UsersFileError> {
    Ok(files::read_users(target, limit)?.map(SecretBytes::new))
}

/// Writes the new content, unless the old one is no longer what it was: then `false`.
fn write(
    target: &Path,
    before: Option<&SecretBytes>,
    after: &[u8],
    limit: u64,
) -> Result<bool, UsersFileError> {
    let directory = target.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|error| {
        let present = directory.ancestors().find(|above| above.exists()).unwrap_or(directory);
        blocked(present, "create", directory, error)
    })?;
    let directory = directory.canonicalize().map_err(|e| PathError::io("open", directory, e))?;
    writable(&directory)?;
    let _lock = lock(&directory)?;
    let meta = before.map(|_| std::fs::metadata(target));
    let meta = meta.transpose().map_err(|error| PathError::io("inspect", target, error))?;
    if let Some(meta) = &meta {
        allowed(target, meta)?;
    }
    files::remove_leftovers(&directory);
    let made = fill(&directory, target, meta.as_ref(), after)?;
    // Somebody who knows nothing of our lock may have written it since.
    if read(target, limit)?.as_ref().map(SecretBytes::expose) != before.map(SecretBytes::expose) {
        return Ok(false);
    }
    let placed = match before {
        Some(_) => made.persist(target),
        None => made.persist_noclobber(target),
    };
    match placed {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(PathError::io("replace", target, error.error).into()),
    }
    super::directory::sync(&directory).map_err(|e| PathError::io("sync", &directory, e))?;
    Ok(true)
}

/// The new file, beside the old one and with its mode and owner, on disk.
fn fill(
    directory: &Path,
    target: &Path,
    meta: Option<&Metadata>,
    bytes: &[u8],
) -> Result<NamedTempFile, UsersFileError> {
    let failed = |error| PathError::io("write", target, error);
    let mut made = tempfile::Builder::new()
        .prefix(files::WRITING)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)
        .map_err(failed)?;
    made.write_all(bytes).map_err(failed)?;
    if let Some(meta) = meta {
        let own = made.as_file().metadata().map_err(failed)?;
        let mut mode = meta.mode() & 0o7777;
        if own.uid() != meta.uid() {
            // A file of another owner's would become ours.
            fchown(made.as_file(), Some(meta.uid()), None)
                .map_err(|error| blocked(target, "keep the owner of", target, error))?;
        }
        if own.gid() != meta.gid() && fchown(made.as_file(), None, Some(meta.gid())).is_err() {
            // Another group must not get what was meant for this one.
            mode &= !0o070;
        }
        made.as_file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    }
    made.as_file().sync_all().map_err(failed)?;
    Ok(made)
}

/// The lock of a directory: its own descriptor's, so that no file is left there. Where the file system
/// has no such locks, the look at the content right before the change must do.
fn lock(directory: &Path) -> Result<Option<File>, UsersFileError> {
    let opened = super::owned::open_directory(directory);
    let opened = opened.map_err(|error| PathError::io("open", directory, error))?;
    let end = Instant::now() + PATIENCE;
    loop {
        match opened.try_lock() {
            Ok(()) => return Ok(Some(opened)),
            Err(std::fs::TryLockError::Error(_)) => return Ok(None),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(UsersFileError::Busy(directory.to_owned()));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Whether the file may be replaced. Write permission is the user's word, although a rename needs none.
fn allowed(target: &Path, meta: &Metadata) -> Result<(), UsersFileError> {
    if !meta.is_file() {
        let problem = io::Error::other("it is no regular file");
        return Err(PathError::io("replace", target, problem).into());
    }
    if meta.nlink() > 1 {
        return Err(UsersFileError::HardLinks { path: target.to_owned(), links: meta.nlink() });
    }
    if meta.mode() & 0o222 == 0 {
        return Err(blocked_by(target, meta));
    }
    writable(target)
}

fn writable(path: &Path) -> Result<(), UsersFileError> {
    let allowed = nix::unistd::eaccess(path, nix::unistd::AccessFlags::W_OK);
    allowed.map_err(|errno| blocked(path, "write", path, errno.into()))
}

/// A refusal, with who owns the path that is in the way.
fn blocked(path: &Path, action: &'static str, target: &Path, error: io::Error) -> UsersFileError {
    match std::fs::metadata(path) {
        Ok(meta) if error.kind() == io::ErrorKind::PermissionDenied => blocked_by(path, &meta),
        _ => PathError::io(action, target, error).into(),
    }
}

fn blocked_by(path: &Path, meta: &Metadata) -> UsersFileError {
    let (owner, mode) = (meta.uid(), meta.mode() & 0o7777);
    UsersFileError::Blocked { path: path.to_owned(), owner, mode }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn set(path: &Path, text: &str) -> Result<Replaced, UsersFileError> {
        replace(path, 1 << 20, |_| Ok(Some(SecretBytes::new(text.into()))))
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn entries(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_new_file_is_private_and_an_old_one_keeps_its_mode() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("a/b/config");
        set(&path, "one").unwrap();
        assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (0o600, b"one".to_vec()));
        assert_eq!(mode(path.parent().unwrap()) & 0o700, 0o700);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o750)).unwrap();
        set(&path, "two").unwrap();
        assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (0o644, b"two".to_vec()));
        assert_eq!(mode(path.parent().unwrap()), 0o750);
        assert_eq!(entries(path.parent().unwrap()), 1);
    }

    #[test]
    fn the_target_of_a_link_is_replaced_and_the_link_stays() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        std::fs::create_dir(at("dotfiles")).unwrap();
        symlink("dotfiles/aws", at("middle")).unwrap();
        symlink(at("middle"), at("config")).unwrap();
        // The target need not be there yet.
        let made = set(&at("config"), "one").unwrap();
        assert_eq!(made, Replaced::Changed(at("dotfiles/aws")));
        set(&at("config"), "two").unwrap();
        assert_eq!(std::fs::read(at("dotfiles/aws")).unwrap(), b"two");
        assert!(at("config").is_symlink() && at("middle").is_symlink());
        symlink("circle", at("circle")).unwrap();
        assert!(set(&at("circle"), "x").is_err());
    }

    #[test]
    fn a_change_is_made_on_what_others_wrote_meanwhile() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("config");
        set(&path, "1").unwrap();
        let mut calls = 0;
        replace::<UsersFileError>(&path, 9, |bytes| {
            calls += 1;
            if calls < 3 {
                // Another program, which knows nothing of our lock.
                File::options().append(true).open(&path).unwrap().write_all(b"2").unwrap();
            }
            Ok(Some(SecretBytes::new([bytes.unwrap(), b"3"].concat())))
        })
        .unwrap();
        assert_eq!((calls, std::fs::read(&path).unwrap()), (3, b"1223".to_vec()));
        let busy = replace::<UsersFileError>(&path, 99, |bytes| {
            File::options().append(true).open(&path).unwrap().write_all(b"2").unwrap();
            Ok(Some(SecretBytes::new(bytes.unwrap().to_vec())))
        });
        assert!(matches!(busy, Err(UsersFileError::Busy(_))), "{busy:?}");
        assert_eq!(entries(top.path()), 1);
    }

    #[test]
    fn what_must_not_be_replaced_stays_and_is_named() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("config");
        set(&path, "one").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        let error = set(&path, "two").unwrap_err().to_string();
        assert!(
            error.contains("/config' cannot be written") && error.contains("mode 0444"),
            "{error}"
        );
        assert!(check(&path).is_err());
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        check(&path).unwrap();
        std::fs::hard_link(&path, top.path().join("other")).unwrap();
        assert!(set(&path, "two").unwrap_err().to_string().contains("2 hard links"));
        assert!(set(top.path(), "two").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(entries(top.path()), 2);
    }

    #[test]
    fn what_is_refused_is_not_written() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("a/config");
        assert_eq!(replace::<UsersFileError>(&path, 9, |_| Ok(None)).unwrap(), Replaced::Unchanged);
        assert!(!path.parent().unwrap().exists());
    }
}
