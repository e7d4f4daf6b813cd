//! What an environment that somebody else wrote can do to the hook: forged state, forged homes,
//! forged leases and records. It can make the hook remove something, and nothing else.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, on_terminal, project},
    hooks_attacks::{is_root, planted},
    hooks_basic::{ready, second},
    support::{World, chmod, files_below},
};

const KEY: &str = "AKIAFORGED";

/// A world with two active sessions, and a project for the first.
fn two() -> World {
    let world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    project(&world, "shop", "dev");
    world
}

/// The environment in which a shell is started that has keys of somebody's and a state.
fn forge(world: &mut World, state: &str, name: &str) {
    world.set("AWS_ACCESS_KEY_ID", KEY).set("AWS_SECRET_ACCESS_KEY", "forged");
    world.set("AWS_SESSION_TOKEN", "forged").set("LEAPP_STATE", state).set("LEAPP_SESSION", name);
}

fn identifier(world: &World, name: &str) -> String {
    let shown = world.leapp(["session", "show", name, "--json"]).json();
    format!("session:{}", shown["id"].as_str().unwrap_or_else(|| panic!("{shown}")))
}

fn was_run(world: &World) -> bool {
    files_below(world.home.path()).iter().any(|path| path.ends_with("pwned"))
}

#[test]
fn a_forged_state_never_switches_a_session_on() {
    let mut world = two();
    let prod = identifier(&world, "prod");
    for kind_of_state in ["u", "d", "x", "e"] {
        for identity in [&prod, "prod", "session:prod"] {
            let state = format!("1;{kind_of_state};{identity};9999999999;{KEY};;-,-,-,-,.");
            forge(&mut world, &state, "prod");
            everywhere(|kind| {
                let mut shell = Hooked::new(&world, kind);
                for line in ["true", "cd code", "true"] {
                    shell.run(line);
                    let key = shell.exported("AWS_ACCESS_KEY_ID").unwrap_or_default();
                    let harmless = ["", KEY, "LEAPP-EXPIRED"].contains(&key.as_str());
                    assert!(harmless, "{kind:?} {state}: {key}");
                }
                shell.run(&kind.by_hand("off"));
                assert_eq!(shell.exported("LEAPP_STATE"), None, "{kind:?} {state}");
            });
        }
    }
    // What an outer shell of one's own really has on stays on in the inner one.
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        world.unset(name);
    }
    world.unset("LEAPP_STATE").unset("LEAPP_SESSION");
    let inner = world.home.path().join("inner");
    for kind in [Kind::Bash, Kind::Zsh] {
        let text = "eval \"$(leapp env prod)\"; LEAPP_STATE=\"1;u;${LEAPP_STATE#1;e;}\" /usr/bin/env -0 > inner";
        world.shell("bash", text).succeeds();
        let mut copy = two();
        for pair in fs::read(&inner).unwrap().split(|byte| *byte == 0).filter(|p| !p.is_empty()) {
            let pair = String::from_utf8_lossy(pair).into_owned();
            let (name, value) = pair.split_once('=').unwrap();
            copy.set(name, value);
        }
        let mut shell = Hooked::new(&copy, kind);
        shell.run("true");
        assert_eq!(shell.on(), "prod", "{kind:?}");
    }
}

#[test]
fn what_a_directory_switched_on_in_an_outer_shell_goes_at_the_first_prompt_elsewhere() {
    let mut world = two();
    let dev = identifier(&world, "dev");
    for identity in [dev.as_str(), "session:a"] {
        forge(
            &mut world,
            &format!("1;d;{identity};9999999999;{KEY};;-,-,=ZXUtd2VzdC0z,-,."),
            "dev",
        );
        everywhere(|kind| {
            let mut shell = Hooked::new(&world, kind);
            shell.run("true");
            for name in ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "LEAPP_STATE", "LEAPP_SESSION"] {
                assert_eq!(shell.exported(name), None, "{kind:?}: {name}");
            }
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-3"), "{kind:?}");
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            shell.run("cd ~");
            assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), None, "{kind:?}");
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-3"), "{kind:?}");
        });
    }
}

#[test]
fn a_protected_session_does_not_come_on_by_a_forged_state_where_its_name_was_typed() {
    everywhere(|kind| {
        let world = two();
        world.leapp(["session", "edit", "prod", "--protected"]).succeeds();
        let prod = identifier(&world, "prod");
        let mut shell = Hooked::new(&world, kind);
        shell.answer(&kind.by_hand("use prod"), "Type its name", "prod");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        shell.run(&kind.by_hand("off"));
        // A shell that is started on the same terminal.
        let state = format!("1;u;{prod};9999999999;{KEY};;-,-,-,-,.");
        for (name, value) in [("AWS_ACCESS_KEY_ID", KEY), ("LEAPP_STATE", &state)] {
            shell.run(&kind.export(name, value));
        }
        let inner = match kind {
            Kind::Bash => "bash --rcfile $ZRC -i",
            Kind::Zsh => "zsh -i",
            Kind::Fish => "fish --no-config -i -C \"source $ZRC\"",
            Kind::Pwsh => "pwsh -NoLogo -NoProfile -NoExit -Command '. $env:ZRC'",
        };
        let rc = fs::read_dir(world.home.path()).unwrap().flatten().map(|entry| entry.path());
        let rc = rc.map(|path| path.join(".zshrc")).find(|path| path.exists()).unwrap();
        shell.run(&kind.export("ZRC", &rc.display().to_string()));
        shell.run(inner);
        shell.run("true");
        let key = shell.exported("AWS_ACCESS_KEY_ID").unwrap_or_default();
        assert!(["", KEY, "LEAPP-EXPIRED"].contains(&key.as_str()), "{kind:?}: {key}");
    });
}

/// States in which a field is not what it should be.
fn malformed() -> Vec<String> {
    let run = "$(touch pwned)";
    let mut all = vec![
        "x".repeat(100_000),
        format!("1;u;{};1;{KEY};;-,-,-,-,-", "a".repeat(50_000)),
        format!("1;u;session:a\u{1b}]0;x\u{7};1;{KEY};;-,-,-,-,-"),
        format!("1;u;session:a;1;{KEY};;-,-,-,-,-\ntouch pwned\n"),
        format!("1;u;session:a;1;{KEY};;'; touch pwned; '"),
        format!("2;u;session:a;1;{KEY};;-,-,-,-,-"),
        format!("1;u;;1;{KEY};;-,-,-,-,-"),
        format!("1;d;session:a;-1;{KEY};;-,-,-,-,-"),
        format!("1;d;session:a;1;{KEY};Ly4uLy4u;-,-,-,-,-"),
        format!("1;x;{KEY};{KEY};{KEY};{KEY};{KEY}"),
        "1;u".to_owned(),
        "1;d;*;*;*;*;*".to_owned(),
    ];
    for at in 0..7 {
        let mut fields = ["1", "d", "session:a", "1", KEY, "", "-,-,-,-,-"].map(str::to_owned);
        fields[at] = if at == 4 { format!("{KEY};{run}") } else { format!("`{run}`{run}") };
        all.push(fields.join(";"));
    }
    all
}

#[test]
fn whatever_a_state_holds_nothing_is_run_and_the_shell_goes_on() {
    let mut world = two();
    for state in malformed() {
        forge(&mut world, &state, "outer");
        // What says that the shell is that of `exec` may keep directories away.
        let wanted = if state.starts_with("1;x;") { "outer" } else { "dev" };
        everywhere(|kind| {
            let shown = &state[..state.len().min(80)];
            let mut shell = Hooked::new(&world, kind);
            shell.run("true");
            let said = shell.said("cd ~/code/shop");
            assert_eq!(shell.on(), wanted, "{kind:?}: {shown} {said}");
            shell.run("cd ~");
            let key = shell.exported("AWS_ACCESS_KEY_ID").unwrap_or_default();
            assert!(["", KEY, "LEAPP-EXPIRED"].contains(&key.as_str()), "{kind:?} {shown}: {key}");
            shell.run(&kind.by_hand("off"));
            assert_eq!(shell.exported("LEAPP_STATE"), None, "{kind:?}: {shown}");
            assert!(!was_run(&world), "{kind:?}: {shown}");
        });
    }
}

#[test]
fn originals_that_hold_commands_come_back_as_text_or_not_at_all() {
    let mut world = two();
    let run = "$(touch pwned)";
    let original = |text: &str| format!("={}", URL_SAFE_NO_PAD.encode(text));
    let originals = [
        original(&format!("{run}'\"; touch pwned; `touch pwned`")),
        original(&format!("a\n{run}")),
        original(&format!("eu-west-1;{run}")),
        original("EU WEST"),
        original(&format!("file:///{run}")),
    ];
    for kind_of_state in ["d", "u"] {
        let originals = originals.join(",");
        let state = format!("1;{kind_of_state};session:a;1;{KEY};;{originals}");
        forge(&mut world, &state, "dev");
        everywhere(|kind| {
            let mut shell = Hooked::new(&world, kind);
            shell.run("true");
            shell.run(&kind.by_hand("off"));
            shell.run("cd ~/code/shop");
            shell.run("cd ~");
            let profile = shell.exported("AWS_PROFILE").unwrap_or_default();
            assert!(profile.is_empty() || profile.starts_with(run), "{kind:?}: {profile}");
            for name in ["AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"] {
                assert_eq!(shell.exported(name), None, "{kind:?}: {name}");
            }
            let url = shell.exported("AWS_ENDPOINT_URL").unwrap_or_default();
            assert!(!url.starts_with("file:"), "{kind:?}: {url}");
            assert!(!was_run(&world), "{kind:?}");
        });
    }
}

/// Loads the hook by a link; `gone` takes the link away again, and every other way to the program.
fn loading(kind: Kind, link: &Path, gone: bool) -> String {
    let link = link.display();
    let call = if kind == Kind::Pwsh { "& " } else { "" };
    let load = kind.load().replace("leapp hook", &format!("{call}{link} hook"));
    let forget = format!("/bin/rm -f {link}\n{}", kind.export("PATH", "/nowhere"));
    if gone { format!("{load}\n{forget}") } else { load }
}

#[test]
fn a_hostile_name_of_what_is_on_reaches_neither_the_prompt_nor_the_terminal() {
    let mut world = two();
    let bin = world.home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for state in
        [format!("1;d;session:a;1;{KEY};;-,-,-,-,-"), format!("1;u;session:a;1;{KEY};;-,-,-,-,-")]
    {
        forge(&mut world, &state, "a\u{1b}[2J$(touch pwned)%n`touch pwned`");
        for gone in [false, true] {
            everywhere(|kind| {
                let link = bin.join("leapp");
                _ = fs::remove_file(&link);
                symlink(crate::support::program(), &link).unwrap();
                let rc = loading(kind, &link, gone);
                let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
                shell.send("true");
                let mut raw = shell.settle_raw();
                shell.send("echo \"<$leapp_session>\"");
                raw += &shell.settle_raw();
                shell.send(&kind.by_hand("off"));
                raw += &shell.settle_raw();
                assert!(!raw.contains("\u{1b}[2J") && !raw.contains("%n"), "{kind:?}: {raw:?}");
                assert!(!was_run(&world), "{kind:?}");
            });
        }
    }
}

/// A home of somebody else's in which the clone is trusted.
fn evil_home(world: &World, clone: &Path) -> PathBuf {
    let evil = world.home.path().join("evil-home");
    let mut copy = world.foreign("cp");
    copy.arg("-r").arg(world.leapp_home()).arg(&evil);
    world.run(copy, None).succeeds();
    let mut command = world.command(["pin", "dev"]);
    command.env("LEAPP_HOME", &evil).current_dir(clone);
    let said = on_terminal(command);
    assert!(said.contains("and trusted"), "{said}");
    evil
}

#[test]
fn where_things_lie_is_what_it_was_when_the_hook_was_loaded() {
    let world = two();
    let clone = planted(&world, "clone", "session = \"dev\"\n");
    let evil = evil_home(&world, &clone).display().to_string();
    let nowhere = world.home.path().join("nowhere").display().to_string();
    everywhere(|kind| {
        for (name, value) in [
            ("LEAPP_HOME", evil.as_str()),
            ("LEAPP_HOME", "relative"),
            ("XDG_RUNTIME_DIR", &nowhere),
            ("XDG_RUNTIME_DIR", "/"),
            ("LEAPP_VAULT", "system"),
            ("LEAPP_VAULT", "$(touch pwned)"),
            ("HOME", &nowhere),
            ("HOME", ""),
            ("BASH_ENV", &format!("{evil}/env")),
            ("ENV", &format!("{evil}/env")),
        ] {
            fs::write(Path::new(&evil).join("env"), "touch ~/pwned; touch pwned\n").unwrap();
            let mut shell = Hooked::new(&world, kind);
            let home = world.home.path().display().to_string();
            // Set by a tool on entering, so that the hook sees it in the same line and later.
            let set = kind.export(name, value);
            let said = shell.said(&format!("{set}; cd {home}/code/clone"));
            assert!(said.contains("is not trusted"), "{kind:?} {name}={value}: {said}");
            assert_eq!(shell.on(), "", "{kind:?} {name}={value}");
            shell.run("cd ../shop");
            assert_eq!(shell.on(), "dev", "{kind:?} {name}={value}");
            shell.run("cd ..");
            assert_eq!(shell.on(), "", "{kind:?} {name}={value}");
            let (said, code) = shell.status(&kind.by_hand("use prod"));
            assert_eq!(code, 0, "{kind:?} {name}={value}: {said}");
            assert_eq!(shell.on(), "prod", "{kind:?} {name}={value}");
            assert!(!was_run(&world), "{kind:?} {name}={value}");
        }
    });
}

#[test]
fn a_prompt_command_that_a_project_replaces_cannot_keep_its_session_on() {
    let world = two();
    for (kind, lines) in [
        (Kind::Bash, &["PROMPT_COMMAND=true", "PROMPT_COMMAND=()", "unset PROMPT_COMMAND"][..]),
        (Kind::Zsh, &["precmd_functions=()", "unset precmd_functions", "unset chpwd_functions"]),
        (Kind::Fish, &["function fish_prompt; end", "functions -e __leapp_on_prompt"]),
    ] {
        for line in lines {
            let mut shell = Hooked::new(&world, kind);
            let before = shell.ours();
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            shell.run(line);
            shell.run("cd ..");
            assert_eq!(shell.ours(), before, "{kind:?}: {line}");
        }
    }
}

fn leases(world: &World) -> Vec<PathBuf> {
    files_below(&world.run_directory().join("leases"))
}

#[test]
fn leases_that_were_tampered_with_neither_hold_nor_keep_the_shell_waiting() {
    everywhere(|kind| {
        let world = two();
        let file = folder(&world, "shop").join(".leapp.toml");
        let precious = world.home.path().join("precious");
        fs::write(&precious, "x").unwrap();
        let time = fs::metadata(&precious).unwrap().modified().unwrap();
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        let pipe = |path: &Path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let makes: [&dyn Fn(&Path); 5] = [
            &pipe,
            &|path| symlink(&precious, path).unwrap(),
            &|path| fs::create_dir(path).unwrap(),
            &|_| (),
            &|path| {
                fs::write(path, "").unwrap();
                chmod(path, 0o666);
            },
        ];
        for make in makes {
            for lease in leases(&world) {
                if fs::remove_file(&lease).is_err() {
                    _ = fs::remove_dir(&lease);
                }
                make(&lease);
            }
            shell.run("true");
            assert_eq!(shell.on(), "dev", "{kind:?}: it is trusted all the same");
            // Content that was never trusted is noticed, whatever the leases are.
            let good = fs::read(&file).unwrap();
            fs::write(&file, "session = \"prod\"\n").unwrap();
            shell.run("cd ~; cd code/shop");
            assert_eq!(shell.on(), "", "{kind:?}");
            fs::write(&file, good).unwrap();
            shell.run("cd ~; cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            let now = fs::metadata(&precious).unwrap().modified().unwrap();
            assert_eq!(now, time, "{kind:?}: what a link points at was touched");
            world.leapp(["untrust", "code/shop"]).succeeds();
            shell.run("true");
            assert_eq!(shell.on(), "", "{kind:?}: taken back all the same");
            project(&world, "shop", "dev");
            shell.run("cd ~; cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
        }
    });
}

#[test]
fn the_leases_directory_may_go_at_any_time() {
    everywhere(|kind| {
        let world = two();
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        for whole in [false, true] {
            let run = world.run_directory();
            fs::remove_dir_all(if whole {
                run.parent().unwrap().join("none")
            } else {
                run.join("leases")
            })
            .unwrap_or_default();
            assert_eq!(shell.said("true"), "", "{kind:?}");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            assert!(!leases(&world).is_empty(), "{kind:?}: a new lease was given");
        }
        world.leapp(["untrust", "code/shop"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn no_lease_is_given_where_others_can_write() {
    let world = two();
    let top = world.home.path().join("xdg-run");
    everywhere(|kind| {
        chmod(&top, 0o777);
        _ = fs::remove_dir_all(world.run_directory().join("leases"));
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop; true");
        assert!(leases(&world).is_empty(), "{kind:?}");
        chmod(&top, 0o700);
    });
}

/// The one trust record of the world, and its content.
fn record(world: &World) -> (PathBuf, Vec<u8>) {
    let path = files_below(&world.leapp_home().join("trust")).pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

fn write(path: &Path, bytes: &[u8]) {
    _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
    chmod(path, 0o600);
}

/// Records that are like the true one, and not it.
fn forged_records(world: &World, good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let json: Json = serde_json::from_slice(good).unwrap();
    let edited = |edit: &dyn Fn(&mut Json)| {
        let mut json = json.clone();
        edit(&mut json);
        json.to_string().into_bytes()
    };
    vec![
        ("empty", Vec::new()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("no JSON", b"trusted".to_vec()),
        ("a newer version", edited(&|j| j["version"] = 2.into())),
        ("a newer field", edited(&|j| j["more"] = 1.into())),
        ("another path", edited(&|j| j["path"] = "L2V0Yw==".into())),
        (
            "another user's",
            edited(&|j| j["decision"]["trusted"]["directory"]["owner"] = 12345.into()),
        ),
        (
            "another directory",
            edited(&|j| j["decision"]["trusted"]["directory"]["inode"] = 1.into()),
        ),
        ("other content", edited(&|j| j["decision"]["trusted"]["content"] = "0".repeat(64).into())),
        ("another principal", edited(&|j| j["decision"]["trusted"]["fingerprint"] = "x".into())),
        (
            "another session",
            edited(&|j| {
                j["decision"]["trusted"]["identity"] = identifier(world, "prod").into();
            }),
        ),
        ("huge", vec![b' '; 70_000]),
    ]
}

#[test]
fn forged_trust_records_are_no_trust() {
    let world = two();
    let (path, good) = record(&world);
    let bytes = forged_records(&world, &good);
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let refused = |shell: &mut Hooked, what: &str| {
            shell.run("cd ~; cd code/shop");
            assert_eq!(shell.on(), "", "{kind:?}: {what}");
            shell.run("cd ~");
        };
        for (what, bytes) in &bytes {
            write(&path, bytes);
            refused(&mut shell, what);
        }
        write(&path, &good);
        chmod(&path, 0o644);
        refused(&mut shell, "a loose mode");
        let elsewhere = world.home.path().join("record");
        write(&elsewhere, &good);
        fs::remove_file(&path).unwrap();
        symlink(&elsewhere, &path).unwrap();
        refused(&mut shell, "a link");
        write(&path, &good);
        if is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            refused(&mut shell, "another user's record");
            write(&path, &good);
            let directory = path.parent().unwrap();
            std::os::unix::fs::chown(directory, Some(12345), None).unwrap();
            refused(&mut shell, "another user's directory");
            std::os::unix::fs::chown(directory, Some(0), None).unwrap();
        }
        let (directory, away) = (path.parent().unwrap(), world.home.path().join("records"));
        fs::rename(directory, &away).unwrap();
        symlink(&away, directory).unwrap();
        refused(&mut shell, "a directory that is a link");
        fs::remove_file(directory).unwrap();
        fs::rename(&away, directory).unwrap();
        shell.run("cd ~; cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}: the true record");
    });
}

#[test]
fn who_became_another_user_cannot_use_the_record() {
    if !is_root() {
        return;
    }
    let mut world = two();
    let shop = folder(&world, "shop");
    for path in [world.home.path(), &world.home.path().join("xdg-run")] {
        chmod(path, 0o755);
    }
    let text = "cd code/shop && \"$PROGRAM\" hook-env bash --said=; \"$PROGRAM\" trust --list";
    let mut command = world.foreign("setpriv");
    command.args(["--reuid", "12345", "--clear-groups", "sh", "-c", text]);
    // A copy, because the place that it was built in may be closed to others.
    let copy = world.home.path().join("leapp");
    fs::copy(crate::support::program(), &copy).unwrap();
    let outcome = world.run(
        {
            command.env("PROGRAM", &copy);
            command
        },
        None,
    );
    assert!(!outcome.text().contains("AWS_SECRET") && !outcome.text().contains("dev"), "{outcome}");
    chmod(&world.home.path().join("xdg-run"), 0o700);
    let answer = |world: &World| {
        let mut command = world.command(["hook-env", "bash", "--said="]);
        command.current_dir(&shop);
        world.run(command, None).succeeds().text()
    };
    assert!(answer(&world).contains("AWS_SESSION_TOKEN"), "without sudo it is on");
    world.set("SUDO_UID", "1000");
    assert!(!answer(&world).contains("AWS_SESSION_TOKEN"), "root by sudo");
    everywhere(|kind| {
        let mut shell = Hooked::with(&world, kind, kind.load(), &shop);
        shell.run("true");
        shell.run("cd ~; cd code/shop");
        assert_eq!(shell.on(), "", "{kind:?}: a root shell by sudo");
    });
}
