//! Programs of the user's that were started inside a session and hand it on to all that they start:
//! terminal multiplexers and editors. Of their variables only the two markers of ours are looked at.

use super::Finding;
use crate::{
    cli::context::variable,
    envdelta::{MANAGED, MARKERS, State},
    system::{clock, process},
};

/// Servers that outlive the terminal that started them, by the name that the kernel keeps.
const SERVERS: &[(&str, &str)] =
    &[("screen", "screen"), ("tmux: server", "tmux"), ("zellij", "zellij")];
/// Editors, likewise.
const EDITORS: &[&str] = &[
    "clion",
    "code",
    "code-insiders",
    "code-server",
    "codium",
    "cursor",
    "datagrip",
    "emacs",
    "emacs-gtk",
    "emacs-nox",
    "emacs-pgtk",
    "goland",
    "hx",
    "idea",
    "nvim",
    "phpstorm",
    "pycharm",
    "rider",
    "rubymine",
    "rustrover",
    "sublime_text",
    "vim",
    "webstorm",
    "windsurf",
    "zed-editor",
];

/// A program that holds a session.
struct Holder {
    program: &'static str,
    server: Option<&'static str>,
    pid: u32,
    session: String,
    is_over: bool,
}

pub(super) fn findings() -> Vec<Finding> {
    let mut holders: Vec<Holder> = Vec::new();
    for pid in process::own_processes() {
        // An editor is many processes, which all hold the same.
        let known = |new: &Holder| {
            holders.iter().any(|old| {
                old.server.is_none() && (old.program, &old.session) == (new.program, &new.session)
            })
        };
        if let Some(holder) = holder(pid).filter(|new| !known(new)) {
            holders.push(holder);
        }
    }
    if holders.is_empty() {
        let text = "no multiplexer or editor of yours holds a session";
        return vec![Finding::ok("processes", text)];
    }
    holders.iter().flat_map(describe).collect()
}

fn holder(pid: u32) -> Option<Holder> {
    let name = process::program_name(pid)?;
    let server = SERVERS.iter().find(|(known, _)| *known == name);
    let editor = EDITORS.iter().copied().find(|known| *known == name);
    let program = server.map(|(_, program)| *program).or(editor)?;
    let mut session = None;
    let mut state = None;
    process::variables_of(pid, MARKERS, &mut |name, value| {
        let text = String::from_utf8_lossy(value).into_owned();
        match name {
            "LEAPP_SESSION" => session = Some(text),
            _ => state = Some(State::parse(&text)),
        }
    });
    if session.is_none() && state.is_none() {
        return None;
    }
    let now = u64::try_from(clock::now()).unwrap_or(0);
    let is_over = state.flatten().is_some_and(|state| state.expiry <= now);
    let session = session.unwrap_or_default();
    Some(Holder { program, server: server.map(|(_, program)| *program), pid, session, is_over })
}

fn describe(holder: &Holder) -> Vec<Finding> {
    let Holder { program, pid, session, .. } = holder;
    let over = if holder.is_over { ", whose credentials have ended" } else { "" };
    if holder.server.is_none() {
        let text = format!(
            "{program} (process {pid}) was started inside session '{session}'{over}, and so is \
             what it starts"
        );
        let removing: String =
            names().map(|name| format!("-u {name} ")).collect::<Vec<_>>().concat();
        let finding = if holder.is_over { Finding::warning } else { Finding::info };
        return vec![finding("processes", text).command(format!("env {removing}{program}"))];
    }
    let here = if *program == "tmux" && tmux_of_this_shell() == Some(*pid) {
        ", which this shell runs in,"
    } else {
        ""
    };
    let text = format!(
        "the {program} server (process {pid}){here} was started inside session '{session}'{over}: \
         every new window begins with it, unless the server was told otherwise since"
    );
    let finding = Finding::warning("processes", text);
    match *program {
        "tmux" => {
            let each: Vec<_> = names().map(|name| format!("set-environment -gr {name}")).collect();
            let update = "so that a window has what the terminal has that attaches to tmux";
            // All of them: markers without their keys would be stale in every window.
            let all: String = names().map(|name| format!(" {name}")).collect::<Vec<_>>().concat();
            let option = format!("update-environment \"{all}\"");
            vec![
                finding.command(format!("tmux {}", each.join(" \\; "))),
                Finding::info("processes", update).command(format!("tmux set-option -ga {option}")),
            ]
        }
        "screen" => {
            let each: Vec<_> = names().map(|name| format!("screen -X unsetenv {name}")).collect();
            vec![finding.command(each.join("; "))]
        }
        _ => vec![finding.command(format!("{program} kill-all-sessions"))],
    }
}

/// What a session leaves behind: our markers and the credentials.
fn names() -> impl Iterator<Item = &'static str> {
    MARKERS.iter().chain(MANAGED.iter().flat_map(|managed| managed.group)).copied()
}

/// The server's process id, from `TMUX`: socket, process, session.
fn tmux_of_this_shell() -> Option<u32> {
    variable("TMUX")?.to_str()?.split(',').nth(1)?.parse().ok()
}
