//! `leapp trust`, `untrust` and `deny`: what a person is shown, what counts as an answer, and what
//! trust holds for.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, on_terminal, project},
    hooks_attacks::planted,
    hooks_basic::{ready, second},
    support::{Outcome, World, chmod, files_below},
};

const DEV: &str = "session = \"dev\"\n";

/// A bash on a terminal, without the hook, in a directory.
fn person(world: &World, directory: &Path) -> Hooked {
    Hooked::with(world, Kind::Bash, "", directory)
}

/// Types a command, does something while the question is there, answers, and waits for the end.
fn asked(
    shell: &mut Hooked,
    line: &str,
    question: &str,
    meanwhile: impl FnOnce(),
    answer: &str,
) -> (String, i32) {
    shell.send(line);
    let before = shell.sees(question);
    meanwhile();
    shell.send(answer);
    let (after, code) = shell.end();
    (before + &after, code)
}

fn records(world: &World) -> usize {
    files_below(&world.leapp_home().join("trust")).len()
}

fn in_directory(world: &World, directory: &Path, words: &[&str]) -> Outcome {
    let mut command = world.command(words);
    command.current_dir(directory);
    world.run(command, None)
}

#[test]
fn a_person_sees_path_session_account_role_and_text_before_the_question() {
    let world = ready();
    let text = "# for all\nsession = \"dev\"\nregion = \"eu-west-2\"\naccount = \"444455556666\"\n";
    let shop = planted(&world, "shop", text);
    fs::create_dir(shop.join("sub")).unwrap();
    let alias = world.home.path().join("alias");
    symlink(&shop, &alias).unwrap();
    let mut shell = person(&world, &alias.join("sub"));
    let (said, code) = asked(&mut shell, "leapp trust", "Trust it? [y/N]", || (), "y");
    assert_eq!(code, 0, "{said}");
    for line in [
        &format!("file     {}/.leapp.toml", shop.display()),
        "session  dev, account 444455556666, role Admin",
        "region   eu-west-2",
        "  | # for all",
        "  | session = \"dev\"",
        "  | account = \"444455556666\"",
        "Whatever runs below that directory can then use the session.",
        "is trusted to switch 'dev' on; 'leapp untrust' ends that",
    ] {
        assert!(said.contains(line), "no {line:?} in: {said}");
    }
    // Changed, old and new are shown, and nothing else of it.
    fs::write(shop.join(".leapp.toml"), text.replace("eu-west-2", "eu-west-1")).unwrap();
    let (said, _) = asked(&mut shell, "leapp trust", "Trust it? [y/N]", || (), "n");
    let old = said.find("  - region = \"eu-west-2\"").unwrap_or_else(|| panic!("{said}"));
    let new = said.find("  + region = \"eu-west-1\"").unwrap_or_else(|| panic!("{said}"));
    assert!(old < new && !said.contains("# for all"), "{said}");
}

#[test]
fn only_a_clear_yes_trusts() {
    let world = ready();
    let shop = planted(&world, "shop", DEV);
    let mut shell = person(&world, &shop);
    for no in ["", "n", "no", "yess", "dev", "Yes please", "1", "true"] {
        let (said, code) = asked(&mut shell, "leapp trust", "Trust it? [y/N]", || (), no);
        assert!(code == 130 && said.contains("nothing was trusted"), "{no:?}: {code} {said}");
        assert_eq!(records(&world), 0, "{no:?}");
    }
    for yes in ["y", "Y", "yes", "Yes", " y "] {
        let (said, code) = asked(&mut shell, "leapp trust", "Trust it? [y/N]", || (), yes);
        assert_eq!((code, records(&world)), (0, 1), "{yes:?}: {said}");
        shell.run("leapp untrust");
        assert_eq!(records(&world), 0, "{yes:?}");
    }
    // What was typed ahead is no answer to a question that was not there yet.
    shell.send("sleep 0.5; leapp trust");
    shell.send("y");
    shell.sees("Trust it? [y/N]");
    shell.send("n");
    shell.end();
    assert_eq!(records(&world), 0, "typed ahead");
    shell.send("leapp trust");
    shell.sees("Trust it? [y/N]");
    shell.control('c');
    assert_eq!(
        shell.run("echo $?").lines().find(|l| l.trim() == "130").map(str::trim),
        Some("130")
    );
    assert_eq!(records(&world), 0, "interrupted");
}

#[test]
fn a_script_an_agent_or_a_postinstall_step_cannot_trust() {
    let world = ready();
    let shop = planted(&world, "shop", DEV);
    for words in [&["trust"][..], &["trust", "."], &["trust", "--here"], &["trust", "--json"]] {
        in_directory(&world, &shop, words).fails(3).says("trust is given on a terminal only");
        in_directory(&world, &shop, words).fails(3).says("leapp trust");
    }
    let mut piped = world.command(["trust"]);
    piped.current_dir(&shop);
    world.run(piped, Some("y\ny\nyes\n")).fails(3);
    for word in ["--yes", "-y", "--force"] {
        in_directory(&world, &shop, &["trust", word]).fails(2);
    }
    let mut shell = person(&world, &shop);
    for line in [
        "setsid -w leapp trust",
        "yes | setsid -w leapp trust",
        "leapp trust --no-input",
        "LEAPP_NO_INPUT=1 leapp trust",
    ] {
        let (said, code) = shell.status(line);
        assert!(code == 3 && said.contains("on a terminal"), "{line}: {code} {said}");
    }
    // On a terminal a pipe does not answer either: the question goes to the person.
    for line in ["yes | leapp trust", "leapp trust < /dev/null", "leapp trust > /dev/null 2>&1 <&-"]
    {
        let (said, code) = asked(&mut shell, line, "Trust it? [y/N]", || (), "n");
        assert_eq!((code, records(&world)), (130, 0), "{line}: {said}");
    }
    assert_eq!(records(&world), 0);
}

#[test]
fn a_file_that_is_swapped_while_the_question_is_open_is_not_what_was_trusted() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        world.leapp(["start", "prod"]).succeeds();
        let shop = planted(&world, "shop", DEV);
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        let swap = || fs::write(shop.join(".leapp.toml"), "session = \"prod\"\n").unwrap();
        let (said, code) = asked(&mut shell, "leapp trust", "[y/N]", swap, "y");
        assert_eq!(code, 0, "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}: {said}");
        let said = said + &shell.run("true");
        assert!(said.contains("has changed since it was trusted"), "{kind:?}: {said}");
        fs::write(shop.join(".leapp.toml"), DEV).unwrap();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}: what was shown is what was trusted");
        // The whole directory instead of the file.
        shell.run("leapp untrust");
        let swap = || {
            fs::rename(&shop, shop.with_extension("away")).unwrap();
            planted(&world, "shop", DEV);
        };
        asked(&mut shell, "leapp trust", "[y/N]", swap, "y");
        shell.run("cd ~; cd code/shop");
        assert_eq!(shell.on(), "", "{kind:?}: another directory");
    });
}

#[test]
fn trust_holds_for_these_bytes_at_this_path() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let file = shop.join(".leapp.toml");
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        for seconds in [1_000_000_000, 4_000_000_000] {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let opened = fs::File::options().write(true).open(&file).unwrap();
            opened.set_times(fs::FileTimes::new().set_modified(at)).unwrap();
            assert_eq!(shell.said("true"), "", "{kind:?}: touched");
            assert_eq!(shell.on(), "dev", "{kind:?}: touched");
        }
        // Even a change that leaves size and time as they were, at the next entering.
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "session = \"dew\"\n").unwrap();
        let opened = fs::File::options().write(true).open(&file).unwrap();
        opened.set_times(fs::FileTimes::new().set_modified(time)).unwrap();
        let said = shell.said("cd ~; cd code/shop");
        assert!(said.contains("has changed since"), "{kind:?}: {said}");
        for text in [
            "session = \"dev\"",
            "session = \"dev\"\r\n",
            "session='dev'\n",
            "\nsession = \"dev\"\n",
        ] {
            fs::write(&file, text).unwrap();
            shell.run("true");
            assert_eq!(shell.on(), "", "{kind:?}: {text:?}");
        }
        fs::write(&file, DEV).unwrap();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}: the same bytes again");
        let copy = folder(&world, "copy");
        fs::copy(&file, copy.join(".leapp.toml")).unwrap();
        let said = shell.said("cd ../copy");
        assert!(said.contains("code/copy/.leapp.toml is not trusted"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn a_personal_file_comes_first_trusted_or_not() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        world.leapp(["start", "prod"]).succeeds();
        let shop = project(&world, "shop", "dev");
        fs::write(shop.join(".leapp.local.toml"), "session = \"prod\"\n").unwrap();
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/shop");
        assert!(said.contains(".leapp.local.toml is not trusted"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}: it masks the other");
        shell.answer("leapp trust", "[y/N]", "y");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        shell.run("cd ~");
        fs::remove_file(shop.join(".leapp.local.toml")).unwrap();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn a_renamed_session_is_recognised_and_the_line_that_mends_the_file_is_shown() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        world.leapp(["session", "edit", "dev", "--name", "stage"]).succeeds();
        let said = shell.said("true");
        let line = "session 'dev' is called 'stage' now; put into ~/code/shop/.leapp.toml:  session = \"stage\"";
        assert!(said.contains(line), "{kind:?}: {said}");
        assert_eq!(shell.on(), "stage", "{kind:?}");
        assert_eq!(shell.said("true"), "", "{kind:?}: once");
        // Another session that takes the old name is not the one that was trusted.
        world.leapp(["session", "edit", "prod", "--name", "dev"]).succeeds();
        world.leapp(["start", "dev"]).succeeds();
        let said = shell.said("true");
        assert!(said.contains("'dev' is not what it was"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        fs::write(shop.join(".leapp.toml"), "session = \"stage\"\n").unwrap();
        shell.answer("leapp trust", "[y/N]", "y");
        assert_eq!(shell.on(), "stage", "{kind:?}");
    });
}

#[test]
fn another_region_or_duration_is_the_same_session() {
    everywhere(|kind| {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        world.leapp(["session", "edit", "dev", "--region", "eu-central-1"]).succeeds();
        world.leapp(["start", "dev"]).succeeds();
        assert!(!shell.said("true").contains("trust"), "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-central-1"), "{kind:?}");
        world.leapp(["session", "edit", "dev", "--duration", "30m"]).succeeds();
        world.leapp(["start", "dev"]).succeeds();
        assert!(!shell.said("true").contains("trust"), "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn deny_silences_whatever_the_file_says_and_trust_undoes_it() {
    everywhere(|kind| {
        let world = ready();
        let shop = planted(&world, "shop", DEV);
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        let said = shell.said("leapp deny");
        assert!(said.contains("never used, never mentioned; to undo: leapp trust"), "{said}");
        for text in ["session = \"prod\"\n", "nonsense", "", DEV] {
            fs::write(shop.join(".leapp.toml"), text).unwrap();
            assert_eq!(shell.said("cd ~; cd code/shop"), "", "{kind:?}: {text:?}");
            assert_eq!(shell.said("true"), "", "{kind:?}: {text:?}");
            assert_eq!(shell.on(), "", "{kind:?}");
        }
        let mut fresh = Hooked::new(&world, kind);
        assert_eq!(fresh.said("cd code/shop"), "", "{kind:?}: in a new shell");
        shell.answer("leapp trust", "[y/N]", "y");
        assert_eq!(shell.on(), "dev", "{kind:?}: denied, then trusted");
        // And back, from another process, at the next prompt of every shell.
        fresh.run("true");
        assert_eq!(fresh.on(), "dev", "{kind:?}: the other shell noticed");
        in_directory(&world, &shop, &["deny"]).succeeds();
        fresh.run("true");
        shell.run("true");
        assert_eq!((fresh.on(), shell.on()), (String::new(), String::new()), "{kind:?}");
        let said = shell.run("leapp untrust");
        assert!(said.contains("is not denied any more"), "{kind:?}: {said}");
        assert!(said.contains("is not trusted: leapp trust"), "{kind:?}: mentioned again: {said}");
    });
}

#[test]
fn untrust_reaches_every_open_shell_at_its_next_prompt() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let mut shells = [Hooked::new(&world, kind), Hooked::new(&world, kind)];
        for shell in &mut shells {
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
        }
        let outcome = in_directory(&world, &shop, &["untrust"]);
        outcome.succeeds().says("is not trusted any more");
        for shell in &mut shells {
            shell.run("true");
            assert_eq!(shell.on(), "", "{kind:?}");
        }
        in_directory(&world, &shop, &["untrust"]).succeeds().says("was not trusted");
    });
}

#[test]
fn a_directory_never_switches_a_protected_session_on_not_even_when_it_is_trusted() {
    everywhere(|kind| {
        let world = ready();
        world.leapp(["session", "edit", "dev", "--protected"]).succeeds();
        let shop = planted(&world, "shop", DEV);
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        let question = "'dev' is protected. Type its name to trust the file:";
        for wrong in ["y", "yes", "DEV", ""] {
            let (said, code) = asked(&mut shell, "leapp trust", question, || (), wrong);
            assert_eq!((code, records(&world)), (130, 0), "{kind:?} {wrong:?}: {said}");
        }
        let said = shell.answer("leapp trust", question, "dev");
        assert_eq!(records(&world), 1, "{kind:?}: {said}");
        let line = "this directory is for 'dev', which is protected: leapp use dev";
        assert!(said.contains(line), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        for line in ["true", "cd ~; cd code/shop", "cd ."] {
            assert_eq!(shell.said(line), "", "{kind:?}: {line}: said once");
            assert_eq!(shell.ours(), before, "{kind:?}: {line}");
        }
        let mut second = Hooked::with(&world, kind, kind.load(), &shop);
        assert!(second.said("true").is_empty() && second.ours() == before, "{kind:?}");
        // By hand, with its name typed.
        let question = "'dev' is protected. Type its name to go on:";
        let (said, code) = asked(&mut shell, &kind.by_hand("use dev"), question, || (), "y");
        assert!(code != 0 && shell.ours() == before, "{kind:?}: {code} {said}");
        let (said, code) = asked(&mut shell, &kind.by_hand("use dev"), question, || (), "dev");
        assert_eq!(code, 0, "{kind:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}: the directory does not take it away");
        world.leapp(["lock"]).succeeds();
    });
}

#[test]
fn a_session_that_becomes_protected_goes_off_where_a_directory_had_it_on() {
    everywhere(|kind| {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        world.leapp(["session", "edit", "dev", "--protected"]).succeeds();
        let said = shell.said("true");
        assert!(said.contains("which is protected: leapp use dev"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn the_list_says_what_became_of_each_file_and_prune_forgets_what_is_gone() {
    let world = ready();
    second(&world);
    let names = ["trusted", "changed", "gone", "another", "unusable", "re\u{1b}[2Jd\u{202e}"];
    for name in names {
        project(&world, name, "dev");
    }
    let here = folder(&world, "here");
    let mut command = world.command(["pin", "--here", "prod"]);
    command.current_dir(&here);
    on_terminal(command);
    in_directory(&world, &planted(&world, "denied", DEV), &["deny"]).succeeds();
    in_directory(&world, &planted(&world, "denied-gone", DEV), &["deny"]).succeeds();
    let code = world.home.path().join("code");
    fs::write(code.join("changed/.leapp.toml"), "session = \"prod\"\n").unwrap();
    for gone in ["gone", "denied-gone"] {
        fs::remove_dir_all(code.join(gone)).unwrap();
    }
    fs::rename(code.join("another"), code.join("another.old")).unwrap();
    planted(&world, "another", DEV);
    chmod(&code.join("unusable/.leapp.toml"), 0o666);
    let outcome = world.leapp(["trust", "--list"]);
    let text = outcome.succeeds().text();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    let has = |state: &str, session: &str, name: &str| {
        text.lines().any(|line| {
            line.starts_with(&format!("{state:18} {session:20} "))
                && line.ends_with(&format!("~/code/{name}/.leapp.toml"))
        })
    };
    let states = [
        ("trusted", "dev", "trusted"),
        ("trusted here", "prod", "here"),
        ("changed", "dev", "changed"),
        ("gone", "dev", "gone"),
        ("another directory", "dev", "another"),
        ("unusable", "dev", "unusable"),
        ("denied", "-", "denied"),
        ("denied", "-", "denied-gone"),
    ];
    for (state, session, name) in states {
        assert!(has(state, session, name), "{state} {name}: {text}");
    }
    let json = world.leapp(["trust", "--list", "--json"]).json();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), 9, "{json}");
    let row = rows.iter().find(|row| row["file"].as_str().unwrap().contains("/here/")).unwrap();
    assert_eq!((&row["state"], &row["session"]), (&"trusted here".into(), &"prod".into()));
    assert!(row["identifier"].as_str().unwrap().starts_with("session:"), "{row}");
    assert!(row["created"].as_str().unwrap().ends_with('Z'), "{row}");
    let outcome = world.leapp(["trust", "--prune"]);
    outcome.succeeds().says("forgot ~/code/gone/").says("forgot ~/code/another/");
    outcome.says("forgot ~/code/denied-gone/");
    let left = world.leapp(["trust", "--list", "--json"]).json();
    assert_eq!(left.as_array().unwrap().len(), 6, "{left}");
    world.leapp(["trust", "--prune"]).succeeds().says("every record's file is still there");
}
