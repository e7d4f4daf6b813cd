//! This machine's clock: against the cloud's at the last request, and against reason.

use std::time::UNIX_EPOCH;

use super::Finding;
use crate::{
    cloud::CLOCK_TOLERANCE,
    model::Timestamp,
    resolver::{Cache, Clocked, Entry, cache::Shelf},
    system::{clock, process},
};

const SUBJECT: &str = "clock";
const COMMAND: &str = "sudo timedatectl set-ntp true";
/// 2025-01-01: nothing that this program talks to works before.
const EARLIEST: i64 = 1_735_689_600;
/// A day; copies of a program may carry times of other time zones.
const DAY: i64 = 24 * 3600;

pub(super) fn findings(cache: Option<&Cache>) -> Vec<Finding> {
    let now = clock::now();
    let shown = Timestamp(now).rfc3339();
    if now < EARLIEST || made().is_some_and(|made| now < made.saturating_sub(DAY)) {
        let text = format!("it says {shown}, which is before this program was made");
        return vec![Finding::problem(SUBJECT, text).command(COMMAND)];
    }
    match cache.and_then(newest) {
        Some(clocked) if clocked.clock_is_off() => {
            let (seconds, where_to) = (clocked.offset.abs(), direction(clocked.offset));
            let text = format!(
                "it was {seconds} s {where_to} the cloud's at {}; leapp allows for that, other \
                 programs may fail beyond {CLOCK_TOLERANCE} s",
                clocked.issued_at.rfc3339()
            );
            vec![Finding::warning(SUBJECT, text).command(COMMAND)]
        }
        Some(_) => vec![Finding::ok(SUBJECT, "agreed with the cloud's at the last request")],
        None => vec![Finding::ok(SUBJECT, format!("it says {shown}; no request to compare with"))],
    }
}

/// The offset is the server's time minus ours.
fn direction(offset: i64) -> &'static str {
    if offset > 0 { "behind" } else { "ahead of" }
}

/// The clocks of the youngest credentials.
fn newest(cache: &Cache) -> Option<Clocked> {
    let names = cache.names(Shelf::Credentials).into_iter();
    let entries = names.filter_map(|name| cache.read(Shelf::Credentials, &name));
    let clocks = entries.filter_map(|bytes| Entry::from_bytes(&bytes)).map(|entry| entry.clocked);
    clocks.max_by_key(|clocked| clocked.issued_at.0)
}

/// When this program's file was written.
fn made() -> Option<i64> {
    let time = std::fs::metadata(process::program_path()?).and_then(|meta| meta.modified()).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}
