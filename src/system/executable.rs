//! A program that nobody but the user and root could have put where it is.
//!
//! The path is walked from the root, part by part, links by hand. Each directory is looked at
//! before anything in it is: in a directory that only the user and root can write, nobody else can
//! exchange the next part, so that what was found stays what it is.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use nix::fcntl::OFlag;

use super::{owned::Node, process};

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// A program, opened and found safe.
#[derive(Debug)]
pub struct Executable {
    path: PathBuf,
    file: File,
    node: Node,
    form: Form,
}

/// How a program's file begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Machine code, which the kernel loads from the descriptor.
    Image,
    /// Anything else: an interpreter opens it again, by the path that it is given.
    Script,
}

/// Why a program is not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    /// It, or a directory or link on the way to it, belongs to another user.
    #[error("'{}' belongs to user id {owner}; it must be yours or root's", path.display())]
    ForeignOwner {
        /// What does.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The system refused.
    #[error("cannot open '{}'", path.display())]
    Io {
        /// What was opened.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a directory, a device, a pipe.
    #[error("'{}' is no regular file", .0.display())]
    NoFile(PathBuf),
    /// Nobody may execute it.
    #[error("'{}' is not executable", .0.display())]
    NotExecutable(PathBuf),
    /// The path would depend on the current directory.
    #[error("'{}' is no absolute path", .0.display())]
    Relative(PathBuf),
    /// It, or a directory on the way to it, can be changed by others.
    #[error("'{}' has mode {mode:04o}: others can change it", path.display())]
    Writable {
        /// What can.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Executable {
    /// Finds, opens and judges the program at `path`.
    pub fn open(path: &Path) -> Result<Self, ExecutableError> {
        if !path.is_absolute() {
            return Err(ExecutableError::Relative(path.to_owned()));
        }
        let path = walk(path)?;
        let failed = |source| ExecutableError::Io { path: path.clone(), source };
        // A pipe in its place must not keep us waiting.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path);
        let file = opened.map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(ExecutableError::NoFile(path));
        }
        judge(&path, &meta)?;
        if meta.mode() & 0o111 == 0 {
            return Err(ExecutableError::NotExecutable(path));
        }
        let form = form_of(&file).map_err(failed)?;
        Ok(Self { node: Node::of(&meta), path, file, form })
    }

    /// Where it is, links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn node(&self) -> Node {
        self.node
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }
}

fn form_of(mut file: &File) -> io::Result<Form> {
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start)?;
    Ok(if start == *b"\x7fELF" { Form::Image } else { Form::Script })
}

/// The path with its links resolved, each part of which has been judged, but for the last.
fn walk(path: &Path) -> Result<PathBuf, ExecutableError> {
    let mut here = PathBuf::from("/");
    judge(&here, &look(&here)?)?;
    let mut parts = parts_of(path);
    let mut links = 0;
    while let Some(part) = parts.pop_front() {
        if part == OsStr::new("..") {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        let meta = look(&next)?;
        if meta.is_symlink() {
            links += 1;
            let failed = |source| ExecutableError::Io { path: next.clone(), source };
            if links > LINKS {
                return Err(failed(io::Error::from_raw_os_error(libc::ELOOP)));
            }
            judge_owner(&next, &meta)?;
            let target = std::fs::read_link(&next).map_err(failed)?;
            if target.is_absolute() {
                here = "/".into();
            }
            for part in parts_of(&target).into_iter().rev() {
                parts.push_front(part);
            }
            continue;
        }
        if meta.is_dir() {
            judge(&next, &meta)?;
        }
        here = next;
    }
    Ok(here)
}

fn look(path: &Path) -> Result<Metadata, ExecutableError> {
    let failed = |source| ExecutableError::Io { path: path.to_owned(), source };
    std::fs::symlink_metadata(path).map_err(failed)
}

fn parts_of(path: &Path) -> VecDeque<OsString> {
    let named = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::Prefix(_) | Component::RootDir => None,
    };
    path.components().filter_map(named).collect()
}

/// Refuses what others own or can change. A sticky directory too: others can put things into it.
fn judge(path: &Path, meta: &Metadata) -> Result<(), ExecutableError> {
    judge_owner(path, meta)?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(ExecutableError::Writable { path: path.to_owned(), mode });
    }
    Ok(())
}

fn judge_owner(path: &Path, meta: &Metadata) -> Result<(), ExecutableError> {
    if meta.uid() != 0 && meta.uid() != process::user() {
        return Err(ExecutableError::ForeignOwner { path: path.to_owned(), owner: meta.uid() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_system_are_found_through_links() {
        let shell = Executable::open(Path::new("/bin/../bin/sh")).unwrap();
        assert_eq!(shell.path(), std::fs::canonicalize("/bin/sh").unwrap());
        assert_eq!(shell.form(), Form::Image);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let open = |path: &str| Executable::open(Path::new(path)).unwrap_err();
        assert!(matches!(open("bin/sh"), ExecutableError::Relative(_)));
        assert!(matches!(open("/usr/bin"), ExecutableError::NoFile(_)));
        assert!(matches!(open("/etc/passwd"), ExecutableError::NotExecutable(_)));
        assert!(matches!(open("/usr/no-such-thing/x"), ExecutableError::Io { .. }));
    }

    #[test]
    fn a_directory_that_all_can_write_is_refused_even_if_it_is_sticky() {
        let top = tempfile::tempdir_in("/tmp").unwrap();
        let path = top.path().join("x");
        std::os::unix::fs::symlink("/bin/sh", &path).unwrap();
        let error = Executable::open(&path).unwrap_err();
        assert!(matches!(error, ExecutableError::Writable { .. }), "{error}");
    }
}
