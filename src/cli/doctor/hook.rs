//! The hook of this shell, by what it tells of itself.

use std::ffi::OsStr;

use super::{Finding, anew, report::Report};
use crate::{
    cli::context::variable,
    envdelta,
    shell::Shell,
    system::{process, terminal},
};

const SUBJECT: &str = "hook";
const ORDER: &str = "hook order";
/// The hooks' functions that run at a prompt.
const AT_PROMPT: &[&str] =
    &["__leapp_prompt", "__leapp_prompt_keeping_status", "__leapp_prompt_last", "__leapp_precmd"];
/// Tools whose hooks change a directory's environment too, by a part of their functions' names.
const OTHERS: &[&str] = &["asdf", "autoenv", "direnv", "mise", "shadowenv"];

pub(super) fn findings(told: Option<&OsStr>, shell: &dyn Shell) -> Vec<Finding> {
    let Some(told) = told else { return vec![absent(shell)] };
    let told = told.to_string_lossy();
    let Some(report) = Report::parse(&told) else {
        let text = "the hook of this shell tells what this program does not understand; it is of \
                    another version";
        return vec![Finding::problem(SUBJECT, text).command(anew(shell))];
    };
    let mut findings = at_prompt(&report);
    findings.extend(version(&report));
    findings.extend(loads(&report));
    findings.extend(on_change(&report));
    findings.extend(owner(&report));
    findings.extend(moved(&report));
    findings.extend(universal(&report));
    findings
}

/// No hook has called. That matters to a person who types, and is as it should be in a script.
fn absent(shell: &dyn Shell) -> Finding {
    if variable("LEAPP_HOOK").is_some_and(|value| value == "0") {
        let text = "LEAPP_HOOK=0 keeps the hook from loading, so directories switch nothing on";
        return Finding::info(SUBJECT, text).command(super::unset(shell, &["LEAPP_HOOK"]));
    }
    let text = "the hook is not loaded in this shell, so directories switch nothing on";
    let (text, command) = match (shell.id(), shell.hook_line()) {
        ("powershell", Some((file, line))) => (
            "the hook did not call; in PowerShell 'leapp-doctor' does, where it is loaded".into(),
            format!("leapp-doctor; or put into {file}:  {line}"),
        ),
        (_, Some((file, line))) => (format!("{text}; its line belongs into {file}"), line.into()),
        (_, None) => (format!("{text}; this shell has none"), "leapp exec NAME".to_owned()),
    };
    let is_interactive = terminal::stdin_is_terminal() && shell.hook_line().is_some();
    let finding = if is_interactive { Finding::warning } else { Finding::info };
    finding(SUBJECT, text).command(command)
}

fn loaded(report: &Report<'_>, where_to: &str) -> Finding {
    let version = report.get("version").unwrap_or_default();
    Finding::ok(SUBJECT, format!("loaded in {} {version}{where_to}", report.shell.id()))
}

fn lost(report: &Report<'_>, what: &str) -> Finding {
    let (file, line) = report.shell.hook_line().unwrap_or_default();
    let text = format!(
        "lost: {what}, so directories switch nothing on at a prompt; the hook's line belongs at \
         the end of {file}"
    );
    Finding::problem(SUBJECT, text).command(line)
}

/// Whether the hook still runs at a prompt, and first.
fn at_prompt(report: &Report<'_>) -> Vec<Finding> {
    match report.shell.id() {
        "bash" => bash(report),
        "zsh" => in_list(report, "precmd", "precmd_functions"),
        "powershell" => vec![powershell(report)],
        _ => vec![loaded(report, "")],
    }
}

fn bash(report: &Report<'_>) -> Vec<Finding> {
    if report.get("ble").is_some() {
        return vec![loaded(report, "; ble.sh runs it")];
    }
    let is_preexec = report.words("prompt").iter().any(|word| word.starts_with("__bp_"));
    if is_preexec && report.words("precmd").iter().any(is_ours) {
        return in_list(report, "precmd", "precmd_functions");
    }
    in_list(report, "prompt", "PROMPT_COMMAND")
}

fn is_ours(word: &&str) -> bool {
    AT_PROMPT.contains(word)
}

/// The hook's place in a list of what runs at a prompt, and that of others like it.
fn in_list(report: &Report<'_>, fact: &str, list: &str) -> Vec<Finding> {
    let words = report.words(fact);
    let Some(at) = words.iter().position(is_ours) else {
        return vec![lost(report, &format!("it is not in {list} any more"))];
    };
    let mut findings = vec![loaded(report, &format!(", in {list}"))];
    if let Some(first) = words.first().filter(|_| at > 0) {
        findings.push(late(report, list, first));
    }
    let behind = words.iter().skip(at).copied();
    findings.extend(tools(behind).map(|tool| {
        let text = format!("{tool}'s hook runs after ours: where both set a variable, {tool} wins");
        Finding::info(ORDER, text).command(format!("declare -p {list}"))
    }));
    findings
}

fn late(report: &Report<'_>, list: &str, first: &str) -> Finding {
    let (file, line) = report.shell.hook_line().unwrap_or_default();
    let text = format!(
        "'{first}' runs before the hook in {list}, and sees the environment of the directory that \
         was left; the hook's line belongs at the end of {file}"
    );
    Finding::warning(ORDER, text).command(line)
}

fn tools<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'static str> {
    let parts = words.flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()));
    let parts: Vec<&str> = parts.collect();
    OTHERS.iter().copied().filter(move |tool| parts.contains(tool))
}

fn powershell(report: &Report<'_>) -> Finding {
    match (report.get("prompt"), report.get("cd")) {
        (Some("ours"), _) => loaded(report, ""),
        (_, Some("ours")) => {
            let (file, line) = report.shell.hook_line().unwrap_or_default();
            let text = format!(
                "another tool has replaced 'prompt' after the hook: a change of the location is \
                 noticed, but not the end of credentials; the hook's line belongs at the end of \
                 {file}"
            );
            Finding::warning(ORDER, text).command(line)
        }
        _ => lost(report, "another tool has replaced 'prompt'"),
    }
}

/// Whether `cd x && command` switches before the command.
fn on_change(report: &Report<'_>) -> Vec<Finding> {
    if report.shell.id() == "zsh" {
        let words = report.words("chpwd");
        let (file, line) = report.shell.hook_line().unwrap_or_default();
        return match words.iter().position(|word| *word == "__leapp_chpwd") {
            Some(0) => Vec::new(),
            Some(_) => {
                let first = words.first().copied().unwrap_or_default();
                vec![late(report, "chpwd_functions", first)]
            }
            None => {
                let text = format!(
                    "the hook is not in chpwd_functions any more: in 'cd x && command' the command \
                     runs before the switch; the hook's line belongs at the end of {file}"
                );
                vec![Finding::warning(SUBJECT, text).command(line)]
            }
        };
    }
    let text = match (report.shell.id(), report.get("cd")) {
        ("bash", Some("other")) => "another tool's function stands in place of 'cd'",
        ("bash", Some("none")) => "'cd' is not the hook's function",
        ("powershell", Some("none")) => "Windows PowerShell does not tell of a change of location",
        _ => return Vec::new(),
    };
    let text = format!("{text}: in 'cd x && command' the command runs before the switch");
    vec![Finding::warning("cd", text).command(match report.shell.id() {
        "bash" => "type cd",
        _ => "use PowerShell 7",
    })]
}

fn version(report: &Report<'_>) -> Option<Finding> {
    let number = report.shell.hook_number();
    let text = "the hook in this shell is that of another version of leapp";
    (report.get("text") != number.as_deref())
        .then(|| Finding::warning(SUBJECT, text).command(anew(report.shell)))
}

fn loads(report: &Report<'_>) -> Option<Finding> {
    let loads = report.loads().filter(|loads| *loads > 1)?;
    let (file, _) = report.shell.hook_line()?;
    let text = format!("loaded {loads} times: by hand, or by two lines in the start-up files");
    Some(Finding::info(SUBJECT, text).command(format!("grep -n 'leapp hook' {file}")))
}

/// Why directories do nothing here though all is well.
fn owner(report: &Report<'_>) -> Option<Finding> {
    let off = if report.shell.id() == "powershell" { "leapp-off" } else { "leapp off" };
    let text = match report.get("owner")? {
        "g" => "other credentials have replaced the session's, so directories wait",
        "o" => "'leapp off' holds: directories wait until another project is entered",
        "x" if process::is_sudo() => "under sudo directories switch nothing on",
        "x" => "this shell belongs to 'leapp exec': directories switch nothing on",
        _ => return None,
    };
    Some(Finding::info(SUBJECT, text).command(off))
}

/// Variables that the hook keeps as they were.
fn moved(report: &Report<'_>) -> Option<Finding> {
    let names = report.words("moved");
    let known = ["LEAPP_HOME", "LEAPP_VAULT", "XDG_RUNTIME_DIR"];
    let names: Vec<_> = known.into_iter().filter(|name| names.contains(name)).collect();
    let text = format!(
        "the hook keeps what it was loaded with, and since then this has changed: {}",
        names.join(", ")
    );
    (!names.is_empty()).then(|| Finding::warning(SUBJECT, text).command(anew(report.shell)))
}

/// fish cannot hide a universal variable from the programs of one shell.
fn universal(report: &Report<'_>) -> Vec<Finding> {
    let told = report.words("universal");
    let names = envdelta::listed().filter(|name| told.contains(name));
    let finding = |name: &str| {
        let text = format!("{name} is an exported universal variable: it shows through everywhere");
        Finding::warning("fish", text).command(format!("set -eU {name}"))
    };
    names.map(finding).collect()
}
