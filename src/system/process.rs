//! Who we are and who started us.

use std::{io::Read, path::PathBuf};

use crate::secret::SecretBytes;

/// The effective user id.
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Whether a user became root by `sudo`: what is theirs is not root's.
pub fn is_sudo() -> bool {
    user() == 0 && std::env::var_os("SUDO_UID").is_some_and(|id| !id.is_empty())
}

/// Our process id.
pub fn id() -> u32 {
    std::process::id()
}

/// The parent's process id.
pub fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

/// The name of a running program, as the kernel keeps it (15 bytes at most on Linux).
pub fn program_name(pid: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(text.trim_end().to_owned())
}

/// The ids of all processes of the user's; none where the system does not list them.
pub fn own_processes() -> Vec<u32> {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.metadata().is_ok_and(|meta| meta.uid() == user()));
    own.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A running process, told from a later one of the same number by when it was started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Its parent's number.
    parent: u32,
    /// When it was started, in the kernel's ticks.
    started: u64,
}

impl Process {
    /// As it is now; `None` where there is none, or the system does not tell.
    fn find(id: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in brackets, may hold anything: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(1);
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?;
        Some(Self { id, parent, started })
    }

    /// Whether it still runs, or waits to be waited for.
    pub fn is_alive(&self) -> bool {
        Self::find(self.id).is_some_and(|now| now.started == self.started)
    }
}

/// What a process of the user's has started, directly or not, and still runs; without itself.
pub fn descendants(pid: u32) -> Vec<Process> {
    let all: Vec<Process> = own_processes().into_iter().filter_map(Process::find).collect();
    let mut known = vec![pid];
    let mut found: Vec<Process> = Vec::new();
    let mut at = 0;
    while let Some(parent) = known.get(at).copied() {
        let children = all.iter().filter(|child| child.parent == parent && child.id != parent);
        found.extend(children.clone());
        known.extend(children.map(|child| child.id));
        at += 1;
    }
    found
}

/// Gives `take` those of the variables that a process of the user's was started with that have one
/// of these names. All others are wiped unseen; what lies behind the first MiB is not read.
pub fn variables_of(pid: u32, names: &[&str], take: &mut dyn FnMut(&str, &[u8])) {
    const LIMIT: usize = 1 << 20;
    let Ok(file) = std::fs::File::open(format!("/proc/{pid}/environ")) else { return };
    // Room for all at once: a buffer that grows leaves copies behind.
    let mut all = SecretBytes::with_capacity(LIMIT);
    let mut piece = zeroize::Zeroizing::new([0; 4096]);
    let mut file = file.take(LIMIT as u64);
    while let Ok(read) = file.read(&mut *piece) {
        match piece.get(..read) {
            None | Some([]) => break,
            Some(bytes) => all.extend(bytes),
        }
    }
    for pair in all.expose().split(|byte| *byte == 0) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { continue };
        if let Some(name) = names.iter().find(|known| known.as_bytes() == name) {
            take(name, value);
        }
    }
}

/// Whether a process of that id exists.
pub fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).map(nix::unistd::Pid::from_raw);
    pid.is_ok_and(|pid| nix::sys::signal::kill(pid, None) != Err(nix::errno::Errno::ESRCH))
}

/// The id of this start of the machine; empty where the system has none.
pub fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// The user's login name from the user database; `None` where there is no entry.
pub fn user_name() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name)
}

/// The machine's host name.
pub fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

/// The path by which this program was started, its links unresolved: a link in `PATH` outlives the
/// versions that it points to. The program's own path where that cannot be told.
pub fn path_as_started() -> Option<PathBuf> {
    let own = program_path()?;
    let typed = PathBuf::from(std::env::args_os().next()?);
    let candidates: Vec<PathBuf> = if typed.components().count() > 1 || typed.is_absolute() {
        vec![std::env::current_dir().ok()?.join(typed)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).filter(|p| p.is_absolute()).map(|p| p.join(&typed)).collect()
    };
    let is_own = |path: &PathBuf| is_same_file(path, &own);
    Some(candidates.into_iter().find(is_own).unwrap_or(own))
}

/// Whether both paths lead to one file.
pub fn is_same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::metadata(one), std::fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// The path of this program as it was started, links unresolved where that is known.
pub fn program_path() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Keeps other programs of the same user from reading our memory, and the kernel from writing it
/// to a core file. Lasts until exec, so a command that we become is not touched by it.
///
/// No resource limit is changed: a command would inherit that.
pub fn hide_memory() {
    #[cfg(target_os = "linux")]
    {
        _ = nix::sys::prctl::set_dumpable(false);
    }
}
