//! A program that is gone, hangs up, prints garbage or half an answer, and interrupts in the middle:
//! the hook takes an answer whole or not at all, and never leaves a shell with another's keys.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::{ready, second},
    support::{World, chmod, files_below, program, unique},
};

/// A script in the place of the program.
pub(crate) struct Standin {
    path: PathBuf,
    log: PathBuf,
}

impl Standin {
    /// Notes each start, and then does what the text says: shell commands, with the program as `$leapp`
    /// and the arguments as they came.
    pub(crate) fn new(world: &World, text: &str) -> Self {
        let path = world.home.path().join(unique("standin"));
        let log = path.with_extension("log");
        let standin = Self { path, log };
        standin.now(text);
        standin
    }

    /// The program, but each start is noted.
    pub(crate) fn counting(world: &World) -> Self {
        Self::new(world, "exec \"$leapp\" \"$@\"")
    }

    /// From now on it does this.
    pub(crate) fn now(&self, text: &str) {
        let (leapp, log) = (program().display(), self.log.display());
        let script = format!("#!/bin/sh\nleapp='{leapp}'\necho \"$*\" >> '{log}'\n{text}\n");
        // Renamed into its place: a shell may be reading the old one.
        let fresh = self.path.with_extension("new");
        std::fs::write(&fresh, script).unwrap();
        chmod(&fresh, 0o700);
        std::fs::rename(&fresh, &self.path).unwrap();
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().lines().count()
    }

    /// Lines that load the hook with it as the program.
    pub(crate) fn load(&self, kind: Kind) -> String {
        let path = self.path();
        let path = path.display();
        match kind {
            Kind::Bash | Kind::Zsh => format!("{}\n__leapp_program='{path}'", kind.load()),
            Kind::Fish => format!("{}\nset -g __leapp_program '{path}'", kind.load()),
            Kind::Pwsh => format!(
                "(leapp hook powershell | Out-String) -replace '(?m)^\\$__leapp_program = .*$', \
                 \"`$__leapp_program = '{path}'\" | Invoke-Expression"
            ),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Ends with this status, and prints nothing.
const STATUSES: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 126, 127, 137, 255];

/// Answers that are none. `hook-env` alone is affected.
const BAD: &[&str] = &[
    "exit 0",
    "echo; exit 0",
    "echo 'true'; exit 0",
    "echo 'ok'; exit 0",
    "printf '}{ ((( ;; \\047 \" $( <<X\\n'; exit 0",
    "head -c 3000 /dev/urandom; exit 0",
    "printf 'export AWS_ACCESS_KEY_ID=EVIL;\\n'; exit 3",
    "\"$leapp\" \"$@\"; exit 1",
    "\"$leapp\" \"$@\" | sed '$d'; exit 0",
    "kill -9 $$",
    "kill -HUP $$",
    "kill -PIPE $$",
];

/// Only the hook's own question is answered badly.
fn bad(text: &str) -> String {
    format!("case $1 in hook-env) {text};; esac\nexec \"$leapp\" \"$@\"")
}

const GOOD: &str = "exec \"$leapp\" \"$@\"";

/// A shell in a home with keys of the user's own, whose program is a stand-in.
fn with_standin(world: &World, kind: Kind) -> (Standin, Hooked) {
    let standin = Standin::counting(world);
    let mut shell = Hooked::with(world, kind, &standin.load(kind), world.home.path());
    shell.run(&kind.export("AWS_ACCESS_KEY_ID", "AKIAMINE"));
    shell.run(&kind.export("AWS_SECRET_ACCESS_KEY", "mine"));
    (standin, shell)
}

fn places() -> World {
    let world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    project(&world, "shop", "dev");
    project(&world, "bank", "prod");
    folder(&world, "plain");
    world
}

/// The answer for a project is lost, so that the hook has to ask.
fn lose_leases(world: &World) {
    for file in files_below(&world.run_directory().join("leases")) {
        _ = std::fs::remove_file(file);
    }
}

fn bad_answer(world: &World, kind: Kind, text: &str) {
    let (standin, mut shell) = with_standin(world, kind);
    let mine = shell.ours();
    // Where nothing is on, nothing changes.
    standin.now(&bad(text));
    shell.run("cd code/shop");
    assert_eq!(shell.ours(), mine, "{kind:?}, {text}: entering");
    shell.run("cd ../plain");
    assert_eq!(shell.ours(), mine, "{kind:?}, {text}: leaving");
    // Once it answers, it is asked.
    standin.now(GOOD);
    shell.run("cd ../shop");
    assert_eq!(shell.on(), "dev", "{kind:?}, {text}: a good answer afterwards");
    // What is on must not stay on, and not give way to other keys.
    standin.now(&bad(text));
    lose_leases(world);
    shell.run("true");
    assert_eq!(shell.on(), "EXPIRED", "{kind:?}, {text}: held");
    let environment = shell.environment();
    let secret = environment.get("AWS_SECRET_ACCESS_KEY").map(|v| v.to_string_lossy().into_owned());
    assert_eq!(secret.as_deref(), Some("LEAPP-EXPIRED"), "{kind:?}, {text}");
    // Straight into another project: neither's keys.
    shell.run("cd ../bank");
    assert_eq!(shell.ours(), mine, "{kind:?}, {text}: into another project");
    standin.now(GOOD);
    shell.run("cd ../shop");
    assert_eq!(shell.on(), "dev", "{kind:?}, {text}: at last");
    shell.run("cd ../..");
    assert_eq!(shell.ours(), mine, "{kind:?}, {text}: left");
}

#[test]
fn a_bad_answer_changes_nothing_and_closes_what_is_on_bash() {
    let world = places();
    for text in BAD {
        bad_answer(&world, Kind::Bash, text);
    }
}

#[test]
fn a_bad_answer_changes_nothing_and_closes_what_is_on_zsh() {
    let world = places();
    for text in BAD {
        bad_answer(&world, Kind::Zsh, text);
    }
}

#[test]
fn a_bad_answer_changes_nothing_and_closes_what_is_on_fish_and_powershell() {
    let world = places();
    everywhere(|kind| {
        if matches!(kind, Kind::Fish | Kind::Pwsh) {
            for text in BAD {
                bad_answer(&world, kind, text);
            }
        }
    });
}

#[test]
fn every_status_of_failure_leaves_the_environment_as_it_was() {
    let world = places();
    everywhere(|kind| {
        let (standin, mut shell) = with_standin(&world, kind);
        let mine = shell.ours();
        for status in STATUSES {
            standin.now(&bad(&format!("exit {status}")));
            shell.run("cd code/shop");
            assert_eq!(shell.ours(), mine, "{kind:?}, {status}");
            let (said, code) = shell.status(&kind.by_hand("use dev"));
            assert_ne!(code, 0, "{kind:?}, {status}: {said}");
            assert_eq!(shell.ours(), mine, "{kind:?}, {status}: by hand");
            shell.run("cd ../..");
        }
    });
}

#[test]
fn half_an_answer_is_none_wherever_it_ends() {
    let world = places();
    everywhere(|kind| {
        let (standin, mut shell) = with_standin(&world, kind);
        let mine = shell.ours();
        shell.run("cd code/shop");
        shell.run("cd ../plain");
        let whole = {
            let file = world.home.path().join(unique("whole"));
            let tee = format!("\"$leapp\" \"$@\" | tee '{}'; exit 0", file.display());
            standin.now(&bad(&tee));
            shell.run("cd ../shop");
            assert_eq!(shell.on(), "dev", "{kind:?}: the whole answer");
            shell.run("cd ../plain");
            std::fs::read_to_string(file).unwrap()
        };
        let length = whole.len();
        // Words that show every variable where nothing follows them; the end of it, where its sign
        // of completeness stands; and places all over it.
        let words = ["export", "typeset", "typeset -g", "set -gx", "unset -v"];
        let after = words.iter().filter_map(|word| Some(whole.find(word)? + word.len()));
        let cuts = after.chain((3..24).step_by(3).map(|back| length - back));
        for cut in cuts.chain((1..length).step_by(length / 12)) {
            standin.now(&bad(&format!("\"$leapp\" \"$@\" | head -c {cut}; exit 0")));
            shell.run("cd ../shop");
            assert_eq!(shell.ours(), mine, "{kind:?}: {cut} of {length} bytes");
            shell.run("cd ../plain");
            assert_eq!(shell.ours(), mine, "{kind:?}: {cut} of {length} bytes");
        }
    });
}

#[test]
fn a_program_that_is_gone_is_told_once_and_leaving_works_without_it() {
    let world = places();
    everywhere(|kind| {
        let (standin, mut shell) = with_standin(&world, kind);
        let mine = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        std::fs::remove_file(standin.path()).unwrap();
        shell.run(match kind {
            Kind::Bash | Kind::Zsh => "PATH=/usr/bin:/bin",
            Kind::Fish => "set -gx PATH /usr/bin /bin",
            Kind::Pwsh => "$env:PATH = '/usr/bin:/bin'",
        });
        lose_leases(&world);
        let said = shell.said("true");
        assert!(said.contains("is gone"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}: closed");
        let said = shell.said("cd ../..");
        assert_eq!(said, "leapp: dev is off", "{kind:?}");
        assert_eq!(shell.ours(), mine, "{kind:?}: left without it");
        assert_eq!(shell.said("cd code/shop"), "", "{kind:?}: it is told once");
        assert_eq!(shell.said("cd ../bank"), "", "{kind:?}: it is told once");
        assert_eq!(shell.ours(), mine, "{kind:?}");
        // A new one is taken from an absolute place on PATH, and not from the directory.
        shell.run("cd ../plain");
        standin.now(GOOD);
        let here = folder(&world, "shop");
        let evil = here.join("leapp");
        std::fs::write(&evil, "#!/bin/sh\ntouch ~/evil\n").unwrap();
        chmod(&evil, 0o755);
        let path = here.display();
        shell.run(&match kind {
            Kind::Bash | Kind::Zsh => format!("PATH=.:{path}:/usr/bin:/bin"),
            Kind::Fish => format!("set -gx PATH . {path} /usr/bin /bin"),
            Kind::Pwsh => format!("$env:PATH = '.:{path}:/usr/bin:/bin'"),
        });
        std::fs::remove_file(standin.path()).unwrap();
        shell.run("cd ../shop");
        assert!(!world.home.path().join("evil").exists(), "{kind:?}: ran what lies in a project");
        assert_eq!(shell.ours(), mine, "{kind:?}");
        std::fs::remove_file(evil).unwrap();
    });
}

#[test]
fn a_program_that_was_replaced_is_asked_from_then_on() {
    let world = places();
    everywhere(|kind| {
        let (standin, mut shell) = with_standin(&world, kind);
        shell.run("cd code/shop");
        std::fs::remove_file(standin.path()).unwrap();
        std::fs::hard_link(program(), standin.path())
            .or_else(|_| std::fs::copy(program(), standin.path()).map(|_| ()))
            .unwrap();
        lose_leases(&world);
        assert_eq!(shell.said("true"), "", "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../bank");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        std::fs::remove_file(standin.path()).unwrap();
    });
}

#[test]
fn leaving_does_not_wait_for_a_program_that_hangs() {
    let world = places();
    everywhere(|kind| {
        let (standin, mut shell) = with_standin(&world, kind);
        let mine = shell.ours();
        shell.run("cd code/shop");
        standin.now("sleep 600");
        let before = standin.starts();
        shell.run("cd ../..");
        assert_eq!(shell.ours(), mine, "{kind:?}");
        assert_eq!(standin.starts(), before, "{kind:?}");
    });
}

/// Waits until the stand-in was started once more.
fn started(standin: &Standin, before: usize, told: &str) {
    for _ in 0..500 {
        if standin.starts() > before {
            // It has noted its start before it prints; that takes it no longer than this.
            std::thread::sleep(Duration::from_millis(200));
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{told}: it was not started");
}

#[test]
fn an_interrupt_leaves_nothing_half_done_and_the_next_prompt_asks_again() {
    let world = places();
    for (kind, trap) in [
        (Kind::Bash, ""),
        (Kind::Bash, "trap 'echo INT''-RAN' INT"),
        (Kind::Bash, "PROMPT_COMMAND=(\"${PROMPT_COMMAND[@]}\" true); set -xv"),
        (Kind::Zsh, ""),
        (Kind::Zsh, "trap 'echo INT''-RAN' INT"),
        (Kind::Zsh, "TRAPINT() { echo INT''-RAN; return 130 }"),
        (Kind::Fish, ""),
        (Kind::Fish, "function tr --on-signal INT; echo INT''-RAN; end"),
    ] {
        for slow in ["sleep 600", "\"$leapp\" \"$@\" | head -c 700; sleep 600"] {
            let told = format!("{kind:?}, {trap}, {slow}");
            let (standin, mut shell) = with_standin(&world, kind);
            let mine = shell.ours();
            shell.run(trap);
            for (line, on) in [("cd code/shop", "dev"), ("cd ../bank", "prod")] {
                standin.now(&bad(slow));
                let before = standin.starts();
                shell.send(line);
                started(&standin, before, &told);
                standin.now(GOOD);
                shell.control('c');
                std::thread::sleep(Duration::from_millis(300));
                let said = shell.run("echo alive");
                assert!(said.contains("alive"), "{told}: {said}");
                assert!(
                    trap.is_empty()
                        || trap.contains("set -x")
                        || shell.transcript().contains("INT-RAN"),
                    "{told}: the user's own trap: {said}"
                );
                assert!(standin.starts() >= before + 2, "{told}: it was asked again");
                assert_eq!(shell.on(), on, "{told}");
            }
            shell.run("cd ../..");
            assert_eq!(shell.ours(), mine, "{told}");
            let traced = shell.run("echo traced");
            assert_eq!(
                traced.matches("traced").count() > 1 && kind != Kind::Fish,
                trap.contains("set -x"),
                "{told}: {traced}"
            );
        }
    }
}

#[test]
fn an_interrupted_use_changes_nothing() {
    let world = places();
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let (standin, mut shell) = with_standin(&world, kind);
        let mine = shell.ours();
        for slow in ["sleep 600", "\"$leapp\" \"$@\" | head -c 700; sleep 600"] {
            standin.now(&bad(slow));
            let before = standin.starts();
            shell.send("leapp use dev");
            started(&standin, before, slow);
            standin.now(GOOD);
            shell.control('c');
            std::thread::sleep(Duration::from_millis(300));
            shell.run("echo alive");
            assert_eq!(shell.ours(), mine, "{kind:?}, {slow}");
        }
        shell.run("leapp use dev");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    }
}
