//! Our home directory and what is in it: place, owners, modes, and the settings.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Finding, word};
use crate::{
    cli::{
        context::{Context, variable},
        failure::Failure,
    },
    shell::Shell,
    system::process,
};

const SUBJECT: &str = "permissions";
/// Directories of ours below the home.
const DIRECTORIES: &[&str] = &["backups", "providers", "trust", "vault"];

/// A path of ours and how it looks.
type Entry = (PathBuf, Metadata);

/// `is_foreign`: the workspace file is the desktop app's, which writes it for all to read.
pub(super) fn findings(context: &Context, shell: &dyn Shell, is_foreign: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let home = context.home.refuse_inside_git(variable("LEAPP_HOME").is_some());
    findings.extend(home.err().map(|error| Finding::failure("home", Failure::from(error))));
    if let Err(failure) = context.config() {
        findings.push(Finding::failure("settings", failure));
    }
    let mut all = entries(context.home.path());
    if is_foreign {
        all.retain(|(path, _)| *path != context.home.workspace());
    }
    findings.extend(links(&all, shell));
    findings.extend(foreign(&all, shell, context.home.path()));
    findings.extend(loose(&all, shell, context.home.path()));
    if findings.is_empty() {
        let what = if all.is_empty() { "does not exist yet" } else { "is yours alone" };
        let text = format!("'{}' {what}", context.home.path().display());
        findings.push(Finding::ok(SUBJECT, text));
    }
    findings
}

/// The home, what is in it, and what is in its directories; links are not followed.
fn entries(home: &Path) -> Vec<Entry> {
    let mut all = Vec::new();
    let Ok(meta) = fs::symlink_metadata(home) else { return all };
    let is_directory = meta.is_dir();
    all.push((home.to_owned(), meta));
    if is_directory {
        add_children(home, &mut all);
        for name in DIRECTORIES {
            let path = home.join(name);
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
                add_children(&path, &mut all);
            }
        }
    }
    all
}

fn add_children(directory: &Path, all: &mut Vec<Entry>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if let Ok(meta) = entry.metadata() {
            all.push((entry.path(), meta));
        }
    }
}

/// The first path, and how many more there are.
fn list(entries: &[&Entry]) -> String {
    let first = entries.first().map(|(path, _)| path.display().to_string()).unwrap_or_default();
    match entries.len() {
        0 | 1 => format!("'{first}'"),
        n => format!("'{first}' and {} more", n - 1),
    }
}

fn links(all: &[Entry], shell: &dyn Shell) -> Option<Finding> {
    let found: Vec<&Entry> = all.iter().filter(|(_, meta)| meta.is_symlink()).collect();
    let (path, _) = found.first()?;
    let text =
        format!("a symbolic link where a file or directory of ours must be: {}", list(&found));
    Some(Finding::problem(SUBJECT, text).command(format!("ls -l {}", word(shell, path))))
}

fn foreign(all: &[Entry], shell: &dyn Shell, home: &Path) -> Option<Finding> {
    let user = process::user();
    let found: Vec<&Entry> = all.iter().filter(|(_, meta)| meta.uid() != user).collect();
    let text = format!("of another user: {}", list(&found));
    let command = format!("sudo chown -R {user} {}", word(shell, home));
    (!found.is_empty()).then(|| Finding::problem(SUBJECT, text).command(command))
}

/// Modes that let others in. Some files are refused then; of the rest others learn names and times.
fn loose(all: &[Entry], shell: &dyn Shell, home: &Path) -> Vec<Finding> {
    let is_loose = |meta: &Metadata| !meta.is_symlink() && meta.mode() & 0o077 != 0;
    let (refused, rest): (Vec<&Entry>, Vec<&Entry>) = all
        .iter()
        .filter(|(_, meta)| is_loose(meta))
        .partition(|(path, meta)| meta.is_file() && is_refused(path, home));
    let command = format!("chmod -R go= {}", word(shell, home));
    let mut findings = Vec::new();
    if !refused.is_empty() {
        let text = format!("others have access, so it is not used: {}", list(&refused));
        findings.push(Finding::problem(SUBJECT, text).command(command.as_str()));
    }
    if !rest.is_empty() {
        let text = format!("others have access: {}", list(&rest));
        findings.push(Finding::warning(SUBJECT, text).command(command));
    }
    findings
}

/// Whether such a file is refused when its mode lets others in.
fn is_refused(path: &Path, home: &Path) -> bool {
    let inside = path.strip_prefix(home).unwrap_or(path);
    inside.parent().is_some_and(|parent| DIRECTORIES.iter().any(|known| parent == Path::new(known)))
        || ["Leapp-lock.json", "machine-key"].iter().any(|known| inside == Path::new(known))
}
