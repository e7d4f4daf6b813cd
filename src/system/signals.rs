//! Signals that would end us, kept until something has been put back or cleaned up.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI32, Ordering},
};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Signals that end us are kept until the last of these is dropped; then they do.
pub(super) struct Signals(());

/// The last signal that came while they were kept; 0 for none.
static CAUGHT: AtomicI32 = AtomicI32::new(0);

/// How many keep them, and the dispositions before the first did.
static KEPT: Mutex<(usize, Vec<(Signal, SigAction)>)> = Mutex::new((0, Vec::new()));

extern "C" fn keep(signal: i32) {
    CAUGHT.store(signal, Ordering::Relaxed);
}

impl Signals {
    /// From now on they are kept. A call that waits ends by them.
    pub(super) fn catch() -> Self {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        if kept.0 == 1 {
            kept.1 = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT]
                .map(set)
                .into_iter()
                .flatten()
                .collect();
        }
        Self(())
    }

    /// The last one that came.
    #[expect(clippy::unused_self, reason = "they are kept while there is one of these")]
    pub(super) fn caught(&self) -> Option<i32> {
        Some(CAUGHT.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}

/// Keeps one signal, unless it is ignored: then it stays so.
#[expect(unsafe_code, reason = "a signal handler, which stores one number")]
fn set(signal: Signal) -> Option<(Signal, SigAction)> {
    // Without SA_RESTART: a read must end.
    let action = SigAction::new(SigHandler::Handler(keep), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
    let before = unsafe { sigaction(signal, &action) }.ok()?;
    if matches!(before.handler(), SigHandler::SigIgn) {
        restore(signal, &before);
        return None;
    }
    Some((signal, before))
}

#[expect(unsafe_code, reason = "puts back the disposition that was there")]
fn restore(signal: Signal, before: &SigAction) {
    // SAFETY: the disposition is one that this process had.
    _ = unsafe { sigaction(signal, before) };
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 = kept.0.saturating_sub(1);
        if kept.0 > 0 {
            return;
        }
        for (signal, before) in std::mem::take(&mut kept.1) {
            restore(signal, &before);
        }
        drop(kept);
        if let Ok(signal) = Signal::try_from(CAUGHT.swap(0, Ordering::Relaxed)) {
            _ = nix::sys::signal::raise(signal);
        }
    }
}
