//! The snippets of the README that show the session in a prompt, as they stand there.

use crate::{
    hooked::{Hooked, Kind, has_pwsh, project},
    hooks_basic::ready,
    support::{World, repository},
};

/// The code block that follows a line of the README's section on prompts.
fn snippet(after: &str) -> String {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let section = readme.split("### Your prompt").nth(1).unwrap();
    let rest = section.split(&format!("\n{after}\n\n")).nth(1).unwrap();
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// A start-up file with the snippet, the hook, and `drawn FILE`, which draws the prompt into a file.
fn start_up(kind: Kind) -> String {
    let load = kind.load();
    match kind {
        Kind::Bash => {
            let text = snippet("bash:");
            format!("{load}\nPS1='> '\n{text}\ndrawn() {{ printf %s \"${{PS1@P}}\" > \"$1\"; }}")
        }
        Kind::Fish => {
            let text = snippet("fish, in `fish_prompt`:");
            format!(
                "set -gx TERM xterm-256color\n{load}\nfunction fish_prompt\n{text}\necho -n '> '\nend\n\
                 function drawn; fish_prompt > $argv[1]; end"
            )
        }
        Kind::Pwsh => format!("{}\n{load}", snippet("PowerShell, before the hook's line:")),
        Kind::Zsh => {
            let text = snippet("zsh:");
            format!(
                "export TERM=xterm-256color\n{load}\nPROMPT='> '\n{text}\ndrawn() {{ print -rnP -- \"$PROMPT\" > \"$1\" }}"
            )
        }
    }
}

/// The prompt, with the bytes that colour it.
fn drawn(shell: &mut Hooked, world: &World) -> String {
    shell.run("true");
    let file = world.home.path().join("drawn");
    shell.run(&format!("drawn {}", file.display()));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_snippets_show_the_session_and_warn() {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let world = ready();
        world
            .add_role("guarded", "work", "Admin", &["--role-session-name", "g", "--protected"])
            .succeeds();
        project(&world, "shop", "dev");
        let mut shell = Hooked::with(&world, kind, &start_up(kind), world.home.path());
        let plain = drawn(&mut shell, &world);
        assert!(plain.ends_with("> ") && !plain.contains("dev"), "{kind:?}: {plain:?}");
        shell.run("cd code/shop");
        let calm = drawn(&mut shell, &world);
        assert!(calm.contains("dev") && calm.ends_with("> "), "{kind:?}: {calm:?}");
        assert!(!calm.contains("31m") && !calm.contains("leapp_"), "{kind:?}: {calm:?}");
        world.leapp(["stop", "dev"]).succeeds();
        let warns = drawn(&mut shell, &world);
        assert!(warns.contains("dev") && warns.contains("31m"), "{kind:?}: {warns:?}");
        let said = shell.answer(&kind.by_hand("use guarded"), "Type its name", "guarded");
        assert!(said.contains("guarded is on"), "{kind:?}: {said}");
        let warns = drawn(&mut shell, &world);
        assert!(warns.contains("guarded") && warns.contains("31m"), "{kind:?}: {warns:?}");
        // It is drawn at a real prompt, too.
        shell.run("true");
        assert!(shell.heard("guarded > ") > 0, "{kind:?}: the terminal shows it");
        shell.run(&kind.by_hand("off"));
        assert_eq!(drawn(&mut shell, &world), plain, "{kind:?}");
    }
    if has_pwsh() {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shell = Hooked::with(&world, Kind::Pwsh, &start_up(Kind::Pwsh), world.home.path());
        shell.run("cd code/shop");
        shell.run("true");
        assert!(shell.heard("dev PS ") > 0, "the terminal shows it");
    }
}
