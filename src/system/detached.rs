//! Starting ourselves once more, with nobody to wait for it and nothing of the caller's to hold.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use super::process;

/// Starts this program with `words`, in a session of its own, with null streams, in `/`. It holds
/// no descriptor of ours: a caller that waits for the end of a pipe does not wait for it. It does
/// not see the variables in `without`.
#[expect(clippy::disallowed_methods, reason = "our own absolute path, nothing is searched for")]
#[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
pub fn start_again(words: &[&OsStr], without: &[&str]) -> io::Result<()> {
    let program = process::program_path().ok_or_else(|| io::Error::other("no program path"))?;
    let mut command = Command::new(program);
    command.args(words).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in without {
        command.env_remove(name);
    }
    // SAFETY: both calls are async-signal-safe and touch no memory of ours.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            close_all();
            Ok(())
        });
    }
    command.spawn().map(drop)
}

/// Lets go of every inherited descriptor but the three streams, at exec.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the call has no safe form")]
pub(super) fn close_all() {
    // SAFETY: marks descriptors, and touches no memory. Where the kernel lacks the call, those
    // stay open.
    _ = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

#[cfg(not(target_os = "linux"))]
pub(super) fn close_all() {}

/// Ends this process by a signal when it still runs after that many seconds.
pub fn end_after(seconds: u32) {
    _ = nix::unistd::alarm::set(seconds);
}
