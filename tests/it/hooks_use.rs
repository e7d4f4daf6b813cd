//! `leapp use` and its like in the shell itself: what it asks, what it refuses, what it says.

use crate::{
    hooked::{Kind, everywhere},
    hooks_owners::{Place, line},
};

/// A `use` that fails leaves what is on, says why, and has the status of its reason.
#[test]
fn a_use_that_fails_leaves_what_is_on() {
    let place = &failing();
    everywhere(|kind| {
        let mut shell = place.shell(kind);
        for (at, start) in ["cd plain", "use live", "cd shop", "env live"].into_iter().enumerate() {
            shell.run(&line(kind, start));
            let before = shell.ours();
            let refused = |said: String, code: i32, status: i32, why: &str| {
                assert!(said.contains(why), "{kind:?} {start}: no {why:?}: {said}");
                assert_eq!(code, if kind == Kind::Pwsh { code } else { status }, "{said}");
            };
            let (said, code) = shell.status(&kind.by_hand("use nope"));
            refused(said, code, 5, "no session or profile \"nope\"");
            let (said, code) = shell.status(&kind.by_hand("use live --region nowhere"));
            refused(said, code, 2, "nowhere");
            shell.send(&kind.by_hand("use guarded"));
            shell.sees("Type its name to go on");
            shell.send("no");
            let (said, code) = shell.status("");
            refused(said, code, 3, "its name was not typed");
            // A code is refused a second time without being asked about.
            let flag = if kind == Kind::Pwsh { "-MfaCode" } else { "--mfa-code" };
            let wrong = format!("use mfa {flag} 0000{}{at} --no-input", kind as u8);
            let (said, code) = shell.status(&kind.by_hand(&wrong));
            refused(said, code, 3, "code was rejected");
            let (said, code) = shell.status(&kind.by_hand("use mfa --no-input"));
            refused(said, code, 3, "leapp start mfa");
            assert_eq!(shell.ours(), before, "{kind:?}: {start}");
            shell.run(&kind.by_hand("off"));
        }
    });
}

/// With a session that is protected, and one that needs a code.
fn failing() -> Place {
    let place = Place::new();
    let world = &place.world;
    world
        .add_role("guarded", "work", "Admin", &["--role-session-name", "g", "--protected"])
        .succeeds();
    let device = world.user["mfa_serial"].as_str().unwrap().to_owned();
    let key = world.user["access_key_id"].as_str().unwrap();
    let words = ["session", "add", "aws-iam-user", "mfa", "--access-key-id", key];
    let more = ["--secret-access-key-stdin", "--region", "us-east-1", "--mfa-device", &device];
    let command = world.command(words.iter().chain(&more));
    world.run(command, world.user["secret_access_key"].as_str()).succeeds();
    world.control("mfa", serde_json::json!({ "codes": ["123456"] }));
    place
}

#[test]
fn use_asks_for_what_it_needs_and_then_is_on() {
    everywhere(|kind| {
        let place = failing();
        let mut shell = place.shell(kind);
        let before = shell.ours();
        shell.run(&line(kind, "cd shop"));
        let said = shell.answer(&kind.by_hand("use guarded"), "Type its name", "guarded");
        assert!(said.contains("leapp: guarded is on"), "{kind:?}: {said}");
        assert_eq!(shell.shown(), ("guarded".into(), "protected".into()), "{kind:?}");
        assert_eq!(shell.exported("LEAPP_SESSION").as_deref(), Some("guarded"), "{kind:?}");
        let said = shell.answer(&kind.by_hand("use mfa"), "code", "123456");
        assert!(said.contains("leapp: mfa is on (us-east-1)"), "{kind:?}: {said}");
        assert_eq!(shell.shown(), ("mfa".into(), String::new()), "{kind:?}");
        shell.run(&kind.by_hand("off"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn use_with_a_region_keeps_it_until_a_project_says_another() {
    let place = &Place::new();
    everywhere(|kind| {
        let mut shell = place.shell(kind);
        let before = shell.ours();
        let flag = if kind == Kind::Pwsh { "-Region" } else { "--region" };
        let (said, code) = shell.status(&kind.by_hand(&format!("use live {flag} eu-north-1")));
        assert!(said.contains("live is on (eu-north-1)") && code == 0, "{kind:?}: {said}");
        // Taken back, so that the program is asked once more.
        place.world.leapp(["session", "edit", "dev", "--display-name", "Shop"]).succeeds();
        for step in ["true", "cd plain"] {
            shell.run(&line(kind, step));
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                assert_eq!(shell.exported(name).as_deref(), Some("eu-north-1"), "{kind:?} {step}");
            }
        }
        shell.run(&line(kind, "cd shop"));
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
        shell.run(&line(kind, "cd plain"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

/// Our own commands take effect on the line that they stand on.
#[test]
fn what_is_typed_in_the_shell_itself_reaches_the_same_line() {
    let place = &Place::new();
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut shell = place.shell(kind);
        shell.run(&line(kind, "cd shop"));
        let key = shell.exported("AWS_ACCESS_KEY_ID").unwrap();
        let show = "sh -c 'echo key=$AWS_ACCESS_KEY_ID.'";
        let said = shell.run(&kind.and("leapp rotate dev", show));
        assert!(said.contains("key=ASIA") && !said.contains(&key), "{kind:?}: {said}");
        let said = shell.run(&kind.and("leapp stop dev", show));
        assert!(said.contains("key=LEAPP-EXPIRED."), "{kind:?}: {said}");
        let said = shell.run(&kind.and("leapp start dev", show));
        assert!(said.contains("key=ASIA"), "{kind:?}: {said}");
        let said = shell.run(&kind.and("leapp use live", show));
        assert!(said.contains("live is on") && said.contains("key=ASIA"), "{kind:?}: {said}");
        let said = shell.run(&kind.and("leapp off", show));
        assert!(said.contains("key=."), "{kind:?}: {said}");
    }
}
