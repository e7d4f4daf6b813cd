//! Credentials that end while nobody looks, and clocks that are set under open shells.

use serde_json::json;

use crate::{
    hooked::{Hooked, Kind, everywhere, has_pwsh, project},
    hooks_life::{is_closed, travel, two},
    support::{World, chmod},
};

const HOUR: i64 = 3600;

/// Sets the machine's clock, as all that was started with it sees it, and the server's.
fn set_clock(world: &World, seconds: i64) {
    let file = world.home.path().join("clock");
    let other = world.home.path().join("clock.new");
    std::fs::write(&other, format!("{seconds:+}s\n")).unwrap();
    std::fs::rename(other, file).unwrap();
    world.control("clock", json!({ "offset": seconds }));
}

/// The same under an open shell. bash reads the clock past the library that moves it, but takes
/// a variable of the user's for it.
fn set_clock_of(shell: &mut Hooked, world: &World, seconds: i64) {
    set_clock(world, seconds);
    if shell.kind == Kind::Bash {
        shell.run("unset EPOCHSECONDS; EPOCHSECONDS=$(date +%s)");
    }
}

/// A world whose wall clock can be set while programs run. The clock since boot is the real one,
/// and so are the times of files.
fn adjustable() -> World {
    let mut world = World::with_role("dev", "Admin");
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let library = places.map(|place| format!("{place}/faketime/libfaketime.so.1"));
    let library = library.iter().find(|path| std::path::Path::new(path).exists());
    let library = library.expect("libfaketime: run scripts/setup-tests").clone();
    world.leapp(["start", "work"]).succeeds();
    set_clock(&world, 0);
    let file = world.home.path().join("clock");
    world.set("LD_PRELOAD", library).set("FAKETIME_TIMESTAMP_FILE", file);
    world.set("FAKETIME_NO_CACHE", "1").set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.set("NO_FAKE_STAT", "1").set("FAKETIME_DONT_RESET", "1");
    world
}

#[test]
fn a_clock_that_is_set_is_noticed_and_nothing_ends_too_late() {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let world = adjustable();
        world.leapp(["start", "dev"]).succeeds();
        project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let first = shell.exported("AWS_ACCESS_KEY_ID");
        // Back: what is on is still good, and no prompt asks again and again.
        set_clock_of(&mut shell, &world, -2 * HOUR);
        for _ in 0..3 {
            assert_eq!(shell.said("true"), "", "{kind:?}");
        }
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID"), first, "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        // Forward, beyond their end: nobody has touched a lease.
        let fault = json!({ "action": "AssumeRole", "kind": "status", "status": 403,
            "code": "AccessDenied", "message": "no", "times": null });
        world.control("fault", fault);
        set_clock_of(&mut shell, &world, 2 * HOUR);
        shell.run("true");
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}");
        assert_eq!(shell.shown(), ("dev".into(), "expired".into()), "{kind:?}");
    }
    _ = has_pwsh();
}

/// The time to ask again is of a clock that may be set back, and then it would come too late.
#[test]
fn a_clock_that_is_set_back_makes_the_shell_ask_at_once() {
    for by_hand in [false, true] {
        for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
            let mut world = adjustable();
            world.leapp(["start", "dev"]).succeeds();
            project(&world, "shop", "dev");
            let mut shell = Hooked::new(&world, kind);
            let line = if by_hand { kind.by_hand("use dev") } else { "cd code/shop".to_owned() };
            shell.run(&line);
            shell.run("true");
            let complaints = shell.heard("not a number") + shell.heard("integer expression");
            assert_eq!(complaints, 0, "{kind:?}");
            // Two hours pass by the clock that nobody sets, and the other one is set back by as many.
            world.set("LEAPP_TEST_CLOCK", (2 * HOUR).to_string());
            shell.run(&kind.export("LEAPP_TEST_CLOCK", &(2 * HOUR).to_string()));
            assert_eq!(shell.on(), "dev", "{kind:?}: no shell can know that yet");
            let fault = json!({ "action": "AssumeRole", "kind": "drop", "times": null });
            world.control("fault", fault);
            set_clock_of(&mut shell, &world, -2 * HOUR);
            shell.run("true");
            assert_eq!(shell.on(), "EXPIRED", "{kind:?} {line}");
        }
    }
}

/// Where a person is needed, the end is announced once, nobody is asked, and nothing is renewed.
#[test]
fn what_needs_a_person_is_announced_before_its_end_and_closed_at_it() {
    everywhere(|kind| {
        let mut world = World::new();
        let device = world.user["mfa_serial"].as_str().unwrap().to_owned();
        world.add_user(&["--mfa-device", &device, "--duration", "1h"]).succeeds();
        world.control("mfa", json!({ "codes": ["123456", "654321"] }));
        world.leapp(["start", "work", "--mfa-code", "123456"]).succeeds();
        project(&world, "shop", "work");
        let mut shells = two(&world, kind);
        shells[1].run(&kind.by_hand("use work"));
        travel(&mut world, &mut shells, HOUR - 10 * 60);
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.starts_with("leapp: 'work' ends in "), "{kind:?}: {said}");
            assert!(said.ends_with(": leapp start work"), "{kind:?}: {said}");
            for line in ["true", "cd .", "true"] {
                assert_eq!(shell.said(line), "", "{kind:?}: once");
            }
            assert_eq!(shell.on(), "work", "{kind:?}: it works still");
        }
        travel(&mut world, &mut shells, HOUR + 5);
        for shell in &mut shells {
            let said = shell.said("true");
            let expected = "leapp: 'work' needs a person, and has no credentials: leapp start work";
            assert_eq!(said, expected, "{kind:?}: one line");
            is_closed(shell, "work");
            for line in ["true", "cd .", "true"] {
                assert_eq!(shell.said(line), "", "{kind:?}: once");
            }
        }
        assert_eq!(world.actions(), ["GetSessionToken"], "{kind:?}");
        world.leapp(["start", "work", "--mfa-code", "654321"]).succeeds();
        for shell in &mut shells {
            shell.run("true");
            assert_eq!(shell.on(), "work", "{kind:?}");
            assert_eq!(shell.shown(), ("work".into(), String::new()), "{kind:?}");
        }
    });
}

/// A protected session that was used is not renewed and not put back by anything but its name.
#[test]
fn a_protected_session_ends_closed_and_its_directory_only_names_it() {
    everywhere(|kind| {
        let mut world = World::with_role("dev", "Admin");
        world.leapp(["start", "work"]).succeeds();
        project(&world, "shop", "dev");
        world.leapp(["session", "edit", "dev", "--protected"]).succeeds();
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let said = shell.said("cd code/shop");
        let expected = "leapp: this directory is for 'dev', which is protected: leapp use dev";
        assert_eq!(said, expected, "{kind:?}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        shell.answer(&kind.by_hand("use dev"), "Type its name", "dev");
        assert_eq!(shell.shown(), ("dev".into(), "protected".into()), "{kind:?}");
        let requests = world.actions().len();
        let mut shells = [shell];
        travel(&mut world, &mut shells, 2 * HOUR);
        let [mut shell] = shells;
        let said = shell.said("true");
        assert_eq!(said, "leapp: credentials of 'dev' have ended: leapp use dev", "{kind:?}");
        is_closed(&mut shell, "dev");
        assert_eq!(shell.said("cd ."), "", "{kind:?}: once");
        assert_eq!(world.actions().len(), requests, "{kind:?}: nothing is renewed");
        // Others than those which were asked for here are not put into this shell unasked.
        let mut other = Hooked::new(&world, kind);
        other.answer("leapp start dev", "Type its name", "dev");
        assert!(world.actions().len() > requests, "{kind:?}");
        shell.run("true");
        is_closed(&mut shell, "dev");
        shell.answer(&kind.by_hand("use dev"), "Type its name", "dev");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.shown().1, "protected", "{kind:?}");
        shell.run(&kind.by_hand("off"));
        shell.run(&kind.unset("LEAPP_TEST_CLOCK"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

/// Where the kernel keeps no key for us and no vault is open, there is nothing to switch on.
#[test]
fn where_the_kernel_refuses_keys_a_directory_says_what_to_do() {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut world = World::with_role("dev", "Admin");
        project(&world, "shop", "dev");
        world.unset("LEAPP_VAULT_PASSPHRASE");
        started_by(
            &mut world,
            kind,
            "exec strace -f -qq -o /dev/null -e trace=keyctl,add_key,request_key \
             -e inject=keyctl,add_key,request_key:error=EPERM",
        );
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/shop");
        let expected = "leapp: 'dev' needs a cache, and there is none here: leapp exec dev";
        assert_eq!(said, expected, "{kind:?}");
        is_closed(&mut shell, "dev");
        assert_eq!(shell.said("cd ."), "", "{kind:?}: once");
        shell.run("cd ..");
        assert_eq!(shell.on(), "", "{kind:?}");
        assert_eq!(world.actions(), Vec::<String>::new(), "{kind:?}");
    }
    _ = has_pwsh();
}

/// Lets a shell be started by another program.
fn started_by(world: &mut World, kind: Kind, starter: &str) {
    let tools = world.home.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let name = format!("{kind:?}").to_lowercase();
    let text = format!("#!/bin/sh\n{starter} /usr/bin/{name} \"$@\"\n");
    std::fs::write(tools.join(&name), text).unwrap();
    chmod(&tools.join(&name), 0o700);
    let path = world.variables()[std::ffi::OsStr::new("PATH")].to_str().unwrap().to_owned();
    world.set("PATH", format!("{}:{path}", tools.display()));
}

/// What lay in the cache when the machine was started anew is nothing's worth.
#[test]
fn after_a_restart_of_the_machine_credentials_are_fetched_anew() {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut world = World::with_role("dev", "Admin");
        world.leapp(["start", "dev"]).succeeds();
        project(&world, "shop", "dev");
        let mut before = Hooked::new(&world, kind);
        before.run("cd code/shop");
        let first = before.exported("AWS_ACCESS_KEY_ID");
        let id = world.home.path().join("boot_id");
        std::fs::write(&id, "11111111-2222-3333-4444-555555555555\n").unwrap();
        let bind = format!("mount --bind {} /proc/sys/kernel/random/boot_id", id.display());
        let mut command = world.foreign("unshare");
        command.args(["-m", "sh", "-c", &bind]);
        if world.run(command, None).code() != 0 {
            eprintln!("NOT RUN: a restart of the machine; it takes root's rights to stage one");
            return;
        }
        let starter = format!("exec unshare -m sh -c '{bind} && exec \"$@\"' sh");
        started_by(&mut world, kind, &starter);
        let mut shell = Hooked::new(&world, kind);
        let said = shell.said("cd code/shop");
        assert!(said.contains("fetching credentials of 'dev'"), "{kind:?}: {said}");
        is_closed_or_new(&mut shell, first.as_deref());
        let end = std::time::Instant::now() + std::time::Duration::from_secs(40);
        while shell.on() != "dev" {
            assert!(std::time::Instant::now() < end, "{kind:?}: never on");
        }
        is_closed_or_new(&mut shell, first.as_deref());
        assert_eq!(world.actions().last().map(String::as_str), Some("AssumeRole"), "{kind:?}");
    }
}

#[track_caller]
fn is_closed_or_new(shell: &mut Hooked, old: Option<&str>) {
    let key = shell.exported("AWS_ACCESS_KEY_ID");
    assert!(key.is_some() && key.as_deref() != old, "{:?}: {key:?}", shell.kind);
}
