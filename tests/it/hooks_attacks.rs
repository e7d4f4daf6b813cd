//! What a hostile project can try: the attack table of directory activation, row by row, in each
//! shell.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::{ready, second},
    support::{World, chmod, run},
};

/// A directory with a project file that nobody has trusted.
pub(crate) fn planted(world: &World, name: &str, text: &str) -> PathBuf {
    let directory = folder(world, name);
    fs::write(directory.join(".leapp.toml"), text).unwrap();
    directory
}

/// Whether giving files away is possible here; says so where it is not.
pub(crate) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED in part: another user's files need root");
    }
    root
}

/// What stands in an untrusted project file about a session.
fn names(session: &str) -> String {
    format!("session = \"{session}\"\n")
}

#[test]
fn a_clone_that_names_the_victims_session_switches_nothing_on_and_is_mentioned_once() {
    everywhere(|kind| {
        let world = ready();
        let clone = planted(&world, "clone", &names("dev"));
        fs::create_dir(clone.join(".git")).unwrap();
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let said = shell.said("cd code/clone");
        assert_eq!(said, "leapp: ~/code/clone/.leapp.toml is not trusted: leapp trust", "{kind:?}");
        assert_eq!(shell.ours(), before, "{kind:?}: an untrusted directory changes nothing");
        for line in ["true", "cd .", "cd ..", "cd clone", "true"] {
            assert_eq!(shell.said(line), "", "{kind:?}: {line}");
        }
        // The same bytes again are nothing new; other bytes are.
        fs::write(clone.join(".leapp.toml"), names("dev")).unwrap();
        assert_eq!(shell.said("true"), "", "{kind:?}: touched");
        fs::write(clone.join(".leapp.toml"), names("prod")).unwrap();
        let said = shell.said("true");
        assert_eq!(said.matches("is not trusted").count(), 1, "{kind:?}: {said}");
        assert_eq!(shell.said("true"), "", "{kind:?}");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

/// What the program does with files for an untrusted project: system calls and answer.
fn traced(world: &World, directory: &Path) -> (String, String) {
    let log = world.home.path().join("trace");
    let mut command = world.foreign("strace");
    command.args(["-f", "-qq", "-e", "trace=%file,read,write,connect,clone,fork,vfork", "-o"]);
    command.arg(&log).arg(crate::support::program());
    command.args(["hook-env", "bash", "--said="]).current_dir(directory);
    let outcome = run(&mut command, None);
    outcome.succeeds();
    let trace = fs::read_to_string(&log).unwrap();
    let own = directory.file_name().unwrap().to_str().unwrap();
    let calls = trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| {
        let call = call.trim_start().split('(').next().unwrap_or_default();
        call.to_owned()
    });
    assert!(!trace.contains("Leapp-lock.json"), "the workspace was looked at: {trace}");
    (calls.collect::<Vec<_>>().join(" "), outcome.text().replace(own, "NAME"))
}

#[test]
fn an_untrusted_file_cannot_find_out_whether_a_session_exists() {
    let world = ready();
    let known = planted(&world, "clone-a", &names("dev"));
    let unknown = planted(&world, "clone-b", &names("dew"));
    // The folder of the leases is made by the first.
    traced(&world, &planted(&world, "clone-c", &names("prod")));
    let (calls, answer) = traced(&world, &known);
    let (calls_of_unknown, answer_of_unknown) = traced(&world, &unknown);
    assert_eq!(calls, calls_of_unknown);
    let plain = |text: &str| -> Vec<String> {
        let odd = |line: &&str| !["/leases/", "__leapp_q="].iter().any(|part| line.contains(part));
        text.lines().filter(odd).map(str::to_owned).collect()
    };
    let without_time = |text: &str| plain(text).join("\n");
    assert_eq!(without_time(&answer), without_time(&answer_of_unknown));
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let one = shell.said("cd code/clone-a").replace("clone-a", "X");
        let other = shell.said("cd ../clone-b").replace("clone-b", "X");
        assert_eq!(one, other, "{kind:?}");
        assert!(one.contains("is not trusted"), "{kind:?}: {one}");
    });
}

#[test]
fn a_pull_that_points_a_trusted_file_elsewhere_switches_off_and_asks_showing_both() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        world.leapp(["start", "prod"]).succeeds();
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        fs::write(shop.join(".leapp.toml"), names("prod")).unwrap();
        let said = shell.said("true");
        assert!(said.contains("has changed since it was trusted: leapp trust"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        let said = shell.answer("leapp trust", "[y/N]", "y");
        let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{kind:?}: {said}"));
        assert!(at("- session = \"dev\"") < at("+ session = \"prod\""), "{kind:?}: {said}");
        assert_eq!(shell.on(), "prod", "{kind:?}");
    });
}

#[test]
fn a_session_made_anew_under_the_old_name_is_not_what_was_trusted() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let record = fs::read_dir(world.leapp_home().join("trust")).unwrap().next().unwrap();
        let record = record.unwrap().path();
        let kept = fs::read(&record).unwrap();
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        world.leapp(["session", "remove", "dev", "--yes"]).succeeds();
        assert!(!record.exists(), "the record goes with its session");
        world.add_role("dev", "work", "Admin", &[]).succeeds();
        world.leapp(["start", "dev"]).succeeds();
        let said = shell.said("true");
        assert!(said.contains("is not trusted"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        // Even a record that came back speaks of the old one.
        fs::write(&record, kept).unwrap();
        chmod(&record, 0o600);
        shell.run("cd ..");
        fs::write(shop.join(".leapp.toml"), names("dev")).unwrap();
        let said = shell.said("cd shop");
        assert!(said.contains("'dev' is not what it was"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn a_name_that_was_pointed_at_another_role_or_parent_is_not_trusted() {
    for change in [
        &["--role-arn", "arn:aws:iam::444455556666:role/Limited"][..],
        &["--role-arn", "arn:aws:iam::111122223333:role/Admin"],
        &["--parent", "other"],
    ] {
        everywhere(|kind| {
            let world = ready();
            world.add_role("other", "work", "Admin", &[]).succeeds();
            project(&world, "shop", "dev");
            let mut shell = Hooked::new(&world, kind);
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            world.leapp(["session", "edit", "dev"].iter().chain(change)).succeeds();
            let said = shell.said("true");
            assert!(said.contains("'dev' is not what it was"), "{kind:?} {change:?}: {said}");
            assert!(said.contains("leapp trust"), "{kind:?} {change:?}: {said}");
            assert_eq!(shell.on(), "", "{kind:?} {change:?}");
        });
    }
}

#[test]
fn a_hostile_clone_below_a_trusted_root_inherits_nothing() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    for (name, is_file) in [("clone", false), ("worktree", true)] {
        let clone = shop.join(name);
        fs::create_dir_all(clone.join("deep")).unwrap();
        if is_file {
            fs::write(clone.join(".git"), format!("gitdir: {}/.git\n", shop.display())).unwrap();
        } else {
            fs::create_dir(clone.join(".git")).unwrap();
        }
    }
    planted(&world, "shop/masked", "session = \"nothing\"\n");
    planted(&world, "shop/broken", "this is no toml");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for below in ["clone", "clone/deep", "worktree/deep", "masked", "broken"] {
            shell.run("cd ~/code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            let line = kind.and(&format!("cd {below}"), "sh -c 'echo on=$LEAPP_SESSION.'");
            let said = shell.run(&line);
            assert!(said.contains("on=."), "{kind:?} {below}: {said}");
            assert_eq!(shell.on(), "", "{kind:?}: {below}");
        }
    });
}

#[test]
fn a_tarball_below_a_trusted_root_inherits_unless_the_record_says_here() {
    everywhere(|kind| {
        let world = ready();
        let shop = folder(&world, "shop");
        fs::create_dir_all(shop.join("tarball/src")).unwrap();
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        shell.run("leapp pin dev");
        shell.run("cd tarball/src");
        assert_eq!(shell.on(), "dev", "{kind:?}: the record is for the tree");
        shell.run("cd ../..");
        shell.run("leapp pin --here dev");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        for line in ["cd tarball", "cd src", "true"] {
            assert_eq!(shell.said(line).matches("not trusted").count(), 0, "{kind:?}: {line}");
            assert_eq!(shell.on(), "", "{kind:?}: {line}");
        }
        shell.run("cd ../..");
        assert_eq!(shell.on(), "dev", "{kind:?}: and back");
    });
}

#[test]
fn another_directory_at_the_same_path_is_not_the_one_that_was_trusted() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let old = fs::read(shop.join(".leapp.toml")).unwrap();
        let time = fs::metadata(shop.join(".leapp.toml")).unwrap().modified().unwrap();
        fs::rename(&shop, shop.with_extension("old")).unwrap();
        fs::create_dir(&shop).unwrap();
        fs::write(shop.join(".leapp.toml"), old).unwrap();
        let file = fs::File::options().write(true).open(shop.join(".leapp.toml")).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(time)).unwrap();
        let said = shell.said("cd ~; cd code/shop");
        assert!(said.contains("in another directory than the one trusted"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        // Moved with its directory the file is another one too: trust is for a path.
        let said = shell.said("cd ../shop.old");
        assert!(said.contains("shop.old/.leapp.toml is not trusted"), "{kind:?}: {said}");
        // And where it stood it is trusted again.
        shell.run("cd ~");
        fs::remove_dir_all(&shop).unwrap();
        fs::rename(shop.with_extension("old"), &shop).unwrap();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn what_others_can_write_is_refused_wherever_it_is_planted() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "top/shop", "dev");
        let file = shop.join(".leapp.toml");
        let top = shop.parent().unwrap();
        let mut shell = Hooked::new(&world, kind);
        for (path, loose, usual, what) in [
            (file.as_path(), 0o646, 0o644, "everybody can write it"),
            (&shop, 0o757, 0o755, "everybody can write its directory"),
            (top, 0o757, 0o755, "everybody can write '"),
        ] {
            shell.run("cd ~/code/top/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}: before {what}");
            shell.run("cd ~");
            chmod(path, loose);
            let said = shell.said("cd code/top/shop");
            assert!(said.contains(what), "{kind:?}: no {what:?}: {said}");
            assert_eq!(shell.on(), "", "{kind:?}: {what}");
            assert_eq!(shell.said("true"), "", "{kind:?}: once");
            shell.run("cd ~");
            chmod(path, usual);
        }
        chmod(top, 0o1777);
        shell.run("cd ~/code/top/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}: a sticky directory is fine");
    });
}

#[test]
fn a_file_or_directory_of_another_users_is_refused() {
    if !is_root() {
        return;
    }
    let foreign = Some(12345);
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        std::os::unix::fs::chown(shop.join(".leapp.toml"), foreign, None).unwrap();
        let said = shell.said("cd code/shop");
        assert!(said.contains("it belongs to user id 12345"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.run("cd ~");
        // A directory of somebody else's is not even looked into.
        std::os::unix::fs::chown(shop.join(".leapp.toml"), Some(0), None).unwrap();
        std::os::unix::fs::chown(&shop, foreign, None).unwrap();
        fs::create_dir_all(shop.join("mine")).unwrap();
        for below in ["code/shop", "mine"] {
            assert_eq!(shell.said(&format!("cd {below}")), "", "{kind:?}: {below}");
            assert_eq!(shell.on(), "", "{kind:?}: {below}");
        }
    });
}

/// Puts something into the project file's place.
type Make<'a> = &'a dyn Fn();

#[test]
fn a_link_a_pipe_a_device_a_directory_and_a_huge_file_are_no_project_files() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    let file = shop.join(".leapp.toml");
    let good = fs::read(&file).unwrap();
    let elsewhere = folder(&world, "elsewhere").join("settings.toml");
    fs::rename(&file, &elsewhere).unwrap();
    let clear = || {
        if fs::remove_file(&file).is_err() {
            _ = fs::remove_dir(&file);
        }
    };
    let pipe = || nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let huge = || {
        let opened = fs::File::create(&file).unwrap();
        opened.set_len(1 << 40).unwrap();
    };
    let twice = || {
        fs::write(shop.join("first"), &good).unwrap();
        fs::hard_link(shop.join("first"), &file).unwrap();
    };
    let cases: [(Make<'_>, &str); 7] = [
        (&|| symlink(&elsewhere, &file).unwrap(), "it is a symbolic link"),
        (&|| symlink("/dev/zero", &file).unwrap(), "it is a symbolic link"),
        (&|| symlink(".leapp.toml", &file).unwrap(), ""),
        (&pipe, "it is no regular file"),
        (&|| fs::create_dir(&file).unwrap(), "it is no regular file"),
        (&huge, "it is larger than 4096 bytes"),
        (&twice, "it has a second name (a hard link)"),
    ];
    everywhere(|kind| {
        for (make, what) in &cases {
            clear();
            make();
            let mut shell = Hooked::new(&world, kind);
            let said = shell.said("cd ~/code/shop");
            let as_wanted = said.contains(what) && what.is_empty() == said.is_empty();
            assert!(as_wanted, "{kind:?}: {what:?}: {said:?}");
            assert_eq!(shell.on(), "", "{kind:?}: {what}");
        }
    });
    clear();
    fs::write(&file, good).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd ~/code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}: the same bytes in a plain file");
    });
}

#[test]
fn names_that_could_be_run_or_move_the_cursor_do_neither() {
    let world = ready();
    let odd: [&str; 6] = [
        "$(touch pwned)",
        "`touch pwned`;touch pwned",
        "it's \"odd\" \\ ; & | *",
        "line\nbreak",
        "esc\u{1b}[2Jape\u{202e}bidi\u{61c}",
        "-n %s {a,b} ~ !!",
    ];
    for name in odd {
        project(&world, name, "dev");
        planted(&world, &format!("untrusted {name}"), "session = \"dev\"\n");
    }
    planted(&world, "escapes", "session = \"\u{202e}\\u001b[2J$(touch pwned)\"\n");
    planted(&world, "key", "\"\\u001b]0;x\\u0007\" = 1\nsession = \"dev\"\n");
    planted(&world, "region", "session = \"dev\"\nregion = \"$(touch pwned)\"\n");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        // The name is typed by a variable, so that each shell reads it alike.
        for (at, name) in odd.iter().enumerate() {
            symlink(format!("code/{name}"), world.home.path().join(format!("{kind:?}-{at}")))
                .unwrap();
            symlink(
                format!("code/untrusted {name}"),
                world.home.path().join(format!("{kind:?}-{at}-untrusted")),
            )
            .unwrap();
            shell.send(&format!("cd ~/{kind:?}-{at}"));
            let raw = shell.settle_raw();
            assert!(!raw.contains("\u{1b}[2J") && !raw.contains('\u{202e}'), "{kind:?}: {raw:?}");
            assert_eq!(shell.on(), "dev", "{kind:?}: {name}");
            shell.run("cd -P .; true");
            assert_eq!(shell.on(), "dev", "{kind:?}: {name}");
            shell.send(&format!("cd ~/{kind:?}-{at}-untrusted"));
            let raw = shell.settle_raw();
            assert!(raw.contains("is not trusted"), "{kind:?}: {raw:?}");
            for hidden in ["\u{1b}[2J", "\u{202e}", "\u{61c}"] {
                assert!(!raw.contains(hidden), "{kind:?}: {raw:?}");
            }
            assert_eq!(shell.on(), "", "{kind:?}: {name}");
        }
        for place in ["escapes", "key", "region"] {
            shell.send(&format!("cd ~/code/{place}"));
            let raw = shell.settle_raw();
            for hidden in ["\u{1b}[2J", "\u{1b}]0;x", "\u{202e}"] {
                assert!(!raw.contains(hidden), "{kind:?}: {raw:?}");
            }
            assert_eq!(shell.on(), "", "{kind:?}: {place}");
        }
    });
    let pwned = crate::support::files_below(world.home.path());
    assert!(!pwned.iter().any(|path| path.ends_with("pwned")), "something was run");
}

#[test]
fn a_program_of_the_same_name_in_a_hostile_directory_is_never_run() {
    everywhere(|kind| {
        let world = ready();
        let (evil, marker) = (folder(&world, "evil"), world.home.path().join("pwned"));
        for name in ["leapp", "env", "cat", "date", "git", "dirname", "pwd", "test", "printf"] {
            fs::write(evil.join(name), format!("#!/bin/sh\n: > '{}'\n", marker.display())).unwrap();
            chmod(&evil.join(name), 0o755);
        }
        fs::write(evil.join(".leapp.toml"), "session = \"dev\"\n").unwrap();
        symlink(&evil, world.home.path().join("alias")).unwrap();
        // A program that goes away, so that the hook looks for another one.
        let bin = world.home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let link = bin.join("leapp");
        symlink(crate::support::program(), &link).unwrap();
        let rc = format!("{}\n{}", path_first(kind, &bin), kind.load());
        let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
        let hostile = [".".to_owned(), String::new(), evil.display().to_string()];
        for gone in [false, true] {
            if gone {
                fs::remove_file(&link).unwrap();
            }
            for path in &hostile {
                for way in ["~/code/evil", "~/alias"] {
                    shell.run(&format!("cd ~; {}", set_path(kind, path)));
                    shell.run(&format!("cd {way}"));
                    shell.run("cd .");
                    assert!(!marker.exists(), "{kind:?}: gone {gone}, PATH '{path}', {way}");
                }
            }
        }
    });
}

fn path_first(kind: Kind, directory: &Path) -> String {
    let directory = directory.display();
    match kind {
        Kind::Bash | Kind::Zsh => format!("PATH={directory}:$PATH"),
        Kind::Fish => format!("set -gx PATH {directory} $PATH"),
        Kind::Pwsh => format!("$env:PATH = '{directory}:' + $env:PATH"),
    }
}

fn set_path(kind: Kind, value: &str) -> String {
    kind.export("PATH", value)
}

#[test]
fn a_worktree_is_not_trusted_with_its_repository() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let admin = shop.join(".git/worktrees/copy");
        fs::create_dir_all(&admin).unwrap();
        let copy = planted(&world, "copy", "");
        fs::copy(shop.join(".leapp.toml"), copy.join(".leapp.toml")).unwrap();
        fs::write(copy.join(".git"), format!("gitdir: {}\n", admin.display())).unwrap();
        fs::write(admin.join("gitdir"), format!("{}/.git\n", copy.display())).unwrap();
        fs::write(admin.join("commondir"), "../..\n").unwrap();
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/copy");
        assert!(said.contains("code/copy/.leapp.toml is not trusted"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.run("cd ../shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn nothing_is_switched_on_before_a_prompt_so_that_no_editor_bakes_it_in() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let shell = format!("{kind:?}").to_lowercase();
        let mut command = world.foreign(&shell);
        let text =
            format!("{}; cd .; sh -c 'echo on=$LEAPP_SESSION$AWS_ACCESS_KEY_ID.'", kind.load());
        command.args(["-i", "-c", &text]).current_dir(&shop).env("TERM", "dumb");
        let outcome = world.run(command, None);
        assert!(outcome.text().contains("on=."), "{outcome}");
        // The probe that reads a start-up file and prints the environment.
        let mut command = world.foreign(&shell);
        fs::create_dir_all(world.home.path().join(".config/fish")).unwrap();
        for file in [".bashrc", ".bash_profile", ".zshrc", ".config/fish/config.fish"] {
            fs::write(world.home.path().join(file), kind.load()).unwrap();
        }
        command.args(["-l", "-i", "-c", "cd .; /usr/bin/env"]).current_dir(&shop);
        let outcome = world.run(command, None);
        assert!(outcome.text().contains("HOME="), "{outcome}");
        assert!(!outcome.text().contains("LEAPP_STATE="), "{outcome}");
    }
}
