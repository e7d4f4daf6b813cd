//! The hooks in a terminal of VS Code's: its scripts load the user's start-up files, and the hook in them.

use crate::{
    hooked::{Hooked, Kind, everywhere, project, quiet},
    neighbours::{COUNT, neighbours, peopled, works},
    support::World,
};

fn started(world: &World, kind: Kind) -> Hooked {
    with_lines(world, kind, kind.load())
}

/// A shell as VS Code starts it, with these lines in the user's own file.
fn with_lines(world: &World, kind: Kind, lines: &str) -> Hooked {
    let scripts = neighbours().join("vscode");
    let home = world.home.path();
    let file = |name: &str, text: String| {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let text = format!("{}\n{lines}\n", quiet(kind));
    let mut command = match kind {
        Kind::Bash => {
            file(".bashrc", text);
            let mut command = world.foreign("bash");
            command.arg("--init-file").arg(scripts.join("shellIntegration-bash.sh")).arg("-i");
            command
        }
        Kind::Zsh => {
            file(".zshrc", text);
            let places = [
                ("env", ".zshenv"),
                ("profile", ".zprofile"),
                ("rc", ".zshrc"),
                ("login", ".zlogin"),
            ];
            for (script, name) in places {
                let script = scripts.join(format!("shellIntegration-{script}.zsh"));
                file(&format!("injected/{name}"), std::fs::read_to_string(script).unwrap());
            }
            let mut command = world.foreign("zsh");
            command.arg("-i").env("ZDOTDIR", home.join("injected")).env("USER_ZDOTDIR", home);
            command
        }
        Kind::Fish => {
            file(".config/fish/config.fish", text);
            let script = scripts.join("shellIntegration.fish");
            let mut command = world.foreign("fish");
            command.args(["-i", "--init-command", &format!("source '{}'", script.display())]);
            command
        }
        Kind::Pwsh => {
            file("profile.ps1", text);
            let script = scripts.join("shellIntegration.ps1");
            let line =
                format!(". '{}'; . '{}'", home.join("profile.ps1").display(), script.display());
            let mut command = world.foreign("pwsh");
            command.args(["-NoLogo", "-NoProfile", "-NoExit", "-Command", &line]);
            command
        }
    };
    command.env("VSCODE_INJECTION", "1").env("TERM_PROGRAM", "vscode").env("VSCODE_NONCE", "n");
    command.env("VSCODE_STABLE", "1").env("TERM", "xterm-256color").current_dir(home);
    Hooked::started(kind, command, home.join("out"))
}

#[test]
fn in_vs_code_the_hook_works_and_the_status_reported_is_the_users() {
    let world = peopled();
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let mut shell = started(&world, kind);
        works(&mut shell, "VS Code");
        for code in [7, 0, 3] {
            shell.run(&format!("/bin/sh -c 'exit {code}'"));
            let reported = format!("]633;D;{code}\u{7}");
            assert!(shell.raw().contains(&reported), "{kind:?}: {code}: {:?}", shell.raw());
        }
        shell.run("cd code/shop");
        assert!(shell.raw().contains("]633;P;Cwd="), "{kind:?}: {:?}", shell.raw());
        assert!(shell.raw().contains("]633;D;0\u{7}"), "{kind:?}: {:?}", shell.raw());
        shell.run("cd ../..");
    });
}

#[test]
fn vs_codes_probe_for_the_environment_switches_nothing_on() {
    let mut world = peopled();
    let shop = project(&world, "shop", "dev");
    world.set("VSCODE_RESOLVING_ENVIRONMENT", "1");
    everywhere(|kind| {
        let mut shell = Hooked::with(&world, kind, kind.load(), &shop);
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn in_vs_code_what_bash_runs_at_a_prompt_runs_once() {
    let world = peopled();
    project(&world, "shop", "dev");
    let own = ["PROMPT_COMMAND='own=$((own + 1))'", "PROMPT_COMMAND=('own=$((own + 1))' :)", ""];
    for own in own {
        let mut shell = with_lines(&world, Kind::Bash, &format!("{own}\n{}", Kind::Bash.load()));
        works(&mut shell, own);
        shell.run(COUNT);
        shell.run("looks=0 own=0");
        let said = shell.run("true\ntrue\necho \"looks:$looks:$own.\"");
        let times = if own.is_empty() { 0 } else { 4 };
        assert!(said.contains(&format!("looks:4:{times}.")), "{own}: {said}");
    }
}

#[test]
fn an_assignment_to_prompt_command_does_not_end_the_hook() {
    let world = peopled();
    project(&world, "shop", "dev");
    let rc = format!("{}\nPROMPT_COMMAND='own=$((own + 1))'", Kind::Bash.load());
    let mut shell =
        Hooked::with(&world, Kind::Bash, &format!("PROMPT_COMMAND=:\n{rc}"), world.home.path());
    works(&mut shell, "before the first prompt");
    let mut shell = Hooked::with(
        &world,
        Kind::Bash,
        &format!("PROMPT_COMMAND=:\n{}", Kind::Bash.load()),
        world.home.path(),
    );
    shell.run("PROMPT_COMMAND='own=$((own + 1))'");
    works(&mut shell, "later");
}
