//! Who we are and who started us.

use std::path::PathBuf;

/// The effective user id.
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
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
