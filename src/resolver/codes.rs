//! One-time codes that were used: the provider takes each once, so a second use only costs a try.

use std::path::Path;

use crate::system::{
    clock, directory,
    files::{self, Durability},
    hash,
    lock::Lock,
};

/// The length of a time step (RFC 6238), in seconds.
pub const STEP: i64 = 30;
/// How long a provider may still take a code after its step, in seconds.
const GRACE: i64 = 2 * STEP;

/// Seconds until the next code appears.
pub fn until_next() -> i64 {
    STEP - clock::now().rem_euclid(STEP)
}

/// Claims `code` of `device` for one use; the error is the number of seconds until the next code.
///
/// What is kept is a hash and a time. It hides nothing that matters: after half a minute a code
/// is no secret.
pub fn claim(run: &Path, device: &str, code: &str) -> Result<(), i64> {
    let folder = run.join("m");
    _ = directory::ensure(&folder);
    let path = folder.join(hash::short(device.as_bytes()));
    let _lock = Lock::take(&path.with_extension("lock"), std::time::Duration::from_secs(2));
    let mark = hash::long([Some(device.as_bytes()), Some(code.as_bytes())]);
    let now = clock::now();
    let used = files::read_private(&path, 4096).ok().flatten().map(|c| c.bytes).unwrap_or_default();
    let used = String::from_utf8_lossy(&used);
    let last = used.split_once(' ').filter(|(_, at)| {
        at.trim().parse::<i64>().is_ok_and(|at| (0..STEP + GRACE).contains(&now.saturating_sub(at)))
    });
    if last.is_some_and(|(hash, _)| hash == mark) {
        return Err(until_next());
    }
    let text = format!("{mark} {now}\n");
    _ = files::write_private(&path, text.as_bytes(), Durability::Cache);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_once() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(claim(run.path(), "device", "123456"), Ok(()));
        assert!(claim(run.path(), "device", "123456").is_err_and(|s| (1..=30).contains(&s)));
        assert_eq!(claim(run.path(), "device", "654321"), Ok(()));
        assert_eq!(claim(run.path(), "other", "123456"), Ok(()));
    }
}
