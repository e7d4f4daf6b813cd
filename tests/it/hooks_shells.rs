//! In which shell one is: nested ones, those that took another's place, login shells, multiplexers,
//! probes and scripts.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    hooked::{Hooked, Kind, at_home, code, everywhere, has_pwsh, on_terminal},
    hooks_places::{TELL, two_projects},
    support::{World, chmod, unique},
};

pub(crate) const SHELLS: [Kind; 3] = [Kind::Bash, Kind::Zsh, Kind::Fish];

/// Two projects, and shells that load the hook by their own start-up files.
pub(crate) fn at_work() -> World {
    let world = two_projects();
    at_home(&world);
    world
}

/// The shells that are here.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = SHELLS.to_vec();
    kinds.extend(has_pwsh().then_some(Kind::Pwsh));
    kinds
}

/// The user's own variables that a state brings into an inner shell.
pub(crate) fn own_variables(shell: &mut Hooked) {
    let kind = shell.kind;
    for name in ["AWS_PROFILE", "AWS_REGION"] {
        shell.run(&kind.export(name, "mine"));
    }
    let text = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| kind.export(name, "TESTSECRET own") + "\n");
    shell.source(text.concat());
}

/// Nothing of ours is there, and what was recorded of the user's is.
#[track_caller]
pub(crate) fn is_back(shell: &mut Hooked, with_keys: bool, what: &str) {
    let now = shell.ours();
    for name in ["AWS_PROFILE", "AWS_REGION"] {
        assert_eq!(now.get(name).and_then(|v| v.to_str()), Some("mine"), "{what}: {name}");
    }
    for name in ["LEAPP_SESSION", "LEAPP_STATE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"] {
        assert!(!now.contains_key(name), "{what}: {name}");
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let value = now.get(name).and_then(|value| value.to_str());
        assert_eq!(value, with_keys.then_some("TESTSECRET own"), "{what}: {name}");
    }
}

#[test]
fn a_nested_shell_takes_the_session_over_and_gives_the_originals_back() {
    let world = at_work();
    let home = world.home.path().display().to_string();
    for outer in kinds() {
        let mut shell = Hooked::of_home(&world, outer, world.home.path());
        own_variables(&mut shell);
        for inner in kinds() {
            let what = format!("{inner:?} in {outer:?}");
            shell.run(&format!("cd {home}/code/shop"));
            let (on, key) = (shell.on(), shell.exported("AWS_ACCESS_KEY_ID"));
            assert_eq!(on, "dev", "{what}");
            let said = shell.becomes(inner.program(), inner);
            assert!(!said.contains("dev is"), "{what}: nothing is new: {said}");
            assert_eq!(shell.on(), "dev", "{what}");
            assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{what}");
            let said = shell.run(&format!("cd {home}"));
            assert!(said.contains("leapp: dev is off"), "{what}: {said}");
            is_back(&mut shell, false, &what);
            shell.run(&format!("cd {home}/code/mill"));
            assert_eq!(shell.on(), "prod", "{what}: it is a shell like any other");
            shell.becomes("exit", outer);
            assert_eq!(shell.on(), "dev", "{what}: the outer one");
            assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{what}: the outer one");
            shell.run(&format!("cd {home}"));
            is_back(&mut shell, true, &format!("{what}: the outer one"));
        }
    }
}

#[test]
fn a_nested_shell_that_starts_elsewhere_has_nothing_on_at_its_first_prompt() {
    let world = at_work();
    let home = world.home.path().display().to_string();
    for outer in kinds() {
        let mut shell = Hooked::of_home(&world, outer, world.home.path());
        own_variables(&mut shell);
        shell.run("cd code/shop");
        for inner in kinds() {
            let what = format!("{inner:?} in {outer:?}");
            shell.becomes(&format!("env -C {home} {}", inner.program()), inner);
            is_back(&mut shell, false, &what);
            shell.becomes("exit", outer);
            // In another project: straight to that one's session.
            shell.becomes(&format!("env -C {home}/code/mill {}", inner.program()), inner);
            assert_eq!(shell.on(), "prod", "{what}");
            shell.run(&format!("cd {home}"));
            is_back(&mut shell, false, &what);
            shell.becomes("exit", outer);
            assert_eq!(shell.on(), "dev", "{what}");
        }
    }
}

#[test]
fn a_shell_that_takes_anothers_place_takes_the_session_over() {
    let world = at_work();
    let home = world.home.path().display().to_string();
    for first in SHELLS {
        for then in kinds() {
            let what = format!("{then:?} after {first:?}");
            let mut shell = Hooked::of_home(&world, first, world.home.path());
            own_variables(&mut shell);
            shell.run("cd code/shop");
            let key = shell.exported("AWS_ACCESS_KEY_ID");
            let said = shell.becomes(&format!("exec {}", then.program()), then);
            assert!(!said.contains("dev is"), "{what}: {said}");
            assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{what}");
            shell.run(&format!("cd {home}"));
            is_back(&mut shell, false, &what);
        }
    }
}

#[test]
fn a_nested_shell_switches_off_what_it_took_over() {
    let world = at_work();
    for kind in kinds() {
        let mut shell = Hooked::of_home(&world, kind, world.home.path());
        own_variables(&mut shell);
        shell.run("cd code/shop");
        shell.becomes(kind.program(), kind);
        shell.run(&kind.by_hand("off"));
        is_back(&mut shell, false, &format!("{kind:?}"));
        shell.run("cd sub");
        is_back(&mut shell, false, &format!("{kind:?}: it holds"));
        shell.becomes("exit", kind);
        assert_eq!(shell.on(), "dev", "{kind:?}");
        // By hand in the outer one; the inner one keeps it, also outside of projects.
        shell.run(&kind.by_hand("use prod"));
        shell.becomes(kind.program(), kind);
        shell.run("cd ../..");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        world.leapp(["rotate", "prod"]).succeeds();
        shell.run("cd");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        assert_ne!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{kind:?}: it has the new ones");
        shell.run(&kind.by_hand("off"));
        is_back(&mut shell, false, &format!("{kind:?}: by hand"));
    }
}

/// Runs a shell to its end in a directory, on a terminal or without one; what it printed.
fn printed(world: &World, words: &[&str], at: &Path, terminal: bool) -> String {
    let (first, rest) = words.split_first().unwrap();
    let mut command = world.foreign(first);
    command.args(rest).current_dir(at).env("TERM", "dumb").env("SHELL", first);
    if terminal {
        return on_terminal(command);
    }
    let outcome = world.run(command, None);
    outcome.text() + &outcome.stderr
}

#[test]
fn a_shell_that_never_comes_to_a_prompt_switches_nothing_on() {
    let world = at_work();
    let shop = code(&world).join("shop");
    let there = format!("cd {}; env", shop.join("sub").display());
    for terminal in [true, false] {
        for kind in SHELLS {
            for flags in ["-ic", "-ilc", "-lic", "-c"] {
                for text in ["env", &there] {
                    let words = [kind.program(), flags, text];
                    let all = printed(&world, &words, &shop, terminal);
                    let what = format!("{kind:?} {flags} {text} {terminal}: {all}");
                    assert!(all.contains("HOME="), "{what}");
                    assert_eq!(
                        all.contains("RC_READ=1"),
                        flags != "-c" || kind == Kind::Fish,
                        "{what}"
                    );
                    assert!(!all.contains("AWS_ACCESS") && !all.contains("LEAPP_S"), "{what}");
                    assert!(!all.contains("leapp: "), "{what}");
                }
            }
        }
    }
}

#[test]
fn an_editors_probe_switches_nothing_on_even_at_a_prompt() {
    let shop = |world: &World| code(world).join("shop");
    for name in ["VSCODE_RESOLVING_ENVIRONMENT", "INTELLIJ_ENVIRONMENT_READER"] {
        let mut world = at_work();
        world.set(name, "1");
        everywhere(|kind| {
            let mut shell = Hooked::of_home(&world, kind, &shop(&world));
            assert_eq!(shell.exported("RC_READ").as_deref(), Some("1"), "{kind:?}");
            assert_eq!(shell.on(), "", "{kind:?}: {name}");
            shell.run("cd sub");
            assert_eq!(shell.on(), "", "{kind:?}: {name}");
        });
    }
}

#[test]
fn a_login_shell_comes_to_a_prompt_like_any_other() {
    let world = at_work();
    for kind in SHELLS {
        let mut command = world.foreign(kind.program());
        command.args(["-l", "-i"]).current_dir(code(&world).join("shop"));
        let mut shell = Hooked::start(&world, kind, command);
        assert_eq!(shell.exported("RC_READ").as_deref(), Some("1"), "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd");
        assert_eq!(shell.on(), "", "{kind:?}");
    }
}

#[test]
fn scripts_have_what_their_parent_had_and_no_hook() {
    let world = at_work();
    let mill = code(&world).join("mill");
    let script = world.home.path().join("script");
    everywhere(|kind| {
        let mut shell = Hooked::of_home(&world, kind, world.home.path());
        shell.run("cd code/shop");
        for by in SHELLS {
            let text = format!("#!/usr/bin/env {}\ncd {}\n{TELL}\n", by.program(), mill.display());
            fs::write(&script, text).unwrap();
            chmod(&script, 0o755);
            let said = shell.run(&script.display().to_string());
            assert!(said.contains("on=dev:key."), "{by:?} from {kind:?}: {said}");
            assert!(!said.contains("leapp: "), "{by:?} from {kind:?}: {said}");
        }
        shell.run("cd");
        for by in SHELLS {
            let text = format!("cd {}; {TELL}", mill.display());
            let file = world.home.path().join("text");
            fs::write(&file, text).unwrap();
            let said = shell.run(&format!("{} {}", by.program(), file.display()));
            assert!(said.contains("on=:."), "{by:?} from {kind:?}: {said}");
        }
    });
}

#[test]
fn a_start_up_file_that_no_person_reads_from_is_silent() {
    let mut world = at_work();
    let home = world.home.path().to_owned();
    let shop = code(&world).join("shop");
    let zshenv = format!("{}\nexport RC_READ=1\n", Kind::Zsh.load());
    fs::write(home.join(".zshenv"), zshenv).unwrap();
    world.set("BASH_ENV", home.join(".bashrc"));
    let text = format!("cd {} && {TELL}; echo \"read=$RC_READ\"", shop.display());
    let check = |world: &World, words: &[&str]| {
        let all = printed(world, words, &shop, false);
        assert_eq!(all, "on=:.\nread=1\n", "{words:?}");
    };
    for flags in ["-c", "-uc", "-euc"] {
        check(&world, &["bash", flags, &text]);
        check(&world, &["zsh", flags, &text]);
    }
    // As sshd starts it: bash reads .bashrc although nobody is there.
    world.unset("BASH_ENV").set("SSH_CLIENT", "192.0.2.1 1 22");
    check(&world, &["bash", "-c", &text]);
    check(&world, &["fish", "-c", &text.replace("&&", "; and")]);
}

/// A server of tmux's own for one test.
struct Tmux {
    socket: String,
    world: World,
}

impl Tmux {
    fn new(world: World) -> Self {
        Self { socket: unique("leapp"), world }
    }

    /// A statement that calls it.
    fn line(&self, words: &str) -> String {
        format!("TMUX_TMPDIR={} tmux -L {} -f /dev/null {words}", self.top(), self.socket)
    }

    fn top(&self) -> String {
        self.world.home.path().display().to_string()
    }

    /// What a child of the pane's shell has.
    fn environment(&self, window: &str) -> Vec<String> {
        let file = self.world.home.path().join(format!("pane-{window}"));
        let text = format!("env > {0}.new; mv {0}.new {0}", file.display());
        let mut command = self.world.foreign("/bin/sh");
        command.args(["-c", &self.line(&format!("send-keys -t {window} '{text}' Enter"))]);
        self.world.run(command, None).succeeds();
        let end = Instant::now() + Duration::from_secs(25);
        while !file.exists() {
            assert!(Instant::now() < end, "the pane {window} does nothing");
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = fs::read_to_string(&file).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command: Command = self.world.foreign("/bin/sh");
        command.args(["-c", &self.line("kill-server")]);
        _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[test]
fn a_pane_of_a_server_that_was_started_in_a_project_has_what_its_own_directory_says() {
    for kind in SHELLS {
        let tmux = Tmux::new(at_work());
        let (world, top) = (&tmux.world, tmux.top());
        let mut shell = Hooked::of_home(world, Kind::Bash, world.home.path());
        own_variables(&mut shell);
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev");
        let program = kind.program();
        for (window, at) in [("out", ""), ("in", "/code/shop/sub"), ("other", "/code/mill")] {
            let verb = if window == "out" { "new-session -d" } else { "new-window -d" };
            let (_, code) =
                shell.status(&tmux.line(&format!("{verb} -n {window} -c {top}{at} {program}")));
            assert_eq!(code, 0, "{kind:?}: {window}");
        }
        let value = |all: &[String], name: &str| {
            all.iter().find_map(|l| Some(l.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        };
        let out = tmux.environment("out");
        assert!(value(&out, "TMUX").is_some(), "{kind:?}");
        for name in ["LEAPP_SESSION", "LEAPP_STATE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(value(&out, name), None, "{kind:?}: {name}");
        }
        assert_eq!(value(&out, "AWS_PROFILE").as_deref(), Some("mine"), "{kind:?}");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        let inside = tmux.environment("in");
        assert_eq!(value(&inside, "LEAPP_SESSION").as_deref(), Some("dev"), "{kind:?}");
        assert_eq!(value(&inside, "AWS_ACCESS_KEY_ID"), key, "{kind:?}");
        assert_eq!(value(&inside, "AWS_PROFILE"), None, "{kind:?}");
        let other = tmux.environment("other");
        assert_eq!(value(&other, "LEAPP_SESSION").as_deref(), Some("prod"), "{kind:?}");
        assert_ne!(value(&other, "AWS_ACCESS_KEY_ID"), key, "{kind:?}");
    }
}

#[test]
fn two_shells_in_one_project_are_two() {
    let world = at_work();
    for kind in kinds() {
        let shop = code(&world).join("shop");
        let (mut one, mut two) =
            (Hooked::of_home(&world, kind, &shop), Hooked::of_home(&world, kind, &shop));
        assert_eq!((one.on(), two.on()), ("dev".into(), "dev".into()), "{kind:?}");
        one.run(&kind.by_hand("off"));
        two.run("true");
        assert_eq!((one.on(), two.on()), (String::new(), "dev".into()), "{kind:?}");
        one.run("cd ../mill; cd ../shop");
        assert_eq!(one.on(), "dev", "{kind:?}");
        let old = two.exported("AWS_ACCESS_KEY_ID");
        one.run("leapp rotate dev");
        two.run("true");
        let new = two.exported("AWS_ACCESS_KEY_ID");
        assert_ne!(new, old, "{kind:?}");
        assert_eq!(one.exported("AWS_ACCESS_KEY_ID"), new, "{kind:?}: both have the same");
        one.run("leapp untrust");
        two.run("true");
        assert_eq!((one.on(), two.on()), (String::new(), String::new()), "{kind:?}");
        one.answer("leapp trust", "[y/N]", "y");
        two.run("true");
        assert_eq!((one.on(), two.on()), ("dev".into(), "dev".into()), "{kind:?}");
        two.run("leapp stop dev");
        one.run("true");
        assert_eq!((one.on(), two.on()), ("EXPIRED".into(), "EXPIRED".into()), "{kind:?}");
        two.run("leapp start dev");
        one.run("true");
        assert_eq!((one.on(), two.on()), ("dev".into(), "dev".into()), "{kind:?}");
    }
}
