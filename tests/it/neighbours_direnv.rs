//! The hooks beside direnv: whoever comes first, the session's keys and direnv's variables both go
//! back to what they were, and no key of ours is left where it must not be.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    hooked::{Hooked, Kind, folder, on_terminal, project},
    neighbours::{COUNT, Order, beside, both_orders, peopled, whole},
    support::World,
};

/// An `.envrc` with keys of its own.
const KEYS: &str = "export AWS_ACCESS_KEY_ID=AKIADIRENV AWS_SECRET_ACCESS_KEY=direnvs\n\
                    export AWS_REGION=us-west-2\nunset AWS_SESSION_TOKEN\n";
const GIVEN_UP: &str =
    "leapp: other credentials have replaced those of 'dev', so it is given up here";
const CONTRADICTED: &str = "leapp: a profile (AWS_PROFILE) was set beside session 'dev'";

/// The line that loads direnv.
fn direnv(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => "eval \"$(direnv hook bash)\"",
        Kind::Fish => "direnv hook fish | source",
        Kind::Pwsh => "direnv hook pwsh | Out-String | Invoke-Expression",
        Kind::Zsh => "eval \"$(direnv hook zsh)\"",
    }
}

/// Writes an `.envrc` and allows it.
fn envrc(world: &World, directory: &Path, text: &str) {
    // direnv tells one text from the next by whole seconds.
    static NEXT: AtomicU64 = AtomicU64::new(1_700_000_000);
    let path = directory.join(".envrc");
    std::fs::write(&path, text).unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(NEXT.fetch_add(10, Ordering::Relaxed));
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    allow(world, directory);
}

fn allow(world: &World, directory: &Path) {
    let mut command = world.foreign("direnv");
    command.arg("allow").current_dir(directory);
    world.run(command, None).succeeds();
}

fn shell(world: &World, kind: Kind, order: Order) -> Hooked {
    Hooked::with(world, kind, &beside(kind, order, direnv(kind)), world.home.path())
}

/// Whether direnv acts after the hook on entering: it has no part in `cd` but in zsh.
fn comes_last(kind: Kind) -> bool {
    kind != Kind::Zsh
}

/// A project for `prod` in a region of its own.
fn elsewhere(world: &World, name: &str) {
    let directory = folder(world, name);
    let mut command = world.command(["pin", "prod", "--region", "eu-central-1"]);
    command.current_dir(directory);
    on_terminal(command);
}

#[test]
fn a_profile_of_direnvs_comes_and_goes_beside_the_session() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, "export AWS_PROFILE=corp TESTVALUE=inner\n");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        let mut said = shell.run("cd code/shop");
        assert!(said.contains("leapp: dev is on"), "{kind:?} {order:?}: {said}");
        // Where direnv acts after us, it is said before anything can be typed that some programs
        // prefer a profile.
        let wins = comes_last(kind);
        let told = said.matches(CONTRADICTED).count();
        assert_eq!(told, usize::from(wins), "{kind:?} {order:?}: {said}");
        let profile = shell.exported("AWS_PROFILE");
        assert_eq!(profile.as_deref(), wins.then_some("corp"), "{kind:?} {order:?}");
        assert_eq!(shell.on(), "dev", "{kind:?} {order:?}");
        assert_eq!(shell.exported("TESTVALUE").as_deref(), Some("inner"), "{kind:?} {order:?}");
        said = shell.run("true");
        assert!(!said.contains(CONTRADICTED), "{kind:?} {order:?}: it is said once: {said}");
        assert_eq!(shell.status("/bin/sh -c 'exit 7'").1, 7, "{kind:?} {order:?}");
        said = shell.run("cd ../..");
        assert!(said.contains("leapp: dev is off"), "{kind:?} {order:?}: {said}");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn what_was_set_before_both_is_there_again_after_both() {
    let mut world = peopled();
    world.set("AWS_PROFILE", "mine").set("AWS_REGION", "sa-east-1");
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, "export AWS_PROFILE=corp AWS_REGION=us-west-2\n");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        for _ in 0..2 {
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?} {order:?}");
            let region = if comes_last(kind) { "us-west-2" } else { "eu-west-1" };
            let is = shell.exported("AWS_REGION");
            assert_eq!(is.as_deref(), Some(region), "{kind:?} {order:?}: the later one wins");
            shell.run("cd ../..");
            assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
            let owed = shell.run("echo \"owed:$__leapp_due.\"");
            assert!(owed.contains("owed:."), "{kind:?} {order:?}: {owed}");
        }
    });
}

#[test]
fn keys_of_direnvs_make_the_hook_give_up_and_ours_do_not_come_back_outside() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, KEYS);
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        let mut said = shell.run("cd code/shop");
        if !comes_last(kind) {
            assert_eq!(shell.on(), "dev", "{kind:?} {order:?}: the session's keys win");
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
            // And direnv, which acts again, wins then.
            envrc(&world, &shop, KEYS);
            said = shell.run("true");
        }
        assert_eq!(said.matches(GIVEN_UP).count(), 1, "{kind:?} {order:?}: {said}");
        let inside = shell.environment();
        assert_eq!(inside["AWS_ACCESS_KEY_ID"], "AKIADIRENV", "{kind:?} {order:?}");
        assert_eq!(inside["AWS_SECRET_ACCESS_KEY"], "direnvs", "{kind:?} {order:?}");
        for name in ["AWS_SESSION_TOKEN", "LEAPP_SESSION", "LEAPP_STATE"] {
            assert!(!inside.contains_key(name), "{kind:?} {order:?}: {name}");
        }
        let line = shell.run("echo \"now:$leapp_session.\"");
        assert!(line.contains("now:."), "{kind:?} {order:?}: {line}");
        assert_eq!(shell.said("true"), "", "{kind:?} {order:?}: it is said once");
        // On the same line too: whatever this shows, it is not a key of ours.
        let line = "cd ../..; /bin/sh -c 'echo on=$AWS_ACCESS_KEY_ID.'";
        let said = shell.run(line);
        assert!(said.contains("on=.") || said.contains("on=AKIADIRENV."), "{kind:?}: {said}");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn static_keys_from_before_survive_keys_of_direnvs_over_ours() {
    let mut world = peopled();
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, KEYS);
    world.set("AWS_ACCESS_KEY_ID", "AKIAMINE").set("AWS_SECRET_ACCESS_KEY", "mine");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run("cd code/shop");
        // Allowed once more, it is loaded once more, over the session's keys.
        envrc(&world, &shop, KEYS);
        shell.run("true");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        assert_eq!(key.as_deref(), Some("AKIADIRENV"), "{kind:?} {order:?}");
        shell.run("cd ../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn a_project_below_an_envrc_gives_direnvs_variables_back() {
    let world = peopled();
    let top = folder(&world, "top");
    envrc(&world, &top, &format!("{KEYS}export AWS_PROFILE=corp\n"));
    project(&world, "top/shop", "dev");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run("cd code/top");
        let above = whole(&mut shell);
        assert_eq!(above["AWS_ACCESS_KEY_ID"], "AKIADIRENV", "{kind:?} {order:?}");
        let said = shell.run("cd shop");
        assert!(!said.contains("profile"), "{kind:?} {order:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?} {order:?}: the session's keys win");
        assert_eq!(shell.exported("AWS_PROFILE"), None, "{kind:?} {order:?}");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
        shell.run("cd ..");
        assert_eq!(whole(&mut shell), above, "{kind:?} {order:?}");
        shell.run("cd shop");
        shell.run("cd ../../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}: out of both at once");
    });
}

#[test]
fn an_envrc_below_the_project_is_undone_on_its_own() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    std::fs::create_dir(shop.join("sub")).unwrap();
    envrc(&world, &shop.join("sub"), KEYS);
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run("cd code/shop");
        let inside = whole(&mut shell);
        let said = shell.run("cd sub");
        assert!(said.contains(GIVEN_UP), "{kind:?} {order:?}: {said}");
        shell.run("cd ..");
        assert_eq!(whole(&mut shell), inside, "{kind:?} {order:?}: the session is on again");
        let line = shell.run("echo \"now:$leapp_session.\"");
        assert!(line.contains("now:dev."), "{kind:?} {order:?}: {line}");
        shell.run("cd sub");
        shell.run("cd ../../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}: out of both at once");
    });
}

#[test]
fn from_an_envrc_into_another_project_the_other_session_is_on() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, KEYS);
    elsewhere(&world, "other");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run("cd code/other");
        let alone = shell.ours();
        shell.run("cd ../shop");
        let said = shell.run("cd ../other");
        assert!(said.contains("leapp: prod is on (eu-central-1)"), "{kind:?} {order:?}: {said}");
        assert_eq!(shell.on(), "prod", "{kind:?} {order:?}");
        assert_eq!(shell.ours(), alone, "{kind:?} {order:?}: nothing of the first one's");
        assert_eq!(shell.said("true"), "", "{kind:?} {order:?}");
        shell.run("cd ../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn an_envrc_that_is_allowed_late_brings_no_key_of_ours_back_later() {
    let world = peopled();
    both_orders(|kind, order| {
        let name = format!("late{kind:?}{order:?}");
        let top = folder(&world, &name);
        project(&world, &format!("{name}/shop"), "dev");
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run(&format!("cd code/{name}/shop"));
        assert_eq!(shell.on(), "dev", "{kind:?} {order:?}");
        envrc(&world, &top, KEYS);
        let said = shell.run("true");
        assert!(said.contains(GIVEN_UP), "{kind:?} {order:?}: {said}");
        shell.run("cd ..");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        assert_eq!(key.as_deref(), Some("AKIADIRENV"), "{kind:?} {order:?}: still direnv's");
        shell.run("true");
        shell.run("cd ../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn keys_that_an_envrc_loses_make_room_for_the_session_again() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    both_orders(|kind, order| {
        envrc(&world, &shop, KEYS);
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run("cd code/shop");
        envrc(&world, &shop, KEYS);
        shell.run("true");
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIADIRENV"), "{kind:?}");
        envrc(&world, &shop, "export TESTVALUE=inner\n");
        shell.run("true");
        shell.run("true");
        if comes_last(kind) {
            assert_eq!(shell.on(), "dev", "{kind:?} {order:?}");
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
            world.leapp(["stop", "dev"]).succeeds();
            shell.run("true");
            assert_eq!(shell.on(), "EXPIRED", "{kind:?} {order:?}: and is held as any other");
            world.leapp(["start", "dev"]).succeeds();
        } else {
            assert_eq!(shell.on(), "", "{kind:?} {order:?}: direnv took its keys and ours");
        }
        shell.run("cd ../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn by_hand_beside_direnv_goes_back_too() {
    let world = peopled();
    let plain = folder(&world, "plain");
    envrc(&world, &plain, KEYS);
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, KEYS);
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = whole(&mut shell);
        shell.run(&kind.by_hand("use prod"));
        shell.run("cd code/plain");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        assert_eq!(key.as_deref(), Some("AKIADIRENV"), "{kind:?} {order:?}: the later one");
        shell.run("cd ../..");
        shell.run("true");
        assert_eq!(shell.on(), "prod", "{kind:?} {order:?}: what was used by hand is on again");
        shell.run(&kind.by_hand("off"));
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
        shell.run("cd code/shop");
        envrc(&world, &shop, KEYS);
        shell.run("true");
        shell.run(&kind.by_hand("off"));
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        assert_eq!(key.as_deref(), Some("AKIADIRENV"), "{kind:?} {order:?}: not ours to remove");
        shell.run("cd ../..");
        assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}: off, then out");
    });
}

#[test]
fn beside_direnv_the_hook_looks_at_its_files_once_a_prompt() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    envrc(&world, &shop, "export TESTVALUE=inner\n");
    for order in [Order::HookFirst, Order::HookLast] {
        let mut shell = shell(&world, Kind::Bash, order);
        shell.run("cd code/shop");
        shell.run(COUNT);
        shell.run("looks=0");
        let said = shell.run("true\ntrue\necho \"looks:$looks.\"");
        assert!(said.contains("looks:4."), "{order:?}: {said}");
    }
}

#[test]
fn a_trace_beside_direnv_shows_no_secret_of_ours() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    // No keys: those direnv would trace itself.
    envrc(&world, &shop, "export AWS_REGION=us-west-2 AWS_PROFILE=corp\n");
    for kind in [Kind::Bash, Kind::Zsh] {
        for order in [Order::HookFirst, Order::HookLast] {
            let mut shell = shell(&world, kind, order);
            let before = whole(&mut shell);
            // The driver fails where a secret is printed.
            shell.run("set -x");
            shell.run("cd code/shop");
            envrc(&world, &shop, "export AWS_REGION=us-west-1 AWS_PROFILE=corp\n");
            shell.run("true");
            shell.run("export AWS_ACCESS_KEY_ID=AKIAOTHER");
            shell.run("true");
            shell.run("unset AWS_ACCESS_KEY_ID");
            shell.run("cd ../..");
            shell.run("true");
            shell.run("set +x");
            assert_eq!(whole(&mut shell), before, "{kind:?} {order:?}");
        }
    }
}
