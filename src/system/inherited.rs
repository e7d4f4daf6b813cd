//! What this process was started with, so that a command that we become is started with the same.
//!
//! The program has no `main` of Rust's: the standard library's start-up would ignore SIGPIPE and
//! open `/dev/null` on closed standard descriptors without a way to tell, and read `/proc`.
#![expect(unsafe_code, reason = "descriptors and signal dispositions as they are")]

use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// The first thing that the program does.
///
/// Standard descriptors that are closed are occupied until exec, so that no file that is opened
/// later is taken for stdout. SIGPIPE is ignored until exec: a closed pipe is an error to handle.
pub fn begin() {
    loop {
        // SAFETY: opens a descriptor; the path is a C string.
        let opened = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        if opened > 2 {
            // SAFETY: closes the descriptor that was opened just now, and nobody else has.
            unsafe { libc::close(opened) };
        }
        if !(0..=2).contains(&opened) {
            break;
        }
    }
    // SAFETY: sets a disposition that needs no handler, and returns the one before.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    SIGPIPE_IGNORED.store(before == libc::SIG_IGN, Ordering::Relaxed);
}

/// Puts back, for the command that follows by exec, what [`begin`] changed.
pub(super) fn restore_for_exec() {
    if !SIGPIPE_IGNORED.load(Ordering::Relaxed) {
        // SAFETY: sets a disposition that needs no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}
