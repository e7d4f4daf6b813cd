//! The hooks in a terminal of VS Code's: its scripts load the user's start-up files, and the hook in them.

use crate::{
    hooked::{Hooked, Kind, everywhere, project, quiet},
    neighbours::{neighbours, peopled, works},
    support::World,
};

/// A shell as VS Code starts it, with the hook in the user's own file.
fn started(world: &World, kind: Kind) -> Hooked {
    let scripts = neighbours().join("vscode");
    let home = world.home.path();
    let file = |name: &str, text: String| {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let text = format!("{}\n{}\n", quiet(kind), kind.load());
    let mut command = match kind {
        Kind::Bash => {
            file(".bashrc", text);
            let mut command = world.foreign("bash");
            command.arg("--init-file").arg(scripts.join("shellIntegration-bash.sh")).arg("-i");
            command
        }
        Kind::Zsh => {
            file(".zshrc", text);
            let places = [("env", ".zshenv"), ("profile", ".zprofile"), ("rc", ".zshrc"), ("login", ".zlogin")];
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
            let line = format!(". '{}'; . '{}'", home.join("profile.ps1").display(), script.display());
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
