//! File locks between processes. The kernel frees them when their holder dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
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

    /// Writes a note for those who wait: who holds the lock and what for.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
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
        let mut held = Lock::try_take(&path).unwrap().unwrap();
        held.note("17 asking").unwrap();
        held.note("17").unwrap();
        assert_eq!(read_note(&path), "17");
        assert!(is_held(&path));
        assert!(Lock::take(&path, Duration::from_millis(5)).unwrap().is_none());
        drop(held);
        assert!(!is_held(&path));
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
