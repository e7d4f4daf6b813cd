//! File locks between processes. The kernel frees them when their holder dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::fcntl::OFlag;

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock if nobody holds it.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock, waiting for it; `None` when the time is over.
    pub fn take(path: &Path, limit: Duration) -> io::Result<Option<Self>> {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(25));
        }
    }

    /// Writes a note for those who wait: who holds the lock and what for. Notes of one lock have
    /// one length, so that nobody ever reads half of one.
    pub fn note(&self, text: &str) -> io::Result<()> {
        self.file.write_all_at(text.as_bytes(), 0)
    }
}

/// Whether somebody holds the lock. Creates nothing.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// What the holder noted; empty when nothing can be read.
pub fn read_note(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path);
    _ = file.and_then(|file| file.take(4096).read_to_string(&mut text));
    text
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600).custom_flags(flags.bits());
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_freed_by_dropping() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("l");
        let held = Lock::try_take(&path).unwrap().unwrap();
        held.note("17 asking ").unwrap();
        held.note("17 working").unwrap();
        assert_eq!(read_note(&path), "17 working");
        assert!(is_held(&path));
        assert!(Lock::take(&path, Duration::from_millis(5)).unwrap().is_none());
        drop(held);
        assert!(!is_held(&path));
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
