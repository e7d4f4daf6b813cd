//! Which program runs: this one, or another of the same name.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Finding, word};
use crate::{cli::context::variable, shell::Shell, system::process};

const SUBJECT: &str = "program";

pub(super) fn findings(shell: &dyn Shell) -> Vec<Finding> {
    let Some(own) = process::path_as_started() else {
        return vec![Finding::warning(SUBJECT, "the path of this program is not known")];
    };
    let version = env!("CARGO_PKG_VERSION");
    let shown = own.display();
    let found = in_path();
    let Some(first) = found.first() else {
        let text = format!("leapp {version} is '{shown}', and there is no leapp in PATH");
        let directory = own.parent().unwrap_or(&own);
        return vec![Finding::warning(SUBJECT, text).command(add(shell, directory))];
    };
    if !process::is_same_file(first, &own) {
        let text = format!(
            "'{shown}' runs now, but the first leapp in PATH is '{}': another program",
            first.display()
        );
        let directory = own.parent().unwrap_or(&own);
        return vec![Finding::warning(SUBJECT, text).command(add(shell, directory))];
    }
    let mut findings = vec![Finding::ok(SUBJECT, format!("leapp {version}, '{shown}'"))];
    for other in found.iter().filter(|other| !process::is_same_file(other, first)) {
        let text = format!("there is another leapp behind it in PATH: '{}'", other.display());
        let command = format!("{} --version", word(shell, other));
        findings.push(Finding::info(SUBJECT, text).command(command));
    }
    findings
}

/// Every program of our name, in the order of `PATH`. Relative directories are not searched.
fn in_path() -> Vec<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    let files = paths.map(|directory| directory.join("leapp"));
    let mut found: Vec<PathBuf> = Vec::new();
    for file in files.filter(|file| is_program(file)) {
        if !found.iter().any(|known| process::is_same_file(known, &file)) {
            found.push(file);
        }
    }
    found
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

/// The line that puts a directory first on `PATH`.
fn add(shell: &dyn Shell, directory: &Path) -> String {
    let directory = word(shell, directory);
    match shell.id() {
        "fish" => format!("fish_add_path --move {directory}"),
        "powershell" => {
            format!("$env:PATH = {directory} + [IO.Path]::PathSeparator + $env:PATH")
        }
        _ => format!("export PATH={directory}:\"$PATH\""),
    }
}
