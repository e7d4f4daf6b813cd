//! The wall clock and the clock that no one can set.

use nix::time::{ClockId, clock_gettime};

/// Seconds since 1970-01-01T00:00:00Z by this machine's wall clock.
pub fn now() -> i64 {
    read(ClockId::CLOCK_REALTIME).saturating_add(shift())
}

/// Seconds since the machine started, sleep included: it neither jumps nor can it be set.
pub fn since_boot() -> i64 {
    #[cfg(target_os = "linux")]
    let id = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    let id = ClockId::CLOCK_MONOTONIC;
    read(id).saturating_add(shift())
}

fn read(id: ClockId) -> i64 {
    clock_gettime(id).map_or(0, |time| time.tv_sec())
}

/// How far a test has moved both clocks, in seconds.
#[cfg(feature = "testing")]
fn shift() -> i64 {
    std::env::var("LEAPP_TEST_CLOCK").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(not(feature = "testing"))]
fn shift() -> i64 {
    0
}
