//! Token caches of the AWS CLI: read and, after a refresh, written back in their own form.
//!
//! A refresh token serves once. So who refreshes holds a lock of ours, reads again under it, and
//! puts the new one where every SDK looks for it.

use std::{path::Path, time::Duration};

use super::{AccessError, Helpers, source::Place};
use crate::{
    secret::Secret,
    system::{directory, files, files::Durability, hash, lock::Lock},
    vault::VaultError,
};

/// No cache file is larger, in bytes.
const LIMIT: u64 = 1 << 20;
/// How long another process may take for its refresh.
const WAIT: Duration = Duration::from_secs(30);

/// The file's text; what cannot be read is as good as none.
pub(super) fn read(path: &Path) -> Option<Secret> {
    let bytes = files::read_users(path, LIMIT).ok()??;
    String::from_utf8(bytes).ok().map(Secret::new)
}

/// Holds off every other leapp that would refresh the same token. `None` where no lock can be had:
/// then the race is as small as in every other SDK.
pub(super) fn lock(path: &Path, helpers: &Helpers<'_>) -> Result<Option<Lock>, AccessError> {
    let Some(file) = lock_file(path, helpers.place) else { return Ok(None) };
    match Lock::take(&file, WAIT) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(AccessError::Busy(path.display().to_string())),
        Err(_) => Ok(None),
    }
}

fn lock_file(path: &Path, place: &dyn Place) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let run = place.run()?;
    directory::ensure(run).ok()?;
    let directory = run.join("t");
    directory::ensure(&directory).ok()?;
    Some(directory.join(hash::short(path.as_os_str().as_bytes())))
}

/// Replaces the file, whole or not at all. Its directory is there: it was read from it.
pub(super) fn write(path: &Path, text: &Secret) -> Result<(), AccessError> {
    // A link of a dotfile manager's stays one.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let written = files::write_private(&target, text.expose().as_bytes(), Durability::Disk);
    written.map_err(|error| AccessError::Vault(VaultError::Path(error)))
}
