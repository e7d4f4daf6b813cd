//! Which project file governs where one is: links, repositories, nearer files, other owners, odd
//! names, and how far up it is looked for.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{chown, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    hooked::{Hooked, Kind, code, everywhere, folder, is_root, on_terminal, quiet, scratch},
    hooks_basic::ready,
    hooks_places::two_projects,
    support::{World, chmod, files_below},
};

/// A file that nobody has trusted.
fn untrusted(file: &Path, session: &str) {
    fs::write(file, format!("session = \"{session}\"\n")).unwrap();
    chmod(file, 0o600);
}

/// A shell with the hook that another program starts, or one with other variables.
fn wrapped(world: &World, kind: Kind, words: &[&str], adapt: impl FnOnce(&mut Command)) -> Hooked {
    let folder = scratch(world);
    let file = folder.join(".zshrc");
    fs::write(&file, format!("{}\n{}\n", quiet(kind), kind.load())).unwrap();
    let (first, rest) = words.split_first().unwrap_or((&"env", &[]));
    let mut command = world.foreign(first);
    command.args(rest).arg(kind.program());
    match kind {
        Kind::Bash => command.args(["--noprofile", "--rcfile", file.to_str().unwrap(), "-i"]),
        Kind::Fish => command.args(["--no-config", "-iC", &format!("source {}", file.display())]),
        Kind::Pwsh => command
            .args(["-NoProfile", "-NoExit", "-Command"])
            .arg(format!("Get-Content -Raw '{}' | Invoke-Expression", file.display())),
        Kind::Zsh => command.arg("-i").env("ZDOTDIR", &folder),
    };
    adapt(&mut command);
    Hooked::start(world, kind, command)
}

#[test]
fn a_link_into_a_project_is_in_it_and_a_link_out_of_it_is_not() {
    let world = two_projects();
    let top = code(&world);
    symlink(top.join("shop/sub"), top.join("link")).unwrap();
    symlink(top.join("shop"), top.join("alias")).unwrap();
    fs::create_dir_all(top.join("elsewhere/deep")).unwrap();
    symlink(top.join("elsewhere"), top.join("shop/vendor")).unwrap();
    symlink(top.join("mill"), top.join("shop/mill")).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        for (line, on) in [
            ("cd code/link", "dev"),
            // Out by the name, as the shell counts.
            ("cd ..", ""),
            ("cd alias", "dev"),
            ("cd sub", "dev"),
            ("cd ../vendor", ""),
            ("cd deep", ""),
            ("cd ../..", "dev"),
            ("cd mill", "prod"),
            ("cd ..", "dev"),
            ("cd ../shop/sub", "dev"),
            ("cd ../../..", ""),
        ] {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
        assert_eq!(shell.ours(), before, "{kind:?}");
        // By another name it is the same project: nothing is said.
        shell.run("cd code/shop");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        assert_eq!(shell.said("cd ../alias/sub"), "", "{kind:?}");
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{kind:?}");
    });
    for kind in [Kind::Bash, Kind::Zsh] {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/link");
        shell.run("cd -P ..");
        assert_eq!(shell.on(), "dev", "{kind:?}: as the kernel counts");
        shell.run("cd -P vendor");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.run(if kind == Kind::Bash { "set -P" } else { "setopt chase_links" });
        for (line, on) in [("cd ../link", "dev"), ("cd ../vendor", ""), ("cd ..", "")] {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
    }
}

#[test]
fn a_repository_below_a_project_inherits_nothing() {
    let world = two_projects();
    let shop = code(&world).join("shop");
    fs::create_dir_all(shop.join("clone/.git")).unwrap();
    fs::create_dir_all(shop.join("clone/src/deep")).unwrap();
    fs::create_dir_all(shop.join("tree/src")).unwrap();
    fs::write(shop.join("tree/.git"), "gitdir: ../.git/worktrees/tree\n").unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for (line, on) in [
            ("cd code/shop", "dev"),
            ("cd clone", ""),
            ("cd src/deep", ""),
            ("cd ../../..", "dev"),
            ("cd tree/src", ""),
            ("cd ..", ""),
            ("cd ../sub", "dev"),
        ] {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
        // Straight into it from outside.
        shell.run("cd ../../..");
        let said = shell.said("cd code/shop/clone/src");
        assert_eq!((said.as_str(), shell.on().as_str()), ("", ""), "{kind:?}");
    });
}

#[test]
fn a_repository_that_is_the_project_governs_itself() {
    let world = two_projects();
    let top = code(&world);
    fs::create_dir(top.join("shop/.git")).unwrap();
    fs::write(top.join("mill/.git"), "gitdir: /nowhere\n").unwrap();
    fs::create_dir(top.join("mill/sub")).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for (line, on) in
            [("cd code/shop/sub", "dev"), ("cd ..", "dev"), ("cd ../mill/sub", "prod")]
        {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
    });
}

#[test]
fn a_nearer_file_masks_the_outer_one_trusted_or_not() {
    let world = two_projects();
    let shop = code(&world).join("shop");
    for (name, text) in [("new", "session = \"dev\"\n"), ("broken", "session = \n"), ("empty", "")]
    {
        fs::create_dir_all(shop.join(name).join("deep")).unwrap();
        fs::write(shop.join(name).join(".leapp.toml"), text).unwrap();
        chmod(&shop.join(name).join(".leapp.toml"), 0o600);
    }
    // A file that cannot even be read as one.
    fs::create_dir_all(shop.join("folder/.leapp.toml")).unwrap();
    everywhere(|kind| {
        for name in ["new", "broken", "empty", "folder", "new/deep", "broken/deep"] {
            let mut shell = Hooked::new(&world, kind);
            let before = shell.ours();
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            let said = shell.said(&format!("cd {name}"));
            assert!(said.contains("dev is off"), "{kind:?}: {name}: {said}");
            assert_eq!(shell.ours(), before, "{kind:?}: {name}");
            assert_eq!(shell.said("true"), "", "{kind:?}: {name}: once");
            shell.run(&format!("cd {}", shop.display()));
            assert_eq!(shell.on(), "dev", "{kind:?}: {name}");
        }
    });
}

#[test]
fn the_personal_file_wins_trusted_or_not() {
    everywhere(|kind| {
        let world = two_projects();
        let shop = code(&world).join("shop");
        let local = shop.join(".leapp.local.toml");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        untrusted(&local, "prod");
        let said = shell.said("cd code/shop/sub");
        assert!(said.contains(".leapp.local.toml is not trusted"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}: the shared one does not count beside it");
        shell.answer("cd ..; leapp trust", "[y/N]", "y");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        assert_eq!(shell.said("cd sub"), "", "{kind:?}: the same file governs");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        fs::remove_file(&local).unwrap();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}: it is gone, and the shared one counts again");
        let said = shell.run("cd ..; leapp pin --local prod");
        assert!(said.contains(".leapp.local.toml"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        // It needs no other one beside it.
        fs::remove_file(shop.join(".leapp.toml")).unwrap();
        for (line, on) in [("cd ../..", ""), ("cd code/shop/sub", "prod"), ("cd ..", "prod")] {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
    });
}

#[test]
fn a_file_in_the_home_directory_is_refused() {
    let world = two_projects();
    let file = world.home.path().join(".leapp.toml");
    untrusted(&file, "dev");
    let mut command = world.command(["trust"]);
    command.current_dir(world.home.path());
    let printed = on_terminal(command);
    assert!(printed.contains("would cover everything"), "{printed}");
    folder(&world, "plain");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd /");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.enter(&code(&world).join("plain"));
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.enter(world.home.path());
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.enter(&code(&world).join("shop"));
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn a_file_in_the_root_directory_is_refused() {
    if !is_root() {
        return;
    }
    let world = two_projects();
    let plain = folder(&world, "plain");
    // A root directory of its own, in which all else is as it is; nobody else sees it.
    let script = world.home.path().join("enter");
    let text = "set -e; mount --bind \"$1\" \"$1\"; cd \"$1\"\n\
        for d in /*; do if [ -L $d ]; then cp -P $d .$d; elif [ -d $d ]; then\n\
        mkdir .$d; mount --rbind $d .$d; fi; done\n\
        printf 'session = \"dev\"\\n' > .leapp.toml; chmod 600 .leapp.toml\n\
        at=$2; shift 2; exec /usr/sbin/chroot . env -C \"$at\" \"$@\"\n";
    fs::write(&script, text).unwrap();
    let script = script.display().to_string();
    everywhere(|kind| {
        let top = scratch(&world).display().to_string();
        let words = ["unshare", "--mount", "--propagation", "private", "sh", &script, &top, "/"];
        let mut shell = wrapped(&world, kind, &words, |_| {});
        assert_eq!(shell.on(), "", "{kind:?}");
        assert_eq!(shell.status("/bin/ls .leapp.toml").1, 0, "{kind:?}: it is there");
        assert_eq!(shell.said("true"), "", "{kind:?}");
        shell.enter(&plain);
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.enter(&code(&world).join("shop"));
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let said = shell.said("cd /");
        assert!(said.contains("dev is off"), "{kind:?}: {said}");
        assert!(!said.contains("is not trusted"), "{kind:?}: refused, whoever trusts it: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn sixty_four_directories_are_looked_at() {
    let world = two_projects();
    let deep: PathBuf = std::iter::repeat_n("d", 63).collect();
    let deep = code(&world).join("shop").join(deep);
    fs::create_dir_all(deep.join("d/d")).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.enter(&deep);
        assert_eq!(shell.on(), "dev", "{kind:?}: the file is in the 64th");
        shell.run("cd d");
        assert_eq!(shell.on(), "", "{kind:?}: in the 65th");
        shell.run("cd d");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

/// Names that some shell somewhere has stumbled over, and ones that would run `touch`.
fn odd_names(mark: &Path) -> Vec<Vec<u8>> {
    let plain = "two words| lead|trail |it's|a\"b|back\\slash|new\nline|end\n|tab\t|-n|--|-|é中😀|*|\
                 [a]|{a,b}|~|#x|%d|!!|a;b|a&b|%D{%s}|$HOME|x:y|\u{1b}[31mred|\u{202e}rtl";
    let mut names: Vec<Vec<u8>> = plain.split('|').map(|name| name.as_bytes().to_vec()).collect();
    let mark = mark.file_name().unwrap().to_str().unwrap();
    names.push(format!("$(touch {mark})`touch {mark}`;touch {mark}").into_bytes());
    names.push(b"b\xffad\xfe".to_vec());
    names
}

#[test]
fn a_directory_may_have_any_name() {
    let world = ready();
    let names = odd_names(Path::new("mark"));
    for name in &names {
        let directory = code(&world).join(OsStr::from_bytes(name));
        fs::create_dir_all(directory.join("sub")).unwrap();
        let mut command = world.command(["pin", "dev"]);
        command.current_dir(&directory);
        on_terminal(command);
    }
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        for name in &names {
            if kind == Kind::Pwsh && std::str::from_utf8(name).is_err() {
                continue;
            }
            let shown = String::from_utf8_lossy(name);
            let directory = code(&world).join(OsStr::from_bytes(name));
            let said = shell.enter(&directory);
            assert!(said.contains("leapp: dev is on (eu-west-1)"), "{kind:?}: {shown:?}: {said}");
            assert_eq!(shell.said("cd sub"), "", "{kind:?}: {shown:?}");
            assert_eq!(shell.on(), "dev", "{kind:?}: {shown:?}");
            shell.run(&kind.by_hand("off"));
            shell.enter(world.home.path());
            assert_eq!(shell.ours(), before, "{kind:?}: {shown:?}");
        }
    });
    let run = files_below(world.home.path()).into_iter().find(|file| file.ends_with("mark"));
    assert_eq!(run, None, "a name was evaluated");
}

#[test]
fn a_name_that_speaks_to_the_terminal_is_escaped() {
    let world = ready();
    let directory = folder(&world, "\u{1b}]0;owned\u{7}\u{202e}x\nleapp: dev is on");
    untrusted(&directory.join(".leapp.toml"), "dev");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.send("");
        let said = shell.enter(&directory);
        assert!(said.contains("is not trusted"), "{kind:?}: {said}");
        for part in ["\u{1b}", "\u{202e}", "\u{7}"] {
            assert!(!said.contains(part), "{kind:?}: {said:?}");
        }
        assert!(said.contains("owned"), "{kind:?}: shown, not obeyed: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("leapp: dev is on")), "{kind:?}: {said}");
    });
}

#[test]
fn the_climb_ends_where_the_directories_are_somebody_elses() {
    if !is_root() {
        return;
    }
    let world = two_projects();
    let shop = code(&world).join("shop");
    fs::create_dir_all(shop.join("theirs/mine/deep")).unwrap();
    chown(shop.join("theirs"), Some(12345), None).unwrap();
    // The program climbs no further than the shells do.
    for (at, governed) in [("sub", true), ("theirs", false), ("theirs/mine/deep", false)] {
        let mut command = world.command(["hook-env", "bash"]);
        command.current_dir(shop.join(at));
        let answer = world.run(command, None).succeeds().text();
        assert_eq!(answer.contains("AWS_ACCESS_KEY_ID="), governed, "{at}");
    }
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for (line, on) in [
            ("cd code/shop", "dev"),
            ("cd theirs", ""),
            ("cd mine/deep", ""),
            ("cd ../../..", "dev"),
            ("cd theirs/mine", ""),
            ("cd ../../sub", "dev"),
        ] {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
    });
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let trace = world.home.path().join(format!("trace-{kind:?}"));
        let out = trace.to_str().unwrap();
        let words = ["strace", "-f", "-o", out, "-e", "trace=%file"];
        let mut shell = wrapped(&world, kind, &words, |_| {});
        let before = fs::read_to_string(&trace).unwrap().len();
        shell.enter(&shop.join("theirs/mine/deep"));
        let text = fs::read_to_string(&trace).unwrap().split_off(before);
        let probes = |name: &str| text.lines().filter(|line| line.contains(name)).count();
        assert!(probes("\".leapp.toml\"") + probes("\"./.leapp.toml\"") > 0, "{kind:?}: {text}");
        // Two up it is somebody else's: no name is looked for there, nor further up.
        let above = text.lines().filter(|line| line.contains("../../"));
        let looked: Vec<&str> =
            above.filter(|l| l.contains(".leapp") || l.contains(".git")).collect();
        assert!(looked.is_empty(), "{kind:?}: {looked:?}");
    }
}

#[test]
fn directories_that_cannot_be_read_or_searched_are_no_error() {
    if !is_root() {
        return;
    }
    let world = two_projects();
    let shop = code(&world).join("shop");
    fs::create_dir_all(shop.join("dark/deep")).unwrap();
    fs::create_dir_all(shop.join("shut")).unwrap();
    // root without its privilege over modes.
    let words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
    everywhere(|kind| {
        chmod(&shop.join("dark"), 0o311);
        let mut shell = wrapped(&world, kind, &words, |_| {});
        let before = shell.ours();
        // fish itself enters no directory that cannot be read.
        let fish = kind == Kind::Fish;
        let dark = if fish { "cd code/shop/sub" } else { "cd code/shop/dark/deep" };
        for line in [dark, if fish { "cd ." } else { "cd .." }] {
            shell.run(line);
            assert_eq!(shell.on(), "dev", "{kind:?}: {line}");
        }
        // Entered, and then closed under the shell.
        shell.enter(&shop.join("shut"));
        assert_eq!(shell.on(), "dev", "{kind:?}");
        chmod(&shop.join("shut"), 0);
        for _ in 0..2 {
            let said = shell.run("/bin/true");
            assert!(!said.contains("ermission"), "{kind:?}: {said}");
        }
        assert_eq!(shell.ours(), before, "{kind:?}: where it cannot be told, nothing is on");
        chmod(&shop.join("shut"), 0o755);
        // A file that cannot be read governs, and switches nothing on.
        shell.enter(world.home.path());
        chmod(&shop.join(".leapp.toml"), 0);
        let said = shell.run("cd code/shop");
        assert!(said.contains(".leapp.toml is not used"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        chmod(&shop.join(".leapp.toml"), 0o600);
    });
}

#[test]
fn a_false_or_hostile_pwd_from_outside_is_not_believed() {
    let world = two_projects();
    let (home, top) = (world.home.path().canonicalize().unwrap(), code(&world));
    let mark = home.join("mark");
    let hostile = format!("$(touch {0})`touch {0}`", mark.display());
    let (shop, nowhere) = (top.join("shop"), PathBuf::from("/nowhere"));
    for (pwd, at, on) in [
        (&shop, &home, ""),
        (&home, &shop, "dev"),
        (&nowhere, &shop, "dev"),
        (&PathBuf::from(hostile), &shop, "dev"),
        (&top.join("mill"), &shop, "dev"),
        (&PathBuf::new(), &shop, "dev"),
    ] {
        everywhere(|kind| {
            let mut shell = wrapped(&world, kind, &["env"], |command| {
                command.current_dir(at).env("PWD", pwd).env("OLDPWD", pwd);
            });
            assert_eq!(shell.on(), on, "{kind:?}: {pwd:?} at {at:?}");
            shell.run("cd .");
            assert_eq!(shell.on(), on, "{kind:?}: {pwd:?} at {at:?}");
            assert!(!mark.exists(), "{kind:?}: {pwd:?}");
        });
    }
}
