//! Profiles whose `credential_process` is ours: they stand for a session of the workspace.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::access::source::Place;

/// The session that a command of ours asks for, if it is one, and of this home.
///
/// The command is the path of a program called `leapp`, perhaps `--home` and a directory, then
/// `credential-process session:<uuid>`.
pub fn binding(command: &str, place: &dyn Place) -> Option<Uuid> {
    if !command.contains("credential-process") {
        return None;
    }
    let words = shell_words::split(command).ok()?;
    let (program, rest) = words.split_first()?;
    if Path::new(program).file_name()? != "leapp" {
        return None;
    }
    let (home, rest) = match rest {
        [flag, home, rest @ ..] if flag == "--home" => (Some(PathBuf::from(home)), rest),
        rest => (None, rest),
    };
    let [subcommand, identifier] = rest else { return None };
    if subcommand != "credential-process" || !is_home(home, place) {
        return None;
    }
    Uuid::try_parse(identifier.strip_prefix("session:")?).ok()
}

/// Whether the command works in the home that we work in.
fn is_home(home: Option<PathBuf>, place: &dyn Place) -> bool {
    let usual = || place.own("HOME").map(|home| PathBuf::from(home).join(".Leapp"));
    let theirs = home.or_else(usual);
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    theirs.is_some_and(|theirs| real(&theirs) == real(place.home()))
}
