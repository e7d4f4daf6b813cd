//! How credentials live and end in shells with the hook: stopped, rotated, renewed, refused, ended.
//! Whatever happens reaches every open shell at its next prompt.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    hooked::{Hooked, Kind, as_program, everywhere, folder, kinds, project},
    hooks_basic::{ready, second},
    support::World,
};

const HOUR: i64 = 3600;

/// Two shells of a kind in the project `shop`.
pub(crate) fn two(world: &World, kind: Kind) -> [Hooked; 2] {
    let enter = || {
        let mut shell = Hooked::new(world, kind);
        shell.run("cd code/shop");
        shell
    };
    [enter(), enter()]
}

/// Takes every lease back, as the program does it, so that each shell asks once more.
pub(crate) fn revoke(world: &World) {
    // Moved away first: a process in the background may be at the same.
    let (leases, gone) = (world.run_directory().join("leases"), world.run_directory().join("gone"));
    if std::fs::rename(leases, &gone).is_ok() {
        std::fs::remove_dir_all(gone).unwrap();
    }
}

/// Moves the program's clock and the server's; the shells ask once more.
pub(crate) fn travel(world: &mut World, shells: &mut [Hooked], seconds: i64) {
    world.set("LEAPP_TEST_CLOCK", seconds.to_string());
    world.control("clock", json!({ "offset": seconds }));
    for shell in shells.iter_mut() {
        let line = shell.kind.export("LEAPP_TEST_CLOCK", &seconds.to_string());
        shell.run(&line);
    }
    revoke(world);
}

/// Presses return until it is so.
#[track_caller]
fn until(shell: &mut Hooked, what: &str, is_so: impl Fn(&mut Hooked, &str) -> bool) -> String {
    let end = Instant::now() + Duration::from_secs(40);
    let mut all = String::new();
    while Instant::now() < end {
        let said = shell.said("true");
        all = format!("{all}\n{said}");
        if is_so(shell, &said) {
            return all;
        }
    }
    let (on, key) = (shell.on(), key(shell));
    panic!("{:?}: never {what}, but {on:?} with {key}: {all}\n{}", shell.kind, shell.transcript())
}

fn key(shell: &mut Hooked) -> String {
    shell.exported("AWS_ACCESS_KEY_ID").unwrap_or_default()
}

fn count(world: &World, action: &str) -> usize {
    world.actions().iter().filter(|name| *name == action).count()
}

/// Nothing that works is on, nothing falls over to something else, and prompts can tell.
#[track_caller]
pub(crate) fn is_closed(shell: &mut Hooked, session: &str) {
    let all = shell.environment();
    let text = |name: &str| all.get(name).map(|v| v.to_string_lossy().into_owned());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        assert_eq!(text(name).as_deref(), Some("LEAPP-EXPIRED"), "{:?}: {name}", shell.kind);
    }
    let end: jiff::Timestamp = text("AWS_CREDENTIAL_EXPIRATION").unwrap().parse().unwrap();
    assert!(end < jiff::Timestamp::now(), "{:?}: {end}", shell.kind);
    assert_eq!(text("LEAPP_SESSION").as_deref(), Some(session), "{:?}", shell.kind);
    assert!(text("LEAPP_STATE").unwrap().contains(";LEAPP-EXPIRED;"), "{:?}", shell.kind);
    assert_eq!(shell.shown(), (session.into(), "expired".into()), "{:?}", shell.kind);
}

/// Waits until a renewal in the background has brought credentials.
#[track_caller]
pub(crate) fn comes_on(shell: &mut Hooked) {
    for _ in 0..200 {
        shell.run("true");
        if shell.exported("AWS_ACCESS_KEY_ID").is_some_and(|id| id.starts_with("ASIA")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{:?}: no renewal came", shell.kind);
}

/// Working credentials are on, and what prompts and tools read fits them.
#[track_caller]
pub(crate) fn is_on(shell: &mut Hooked, session: &str) {
    let all = shell.environment();
    let text = |name: &str| all.get(name).map(|v| v.to_string_lossy().into_owned());
    assert!(text("AWS_ACCESS_KEY_ID").unwrap().starts_with("ASIA"), "{:?}", shell.kind);
    let end: jiff::Timestamp = text("AWS_CREDENTIAL_EXPIRATION").unwrap().parse().unwrap();
    let state = text("LEAPP_STATE").unwrap();
    let parts: Vec<&str> = state.split(';').collect();
    assert_eq!(parts[3].parse(), Ok(end.as_second()), "{:?}: {state}", shell.kind);
    assert_eq!(Some(parts[4]), text("AWS_ACCESS_KEY_ID").as_deref(), "{:?}", shell.kind);
    assert!(end > jiff::Timestamp::now(), "{:?}: {end}", shell.kind);
    assert_eq!(text("LEAPP_SESSION").as_deref(), Some(session), "{:?}", shell.kind);
    assert_eq!(shell.shown(), (session.into(), String::new()), "{:?}", shell.kind);
}

#[test]
fn stop_reaches_every_shell_and_holds_until_the_session_is_asked_for_by_name() {
    everywhere(|kind| {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        world.leapp(["stop", "dev"]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("'dev' was stopped: leapp start dev"), "{kind:?}: {said}");
            is_closed(shell, "dev");
            assert_eq!(shell.said("true"), "", "{kind:?}: once");
            // A directory does not switch it on again.
            shell.run("cd ..");
            assert_eq!(shell.on(), "", "{kind:?}");
            shell.run("cd shop");
            is_closed(shell, "dev");
        }
        let before = world.actions().len();
        let mut third = Hooked::new(&world, kind);
        third.run("cd code/shop");
        is_closed(&mut third, "dev");
        assert_eq!(world.actions().len(), before, "{kind:?}: nothing is renewed");
        world.leapp(["start", "dev"]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert_eq!(said, "leapp: dev is on (eu-west-1)", "{kind:?}");
            is_on(shell, "dev");
        }
    });
}

#[test]
fn a_session_that_is_stopped_under_use_is_closed_and_off_brings_back_what_was() {
    everywhere(|kind| {
        let world = ready();
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run(&kind.by_hand("use dev"));
        is_on(&mut shell, "dev");
        world.leapp(["stop", "dev"]).succeeds();
        let said = shell.said("true");
        assert!(said.contains("'dev' was stopped") && !said.contains('\n'), "{kind:?}: {said}");
        is_closed(&mut shell, "dev");
        assert_eq!(shell.said("cd code 2>/dev/null; true"), "", "{kind:?}");
        is_closed(&mut shell, "dev");
        shell.run(&kind.by_hand("use dev"));
        is_on(&mut shell, "dev");
        world.leapp(["session", "remove", "dev", "--yes"]).succeeds();
        let said = shell.said("true");
        assert!(said.contains("leapp off") && !said.contains('\n'), "{kind:?}: {said}");
        is_closed(&mut shell, "dev");
        shell.run(&kind.by_hand("off"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn rotate_lock_untrust_and_edits_reach_every_shell() {
    everywhere(|kind| {
        let world = ready();
        let shop = project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        let first = key(&mut shells[0]);
        world.leapp(["rotate", "dev"]).succeeds();
        for shell in &mut shells {
            assert_eq!(shell.said("true"), "", "{kind:?}: it is the same session");
            is_on(shell, "dev");
            assert_ne!(key(shell), first, "{kind:?}");
        }
        world.leapp(["session", "edit", "dev", "--region", "eu-central-1"]).succeeds();
        for shell in &mut shells {
            comes_on(shell);
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                assert_eq!(shell.exported(name).as_deref(), Some("eu-central-1"), "{kind:?}");
            }
            is_on(shell, "dev");
        }
        // The file's region wins over the session's, and an edited file is trusted by nobody.
        std::fs::write(shop.join(".leapp.toml"), "session = 'dev'\nregion = 'eu-north-1'\n")
            .unwrap();
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("has changed since it was trusted: leapp trust"), "{said}");
            assert_eq!(shell.on(), "", "{kind:?}: an untrusted file changes nothing");
            assert_eq!(shell.shown(), (String::new(), String::new()), "{kind:?}");
        }
        shells[0].answer("leapp trust", "[y/N]", "y");
        for shell in &mut shells {
            shell.run("true");
            is_on(shell, "dev");
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-north-1"), "{kind:?}");
        }
        world.leapp(["untrust", shop.to_str().unwrap()]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("is not trusted"), "{kind:?}: {said} {}", shell.transcript());
            assert_eq!(shell.on(), "", "{kind:?}");
        }
    });
}

#[test]
fn another_role_or_no_session_behind_the_name_switches_every_shell_off() {
    everywhere(|kind| {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        let before = Hooked::new(&world, kind).ours();
        let role = "arn:aws:iam::444455556666:role/Short";
        world.leapp(["session", "edit", "dev", "--role-arn", role]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("leapp trust"), "{kind:?}: {said}");
            assert_eq!(shell.ours(), before, "{kind:?}: trusted for another role: {said}");
        }
        shells[0].answer("leapp trust", "[y/N]", "y");
        world.leapp(["start", "dev"]).succeeds();
        for shell in &mut shells {
            shell.run("true");
            is_on(shell, "dev");
        }
        world.leapp(["session", "remove", "dev", "--yes"]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert_eq!(said.lines().filter(|l| l.contains("leapp: ")).count(), 1, "{said}");
            assert_eq!(shell.ours(), before, "{kind:?}: {said}");
            assert_eq!(shell.said("true"), "", "{kind:?}: once");
        }
    });
}

#[test]
fn a_session_that_needs_a_code_is_never_asked_for_by_the_hook() {
    everywhere(|kind| {
        let world = World::with_mfa();
        project(&world, "shop", "prod");
        let mut shells = [Hooked::new(&world, kind), Hooked::new(&world, kind)];
        for shell in &mut shells {
            let said = shell.said("cd code/shop");
            assert!(said.contains("leapp start prod") && !said.contains("MFA code"), "{said}");
            assert!(!said.contains('\n'), "{kind:?}: one line: {said}");
            is_closed(shell, "prod");
            for line in ["true", "cd .", "true"] {
                // Asked once more, the program knows what it has said in this shell.
                revoke(&world);
                assert_eq!(shell.said(line), "", "{kind:?}: once, not at each prompt");
            }
        }
        assert_eq!(world.actions(), Vec::<String>::new(), "{kind:?}");
        world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
        for shell in &mut shells {
            assert_eq!(shell.said("true"), "leapp: prod is on (eu-west-1)", "{kind:?}");
            is_on(shell, "prod");
        }
    });
}

#[test]
fn a_locked_vault_is_not_opened_by_the_hook() {
    everywhere(|kind| {
        let mut world = World::with_user();
        world.leapp(["start", "work"]).succeeds();
        project(&world, "shop", "work");
        world.unset("LEAPP_VAULT_PASSPHRASE");
        let mut shells = two(&world, kind);
        is_on(&mut shells[0], "work");
        let requests = world.actions().len();
        world.leapp(["lock"]).succeeds();
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("'work'") && !said.contains('\n'), "{kind:?}: {said}");
            is_closed(shell, "work");
        }
        for shell in &mut shells {
            until(shell, "the command", |shell, _| shell.heard("leapp start work") > 0);
            is_closed(shell, "work");
            assert_eq!(shell.said("true"), "", "{kind:?}");
            assert_eq!(shell.heard("leapp start work"), 1, "{kind:?}: once");
        }
        assert_eq!(world.actions().len(), requests, "{kind:?}");
        world.set("LEAPP_VAULT_PASSPHRASE", crate::support::PASSPHRASE);
        world.leapp(["start", "work"]).succeeds();
        for shell in &mut shells {
            shell.run("true");
            is_on(shell, "work");
        }
    });
}

#[test]
fn near_their_end_one_renewal_serves_every_shell() {
    let world = World::with_role("dev", "Admin");
    world.control("lifetime", json!({ "seconds": 16 }));
    world.leapp(["start", "dev"]).succeeds();
    world.control("lifetime", json!({ "seconds": null }));
    project(&world, "shop", "dev");
    let mut shells: Vec<Hooked> = kinds().into_iter().flat_map(|kind| two(&world, kind)).collect();
    for kind in kinds() {
        let mut shell = Hooked::new(&world, kind);
        shell.run(&kind.by_hand("use dev"));
        shells.push(shell);
    }
    let first = key(&mut shells[0]);
    // No file is touched: the shells look at their clocks.
    for shell in &mut shells {
        let said = until(shell, "the new ones", |shell, _| {
            let now = key(shell);
            assert!(now.starts_with("ASIA"), "{:?}: {now}: never nothing", shell.kind);
            now != first
        });
        assert_eq!(said.trim(), "", "{:?}: it is no news", shell.kind);
        is_on(shell, "dev");
    }
    let each = ["GetSessionToken", "AssumeRole"];
    assert_eq!(world.actions(), [each, each].concat(), "each hop once, for all shells");
}

#[test]
fn a_renewal_that_fails_leaves_the_old_ones_until_their_end_and_then_keys_that_cannot_work() {
    everywhere(|kind| {
        let mut world = ready();
        project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        let first = key(&mut shells[0]);
        let fault = json!({ "action": "AssumeRole", "kind": "status", "status": 403,
            "code": "AccessDenied", "message": "no", "times": null });
        world.control("fault", fault);
        travel(&mut world, &mut shells, HOUR - 10 * 60);
        for shell in &mut shells {
            let said = until(shell, "the reason", |_, said| said.contains("could not be renewed"));
            assert!(said.contains("'dev' could not be renewed, "), "{kind:?}: {said}");
            assert!(said.contains("AccessDenied"), "{kind:?}: {said}");
            assert_eq!(key(shell), first, "{kind:?}: the old ones");
            assert_eq!(shell.said("true"), "", "{kind:?}: once");
        }
        assert_eq!(count(&world, "AssumeRole"), 2, "{kind:?}: it was tried once");
        travel(&mut world, &mut shells, HOUR + 5);
        for shell in &mut shells {
            let said = shell.said("true");
            assert!(said.contains("'dev'"), "{kind:?}: {said}");
            is_closed(shell, "dev");
        }
        world.control("reset", json!({}));
        world.control("clock", json!({ "offset": HOUR + 5 }));
        // The failure of a renewal that has just been tried is shared for two seconds.
        let started = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            world.leapp(["start", "dev"]).code() == 0
        });
        assert!(started, "{kind:?}");
        for shell in &mut shells {
            let said = shell.said("true");
            let all = shell.transcript();
            assert!(said.contains("leapp: dev is on (eu-west-1)"), "{kind:?}: {said}; {all}");
            assert_eq!(shell.shown().1, "", "{kind:?}");
            assert!(key(shell).starts_with("ASIA") && key(shell) != first, "{kind:?}");
        }
    });
}

/// The renewal that runs for this world, if there is one: its id.
fn renewal(world: &World) -> Option<u32> {
    let home = format!("HOME={}", world.home.path().display());
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let own = std::fs::read(entry.path().join("environ")).ok()?;
        let has = |bytes: &[u8], word: &str| bytes.split(|b| *b == 0).any(|w| w == word.as_bytes());
        let id = entry.file_name().to_str()?.parse().ok()?;
        (has(&words, "renew") && has(&own, &home)).then_some(id)
    })
}

#[test]
fn a_renewal_runs_alone_and_no_prompt_waits_for_it() {
    everywhere(|kind| {
        let world = World::with_role("dev", "Admin");
        world.leapp(["start", "work"]).succeeds();
        project(&world, "shop", "dev");
        let slow = json!({ "action": "AssumeRole", "kind": "slow", "seconds": 8, "times": 1 });
        world.control("fault", slow);
        let mut shells = two(&world, kind);
        for shell in &mut shells {
            shell.run("true");
            is_closed(shell, "dev");
            assert_eq!(shell.heard("leapp: fetching credentials of 'dev'"), 1, "{kind:?}");
        }
        // All of these prompts came while the other side was still silent.
        let id = renewal(&world).unwrap_or_else(|| panic!("{kind:?}: no renewal"));
        let of = |what: &str| format!("/proc/{id}/{what}");
        let stat = std::fs::read_to_string(of("stat")).unwrap();
        let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
        assert_eq!(session, id.to_string(), "{kind:?}: a session of its own: {stat}");
        assert_eq!(std::fs::read_link(of("cwd")).unwrap(), std::path::Path::new("/"));
        for stream in ["fd/0", "fd/1", "fd/2"] {
            let target = std::fs::read_link(of(stream)).unwrap();
            assert_eq!(target, std::path::Path::new("/dev/null"), "{kind:?}: {stream}");
        }
        for open in std::fs::read_dir(of("fd")).unwrap().flatten() {
            let target = std::fs::read_link(open.path()).unwrap_or_default();
            assert!(!target.starts_with("/dev/pts"), "{kind:?}: {}", target.display());
        }
        let own = std::fs::read(of("environ")).unwrap();
        assert!(!String::from_utf8_lossy(&own).contains("LEAPP_VAULT_PASSPHRASE"), "{kind:?}");
        for shell in &mut shells {
            until(shell, "on", |shell, _| shell.on() == "dev");
            is_on(shell, "dev");
        }
        assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"], "{kind:?}: once for both");
    });
}

/// Removes a directory that a background process may be writing into.
fn clear(directory: &std::path::Path) {
    for _ in 0..50 {
        if std::fs::remove_dir_all(directory).is_ok() {
            return;
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// What is lost is fetched once more, and nothing else is on meanwhile.
#[test]
fn a_cleared_runtime_directory_and_a_lost_key_are_made_up_for() {
    everywhere(|kind| {
        let world = ready();
        project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        let run = world.run_directory();
        let first = key(&mut shells[0]);
        clear(&run);
        for shell in &mut shells {
            shell.run("true");
            until(shell, "on", |shell, _| {
                let on = shell.on();
                assert!(on == "dev" || on == "EXPIRED", "{kind:?}: {on:?}");
                on == "dev"
            });
            is_on(shell, "dev");
            assert_ne!(key(shell), first, "{kind:?}");
        }
        assert_eq!(count(&world, "AssumeRole"), 2, "{kind:?}");
        // The kernel's key: what was sealed with it cannot be read any more.
        let second = key(&mut shells[0]);
        forget_kernel_key(&world);
        assert_eq!(shells[0].said("true"), "", "{kind:?}: what is on stays on");
        assert_eq!(key(&mut shells[0]), second, "{kind:?}");
        revoke(&world);
        for shell in &mut shells {
            shell.run("true");
            until(shell, "on", |shell, _| {
                if key(shell) == second {
                    // What was under way when the key went may have kept it: it goes again.
                    forget_kernel_key(&world);
                    revoke(&world);
                }
                shell.on() == "dev" && key(shell) != second
            });
            is_on(shell, "dev");
        }
        assert!(count(&world, "AssumeRole") >= 3, "{kind:?}");
    });
}

fn forget_kernel_key(world: &World) {
    let run = world.run_directory();
    let name = format!("leapp:{}", run.file_name().unwrap().to_str().unwrap());
    let found = world.run(
        {
            let mut command = world.foreign("keyctl");
            command.args(["search", "@u", "user", &name]);
            command
        },
        None,
    );
    // Gone already, where somebody else was as quick.
    if found.code() == 0 {
        let mut command = world.foreign("keyctl");
        command.args(["unlink", found.text().trim(), "@u"]);
        _ = world.run(command, None);
    }
}

/// Leases that are taken away by hand cost a question, and change nothing.
#[test]
fn without_leases_the_shells_ask_once_and_stay_as_they_are() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        project(&world, "shop", "dev");
        let mut shells = two(&world, kind);
        shells[1].run(&kind.by_hand("use prod"));
        let requests = world.actions().len();
        for shell in &mut shells {
            let before = shell.ours();
            for _ in 0..2 {
                revoke(&world);
                assert_eq!(shell.said("true"), "", "{kind:?}");
                assert_eq!(shell.ours(), before, "{kind:?}");
            }
            for line in ["cd .", "true"] {
                assert_eq!(shell.said(line), "", "{kind:?}");
                assert_eq!(shell.ours(), before, "{kind:?}: the same owner");
            }
        }
        // So does what was used, in a shell within the shell.
        let inner = as_program(&world, kind);
        let before = shells[1].ours();
        shells[1].run(inner.to_str().unwrap());
        for line in ["true", "cd .", "true"] {
            revoke(&world);
            assert_eq!(shells[1].said(line), "", "{kind:?}");
            assert_eq!(shells[1].ours(), before, "{kind:?}: the same owner");
        }
        shells[1].run("cd ..; cd shop");
        assert_eq!(shells[1].on(), "dev", "{kind:?}: until the project is entered");
        assert_eq!(world.actions().len(), requests, "{kind:?}");
    });
}

#[test]
fn without_a_cache_a_directory_says_what_to_do_and_use_works() {
    everywhere(|kind| {
        let mut world = ready();
        project(&world, "shop", "dev");
        world.set("LEAPP_CACHE", "off");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let requests = world.actions().len();
        let said = shell.said("cd code/shop");
        let expected = "leapp: 'dev' needs a cache, and there is none here: leapp exec dev";
        assert_eq!(said, expected, "{kind:?}");
        is_closed(&mut shell, "dev");
        assert_eq!(shell.said("cd ."), "", "{kind:?}: once");
        assert_eq!(world.actions().len(), requests, "{kind:?}: and asks for nothing");
        shell.run(&kind.by_hand("use dev"));
        is_on(&mut shell, "dev");
        let own = key(&mut shell);
        assert_eq!(shell.said("true"), "", "{kind:?}");
        assert_eq!(key(&mut shell), own, "{kind:?}");
        // Asked once more, there is nothing that could be handed out.
        revoke(&world);
        shell.run("true");
        is_closed(&mut shell, "dev");
        shell.run(&kind.by_hand("off"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

/// The hook itself uses no network: where nothing is to be renewed, nobody is called.
#[test]
fn without_a_network_nothing_hangs_and_nobody_is_called() {
    everywhere(|kind| {
        let world = ready();
        second(&world);
        project(&world, "shop", "dev");
        project(&world, "store", "prod");
        world.leapp(["stop", "prod"]).succeeds();
        let silent = json!({ "action": "*", "kind": "slow", "seconds": 90, "times": null });
        world.control("fault", silent);
        let requests = world.actions().len();
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        revoke(&world);
        shell.run("true");
        is_on(&mut shell, "dev");
        shell.run("cd ../store");
        is_closed(&mut shell, "prod");
        shell.run("cd ..");
        assert_eq!(shell.on(), "", "{kind:?}");
        assert_eq!(world.actions().len(), requests, "{kind:?}");
    });
}

#[test]
fn a_renewal_without_a_network_says_so_once_and_closes() {
    everywhere(|kind| {
        let world = World::with_role("dev", "Admin");
        world.leapp(["start", "work"]).succeeds();
        project(&world, "shop", "dev");
        world.control("fault", json!({ "action": "*", "kind": "drop", "times": null }));
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        let what = "'dev' has no credentials";
        until(&mut shell, "the reason", |shell, _| shell.heard(what) > 0);
        is_closed(&mut shell, "dev");
        for line in ["true", "cd .", "true"] {
            assert_eq!(shell.said(line), "", "{kind:?}");
        }
        assert_eq!(shell.heard(what), 1, "{kind:?}: once");
        assert_eq!(shell.heard("leapp start dev"), 1, "{kind:?}");
        world.control("reset", json!({}));
        world.leapp(["start", "dev"]).succeeds();
        shell.run("true");
        is_on(&mut shell, "dev");
    });
}

#[test]
fn the_account_of_a_project_file_is_a_guard() {
    let world = ready();
    for (name, account) in [("right", "444455556666"), ("wrong", "111111111111")] {
        let file = folder(&world, name).join(".leapp.toml");
        let text = format!("session = 'dev'\naccount = '{account}'\nregion = 'eu-south-1'\n");
        std::fs::write(file, text).unwrap();
    }
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/wrong");
        let (said, code) = shell.status("leapp trust");
        assert!(said.contains("111111111111") && code != 0, "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        shell.run("cd ../right");
        shell.answer("leapp trust", "[y/N]", "y");
        is_on(&mut shell, "dev");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-south-1"), "{kind:?}");
        assert_eq!(shell.exported("AWS_ACCOUNT_ID").as_deref(), Some("444455556666"), "{kind:?}");
        shell.run("leapp untrust");
    });
}
