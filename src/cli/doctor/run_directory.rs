//! Where caches, leases and locks lie, and why there.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Finding, unset, word};
use crate::{
    cli::context::{Context, variable},
    shell::Shell,
    system::{owned, process},
};

const SUBJECT: &str = "run directory";

pub(super) fn findings(context: &Context, shell: &dyn Shell) -> Vec<Finding> {
    let used = context.run.display();
    let mut findings = Vec::new();
    match variable("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(given) if context.run.starts_with(&given) => {
            findings.push(Finding::ok(SUBJECT, format!("'{used}', by XDG_RUNTIME_DIR")));
        }
        Some(given) => {
            let why = refusal(&given);
            let text = format!("'{used}', because XDG_RUNTIME_DIR '{}' {why}", given.display());
            let can_mend = given.is_absolute() && !given.is_symlink() && owned::is_ours(&given);
            let command = if can_mend {
                format!("chmod 700 {}", word(shell, &given))
            } else {
                unset(shell, &["XDG_RUNTIME_DIR"])
            };
            findings.push(Finding::warning(SUBJECT, text).command(command));
        }
        None if context.run.starts_with(context.home.path()) => {
            let system = PathBuf::from(format!("/run/user/{}", process::user()));
            let why = refusal(&system);
            let text = format!(
                "'{used}', because XDG_RUNTIME_DIR is not set and '{}' {why}: sealed credentials \
                 lie on the disk",
                system.display()
            );
            findings.push(Finding::info(SUBJECT, text));
        }
        None => findings.push(Finding::ok(SUBJECT, format!("'{used}'"))),
    }
    findings.extend(loose(&context.run, shell));
    findings
}

/// Why a directory is not taken for the run-time one.
fn refusal(path: &Path) -> String {
    if !path.is_absolute() {
        return "is no absolute path".to_owned();
    }
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return "does not exist".to_owned();
        }
        Err(error) => return format!("cannot be looked at ({error})"),
        Ok(meta) => meta,
    };
    if meta.is_symlink() {
        "is a symbolic link".to_owned()
    } else if !meta.is_dir() {
        "is no directory".to_owned()
    } else if meta.uid() != process::user() {
        format!("belongs to user id {}", meta.uid())
    } else {
        format!("has mode {:04o} and not 0700", meta.mode() & 0o7777)
    }
}

/// The directory itself, where it is there already.
fn loose(path: &Path, shell: &dyn Shell) -> Option<Finding> {
    let meta = fs::symlink_metadata(path).ok()?;
    let shown = path.display();
    let finding = if meta.is_symlink() || !meta.is_dir() {
        let text = format!("'{shown}' is no real directory, so nothing is kept there");
        Finding::problem(SUBJECT, text).command(format!("rm {}", word(shell, path)))
    } else if meta.uid() != process::user() {
        let text = format!("'{shown}' belongs to user id {}, not to you", meta.uid());
        Finding::problem(SUBJECT, text).command(format!("sudo rm -r {}", word(shell, path)))
    } else if meta.mode() & 0o077 != 0 {
        let text = format!("'{shown}' has mode {:04o}: others can look in", meta.mode() & 0o7777);
        Finding::warning(SUBJECT, text).command(format!("chmod 700 {}", word(shell, path)))
    } else {
        return None;
    };
    Some(finding)
}
