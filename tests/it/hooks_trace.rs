//! What a prompt costs where nothing has changed, told by strace: no process, and four looks at
//! files at most. The same shell without the hook is the reference.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::ready,
    hooks_faults::Standin,
    support::World,
};

/// System calls that start a process; fish's threads are told apart.
const STARTS: &[&str] = &["clone", "clone3", "fork", "vfork", "execve", "execveat"];
/// System calls that look at a file.
const LOOKS: &[&str] =
    &["stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"];
/// System calls that read files and directories.
const OPENS: &[&str] = &["open", "openat", "openat2", "readlink", "readlinkat", "getdents64"];

/// What happened between two marks.
#[derive(Debug, Default, Eq, PartialEq)]
struct Cost {
    starts: Vec<String>,
    looks: Vec<String>,
    opens: Vec<String>,
}

/// An interactive shell that strace watches.
struct Watched {
    shell: Hooked,
    log: PathBuf,
}

impl Watched {
    fn new(world: &World, kind: Kind, rc: &str, directory: &Path) -> Self {
        let log = tempfile::Builder::new().prefix("strace-").tempdir_in(world.home.path()).unwrap();
        let log = log.keep().join("log");
        let calls = [STARTS, LOOKS, OPENS].concat().join(",");
        // An unknown name would be an error: `?` allows it.
        let calls = format!("trace=?{}", calls.replace(',', ",?"));
        let wrapper = [
            OsStr::new("strace"),
            OsStr::new("-f"),
            OsStr::new("-qq"),
            OsStr::new("-s256"),
            OsStr::new("-e"),
            OsStr::new(&calls),
            OsStr::new("-o"),
            log.as_os_str(),
        ];
        let shell = Hooked::under(world, kind, rc, directory, &wrapper);
        Self { shell, log }
    }

    /// What these lines cost, and the prompts after each of them.
    fn cost(&mut self, lines: &[&str]) -> Cost {
        self.shell.run("true");
        self.shell.run("test -e /mark-begin");
        for line in lines {
            self.shell.run(line);
        }
        self.shell.run("test -e /mark-end");
        let text = std::fs::read_to_string(&self.log).unwrap();
        let (_, after) = text.rsplit_once("/mark-begin").expect("a mark");
        let (between, _) = after.split_once("/mark-end").expect("the other mark");
        // What is left of the look at the mark itself.
        let (between, _) = between.rsplit_once('\n').expect("whole lines");
        // fish reads ahead and colours what is typed in other threads; the hook runs in the first.
        let first = text.split_whitespace().next().expect("a process id");
        between.lines().skip(1).fold(Cost::default(), |cost, line| cost.and(line, first))
    }
}

impl Cost {
    fn and(mut self, line: &str, first: &str) -> Self {
        // PID NAME(ARGUMENTS) = RESULT
        let is_first = line.split_whitespace().next() == Some(first);
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((name, rest)) = call.split_once('(') else { return self };
        if STARTS.contains(&name) {
            if !rest.contains("CLONE_THREAD") {
                self.starts.push(call.to_owned());
            }
        } else if LOOKS.contains(&name) && is_first {
            // fstat, as newer libraries spell it.
            if !rest.contains("AT_EMPTY_PATH") {
                self.looks.push(call.to_owned());
            }
        } else if OPENS.contains(&name) && is_first {
            self.opens.push(call.to_owned());
        }
        self
    }
}

/// A place where nothing changes, and how a shell gets there.
struct Calm<'a> {
    what: &'a str,
    directory: PathBuf,
    /// By hand, in words of ours; empty for nothing.
    by_hand: &'a str,
    /// What `on` tells there.
    on: &'a str,
}

/// Every state in which a prompt has nothing to do.
fn calm_places(world: &World) -> Vec<Calm<'static>> {
    let plain = folder(world, "plain");
    let untrusted = folder(world, "untrusted");
    std::fs::write(untrusted.join(".leapp.toml"), "session = \"dev\"\n").unwrap();
    let refused = folder(world, "refused");
    std::fs::write(refused.join(".leapp.toml"), "command = \"evil\"\n").unwrap();
    let shop = project(world, "shop", "dev");
    let below = shop.join("src/deep");
    std::fs::create_dir_all(&below).unwrap();
    let at = |what, directory: &Path, by_hand, on| {
        let directory = directory.to_owned();
        Calm { what, directory, by_hand, on }
    };
    vec![
        at("no project", &plain, "", ""),
        at("a project that is on", &shop, "", "dev"),
        at("below a project that is on", &below, "", "dev"),
        at("use outside of projects", &plain, "use dev", "dev"),
        at("use in a project", &shop, "use dev", "dev"),
        at("off in a project", &shop, "off", ""),
        at("an untrusted project", &untrusted, "", ""),
        at("a project file that is refused", &refused, "", ""),
    ]
}

/// Runs `true` at several prompts; what that cost, with the hook or without.
fn calm(world: &World, kind: Kind, place: &Calm<'_>, rc: &str) -> Cost {
    let mut watched = Watched::new(world, kind, rc, &place.directory);
    if rc.contains("leapp hook") {
        if !place.by_hand.is_empty() {
            watched.shell.run(&kind.by_hand(place.by_hand));
        }
        assert_eq!(watched.shell.on(), place.on, "{kind:?}: {}", place.what);
    }
    watched.cost(&["true"; LINES])
}

/// How many lines are run between the marks, and how many prompts that makes: the driver asks for
/// a line's status in a line of its own.
const LINES: usize = 3;
const PROMPTS: usize = 2 * LINES + 2;

fn cheap(kind: Kind, what: &str, with: &Cost, without: &Cost) {
    let told = format!("{kind:?}, {what}: with the hook {with:#?}\nwithout it {without:#?}");
    assert_eq!(with.starts, Vec::<String>::new(), "{told}");
    assert!(with.opens.len() <= without.opens.len(), "{told}");
    let looks = with.looks.len().saturating_sub(without.looks.len());
    let bound = 4 * PROMPTS;
    assert!(looks <= bound, "{looks} looks at {PROMPTS} prompts, {told}");
    eprintln!("{kind:?}, {what}: {looks} looks at files at {PROMPTS} prompts, 0 processes");
}

/// strace follows these; PowerShell has so many threads that only starts of the program tell.
const WATCHED: [Kind; 3] = [Kind::Bash, Kind::Zsh, Kind::Fish];

#[test]
fn a_prompt_without_change_starts_no_process_and_looks_at_four_files_at_most() {
    let world = ready();
    for kind in WATCHED {
        for place in &calm_places(&world) {
            let without = calm(&world, kind, place, "");
            let with = calm(&world, kind, place, kind.load());
            cheap(kind, place.what, &with, &without);
        }
    }
}

#[test]
fn that_holds_beside_other_tools_prompts_and_after_a_second_load() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    let calm_place = Calm { what: "beside others", directory: shop, by_hand: "", on: "dev" };
    for (kind, before, after) in [
        (Kind::Bash, "other() { :; }; PROMPT_COMMAND='other;'", "PROMPT_COMMAND+=(other)"),
        (Kind::Bash, "other() { :; }", "PROMPT_COMMAND=\"other; ${PROMPT_COMMAND-}\""),
        (Kind::Bash, "other() { :; }", "PROMPT_COMMAND=other"),
        (Kind::Zsh, "other() { :; }; precmd_functions=(other)", "precmd_functions+=(other)"),
        (
            Kind::Fish,
            "function other --on-event fish_prompt; end",
            "function another --on-event fish_prompt; end",
        ),
    ] {
        let without = calm(&world, kind, &calm_place, &format!("{before}\n{after}"));
        let rc = format!("{before}\n{}\n{}\n{after}", kind.load(), kind.load());
        let with = calm(&world, kind, &calm_place, &rc);
        cheap(kind, calm_place.what, &with, &without);
    }
}

#[test]
fn cd_without_a_project_starts_no_process() {
    let world = ready();
    folder(&world, "plain/a/b/c");
    folder(&world, "plain/d/.git");
    for kind in WATCHED {
        let mut watched = Watched::new(&world, kind, kind.load(), world.home.path());
        let lines = ["cd code/plain/a/b/c", "cd ../../../d", "cd /", "cd /tmp", "cd"];
        let cost = watched.cost(&lines);
        assert_eq!(cost.starts, Vec::<String>::new(), "{kind:?}: {cost:#?}");
    }
}

#[test]
fn leaving_a_project_starts_no_process() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    std::fs::create_dir(shop.join("sub")).unwrap();
    for kind in WATCHED {
        let mut watched = Watched::new(&world, kind, kind.load(), &shop);
        assert_eq!(watched.shell.on(), "dev", "{kind:?}");
        let cost = watched.cost(&["cd sub", "cd ..", "cd ../.."]);
        assert_eq!(cost.starts, Vec::<String>::new(), "{kind:?}: {cost:#?}");
        assert_eq!(watched.shell.on(), "", "{kind:?}");
    }
}

#[test]
fn the_program_is_started_once_for_each_change_and_not_for_a_prompt() {
    let world = ready();
    let places = calm_places(&world);
    everywhere(|kind| {
        for place in &places {
            let counter = Standin::counting(&world);
            let mut shell = Hooked::with(&world, kind, &counter.load(kind), &place.directory);
            if !place.by_hand.is_empty() {
                shell.run(&kind.by_hand(place.by_hand));
            }
            shell.run("echo settled");
            let before = counter.starts();
            shell.run("echo one");
            shell.run("echo two");
            assert_eq!(counter.starts(), before, "{kind:?}: {}", place.what);
            shell.run("cd /tmp");
            shell.run("cd /");
            shell.run("cd /usr");
            if place.by_hand.is_empty() {
                assert_eq!(counter.starts(), before, "{kind:?}: leaving {}", place.what);
            }
        }
    });
}

#[test]
fn the_hook_loads_no_module_of_zsh() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    let rc = format!("bare=$(zmodload)\n{}", Kind::Zsh.load());
    let mut shell = Hooked::with(&world, Kind::Zsh, &rc, &shop);
    assert_eq!(shell.on(), "dev");
    shell.run("cd /; cd -; leapp off; leapp use dev");
    let said = shell.run("[[ \"$(zmodload)\" = \"$bare\" ]] && echo sa\"\"me; zmodload");
    assert!(said.contains("same"), "{said}");
}
