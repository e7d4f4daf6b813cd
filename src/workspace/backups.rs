//! The last ten good versions of the workspace, in the workspace's own format.

use std::path::{Path, PathBuf};

use super::{LIMIT, WorkspaceError};
use crate::system::{
    clock, directory,
    files::{self, Durability},
    paths::Home,
};

/// How many are kept.
const KEPT: usize = 10;
const PREFIX: &str = "Leapp-lock.";
const SUFFIX: &str = ".json";

/// The backups, newest first.
pub fn list(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory(home)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(PREFIX) && name.ends_with(SUFFIX)
        })
        .map(|entry| entry.path())
        .collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

/// The directory of the backups.
pub fn directory(home: &Home) -> PathBuf {
    home.join("backups")
}

/// Copies the workspace, which was just read and found good, and drops the oldest copies.
pub(super) fn keep(home: &Home, workspace: &Path) -> Result<(), WorkspaceError> {
    let Some(content) = files::read_private(workspace, LIMIT)? else {
        return Ok(());
    };
    let place = directory(home);
    directory::ensure(&place)?;
    let newest = list(home).into_iter().next();
    // A change that was kept from being written leaves its backup behind; ten such copies of one
    // version would push all others out.
    let last = newest.as_deref().map(|path| files::read_private(path, LIMIT));
    let is_kept = matches!(last, Some(Ok(Some(last))) if last.bytes == content.bytes);
    if !is_kept {
        let number = newest.as_deref().and_then(number_of).unwrap_or(0) + 1;
        // The number makes names sort by age even when the clock is set back.
        let path = place.join(format!("{PREFIX}{number:08}.{}{SUFFIX}", now()));
        files::write_private(&path, &content.bytes, Durability::Disk)?;
    }
    for old in list(home).into_iter().skip(KEPT) {
        files::remove(&old)?;
    }
    Ok(())
}

/// Renames a file that is no workspace out of the way; the new path, which is always a free one.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, WorkspaceError> {
    let mut stem = path.as_os_str().to_owned();
    stem.push(format!(".unreadable-{}", now()));
    let mut aside = PathBuf::from(&stem);
    let mut number = 1;
    // Only the holder of the workspace's lock comes here, so a free name stays free.
    while aside.symlink_metadata().is_ok() {
        number += 1;
        let mut name = stem.clone();
        name.push(format!("-{number}"));
        aside = PathBuf::from(name);
    }
    std::fs::rename(path, &aside).map_err(|e| WorkspaceError::io("rename", path, e))?;
    Ok(aside)
}

fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix(PREFIX)?.split('.').next()?.parse().ok()
}

fn now() -> String {
    let time = jiff::Timestamp::from_second(clock::now()).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}
