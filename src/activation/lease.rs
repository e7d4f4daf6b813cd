//! Leases: what a shell looks at, without starting a program, to see that an answer still holds.
//!
//! A lease is two files. `.hi` has the time of the project file plus a nanosecond, `.lo` minus one:
//! while `.hi` is newer than the project file and the project file newer than `.lo`, nothing has
//! changed. Any change of the file, and the loss of any of the three, makes one of the two false in
//! every shell. To take an answer back is to remove its lease, and every shell notices at its next
//! prompt.

use std::{
    fs::{File, FileTimes, OpenOptions},
    io,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::fcntl::OFlag;

use super::project::Place;
use crate::system::{directory, entropy, hash};

/// The shelf of answers that name no session.
pub const NONE: &str = "none";

/// The end of what ends only by being taken back: the year 2100, in seconds since the epoch.
const NEVER: i128 = 4_102_444_800;

/// A lease that was given.
#[derive(Clone, Debug)]
pub struct Lease {
    base: PathBuf,
}

impl Lease {
    /// Gives a lease on the answer for a project file. `shelf` is an identity or [`NONE`]; `answer`
    /// differs whenever the answer would.
    pub fn on_file(run: &Path, shelf: &str, place: &Place, answer: &str) -> io::Result<Self> {
        let name = format!("{}-{}", of_directory(place.directory()), answer);
        Self::give(run, shelf, &name, place.mtime_ns)
    }

    /// Gives a lease on a session that was switched on by hand: it only has to exist.
    pub fn by_hand(run: &Path, identity: &str) -> io::Result<Self> {
        Self::give(run, identity, "by-hand", 1)
    }

    /// The path that the names of both files begin with.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Gives the lease an end, so many seconds from now, for a shell without a clock: the file `.end`
    /// has it as its time. `None`: it ends only by being taken back.
    ///
    /// An end that is nearly the same stays, because other shells know it by its second.
    pub fn set_end(&self, seconds: Option<i64>) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let end = seconds.map_or(NEVER, |seconds| i128::from(now) + i128::from(seconds));
        let present = std::fs::symlink_metadata(self.path("end")).and_then(|meta| meta.modified());
        let present = present.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let close = |at: Duration| (i128::from(at.as_secs()) - end).abs() <= 5;
        if present.is_some_and(close) {
            return Ok(());
        }
        self.set("end", end * 1_000_000_000)
    }

    /// A lease that was given already, by what its files' names begin with.
    pub fn at(base: PathBuf) -> Self {
        Self { base }
    }

    fn give(run: &Path, shelf: &str, name: &str, mtime_ns: i128) -> io::Result<Self> {
        let directory = generation(run)?.join(shelf_name(shelf));
        directory::ensure(&directory).map_err(io::Error::other)?;
        let lease = Self { base: directory.join(name) };
        lease.set("hi", mtime_ns + 1)?;
        lease.set("lo", mtime_ns - 1)?;
        Ok(lease)
    }

    fn set(&self, kind: &str, mtime_ns: i128) -> io::Result<()> {
        let path = self.path(kind);
        let wanted = time(mtime_ns);
        if std::fs::symlink_metadata(&path).and_then(|meta| meta.modified()).ok() == Some(wanted) {
            return Ok(());
        }
        // Neither a link nor a pipe that nobody reads: neither is a lease of ours.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits());
        let opened = options.open(&path).or_else(|_| {
            let removed = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
            removed.and_then(|()| options.open(&path))
        });
        let file: File = opened?;
        file.set_times(FileTimes::new().set_modified(wanted))
    }

    fn path(&self, kind: &str) -> PathBuf {
        let mut path = self.base.clone().into_os_string();
        path.push(".");
        path.push(kind);
        path.into()
    }
}

/// Takes back every lease: each shell asks once more at its next prompt.
///
/// Moved away first, in one step: what is given from now on lies elsewhere, so that no shell takes
/// a later lease for its own.
pub fn revoke_all(run: &Path) {
    let gone = run.join(format!("leases-{}", entropy::word()));
    if std::fs::rename(top(run), &gone).is_ok() {
        _ = std::fs::remove_dir_all(gone);
    }
}

/// Where leases are given now: a folder of a random name, which is another one after they have been
/// taken back.
fn generation(run: &Path) -> io::Result<PathBuf> {
    let top = top(run);
    directory::ensure(&top).map_err(io::Error::other)?;
    let present = std::fs::read_dir(&top)?.flatten().next();
    Ok(present.map_or_else(|| top.join(entropy::word()), |entry| entry.path()))
}

fn top(run: &Path) -> PathBuf {
    run.join("leases")
}

/// Identifiers hold letters, digits, `-` and `:`; whatever else one may hold one day is hashed.
fn shelf_name(shelf: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':');
    if shelf.bytes().all(is_plain) { shelf.to_owned() } else { hash::short(shelf.as_bytes()) }
}

fn of_directory(directory: &Path) -> String {
    hash::short(directory.as_os_str().as_bytes())
}

fn time(ns: i128) -> SystemTime {
    let distance = Duration::from_nanos(u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX));
    if ns < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &Path) -> Place {
        let meta = std::fs::metadata(file).unwrap();
        Place { file: file.to_owned(), above: 0, mtime_ns: crate::system::owned::mtime_ns(&meta) }
    }

    fn holds(lease: &Lease, file: &Path) -> bool {
        let time = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
        let (hi, lo) = (time(&lease.path("hi")), time(&lease.path("lo")));
        let file = time(file);
        hi.is_some() && lo.is_some() && file.is_some() && hi > file && file > lo
    }

    #[test]
    fn a_lease_holds_until_the_file_changes_or_it_is_revoked() {
        let top = tempfile::tempdir().unwrap();
        let (run, file) = (top.path().join("run"), top.path().join(".leapp.toml"));
        let set = |seconds: u64| {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&file);
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            file.unwrap().set_times(FileTimes::new().set_modified(at)).unwrap();
        };
        for (first, second) in [(1000, 1001), (1000, 999), (1, 0)] {
            set(first);
            let lease = Lease::on_file(&run, "session:a", &place(&file), "x").unwrap();
            assert!(holds(&lease, &file));
            set(second);
            assert!(!holds(&lease, &file), "{second} instead of {first}");
            set(first);
            assert!(holds(&lease, &file));
        }
        let lease = Lease::on_file(&run, "session:a", &place(&file), "x").unwrap();
        let other = Lease::on_file(&run, NONE, &place(&file), "y").unwrap();
        assert!(holds(&lease, &file) && holds(&other, &file));
        revoke_all(&run);
        assert!(!holds(&lease, &file) && !holds(&other, &file));
        let again = Lease::on_file(&run, "session:a", &place(&file), "x").unwrap();
        assert!(holds(&again, &file) && !holds(&lease, &file), "a later lease is another one");
        let by_hand = Lease::by_hand(&run, "session:a").unwrap();
        by_hand.set_end(Some(5)).unwrap();
        assert!(by_hand.path("hi").exists() && by_hand.path("end").exists());
        revoke_all(&run);
        assert!(!by_hand.path("hi").exists());
    }
}
