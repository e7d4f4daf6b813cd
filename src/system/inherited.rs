//! What this process was started with, recorded before Rust's own start-up changes it.
//!
//! Before `main`, the standard library ignores SIGPIPE and opens `/dev/null` on closed standard
//! descriptors. A command that we become must see neither.
#![expect(unsafe_code, reason = "a start-up hook, and signal dispositions as they are")]

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Runs before `main`; the linker collects it.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static RECORD: extern "C" fn() = record;

extern "C" fn record() {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: `action` has the size that sigaction writes, and is read only when it succeeded.
    unsafe {
        if libc::sigaction(libc::SIGPIPE, std::ptr::null(), action.as_mut_ptr()) == 0 {
            let ignored = action.assume_init().sa_sigaction == libc::SIG_IGN;
            SIGPIPE_IGNORED.store(ignored, Ordering::Relaxed);
        }
    }
    let mut closed = 0;
    for descriptor in 0..3 {
        // SAFETY: F_GETFD reads a flag of a descriptor that may or may not be open.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            closed |= 1 << descriptor;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

/// Puts back, for the command that follows by exec, what the standard library changed.
pub fn restore_for_exec() {
    let closed = CLOSED.load(Ordering::Relaxed);
    for descriptor in 0..3 {
        if closed & (1 << descriptor) != 0 {
            // SAFETY: marks a descriptor that the standard library opened, and nothing uses after
            // exec, as closing on exec.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    if !SIGPIPE_IGNORED.load(Ordering::Relaxed) {
        // SAFETY: sets a disposition that needs no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}
