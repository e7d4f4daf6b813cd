//! What may stand in a project file, and what a project file may be: each refusal names the place.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    hooked::{Hooked, everywhere, folder, project},
    hooks_attacks::{is_root, planted},
    hooks_basic::{ready, second},
    support::{Outcome, World, chmod},
};

const DEV: &str = "session = \"dev\"\n";

/// `leapp trust` of a file with this content, without a terminal: 3 says that it would ask.
fn judged(world: &World, text: &[u8]) -> Outcome {
    let shop = folder(world, "shop");
    fs::write(shop.join(".leapp.toml"), text).unwrap();
    let mut command = world.command(["trust"]);
    command.current_dir(&shop);
    world.run(command, None)
}

#[test]
fn the_schema_is_closed_and_each_refusal_says_where() {
    let world = ready();
    let cases: &[(&[u8], &str)] = &[
        (b"", "line 1, column 1: missing field `session`"),
        (b"# nothing\n", "missing field `session`"),
        (b"session = \"dev\"\nrole = \"x\"\n", "line 2, column 1: unknown field `role`"),
        (b"session = \"dev\"\n\n  Region = \"x\"\n", "line 3, column 3: unknown field `Region`"),
        (b"session = \"dev\"\n\"\\u001b[2J\" = 1\n", "line 2, column 1: unknown field"),
        (b"[env]\nPATH = \".\"\n", "unknown field `env`"),
        (b"session = \"dev\"\n[hooks]\nrun = \"id\"\n", "line 2, column 2: unknown field `hooks`"),
        (b"session = \"dev\"\nsession = \"prod\"\n", "line 2, column 1: duplicate key"),
        (b"session = \"dev\"\n'session' = \"prod\"\n", "line 2, column 1: duplicate key"),
        (b"session = dev\n", "line 1, column 11:"),
        (b"session = 1\n", "line 1, column 11: invalid type"),
        (b"session = true\n", "line 1, column 11: invalid type"),
        (b"session = [\"dev\"]\n", "line 1, column 11: invalid type"),
        (b"session.name = \"dev\"\n", "line 1, column 1: invalid type"),
        (b"session = { name = \"dev\" }\n", "line 1, column 11: invalid type"),
        (b"session = \"dev\"\nregion = 1\n", "line 2, column 10: invalid type"),
        (b"session = \"dev\"\naccount = 444455556666\n", "line 2, column 11: invalid type"),
        (b"session = \"dev\"\naccount = \"4444\"\n", "no account of 12 digits"),
        (b"session = \"dev\"\naccount = \"44445555666a\"\n", "no account of 12 digits"),
        (b"session = \"dev\"\nregion = \"$(id)\"\n", "line 2, column 10:"),
        (b"session = \"dev\"\nregion = \"EU-WEST-1\"\n", "line 2, column 10:"),
        (b"session = \"dev\"\nregion = \"\"\n", "line 2, column 10:"),
        (b"session = \"dev\"\nregion = \"a\\nb\"\n", "line 2, column 10:"),
        (b"session = \"dev\" session = \"x\"\n", "line 1, column 17:"),
        (b"session = \"dev\n", "line 1, column"),
        (b"session = \"dev\"\n\0", "line 2, column 1: a control character"),
        (b"# \x1b[2J\nsession = \"dev\"\n", "line 1, column 3: a control character"),
        (b"session = \"dev\" # \x7f\n", "line 1, column 19: a control character"),
        ("session = \"dev\" # \u{85}\n".as_bytes(), "line 1, column 19: a control character"),
        (b"session = \"dev\"\n# caf\xe9\n", "line 2, column 6: it is not UTF-8"),
        (b"\xff\xfes\0e\0", "line 1, column 1: it is not UTF-8"),
        (b"session = \"dev\"\n# \xed\xa0\x80\n", "line 2, column 3: it is not UTF-8"),
        (b"\rsession = \"dev\"\n", "line 1"),
    ];
    for (text, what) in cases {
        let outcome = judged(&world, text);
        outcome.fails(1).says("~/code/shop/.leapp.toml: line ").says(what);
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome}");
    }
    judged(&world, cases[2].0).says("hint: the keys are: session, region, azure, account");
}

#[test]
fn names_that_no_session_can_have_are_refused_where_they_stand() {
    let world = ready();
    for name in [
        "",
        " ",
        "a b",
        "-dev",
        ".dev",
        "_dev",
        "de/v",
        "../dev",
        "dev\\n",
        "$(id)",
        "`id`",
        "dev;id",
        "dév",
        "dev\\u0000",
        "dev\\u202e",
        "session:",
        "session:-x",
        "session:a b",
        "arn:aws:iam::444455556666:role/Admin",
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg",
    ] {
        let outcome = judged(&world, format!("session = \"{name}\"\n").as_bytes());
        outcome.fails(1).says("line 1, column 11:").says("names no session");
    }
}

#[test]
fn a_name_an_exact_name_and_an_id_mean_the_same_session() {
    let world = ready();
    let id = world.leapp(["session", "show", "dev", "--json"]).json()["id"].clone();
    let id = id.as_str().unwrap();
    for target in ["dev", "DEV", "session:dev", "session:Dev", &format!("session:{id}")] {
        let outcome = judged(&world, format!("session = \"{target}\"\n").as_bytes());
        outcome.fails(3).says("trust is given on a terminal only");
    }
    for target in ["dew", "session:dew", "session:6ba7b810-9dad-11d1-80b4-00c04fd430c8"] {
        let outcome = judged(&world, format!("session = \"{target}\"\n").as_bytes());
        outcome.fails(5).says("there is no session");
    }
    everywhere(|kind| {
        for target in ["session:dev".to_owned(), format!("session:{id}")] {
            let text = format!("session = \"{target}\"\nregion = \"eu-west-3\"\n");
            fs::write(folder(&world, "shop").join(".leapp.toml"), text).unwrap();
            let mut shell = Hooked::new(&world, kind);
            shell.run("cd code/shop");
            shell.answer("leapp trust", "[y/N]", "y");
            assert_eq!(shell.on(), "dev", "{kind:?}: {target}");
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-3"), "{kind:?}");
            shell.run("leapp untrust");
        }
    });
}

#[test]
fn a_guard_that_does_not_fit_is_refused() {
    let world = ready();
    let fits = "session = \"dev\"\naccount = \"444455556666\"\n";
    judged(&world, fits.as_bytes()).fails(3);
    let outcome = judged(&world, fits.replace("4444", "1111").as_bytes());
    outcome.fails(5).says("it demands account 111155556666, and 'dev' has 444455556666");
    outcome.says("hint: leapp explain dev");
    // The account of a user is known only to the cloud: what is not known does not fit.
    judged(&world, b"session = \"work\"\naccount = \"111122223333\"\n").fails(5);
    let outcome = judged(&world, b"session = \"dev\"\nazure = \"dev\"\n");
    outcome.fails(5).says("'dev' is no Azure session");
    judged(&world, b"session = \"dev\"\nazure = \"nothing\"\n").fails(5);
    let outcome = judged(&world, b"session = \"dev\"\nregion = \"nowhere-1\"\n");
    assert!(matches!(outcome.code(), 3), "a region's form is judged by the schema: {outcome}");
}

#[test]
fn what_is_accepted_has_4096_bytes_at_most_and_any_line_ends() {
    let world = ready();
    let padded = |size: usize| {
        let mut text = DEV.as_bytes().to_vec();
        text.resize(size - 1, b'#');
        text.push(b'\n');
        text
    };
    judged(&world, &padded(4096)).fails(3);
    judged(&world, &padded(4097)).fails(1).says("it is larger than 4096 bytes");
    judged(&world, b"session = \"dev\"").fails(3);
    judged(&world, b"session = \"dev\"\r\nregion = \"eu-west-1\"\r\n").fails(3);
    judged(&world, b"\tsession\t=\t'dev'\t# mine\n\n\n").fails(3);
    judged(&world, "session = \"dev\" # grün \u{1f980}\n".as_bytes()).fails(3);
    judged(&world, "\u{feff}session = \"dev\"\n".as_bytes()).fails(3);
    everywhere(|kind| {
        let world = ready();
        let shop = folder(&world, "shop");
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        for text in [
            padded(4096),
            b"session = \"dev\"\r\n".to_vec(),
            b"\xef\xbb\xbfsession = 'dev'".to_vec(),
        ] {
            fs::write(shop.join(".leapp.toml"), &text).unwrap();
            shell.answer("leapp trust", "[y/N]", "y");
            assert_eq!(shell.on(), "dev", "{kind:?}: {} bytes", text.len());
        }
        fs::write(shop.join(".leapp.toml"), padded(4097)).unwrap();
        let said = shell.said("true");
        assert!(said.contains("is not used: it is larger than 4096 bytes"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        fs::write(shop.join(".leapp.toml"), "").unwrap();
        shell.run("true");
        assert_eq!(shell.on(), "", "{kind:?}: empty");
    });
}

#[test]
fn what_hides_in_a_file_is_shown_as_escapes_where_a_person_decides() {
    let world = ready();
    let hidden = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{61c}', '\u{2028}', '\u{ad}', '\u{feff}'];
    let text = format!("session = \"dev\" # {} end\n", String::from_iter(hidden));
    let shop = planted(&world, "sh\u{1b}[2Jop\u{202e}", &text);
    let mut shell = Hooked::with(&world, crate::hooked::Kind::Bash, "", &shop);
    shell.send("leapp trust");
    let raw = shell.sees_raw("[y/N]");
    shell.send("n");
    shell.settle();
    assert!(raw.contains("session  dev") && raw.contains("\\u{202e}"), "{raw:?}");
    assert!(!raw.contains(hidden) && !raw.contains("\u{1b}[2J"), "{raw:?}");
}

/// A way to spoil a project file, what `leapp trust` says then, and the way back.
type Spoil<'a> = (&'a str, &'a dyn Fn(&Path), &'a dyn Fn(&Path));

#[test]
fn trust_refuses_what_the_hook_refuses_and_says_how_to_mend_it() {
    let world = ready();
    let shop = folder(&world, "top/shop");
    let file = shop.join(".leapp.toml");
    let again = |file: &Path| {
        if fs::remove_file(file).is_err() {
            _ = fs::remove_dir(file);
        }
        fs::write(file, DEV).unwrap();
    };
    let other = world.home.path().join("other.toml");
    fs::write(&other, DEV).unwrap();
    let up = |file: &Path, levels: usize| file.ancestors().nth(levels).unwrap().to_path_buf();
    let instead = |file: &Path, make: &dyn Fn()| {
        fs::remove_file(file).unwrap();
        make();
    };
    let spoils: [Spoil<'_>; 9] = [
        ("everybody can write it", &|f| chmod(f, 0o666), &|f| chmod(f, 0o644)),
        ("everybody can write its directory", &|f| chmod(&up(f, 1), 0o777), &|f| {
            chmod(&up(f, 1), 0o755);
        }),
        ("everybody can write '", &|f| chmod(&up(f, 2), 0o777), &|f| chmod(&up(f, 2), 0o755)),
        ("it is a symbolic link", &|f| instead(f, &|| symlink(&other, f).unwrap()), &again),
        ("it has a second name", &|f| instead(f, &|| fs::hard_link(&other, f).unwrap()), &again),
        ("it is no regular file", &|f| instead(f, &|| fs::create_dir(f).unwrap()), &again),
        (
            "it is no regular file",
            &|f| instead(f, &|| nix::unistd::mkfifo(f, nix::sys::stat::Mode::S_IRWXU).unwrap()),
            &again,
        ),
        ("it is a symbolic link", &|f| instead(f, &|| symlink("/dev/zero", f).unwrap()), &again),
        ("there is no project file", &|f| fs::remove_file(f).unwrap(), &again),
    ];
    again(&file);
    for (what, spoil, mend) in spoils {
        spoil(&file);
        let outcome = world.leapp(["trust", "code/top/shop/.leapp.toml"]);
        assert!(matches!(outcome.code(), 1 | 5), "{outcome}");
        outcome.says(what).says("hint: ");
        mend(&file);
        world.leapp(["trust", "code/top/shop/.leapp.toml"]).fails(3);
        world.leapp(["trust", "code/top/shop"]).fails(3);
    }
    chmod(&file, 0o666);
    world
        .leapp(["trust", "code/top/shop"])
        .fails(1)
        .says("chmod go-w '~/code/top/shop/.leapp.toml'");
    if is_root() {
        chmod(&file, 0o644);
        std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
        world.leapp(["trust", "code/top/shop"]).fails(1).says("it belongs to user id 12345");
        world.leapp(["trust", "code/nowhere"]).fails(2);
    }
}

#[test]
fn a_group_that_is_not_the_users_own_counts_as_others() {
    if !is_root() {
        return;
    }
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        for path in [shop.clone(), shop.join(".leapp.toml")] {
            std::os::unix::fs::chown(&path, None, Some(54321)).unwrap();
            let usual = if path == shop { 0o755 } else { 0o644 };
            chmod(&path, usual | 0o020);
            let said = shell.said("cd ~; cd code/shop");
            assert!(said.contains("its group can write it"), "{kind:?}: {said}");
            assert_eq!(shell.on(), "", "{kind:?}");
            chmod(&path, usual);
            shell.run("cd ~; cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
        }
    });
}

#[test]
fn a_file_in_the_home_or_the_root_directory_governs_nothing() {
    let world = ready();
    let file: PathBuf = world.home.path().join(".leapp.toml");
    fs::write(&file, DEV).unwrap();
    world.leapp(["trust"]).fails(1).says("would cover everything");
    folder(&world, "plain");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for line in ["true", "cd code/plain", "cd ~"] {
            shell.run(line);
            assert_eq!(shell.on(), "", "{kind:?}: {line}");
        }
    });
    fs::remove_file(&file).unwrap();
    let mut command = world.command(["trust"]);
    command.current_dir("/");
    let outcome = world.run(command, None);
    assert!(matches!(outcome.code(), 1 | 5), "{outcome}");
}

#[test]
fn the_region_of_the_file_is_checked_when_it_is_used_and_an_odd_one_closes() {
    let world = ready();
    second(&world);
    let shop = planted(&world, "shop", "session = \"dev\"\nregion = \"nowhere-1\"\n");
    let mut shell = Hooked::with(&world, crate::hooked::Kind::Bash, "", &shop);
    shell.answer("leapp trust", "[y/N]", "y");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/shop");
        assert!(said.contains("nowhere-1"), "{kind:?}: {said}");
        assert!(["", "EXPIRED"].contains(&shell.on().as_str()), "{kind:?}");
    });
}
