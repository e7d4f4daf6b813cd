//! `leapp hook`: the text that a shell's start-up file evaluates, and where the line goes.
//!
//! `use` and `off` change the shell that they are typed in, so that only the hook can carry them
//! out; the program's own say so.

use std::os::unix::ffi::OsStrExt;

use super::{
    args::HookArgs,
    env::chosen_shell,
    failure::{Failure, Kind, Outcome},
    print, print_bytes,
};
use crate::{
    shell::{self, Shell},
    system::{process, terminal},
};

pub(super) fn run(args: &HookArgs) -> Outcome<()> {
    let Some(id) = &args.shell else {
        return where_to();
    };
    let shell = shell::by_id(id).unwrap_or(shell::POSIX);
    if terminal::stdout_is_terminal() {
        let (file, line) = shell.hook_line().unwrap_or_default();
        return Err(Failure::usage("what this prints is for a shell's start-up file")
            .hint(format!("put this line into {file}:  {line}")));
    }
    let program = process::path_as_started().ok_or_else(|| {
        Failure::new(Kind::Failed, "the path of this program is not known")
            .hint("start it by an absolute path")
    })?;
    let text = shell.hook(program.as_os_str().as_bytes());
    match text {
        Some(Ok(text)) => print_bytes(&text),
        Some(Err(error)) => Err(Failure::new(Kind::Failed, error.to_string())
            .doing("the hook cannot hold this program's path")),
        None => Err(Failure::usage(format!("there is no hook for {id}"))),
    }
}

/// Which line goes where, for every shell, the present one first.
fn where_to() -> Outcome<()> {
    let here = chosen_shell(None).id();
    let mut shells: Vec<&dyn Shell> = shell::SHELLS.to_vec();
    shells.sort_by_key(|shell| shell.id() != here);
    let mut text = String::from("Put one line at the end of your shell's start-up file:\n\n");
    for shell in shells {
        if let Some((file, line)) = shell.hook_line() {
            text.push_str(&format!("  {:11} {file:28} {line}\n", shell.id()));
        }
    }
    text.push_str("\nThen start a new shell. 'leapp doctor' tells whether the hook works.\n");
    print(&text)
}

/// `use` and `off` without the hook's function.
pub(super) fn without(word: &str) -> Failure {
    let shell = chosen_shell(None);
    let failure = Failure::new(
        Kind::NeedsAction,
        format!("'leapp {word}' changes the shell itself, and the hook is not loaded here"),
    );
    match (shell.id(), shell.hook_line()) {
        ("powershell", _) => {
            let name = if word == "use" { "leapp-use NAME" } else { "leapp-off" };
            failure.hint(format!("in PowerShell it is {name}; without the hook: leapp hook"))
        }
        (_, Some((file, line))) => {
            failure.hint(format!("load it, and put it into {file}:  {line}"))
        }
        (_, None) => failure.hint("leapp exec NAME runs a shell with the session"),
    }
}
