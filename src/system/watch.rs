//! Waits until one of some files may be another one: written, replaced, removed, or there at last.
//!
//! What is watched are directories: those of the files, of the links on the way to them, and where
//! one does not exist yet, the nearest one above it. Linux tells of changes; elsewhere, and where
//! the kernel has no watch left, the files are looked at once a second.
//!
//! Deliberately absent: reading the files, and whether what they hold has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    os::fd::BorrowedFd,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::files::{self, Stamp};

/// How often files are looked at where nobody tells of changes.
const LOOK: Duration = Duration::from_secs(1);
/// How many links are followed.
const LINKS: usize = 40;

/// Some files, watched.
#[derive(Debug)]
pub struct Watch {
    files: Vec<PathBuf>,
    eyes: Eyes,
}

/// What ended a wait.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Woken {
    /// One of the files may be another one now.
    pub files: bool,
    /// Which of the other descriptors has something to tell, in their order.
    pub others: Vec<bool>,
}

/// How changes are seen.
#[derive(Debug)]
enum Eyes {
    #[cfg(target_os = "linux")]
    Told(told::Told),
    Looking(Vec<Option<Stamp>>),
}

impl Watch {
    /// Watches these files, whether they exist or not. What happens from now on is seen.
    pub fn begin(files: Vec<PathBuf>) -> Self {
        let eyes = Eyes::open(&files);
        Self { files, eyes }
    }

    /// Waits for a change of a file, for one of the descriptors, or until the time is over.
    pub fn wait(
        &mut self,
        others: &[(BorrowedFd<'_>, PollFlags)],
        time: Option<Duration>,
    ) -> io::Result<Woken> {
        let end = time.map(|time| Instant::now() + time);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let woken = self.step(others, left)?;
            let is_over = end.is_some_and(|end| end <= Instant::now());
            if woken.files || woken.others.contains(&true) || is_over {
                return Ok(woken);
            }
        }
    }

    fn step(
        &mut self,
        others: &[(BorrowedFd<'_>, PollFlags)],
        left: Option<Duration>,
    ) -> io::Result<Woken> {
        let mut polled: Vec<PollFd<'_>> =
            others.iter().map(|(fd, flags)| PollFd::new(*fd, *flags)).collect();
        let limit = match &self.eyes {
            #[cfg(target_os = "linux")]
            Eyes::Told(told) => {
                polled.push(PollFd::new(told.descriptor(), PollFlags::POLLIN));
                left
            }
            Eyes::Looking(_) => Some(left.map_or(LOOK, |left| left.min(LOOK))),
        };
        match poll(&mut polled, timeout(limit)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let told = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        let others = polled.iter().take(others.len()).map(told).collect();
        drop(polled);
        Ok(Woken { files: self.eyes.look(&self.files), others })
    }
}

/// A wait that is never shorter than asked for, so that nobody turns in circles.
fn timeout(limit: Option<Duration>) -> PollTimeout {
    limit.map_or(PollTimeout::NONE, |limit| {
        let millis = limit.as_nanos().div_ceil(1_000_000);
        PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
    })
}

impl Eyes {
    fn open(files: &[PathBuf]) -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(told) = told::Told::new(files) {
            return Self::Told(told);
        }
        Self::Looking(stamps(files))
    }

    /// Whether something was seen since the last look.
    fn look(&mut self, files: &[PathBuf]) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Told(told) => match told.look(files) {
                Ok(seen) => seen,
                Err(_) => {
                    // No watch is left: from now on we look ourselves, and at once.
                    *self = Self::Looking(stamps(files));
                    true
                }
            },
            Self::Looking(before) => {
                let now = stamps(files);
                let differs = *before != now;
                *before = now;
                differs
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|path| files::stamp(path)).collect()
}

/// Which directories tell of a change of the files, each with the names that matter in it.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nobody tells there"))]
fn directories(files: &[PathBuf]) -> BTreeMap<PathBuf, BTreeSet<OsString>> {
    let mut found = BTreeMap::new();
    for file in files {
        walk(file, LINKS, &mut found);
    }
    found
}

/// Goes along a path as the kernel does, and notes where a change would lead it elsewhere.
fn walk(path: &Path, links: usize, found: &mut BTreeMap<PathBuf, BTreeSet<OsString>>) {
    let mut at = PathBuf::from("/");
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => name,
            Component::ParentDir => {
                at.pop();
                continue;
            }
            Component::CurDir | Component::Prefix(_) | Component::RootDir => continue,
        };
        let next = at.join(name);
        let is_last = parts.clone().next().is_none();
        let target = std::fs::read_link(&next).ok();
        if target.is_some() || is_last || !next.exists() {
            found.entry(at.clone()).or_default().insert(name.to_owned());
        }
        match target {
            Some(target) if links > 0 => {
                walk(&at.join(target).join(parts.as_path()), links - 1, found);
                return;
            }
            Some(_) => return,
            None if !next.exists() => return,
            None => at = next,
        }
    }
}

/// The kernel tells: inotify.
#[cfg(target_os = "linux")]
mod told {
    use std::{
        collections::{BTreeMap, BTreeSet, HashMap},
        ffi::OsString,
        os::fd::{AsFd, BorrowedFd},
        path::PathBuf,
    };

    use nix::{
        errno::Errno,
        sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor},
    };

    /// How often the way to the files is gone anew while it changes under our feet.
    const ROUNDS: usize = 8;

    #[derive(Debug)]
    pub(super) struct Told {
        inotify: Inotify,
        watched: HashMap<WatchDescriptor, BTreeSet<OsString>>,
        directories: BTreeMap<PathBuf, BTreeSet<OsString>>,
    }

    impl Told {
        pub(super) fn new(files: &[PathBuf]) -> Result<Self, Errno> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            let (watched, directories) = (HashMap::new(), BTreeMap::new());
            let mut told = Self { inotify, watched, directories };
            told.follow(files)?;
            Ok(told)
        }

        pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
            self.inotify.as_fd()
        }

        /// Takes what was told, and whether any of it matters.
        pub(super) fn look(&mut self, files: &[PathBuf]) -> Result<bool, Errno> {
            let mut seen = false;
            loop {
                match self.inotify.read_events() {
                    Ok(events) if events.is_empty() => break,
                    Ok(events) => seen |= events.iter().any(|event| self.matters(event)),
                    Err(Errno::EAGAIN) => break,
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error),
                }
            }
            // What was changed may be the way to the files.
            if seen {
                self.follow(files)?;
            }
            Ok(seen)
        }

        fn matters(&self, event: &InotifyEvent) -> bool {
            let lost = AddWatchFlags::IN_Q_OVERFLOW | AddWatchFlags::IN_IGNORED;
            let own = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
            if event.mask.intersects(lost | own) {
                return event.mask.intersects(AddWatchFlags::IN_Q_OVERFLOW)
                    || self.watched.contains_key(&event.wd);
            }
            let names = self.watched.get(&event.wd);
            names.is_some_and(|names| event.name.as_ref().is_some_and(|name| names.contains(name)))
        }

        /// Watches the way to the files as it is now. What appears between the look and the watch
        /// is found by looking once more.
        fn follow(&mut self, files: &[PathBuf]) -> Result<(), Errno> {
            for _ in 0..ROUNDS {
                let directories = super::directories(files);
                self.watch(&directories)?;
                let is_settled = self.directories == directories;
                self.directories = directories;
                if is_settled {
                    break;
                }
            }
            Ok(())
        }

        fn watch(&mut self, wanted: &BTreeMap<PathBuf, BTreeSet<OsString>>) -> Result<(), Errno> {
            let mut watched: HashMap<WatchDescriptor, BTreeSet<OsString>> = HashMap::new();
            for (directory, names) in wanted {
                let flags = AddWatchFlags::IN_CLOSE_WRITE
                    | AddWatchFlags::IN_MODIFY
                    | AddWatchFlags::IN_ATTRIB
                    | AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_MOVED_FROM
                    | AddWatchFlags::IN_MOVED_TO
                    | AddWatchFlags::IN_DELETE_SELF
                    | AddWatchFlags::IN_MOVE_SELF
                    | AddWatchFlags::IN_ONLYDIR;
                match self.inotify.add_watch(directory, flags) {
                    Ok(wd) => watched.entry(wd).or_default().extend(names.iter().cloned()),
                    // It went a moment ago, or is not ours to look into: the one above tells.
                    Err(Errno::ENOENT | Errno::EACCES | Errno::ENOTDIR) => {}
                    Err(error) => return Err(error),
                }
            }
            for stale in self.watched.keys().filter(|wd| !watched.contains_key(wd)) {
                _ = self.inotify.rm_watch(*stale);
            }
            self.watched = watched;
            Ok(())
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "scratch files of a test")]
mod tests {
    use std::fs;

    use super::*;

    const SHORT: Option<Duration> = Some(Duration::from_millis(20));
    const LONG: Option<Duration> = Some(Duration::from_secs(30));

    /// Whether the watch sees something, with whichever eyes.
    fn sees(watch: &mut Watch) -> bool {
        let seen = watch.wait(&[], LONG).unwrap().files;
        // One change may be told in several parts.
        while watch.wait(&[], SHORT).unwrap().files {}
        seen
    }

    fn both(file: &Path) -> [Watch; 2] {
        let files = vec![file.to_owned()];
        let looking = Eyes::Looking(stamps(&files));
        [Watch::begin(files.clone()), Watch { files, eyes: looking }]
    }

    #[test]
    fn a_file_is_seen_to_come_change_be_replaced_and_go() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("a/b/file");
        for mut watch in both(&file) {
            assert!(!watch.wait(&[], SHORT).unwrap().files);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "one").unwrap();
            assert!(sees(&mut watch), "it comes, with its directories");
            fs::write(&file, "longer").unwrap();
            assert!(sees(&mut watch), "it is written");
            let beside = top.path().join("a/b/other");
            fs::write(&beside, "another one").unwrap();
            assert!(!watch.wait(&[], SHORT).unwrap().files, "what lies beside it is nothing to us");
            fs::rename(&beside, &file).unwrap();
            assert!(sees(&mut watch), "it is replaced");
            fs::remove_dir_all(top.path().join("a")).unwrap();
            assert!(sees(&mut watch), "it goes, with its directories");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "again").unwrap();
            assert!(sees(&mut watch), "it comes back");
            fs::remove_dir_all(top.path().join("a")).unwrap();
        }
    }

    #[test]
    fn links_are_followed_and_watched_themselves() {
        let top = tempfile::tempdir().unwrap();
        let (real, other) = (top.path().join("real"), top.path().join("other"));
        fs::create_dir_all(&real).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(real.join("config"), "1").unwrap();
        fs::write(other.join("config"), "22").unwrap();
        std::os::unix::fs::symlink("real", top.path().join("link")).unwrap();
        fs::create_dir(top.path().join("aws")).unwrap();
        let file = top.path().join("aws/config");
        std::os::unix::fs::symlink("../link/config", &file).unwrap();
        for mut watch in both(&file) {
            fs::write(real.join("new"), "333").unwrap();
            fs::rename(real.join("new"), real.join("config")).unwrap();
            assert!(sees(&mut watch), "the file behind the links is replaced");
            fs::remove_file(top.path().join("link")).unwrap();
            std::os::unix::fs::symlink("other", top.path().join("link")).unwrap();
            assert!(sees(&mut watch), "a link on the way leads elsewhere");
            fs::write(other.join("config"), "4444").unwrap();
            assert!(sees(&mut watch), "and there it is watched");
            fs::remove_file(top.path().join("link")).unwrap();
            std::os::unix::fs::symlink("real", top.path().join("link")).unwrap();
            fs::write(real.join("config"), "55555").unwrap();
            fs::write(other.join("config"), "22").unwrap();
        }
        let found = directories(std::slice::from_ref(&file));
        assert!(found.contains_key(&real) && !found.contains_key(&other), "{found:?}");
        fs::remove_file(top.path().join("link")).unwrap();
        std::os::unix::fs::symlink("link", top.path().join("link")).unwrap();
        assert!(!directories(&[file]).is_empty(), "a loop of links ends");
    }

    #[test]
    fn another_descriptor_ends_the_wait() {
        use std::{io::Write, os::fd::AsFd};
        let (reader, mut writer) = io::pipe().unwrap();
        let mut watch = Watch::begin(vec![PathBuf::from("/nonexistent/file")]);
        let others = [(reader.as_fd(), PollFlags::POLLIN)];
        let quiet = Woken { files: false, others: vec![false] };
        assert_eq!(watch.wait(&others, SHORT).unwrap(), quiet);
        writer.write_all(b"x").unwrap();
        let told = Woken { files: false, others: vec![true] };
        assert_eq!(watch.wait(&others, None).unwrap(), told);
    }
}
