//! Token caches of the AWS CLI: read and, after a refresh, written back in their own form.
//!
//! A refresh token serves once. So who refreshes holds a lock, reads again under it, has room for
//! the new one before the old one is spent, and puts it where every SDK looks for it, unless somebody
//! has logged in or out meanwhile.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::AccessError;
use crate::{
    model::{Timestamp, duration},
    secret::Secret,
    system::{clock, directory::PathError, files, files::Successor, owned},
};

/// No cache file is larger, in bytes.
const LIMIT: u64 = 1 << 20;
/// How long another process may take for its refresh.
const WAIT: Duration = Duration::from_secs(30);
/// What lasts no longer, in seconds, is not used in place of what cannot be refreshed.
const LEAST: i64 = 60;

/// A kind of cache: what its files hold, and how that is refreshed.
pub(super) trait Cache {
    /// What a file holds.
    type Item;

    /// What it is called in messages.
    fn what(&self) -> String;

    /// Reads a file's text.
    fn parse(&self, text: &str) -> Option<Self::Item>;

    /// What it is good for at `now`.
    fn state(&self, item: &Self::Item, now: Timestamp) -> State;

    /// What a refresh spends.
    fn refresh_token<'i>(&self, item: &'i Self::Item) -> Option<&'i Secret>;

    /// Refreshes, and makes of the file's text what is to stand there.
    fn refresh(&self, item: &Self::Item, text: &Secret) -> Result<Secret, AccessError>;

    /// A person must log in: it `is not there`, or the like.
    fn needed(&self, why: &str) -> AccessError;
}

/// What is left of something in a cache, in seconds where that matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Ended,
    Refreshable(i64),
    Valid(i64),
}

/// Something that can be used, and what the user should know of it.
pub(super) struct Current<T> {
    pub(super) item: T,
    pub(super) notes: Vec<String>,
}

impl<T> From<T> for Current<T> {
    fn from(item: T) -> Self {
        Self { item, notes: Vec::new() }
    }
}

/// The file's text; what cannot be read is as good as none.
pub(super) fn read(path: &Path) -> Option<Secret> {
    let bytes = files::read_users(path, LIMIT).ok()??;
    String::from_utf8(bytes).ok().map(Secret::new)
}

/// What the file holds, refreshed where it ends soon and that can be done without a person.
pub(super) fn current<C: Cache>(cache: &C, path: &Path) -> Result<Current<C::Item>, AccessError> {
    let found = |item: &C::Item| cache.state(item, now());
    if let Some((item, _)) = look(cache, path)
        && matches!(found(&item), State::Valid(_))
    {
        return Ok(item.into());
    }
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let _lock = lock(&target)?;
    // Another process may have refreshed it meanwhile.
    let Some((item, text)) = look(cache, path) else {
        return Err(cache.needed("is not there"));
    };
    let ends = match found(&item) {
        State::Valid(_) => return Ok(item.into()),
        State::Ended => return Err(cache.needed("has ended")),
        State::Refreshable(left) => now().plus(left),
    };
    let error = match refresh(cache, &target, &item, &text) {
        Ok(current) => return Ok(current),
        Err(error) => error,
    };
    if !path.exists() {
        return Err(cache.needed("is not there"));
    }
    // Somebody who knows nothing of our lock may have been faster.
    if let Some(theirs) = others(cache, path, &item).filter(|item| lasts(found(item))) {
        return Ok(theirs.into());
    }
    match ends.since(now()) {
        // What is left of the old one serves.
        left if left > LEAST => Ok(Current { item, notes: vec![note(cache, left, &error)] }),
        _ => Err(error),
    }
}

fn now() -> Timestamp {
    Timestamp(clock::now())
}

fn look<C: Cache>(cache: &C, path: &Path) -> Option<(C::Item, Secret)> {
    let text = read(path)?;
    Some((cache.parse(text.expose())?, text))
}

/// What stands there instead of what was read before.
fn others<C: Cache>(cache: &C, path: &Path, before: &C::Item) -> Option<C::Item> {
    let token = |item: &C::Item| cache.refresh_token(item).map(|t| t.expose().to_owned());
    look(cache, path).map(|(item, _)| item).filter(|item| token(item) != token(before))
}

fn lasts(state: State) -> bool {
    matches!(state, State::Refreshable(left) | State::Valid(left) if left > LEAST)
}

fn note<C: Cache>(cache: &C, left: i64, error: &AccessError) -> String {
    let left = duration::exact(u32::try_from(left).unwrap_or(u32::MAX));
    let then = match error {
        AccessError::Elsewhere { command, .. } => format!("; then: {command}"),
        _ => String::new(),
    };
    format!("{} serves for {left} more, but could not be refreshed: {error}{then}", cache.what())
}

fn refresh<C: Cache>(
    cache: &C,
    target: &Path,
    item: &C::Item,
    text: &Secret,
) -> Result<Current<C::Item>, AccessError> {
    // What cannot be kept must not be spent: every other program would be logged out.
    let successor = Successor::beside(target, text.expose().len())
        .map_err(|error| cache.needed(&format!("cannot be refreshed: {}", chain(&error))))?;
    let new = cache.refresh(item, text)?;
    let issued = cache.parse(new.expose()).ok_or_else(|| AccessError::Changed(cache.what()))?;
    if !target.exists() {
        // A logout, which is not undone.
        return Err(cache.needed("is not there"));
    }
    let is_same = look(cache, target).is_some_and(|(_, there)| there.expose() == text.expose());
    if !is_same {
        // A login, which is newer than what it was that we have spent. One that is being written
        // cannot be read yet, and is no less theirs.
        let theirs = others(cache, target, item);
        let theirs = theirs.filter(|item| lasts(cache.state(item, now())));
        return Ok(theirs.unwrap_or(issued).into());
    }
    let notes = match successor.replace(new.expose().as_bytes()) {
        Ok(()) => Vec::new(),
        Err(error) => vec![format!(
            "{} was refreshed, but other programs do not learn of it: {}",
            cache.what(),
            chain(&error)
        )],
    };
    Ok(Current { item: issued, notes })
}

fn chain(error: &PathError) -> String {
    use std::error::Error;
    match error.source() {
        Some(source) if !error.to_string().contains(&source.to_string()) => {
            format!("{error}: {source}")
        }
        _ => error.to_string(),
    }
}

/// Holds off every other leapp that would refresh the same token, whatever its surroundings: the lock
/// is the directory's own, so that no file is left there. `None` where no lock can be had: then the
/// race is as small as in every other SDK.
fn lock(target: &Path) -> Result<Option<File>, AccessError> {
    let directory: Option<PathBuf> = target.parent().and_then(|path| path.canonicalize().ok());
    let Some(Ok(opened)) = directory.map(|path| owned::open_directory(&path)) else {
        return Ok(None);
    };
    let end = Instant::now() + WAIT;
    loop {
        match opened.try_lock() {
            Ok(()) => return Ok(Some(opened)),
            Err(std::fs::TryLockError::Error(_)) => return Ok(None),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(AccessError::Busy(target.display().to_string()));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
