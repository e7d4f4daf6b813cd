//! `leapp pin`: what it writes, what it keeps, what it refuses, and when it trusts.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, on_terminal},
    hooks_attacks::is_root,
    hooks_basic::{ready, second},
    support::{Outcome, World, chmod, files_below},
};

fn command(world: &World, directory: &Path, words: &[&str]) -> Command {
    let mut command = world.command([&["pin"], words].concat());
    command.current_dir(directory);
    command
}

/// `leapp pin` with a person at the terminal.
fn pinned(world: &World, directory: &Path, words: &[&str]) -> String {
    on_terminal(command(world, directory, words))
}

/// `leapp pin` without a terminal.
fn alone(world: &World, directory: &Path, words: &[&str]) -> Outcome {
    world.run(command(world, directory, words), None)
}

fn read(directory: &Path) -> String {
    fs::read_to_string(directory.join(".leapp.toml")).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn records(world: &World) -> usize {
    files_below(&world.leapp_home().join("trust")).len()
}

#[test]
fn pin_writes_the_file_with_the_usual_mode_and_trusts_it() {
    let world = ready();
    let shop = folder(&world, "shop");
    let said = pinned(&world, &shop, &["dev"]);
    assert!(said.contains("'dev' is pinned in ~/code/shop/.leapp.toml, and trusted"), "{said}");
    assert!(said.contains("it switches on here in every shell with the hook"), "{said}");
    assert_eq!(read(&shop), "session = \"dev\"\n");
    assert_eq!(names(&shop), [".leapp.toml"], "and nothing else");
    assert_eq!(records(&world), 1);
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("027", 0o640), ("000", 0o644)] {
        fs::remove_file(shop.join(".leapp.toml")).unwrap();
        let text = format!("umask {umask}; cd code/shop; leapp pin dev");
        world.shell("sh", &text).fails(3);
        let meta = fs::metadata(shop.join(".leapp.toml")).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, mode, "umask {umask}");
    }
    // The name is written as it is, however it was typed.
    fs::remove_file(shop.join(".leapp.toml")).unwrap();
    alone(&world, &shop, &["DEV"]).fails(3);
    assert_eq!(read(&shop), "session = \"dev\"\n");
}

#[test]
fn a_region_is_written_and_kept_and_one_that_does_not_exist_is_refused() {
    let world = ready();
    let shop = folder(&world, "shop");
    alone(&world, &shop, &["dev", "--region", "nowhere-1"]).fails(2).says("nowhere-1");
    alone(&world, &shop, &["dev", "--region", "$(id)"]).fails(2);
    assert!(names(&shop).is_empty(), "nothing is written");
    pinned(&world, &shop, &["dev", "--region", "eu-west-3"]);
    assert_eq!(read(&shop), "session = \"dev\"\nregion = \"eu-west-3\"\n");
    pinned(&world, &shop, &["work"]);
    assert_eq!(read(&shop), "session = \"work\"\nregion = \"eu-west-3\"\n");
    pinned(&world, &shop, &["dev", "-r", "eu-west-1"]);
    assert_eq!(read(&shop), "session = \"dev\"\nregion = \"eu-west-1\"\n");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop; leapp pin dev --region eu-north-1");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-north-1"), "{kind:?}");
        shell.run("leapp pin dev --region eu-west-1");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
    });
}

#[test]
fn here_is_for_this_directory_alone() {
    let world = ready();
    let shop = folder(&world, "shop");
    pinned(&world, &shop, &["--here", "dev"]);
    let row = world.leapp(["trust", "--list", "--json"]).json()[0].clone();
    assert_eq!(row["state"], "trusted here");
    pinned(&world, &shop, &["dev"]);
    let row = world.leapp(["trust", "--list", "--json"]).json()[0].clone();
    assert_eq!(row["state"], "trusted", "the last word counts");
}

#[test]
fn what_stood_in_the_file_is_kept_shown_and_trusted_with_the_rest() {
    let world = ready();
    let shop = folder(&world, "shop");
    let file = shop.join(".leapp.toml");
    let text = "# ours\n\n  session='work'  # whose\r\naccount = \"444455556666\"\n# end";
    fs::write(&file, text).unwrap();
    chmod(&file, 0o600);
    let said = pinned(&world, &shop, &["dev"]);
    let expected = "# ours\n\n  session=\"dev\"  # whose\r\naccount = \"444455556666\"\n# end";
    assert_eq!(read(&shop), expected);
    for line in ["  | # ours", "  |   session=\"dev\"  # whose", "  | account = \"444455556666\""] {
        assert!(said.contains(line), "no {line:?} in: {said}");
    }
    assert!(said.contains("and trusted"), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "its mode too");
    // What hides in a comment is shown as escapes.
    fs::write(&file, "session = \"work\" # \u{202e}x\u{61c}\n").unwrap();
    let outcome = alone(&world, &shop, &["dev"]);
    outcome.fails(3).says("\\u{202e}x\\u{61c}");
}

#[test]
fn a_file_that_cannot_be_changed_safely_is_left_as_it_is() {
    let world = ready();
    let shop = folder(&world, "shop");
    let file = shop.join(".leapp.toml");
    let cases: [(&str, i32, &str); 7] = [
        ("this is no toml\n", 1, "line 1"),
        ("session = \"work\"\nrole = \"x\"\n", 1, "line 2, column 1: unknown field `role`"),
        ("session = \"\"\"work\"\"\"\n", 1, "its form is not one that can be changed here"),
        ("\"session\" = \"work\"\n", 1, "its form is not one that can be changed here"),
        ("", 1, "missing field"),
        ("session = \"work\"\naccount = \"111122223333\"\n", 5, "it demands account 111122223333"),
        ("session = \"work\"\nazure = \"work\"\n", 5, "'work' is no Azure session"),
    ];
    for (text, code, what) in cases {
        fs::write(&file, text).unwrap();
        let inode = fs::metadata(&file).unwrap().ino();
        alone(&world, &shop, &["dev"]).fails(code).says(what).says("hint: ");
        assert_eq!((read(&shop).as_str(), fs::metadata(&file).unwrap().ino()), (text, inode));
        assert_eq!((names(&shop).len(), records(&world)), (1, 0), "{what}");
    }
    let other = world.home.path().join("other.toml");
    let plain = "session = \"work\"\n";
    fs::write(&other, plain).unwrap();
    let makes: [(&dyn Fn(), &str); 5] = [
        (&|| symlink(&other, &file).unwrap(), "it is a symbolic link"),
        (&|| fs::hard_link(&other, &file).unwrap(), "it has a second name"),
        (&|| fs::create_dir(&file).unwrap(), "it is no regular file"),
        (
            &|| nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            "it is no regular file",
        ),
        (
            &|| {
                fs::write(&file, plain).unwrap();
                chmod(&file, 0o666);
            },
            "everybody can write it",
        ),
    ];
    for (make, what) in makes {
        if fs::remove_file(&file).is_err() {
            _ = fs::remove_dir(&file);
        }
        make();
        alone(&world, &shop, &["dev"]).fails(1).says(what);
        assert_eq!(fs::read_to_string(&other).unwrap(), plain, "{what}");
        assert_eq!((names(&shop).len(), records(&world)), (1, 0), "{what}");
    }
}

#[test]
fn without_a_terminal_the_file_is_written_and_not_trusted() {
    everywhere(|kind| {
        let world = ready();
        let shop = folder(&world, "shop");
        let outcome = alone(&world, &shop, &["dev"]);
        outcome
            .fails(3)
            .says("is written, and not trusted")
            .says("hint: on a terminal: leapp trust");
        assert_eq!((read(&shop).as_str(), records(&world)), ("session = \"dev\"\n", 0));
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/shop");
        assert!(said.contains("is not trusted: leapp trust"), "{kind:?}: {said}");
        let setsid = "setsid -w leapp pin dev";
        for line in [setsid, "leapp pin dev --no-input", "setsid -w leapp pin dev < /dev/null"] {
            if kind == Kind::Pwsh && line.contains('<') {
                continue;
            }
            let (said, code) = shell.status(line);
            assert!(code == 3 && said.contains("not trusted"), "{kind:?} {line}: {code} {said}");
            assert_eq!((shell.on().as_str(), records(&world)), ("", 0), "{kind:?}: {line}");
        }
        // Where it was trusted before, an agent's pin takes that away.
        shell.run("leapp pin dev");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("setsid -w leapp pin work");
        assert_eq!(shell.on(), "", "{kind:?}: other bytes");
    });
}

#[test]
fn the_home_and_the_root_directory_cannot_be_pinned() {
    let mut world = ready();
    let hint = "hint: cd into the project";
    let home = world.home.path().to_owned();
    alone(&world, &home, &["dev"]).fails(2).says("would cover everything").says(hint);
    alone(&world, &home, &["--local", "dev"]).fails(2);
    alone(&world, Path::new("/"), &["dev"]).fails(2).says("would cover everything");
    assert!(!Path::new("/.leapp.toml").exists());
    let alias = tempfile::tempdir().unwrap();
    symlink(&home, alias.path().join("home")).unwrap();
    world.set("HOME", alias.path().join("home"));
    world.set("LEAPP_HOME", home.join(".Leapp"));
    alone(&world, &home, &["dev"]).fails(2);
    alone(&world, &alias.path().join("home"), &["dev"]).fails(2);
    assert!(!names(&home).iter().any(|name| name.starts_with(".leapp.")), "{:?}", names(&home));
}

#[test]
fn an_unknown_session_writes_nothing() {
    let world = ready();
    let shop = folder(&world, "shop");
    for name in ["dew", "session:dew", "profile:dev", "$(id)", "", "-", "../dev"] {
        let outcome = alone(&world, &shop, &["--", name]);
        let what = if name == "profile:dev" {
            "'profile:dev' is not there"
        } else {
            "there is no session"
        };
        outcome.fails(5).says(what).says("hint: ");
    }
    alone(&world, &shop, &[]).fails(2);
    assert!(names(&shop).is_empty() && records(&world) == 0);
}

#[test]
fn a_protected_session_is_pinned_and_not_switched_on() {
    everywhere(|kind| {
        let world = ready();
        world.leapp(["session", "edit", "dev", "--protected"]).succeeds();
        folder(&world, "shop");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let said = shell.run("cd code/shop; leapp pin dev");
        let line = "a directory does not switch a protected session on; here: leapp use dev";
        assert!(said.contains(line), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        shell.run("cd ~; cd code/shop");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn in_a_subdirectory_it_makes_a_nearer_file_and_leaves_the_other_alone() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        world.leapp(["start", "prod"]).succeeds();
        let shop = folder(&world, "shop");
        fs::create_dir_all(shop.join("api/src")).unwrap();
        pinned(&world, &shop, &["dev"]);
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop/api; leapp pin prod");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        assert_eq!(read(&shop), "session = \"dev\"\n", "{kind:?}");
        shell.run("cd src");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("leapp pin prod");
        assert_eq!(shell.on(), "prod", "{kind:?}: pinned anew");
    });
}

#[test]
fn a_removed_directory_cannot_be_pinned() {
    let world = ready();
    let text = "mkdir gone && cd gone && rmdir ../gone && leapp pin dev";
    world.shell("sh", text).fails(1).says("the current directory cannot be used");
    assert_eq!(records(&world), 0);
}

/// A file of patterns, its content, and where pin is called.
type Repository<'a> = (&'a [(&'a str, &'a str)], &'a str);

#[test]
fn the_line_to_add_is_named_where_git_does_not_ignore_the_personal_file() {
    let name = ".leapp.local.toml";
    let far = ".config/git/ignore";
    let settings = "[user]\n name = x\n[core]\n\texcludesFile = ~/mine # no\n";
    let settings = settings.replace(" # no", "");
    let cases: &[Repository<'_>] = &[
        (&[], "."),
        (&[("R/.gitignore", name)], "."),
        (&[("R/.gitignore", "*.local.toml\n")], "a/b"),
        (&[("R/.gitignore", "/.leapp.local.toml\n")], "."),
        (&[("R/.gitignore", "/.leapp.local.toml\n")], "a/b"),
        (&[("R/.gitignore", "*.local.toml\n!.leapp.local.toml\n")], "."),
        (&[("R/.gitignore", "!.leapp.local.toml\n*.local.toml\n")], "."),
        (&[("R/.gitignore", "*.toml\n"), ("R/a/.gitignore", "!*.toml\n")], "a/b"),
        (&[("R/.gitignore", "!*.toml\n"), ("R/a/.gitignore", "*.toml\n")], "a/b"),
        (&[("R/.gitignore", "a/b/*.toml\n")], "a/b"),
        (&[("R/.gitignore", "b/*.toml\n")], "a/b"),
        (&[("R/.gitignore", "a/**/.leapp*\n")], "a/b"),
        (&[("R/.gitignore", "a/\n!.leapp.local.toml\n")], "a/b"),
        (&[("R/.gitignore", "b/\n")], "a/b"),
        (&[("R/.gitignore", ".leapp.local.toml/\n")], "."),
        (&[("R/.gitignore", "# .leapp.local.toml\n\\#x\n")], "."),
        (&[("R/.gitignore", "\u{feff}.leapp.local.toml  \r\n")], "."),
        (&[("R/.gitignore", ".leapp.[a-z]ocal.*\n")], "."),
        (&[("R/.git/info/exclude", ".leapp.local.toml\n")], "a/b"),
        (&[("R/.git/info/exclude", "*.toml\n"), ("R/.gitignore", "!*.toml\n")], "."),
        (&[(far, ".leapp.local.toml\n")], "a/b"),
        (&[(far, "*.toml\n"), ("R/.git/info/exclude", "!*.toml\n")], "."),
        (&[(".gitconfig", &settings), ("mine", "*.local.*\n")], "a"),
        (&[(".gitconfig", &settings), (far, "*.local.*\n")], "a"),
        (&[(".config/git/config", &settings), ("mine", "*.local.*\n")], "a"),
    ];
    for (files, place) in cases {
        let world = ready();
        let repository = folder(&world, "R");
        let git = |words: &[&str], directory: &Path| {
            let mut git = world.foreign("git");
            git.args(words).current_dir(directory).env("GIT_CONFIG_NOSYSTEM", "1");
            world.run(git, None)
        };
        git(&["init", "-q"], &repository).succeeds();
        let directory = repository.join(place);
        fs::create_dir_all(&directory).unwrap();
        for (file, text) in *files {
            let below = file.strip_prefix("R/").map(|rest| repository.join(rest));
            let file = below.unwrap_or_else(|| world.home.path().join(file));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let ignored = git(&["check-ignore", "-q", name], &directory).code() == 0;
        let outcome = alone(&world, &directory, &["--local", "dev"]);
        let line = format!("git does not ignore it; add this line to ~/code/R/.gitignore:  {name}");
        assert_eq!(!outcome.stderr.contains(&line), ignored, "{files:?} in {place}: {outcome}");
        // The shared file is for the repository.
        let outcome = alone(&world, &directory, &["dev"]);
        assert!(!outcome.stderr.contains("git does not ignore"), "{outcome}");
    }
}

#[test]
fn a_work_tree_has_its_repositorys_exclusions_and_no_repository_has_none() {
    let world = ready();
    let (main, copy) = (folder(&world, "main"), world.home.path().join("code/copy"));
    let text = "git init -q . && git -c user.name=x -c user.email=x@y commit -q --allow-empty -m x \
                && git worktree add -q ../copy";
    let mut git = world.foreign("sh");
    git.args(["-c", text]).current_dir(&main);
    world.run(git, None).succeeds();
    alone(&world, &copy, &["--local", "dev"])
        .fails(3)
        .says("add this line to ~/code/copy/.gitignore");
    fs::write(main.join(".git/info/exclude"), "*.local.toml\n").unwrap();
    let outcome = alone(&world, &copy, &["--local", "dev"]);
    assert!(!outcome.stderr.contains("git does not ignore"), "{outcome}");
    let outcome = alone(&world, &folder(&world, "plain"), &["--local", "dev"]);
    assert!(!outcome.stderr.contains("git"), "no repository: {outcome}");
}

#[test]
fn a_personal_file_is_named_when_it_comes_before_the_pinned_one() {
    let world = ready();
    let shop = folder(&world, "shop");
    pinned(&world, &shop, &["--local", "work"]);
    assert_eq!(names(&shop), [".leapp.local.toml"]);
    let said = pinned(&world, &shop, &["dev"]);
    assert!(said.contains(".leapp.local.toml stands beside it, and comes first"), "{said}");
    assert_eq!(fs::read_to_string(shop.join(".leapp.local.toml")).unwrap(), "session = \"work\"\n");
}

/// Runs a script that pins into a small disk of its own; `None` where that cannot be had.
fn on_a_disk(world: &World, script: &str) -> Option<Outcome> {
    let disk: PathBuf = folder(world, "disk");
    let text =
        format!("mount -t tmpfs -o size=64k,mode=755 leapp \"$1\" || exit 99\ncd \"$1\"\n{script}");
    let mut command = world.foreign("unshare");
    command.args(["--mount", "sh", "-c", &text, "sh"]).arg(disk);
    let outcome = world.run(command, None);
    if !is_root() || outcome.code() == 99 {
        eprintln!("SKIPPED: mounting a small disk needs root");
        return None;
    }
    Some(outcome)
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was_and_nothing_beside_it() {
    let world = ready();
    let script = r#"
        printf 'session = "work"\n' > .leapp.toml
        cp .leapp.toml /tmp/$$.before
        mkdir new
        dd if=/dev/zero of=filler bs=512 2> /dev/null
        leapp pin dev; echo "pin $?"
        cmp .leapp.toml /tmp/$$.before && echo same
        rm /tmp/$$.before
        (cd new && leapp pin dev; echo "new $?"; ls -A)
        ls -A | tr '\n' ' '
        rm filler
        leapp pin dev; echo "again $?"
        cat .leapp.toml
    "#;
    let Some(outcome) = on_a_disk(&world, script) else { return };
    let expected = "pin 1\nsame\nnew 1\n.leapp.toml filler new again 3\nsession = \"dev\"\n";
    outcome.succeeds().says("cannot be written").prints(expected);
}

#[test]
fn a_directory_that_cannot_be_written_is_said_and_a_limit_on_sizes_leaves_nothing() {
    let world = ready();
    let shop = folder(&world, "shop");
    let text = "trap '' XFSZ; ulimit -f 0; cd code/shop; leapp pin dev";
    world.shell("bash", text).fails(1).says("cannot be written");
    assert!(names(&shop).is_empty(), "{:?}", names(&shop));
    fs::write(shop.join(".leapp.toml"), "session = \"work\"\n").unwrap();
    world.shell("bash", text).fails(1).says("cannot be written");
    assert_eq!((read(&shop).as_str(), names(&shop).len()), ("session = \"work\"\n", 1));
    let script = "mount -o remount,ro \"$1\" || exit 99; leapp pin dev; echo \"pin $?\"; ls -A";
    if let Some(outcome) = on_a_disk(&world, script) {
        outcome.succeeds().says("~/code/disk/.leapp.toml cannot be written").prints("pin 1\n");
    } else {
        chmod(&shop, 0o555);
        alone(&world, &shop, &["dev"]).fails(1).says("cannot be written");
        chmod(&shop, 0o755);
    }
    assert_eq!(records(&world), 0);
}

#[test]
fn who_reads_meanwhile_sees_one_file_or_the_other_whole() {
    let world = ready();
    second(&world);
    let shop = folder(&world, "shop");
    alone(&world, &shop, &["dev", "--region", "eu-west-1"]).fails(3);
    let before = fs::metadata(shop.join(".leapp.toml")).unwrap().ino();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..8 {
                alone(&world, &shop, &["prod"]).fails(3);
                alone(&world, &shop, &["dev"]).fails(3);
            }
        });
        while !writer.is_finished() {
            let text = read(&shop);
            let is_whole = ["dev", "prod"]
                .iter()
                .any(|name| text == format!("session = \"{name}\"\nregion = \"eu-west-1\"\n"));
            assert!(is_whole, "{text:?}");
        }
    });
    assert_ne!(fs::metadata(shop.join(".leapp.toml")).unwrap().ino(), before, "replaced whole");
    assert_eq!(names(&shop), [".leapp.toml"]);
}

#[test]
fn where_others_can_write_the_directory_nothing_is_trusted() {
    let world = ready();
    let shop = folder(&world, "shop");
    chmod(&shop, 0o777);
    let said = pinned(&world, &shop, &["dev"]);
    assert!(said.contains("everybody can write its directory"), "{said}");
    assert_eq!(records(&world), 0);
    assert!(!shop.join(".leapp.toml").exists(), "a file that can never count is left behind");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
    // What everybody uses, such as /tmp, is not the user's to narrow.
    chmod(&shop, 0o1777);
    let said = pinned(&world, &shop, &["dev"]);
    assert!(said.contains("cd into a directory of your own") && !said.contains("chmod"), "{said}");
}
