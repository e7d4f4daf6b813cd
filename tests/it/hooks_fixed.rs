//! Variables that a user made read-only: no session is switched on beside one, what was there stays
//! usable, and what was on goes as far as it can, the access key first. fish and PowerShell have no
//! such variables of the environment.

use crate::{
    hooked::{Hooked, Kind, folder, project},
    hooks_basic::ready,
    support::World,
};

const KINDS: [Kind; 2] = [Kind::Bash, Kind::Zsh];

fn places() -> World {
    let mut world = ready();
    project(&world, "shop", "dev");
    folder(&world, "plain");
    world.set("AWS_ACCESS_KEY_ID", "AKIAMINE").set("AWS_SECRET_ACCESS_KEY", "mine");
    world
}

#[test]
fn nothing_is_switched_on_beside_a_read_only_variable_and_that_is_told_once() {
    let world = places();
    for kind in KINDS {
        for name in
            ["AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "LEAPP_STATE"]
        {
            for set in ["", "set -e; ", "set -u; ", "export AWS_REGION=r AWS_PROFILE=p; "] {
                let told = format!("{kind:?}, {set}{name}");
                let mut shell = Hooked::new(&world, kind);
                shell.run(&format!("{set}readonly {name}=\"${{{name}-}}\""));
                let mine = shell.ours();
                let said = shell.said("cd code/shop");
                assert!(said.contains("read-only") && said.contains(name), "{told}: {said}");
                assert_eq!(shell.ours(), mine, "{told}: entered");
                assert_eq!(shell.said("true"), "", "{told}: told once");
                assert_eq!(shell.said("cd ../plain"), "", "{told}");
                let said = shell.run("leapp use dev || echo fai''led");
                assert!(said.contains("failed"), "{told}: {said}");
                assert_eq!(shell.ours(), mine, "{told}: by hand");
                let said = shell.run("leapp off; echo alive");
                assert!(said.contains("alive"), "{told}: {said}");
                assert_eq!(shell.ours(), mine, "{told}: off");
            }
        }
    }
}

#[test]
fn what_became_read_only_meanwhile_does_not_keep_a_session_on() {
    let world = places();
    for kind in KINDS {
        for name in [
            "AWS_REGION",
            "AWS_PROFILE",
            "AWS_CREDENTIAL_EXPIRATION",
            "AWS_SESSION_TOKEN",
            "LEAPP_SESSION",
        ] {
            for (set, leave) in [("", "cd ../.."), ("set -e", "cd ../.."), ("set -e", "leapp off")]
            {
                let told = format!("{kind:?}, {name}, {set}, {leave}");
                let mut shell = Hooked::new(&world, kind);
                shell.run(set);
                shell.run("cd code/shop");
                assert_eq!(shell.on(), "dev", "{told}");
                shell.run(&format!("readonly {name}"));
                let said = shell.run(&format!("{leave}; echo alive"));
                assert!(said.contains("alive"), "{told}: {said}");
                assert_eq!(
                    shell.exported("AWS_ACCESS_KEY_ID").as_deref(),
                    Some("AKIAMINE"),
                    "{told}"
                );
                assert_eq!(
                    shell.exported("AWS_SECRET_ACCESS_KEY").as_deref(),
                    Some("mine"),
                    "{told}"
                );
                assert_eq!(shell.said("true"), "", "{told}");
            }
        }
    }
}

#[test]
fn a_change_of_what_is_on_that_cannot_end_is_closed() {
    let world = places();
    let cases = KINDS.map(|kind| ["AWS_REGION", "LEAPP_SESSION"].map(|name| (kind, name)));
    for (kind, name) in cases.concat() {
        let told = format!("{kind:?}, {name}");
        let mut shell = Hooked::new(&world, kind);
        shell.run("set -e; cd code/shop");
        shell.run(&format!("readonly {name}"));
        // The answer is asked for anew, and cannot be taken.
        for file in crate::support::files_below(&world.run_directory().join("leases")) {
            _ = std::fs::remove_file(file);
        }
        let said = shell.said("true");
        assert!(said.contains("read-only"), "{told}: {said}");
        assert_eq!(shell.on(), "EXPIRED", "{told}");
        assert_eq!(
            shell.exported("AWS_SECRET_ACCESS_KEY").as_deref(),
            Some("LEAPP-EXPIRED"),
            "{told}"
        );
        shell.run("cd ../..");
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIAMINE"), "{told}");
        assert_eq!(shell.exported("AWS_SECRET_ACCESS_KEY").as_deref(), Some("mine"), "{told}");
        assert_eq!(shell.exported("AWS_SESSION_TOKEN"), None, "{told}");
    }
}
