//! `leapp doctor`: what keeps leapp from working here, and what to do about it.
//!
//! One file a theme below `doctor/`. Deliberately absent: any change. No file is created, no mode
//! narrowed, nobody asked, nothing fetched, and no program started.

mod clock;
mod environment;
mod hook;
mod network;
mod permissions;
mod processes;
mod profiles;
mod program;
mod projects;
mod report;
mod run_directory;
mod state;
mod storage;

use std::path::Path;

use serde_json::json;

use super::{
    args::DoctorArgs,
    context::Context,
    failure::{Failure, Outcome},
    print, print_json,
};
use crate::{output::table::visible, shell::Shell};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Works, but may not do what is meant.
    Warning,
    /// Does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
struct Finding {
    level: Level,
    subject: &'static str,
    text: String,
    command: Option<String>,
}

impl Level {
    /// For people.
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "note",
            Self::Warning => "warn",
            Self::Problem => "FAIL",
        }
    }

    /// For programs.
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Finding {
    fn new(level: Level, subject: &'static str, text: impl Into<String>) -> Self {
        Self { level, subject, text: text.into(), command: None }
    }

    fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, text)
    }

    fn info(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Info, subject, text)
    }

    fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, subject, text)
    }

    fn problem(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Problem, subject, text)
    }

    /// A problem that another command would end with.
    fn failure(subject: &'static str, failure: Failure) -> Self {
        let causes = failure.causes.iter().map(|cause| format!(": {cause}"));
        let text = std::iter::once(failure.message.clone()).chain(causes).collect::<String>();
        Self { command: failure.hint, ..Self::problem(subject, text) }
    }

    fn command(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}

/// Status 0 unless something does not work.
pub(super) fn run(context: &Context, args: &DoctorArgs) -> Outcome<u8> {
    let findings = examine(context, args);
    let has_problem = findings.iter().any(|finding| finding.level == Level::Problem);
    if context.ui.manner().json {
        print_json(&findings.iter().map(as_json).collect())?;
    } else {
        print(&findings.iter().map(in_words).collect::<String>())?;
        context.ui.say(&summary(&findings));
    }
    Ok(u8::from(has_problem))
}

fn examine(context: &Context, args: &DoctorArgs) -> Vec<Finding> {
    let shell = super::env::chosen_shell(None);
    let mut storage = storage::look(context, shell);
    let known = context.known_beside(Ok(storage.opened.take()), None);
    let cached = storage.cache.as_ref();
    [
        program::findings(shell),
        hook::findings(args.hook.as_deref(), shell),
        state::findings(context, shell),
        environment::findings(context, shell),
        processes::findings(),
        permissions::findings(context, shell, storage.is_foreign),
        run_directory::findings(context, shell),
        clock::findings(cached),
        network::findings(shell),
        projects::findings(context, &known),
        profiles::findings(context, &known, shell),
        storage.findings,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "level": finding.level.word(),
        "subject": finding.subject,
        "text": finding.text,
        "command": finding.command,
    })
}

/// A line, and below it the command.
fn in_words(finding: &Finding) -> String {
    let (mark, subject) = (finding.level.mark(), finding.subject);
    let mut text = format!("{mark:4}  {subject:13}  {}\n", visible(&finding.text));
    if let Some(command) = &finding.command {
        text.push_str(&format!("      {:13}  -> {}\n", "", visible(command)));
    }
    text
}

fn summary(findings: &[Finding]) -> String {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    match (count(Level::Problem), count(Level::Warning)) {
        (0, 0) => "nothing is wrong".to_owned(),
        (problems, warnings) => format!("problems: {problems}, warnings: {warnings}"),
    }
}

/// A path as one word of a command line.
fn word(shell: &dyn Shell, path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"_./:-".contains(b);
    if bytes.iter().all(is_plain) {
        return path.display().to_string();
    }
    let quoted = shell.quote(bytes).ok().and_then(|quoted| String::from_utf8(quoted).ok());
    quoted.unwrap_or_else(|| format!("'{}'", path.display()))
}

/// The line that removes variables from a shell.
fn unset(shell: &dyn Shell, names: &[&str]) -> String {
    match shell.id() {
        "fish" => {
            let lines: Vec<_> = names.iter().map(|name| format!("set -e {name}")).collect();
            lines.join("; ")
        }
        "powershell" => {
            let names: Vec<_> = names.iter().map(|name| format!("Env:{name}")).collect();
            format!("Remove-Item {}", names.join(", "))
        }
        _ => format!("unset {}", names.join(" ")),
    }
}

/// The line that starts a shell in place of the present one.
fn anew(shell: &dyn Shell) -> String {
    match shell.id() {
        "powershell" => "exit, and start PowerShell again".to_owned(),
        id => format!("exec {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn commands_are_the_shells_own() {
        let line = |id: &str| unset(shell::by_id(id).unwrap(), &["A", "B"]);
        assert_eq!(line("bash"), "unset A B");
        assert_eq!(line("fish"), "set -e A; set -e B");
        assert_eq!(line("powershell"), "Remove-Item Env:A, Env:B");
        let path = |id: &str| word(shell::by_id(id).unwrap(), Path::new("/it's $(x)"));
        assert_eq!(path("zsh"), r"'/it'\''s $(x)'");
        assert_eq!(path("fish"), r"'/it\'s $(x)'");
        assert_eq!(word(shell::POSIX, Path::new("/a/b-c")), "/a/b-c");
    }

    #[test]
    fn a_failure_brings_its_causes_and_its_hint() {
        let failure = Failure::usage("x").doing("cannot look").hint("leapp list");
        let finding = Finding::failure("s", failure);
        assert_eq!((finding.level, finding.text.as_str()), (Level::Problem, "cannot look: x"));
        assert_eq!(finding.command.as_deref(), Some("leapp list"));
        assert_eq!(in_words(&finding).lines().count(), 2);
    }
}
