//! Traces, verbose shells and loggers of commands: none of them shows a secret, whether the hook
//! enters, leaves, takes a request by hand or switches off.

use std::path::{Path, PathBuf};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::{ready, second},
    support::{CANARY, World, unique},
};

/// Enters, leaves, uses and switches off, with earlier keys of the user's to be kept and given back.
fn tour(kind: Kind) -> Vec<String> {
    let words =
        ["cd code/shop", "true", "USE prod", "cd ../plain", "cd ../shop", "OFF", "cd ../.."];
    let words = words.iter().map(|line| match *line {
        "USE prod" => kind.by_hand("use prod"),
        "OFF" => kind.by_hand("off"),
        line => line.to_owned(),
    });
    words.collect()
}

fn places() -> World {
    let mut world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    project(&world, "shop", "dev");
    folder(&world, "plain");
    // What was there before is a secret too.
    world.set("AWS_ACCESS_KEY_ID", "AKIAEARLIER").set("AWS_SECRET_ACCESS_KEY", "TESTSECRETearlier");
    world
}

/// The driver fails for a secret on the terminal; this one for a secret in a file.
fn shows_none(file: &Path, told: &str) {
    let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
    assert!(!text.contains(CANARY), "{told}: a secret in {text}");
}

fn log(world: &World) -> PathBuf {
    world.home.path().join(unique("log"))
}

#[test]
fn a_trace_shows_no_secret_on_the_terminal() {
    let world = places();
    everywhere(|kind| {
        let moods: &[&str] = match kind {
            Kind::Bash => &[
                "set -x",
                "set -v",
                "set -xv; set -T",
                "PS4='+$(echo traced) '; set -x",
                "set -o posix; set -x",
                "set -eux",
            ],
            Kind::Zsh => &[
                "set -x",
                "set -v",
                "setopt xtrace verbose prompt_subst; PS4='+$(echo traced) '",
                "setopt xtrace err_return no_unset",
            ],
            Kind::Fish => &["set -g fish_trace 1"],
            Kind::Pwsh => &["Set-PSDebug -Trace 1", "Set-PSDebug -Trace 2"],
        };
        for mood in moods {
            for rc in [format!("{mood}\n{}", kind.load()), format!("{}\n{mood}", kind.load())] {
                let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
                for line in tour(kind) {
                    shell.run(&line);
                }
                assert_eq!(
                    shell.exported("AWS_ACCESS_KEY_ID").as_deref(),
                    Some("AKIAEARLIER"),
                    "{kind:?}, {mood}"
                );
                let traced = shell.run("echo still traced");
                if kind != Kind::Pwsh {
                    let times = traced.matches("still traced").count();
                    assert!(times > 1, "{kind:?}, {mood}: the trace is on again: {traced}");
                }
            }
        }
    });
}

#[test]
fn a_trace_into_a_file_shows_no_secret() {
    let world = places();
    let file = log(&world);
    let rc = format!("exec 9>>'{}'; BASH_XTRACEFD=9; {}", file.display(), Kind::Bash.load());
    let mut shell = Hooked::with(&world, Kind::Bash, &rc, world.home.path());
    shell.run("set -x");
    for line in tour(Kind::Bash) {
        shell.run(&line);
    }
    shows_none(&file, "BASH_XTRACEFD");
    assert!(std::fs::read_to_string(&file).unwrap().contains("cd code/shop"), "it was traced");
    let file = log(&world);
    let mut command = format!("exec 2>>'{}'; set -x; set -v", file.display());
    for kind in [Kind::Bash, Kind::Zsh] {
        let mut shell = Hooked::with(&world, kind, kind.load(), world.home.path());
        shell.run(&command);
        for line in tour(kind) {
            shell.run(&line);
        }
        shows_none(&file, "standard error");
        command.push(' ');
    }
}

#[test]
fn a_logger_of_commands_sees_no_secret() {
    let world = places();
    for (kind, logger) in [
        (Kind::Bash, "trap 'echo \"$BASH_COMMAND\" >> LOG' DEBUG"),
        (Kind::Bash, "set -T; trap 'echo \"$BASH_COMMAND\" >> LOG' DEBUG"),
        (Kind::Bash, "set -TE; trap 'echo \"$BASH_COMMAND\" >> LOG' ERR RETURN EXIT"),
        (Kind::Bash, "shopt -s extdebug; trap 'echo \"$BASH_COMMAND\" >> LOG' DEBUG"),
        (Kind::Zsh, "trap 'echo \"$ZSH_DEBUG_CMD\" >> LOG' DEBUG"),
        (Kind::Zsh, "TRAPDEBUG() { echo \"$ZSH_DEBUG_CMD\" >> LOG }"),
        (Kind::Zsh, "setopt no_debug_before_cmd; TRAPDEBUG() { echo \"$ZSH_DEBUG_CMD\" >> LOG }"),
        (
            Kind::Zsh,
            "preexec() { echo \"$3\" >> LOG }; TRAPZERR() { echo \"$ZSH_DEBUG_CMD\" >> LOG }",
        ),
        (Kind::Fish, "function lg --on-event fish_preexec; echo $argv >> LOG; end"),
        (
            Kind::Fish,
            "function lg --on-variable AWS_SECRET_ACCESS_KEY; echo changed $argv >> LOG; end",
        ),
    ] {
        let file = log(&world);
        std::fs::write(&file, "").unwrap();
        let mut shell = Hooked::with(&world, kind, kind.load(), world.home.path());
        shell.run(&logger.replace("LOG", file.to_str().unwrap()));
        for line in tour(kind) {
            shell.run(&line);
        }
        shows_none(&file, logger);
        assert_eq!(
            shell.exported("AWS_ACCESS_KEY_ID").as_deref(),
            Some("AKIAEARLIER"),
            "{kind:?}, {logger}"
        );
    }
}

#[test]
fn history_has_no_line_of_the_hook() {
    let world = places();
    for (kind, show) in
        [(Kind::Bash, "history"), (Kind::Zsh, "fc -l 1"), (Kind::Fish, "history | cat")]
    {
        let mut shell = Hooked::new(&world, kind);
        for line in tour(kind) {
            shell.run(&line);
        }
        let said = shell.run(show);
        assert!(!said.contains("__leapp_") && !said.contains("hook-env"), "{kind:?}: {said}");
    }
}
