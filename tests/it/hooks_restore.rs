//! Going back: after leaving, `off` and `use` of another, each variable is as it was, and what the
//! user has changed in between stays.

use std::os::unix::ffi::OsStrExt;

use crate::{
    hooked::{Hooked, Kind, everywhere, project, quiet},
    hooks_basic::{ready, second},
    support::World,
};

/// All that a session may touch, but for what says that one is on and for the endpoint, which the
/// tests stand on.
const MANAGED: [&str; 22] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_EXPIRATION",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_TOKEN_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_VAULT",
    "AWSUME_PROFILE",
    "AWS_SSO_PROFILE",
    "AWS_ACCOUNT_ID",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_SESSION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
];

/// The same, with what says that a session is on.
fn all() -> Vec<&'static str> {
    MANAGED.into_iter().chain(["LEAPP_SESSION", "LEAPP_STATE", "AWS_ENDPOINT_URL"]).collect()
}

/// The user's own secrets begin like this; a session's do not.
const OWN: &str = "TESTSECRET own";
/// How many states of a variable there are.
const STATES: usize = 6;

/// Brings a variable into one of the states that it may have had before.
fn state(kind: Kind, name: &str, state: usize, mark: &str) -> Vec<u8> {
    // A region is no secret, and which one wins is said.
    let own = if name.contains("REGION") { "my own" } else { OWN };
    let odd =
        format!("{own}\n 'a' \"b\" \\ * ? [x] ~ $HOME $(touch {mark}) `touch {mark}` !! é\n\n");
    let mut odd = odd.into_bytes();
    if kind != Kind::Pwsh {
        odd.splice(0..0, *b"\xff\xfe\x01\t");
    }
    let plain = format!("{own} {name}").into_bytes();
    let (value, exported) = match state {
        0 => return Vec::new(),
        1 => (Vec::new(), true),
        2 => (plain, true),
        3 => (plain, false),
        4 => (odd, true),
        _ => (odd, false),
    };
    set(kind, name, &value, exported)
}

/// A statement that sets a variable.
fn set(kind: Kind, name: &str, value: &[u8], exported: bool) -> Vec<u8> {
    let (before, between) = match (kind, exported) {
        (Kind::Bash | Kind::Zsh, true) => (format!("export {name}"), "="),
        (Kind::Bash | Kind::Zsh, false) => (name.to_owned(), "="),
        (Kind::Fish, true) => (format!("set -gx {name}"), " "),
        (Kind::Fish, false) => (format!("set -gu {name}"), " "),
        (Kind::Pwsh, true) => (format!("$env:{name}"), " = "),
        (Kind::Pwsh, false) => return Vec::new(),
    };
    [before.as_bytes(), between.as_bytes(), &kind.quoted(value), b"\n"].concat()
}

/// A statement that removes variables, whether they are there or not.
fn unset(kind: Kind, names: &[&str]) -> String {
    let words = names.join(" ");
    match kind {
        Kind::Bash | Kind::Zsh => format!("unset {words}\n"),
        Kind::Fish => format!("set -e {words}\n"),
        Kind::Pwsh => {
            let each = names.iter().map(|name| format!("Env:{name}")).collect::<Vec<_>>();
            format!("Remove-Item -ErrorAction Ignore {}\n", each.join(","))
        }
    }
}

/// Each variable in a state of its own; with `round` each comes through all of them.
fn scatter(shell: &mut Hooked, round: usize, mark: &str) {
    let kind = shell.kind;
    let mut text = unset(kind, &MANAGED).into_bytes();
    for (at, name) in MANAGED.iter().enumerate() {
        text.extend(state(kind, name, (at + round) % STATES, mark));
    }
    shell.source(text);
}

/// No child gets what was there before us, nor anything of the hook's own.
fn keeps_own_secrets(shell: &mut Hooked) {
    let kind = shell.kind;
    for (name, value) in shell.environment() {
        let value = value.as_bytes().windows(OWN.len()).any(|part| part == OWN.as_bytes());
        assert!(!value, "{kind:?}: {name} has a secret of the user's own");
        assert!(!name.starts_with("__leapp"), "{kind:?}: {name}");
    }
}

#[test]
fn each_variable_in_each_state_is_as_it_was_after_leaving() {
    let world = ready();
    project(&world, "shop", "dev");
    let mark = world.home.path().join("mark");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for round in 0..STATES {
            scatter(&mut shell, round, mark.to_str().unwrap());
            let before = shell.declared(&all());
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?} {round}");
            assert_eq!(shell.exported("AWS_PROFILE"), None, "{kind:?} {round}");
            keeps_own_secrets(&mut shell);
            shell.run("cd ../..");
            assert_eq!(shell.declared(&all()), before, "{kind:?} {round}");
        }
        assert!(!mark.exists(), "{kind:?}: a value was evaluated");
    });
}

#[test]
fn each_variable_in_each_state_is_as_it_was_after_use_and_off() {
    let world = ready();
    second(&world);
    project(&world, "shop", "dev");
    let mark = world.home.path().join("mark");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for round in 0..STATES {
            scatter(&mut shell, round, mark.to_str().unwrap());
            let before = shell.declared(&all());
            shell.run("cd code/shop");
            shell.run(&kind.by_hand("use prod"));
            assert_eq!(shell.on(), "prod", "{kind:?} {round}");
            keeps_own_secrets(&mut shell);
            shell.run(&kind.by_hand("use dev --region us-west-2"));
            assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("us-west-2"), "{kind:?}");
            keeps_own_secrets(&mut shell);
            shell.run(&kind.by_hand("off"));
            assert_eq!(shell.declared(&all()), before, "{kind:?} {round}: in the project");
            shell.run("cd ../..");
            assert_eq!(shell.declared(&all()), before, "{kind:?} {round}: outside");
            shell.run(&kind.by_hand("use prod"));
            shell.run(&kind.by_hand("off"));
            assert_eq!(shell.declared(&all()), before, "{kind:?} {round}: use and off");
        }
        assert!(!mark.exists(), "{kind:?}: a value was evaluated");
    });
}

#[test]
fn secrets_of_the_users_own_are_exported_by_nothing_that_exports_all() {
    let world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    project(&world, "shop", "dev");
    project(&world, "mill", "prod");
    for kind in [Kind::Bash, Kind::Zsh] {
        let mut shell = Hooked::new(&world, kind);
        scatter(&mut shell, 2, "mark");
        let before = shell.declared(&all());
        shell.run("set -a");
        for (line, on) in
            [("cd code/shop", "dev"), ("cd ../mill", "prod"), ("leapp use dev", "dev")]
        {
            shell.run(line);
            assert_eq!(shell.on(), on, "{kind:?}");
            keeps_own_secrets(&mut shell);
        }
        shell.run("leapp off; set +a; cd");
        assert_eq!(shell.declared(&all()), before, "{kind:?}");
    }
}

#[test]
fn what_the_user_changes_or_removes_in_between_stays() {
    let world = ready();
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let mut text = Vec::new();
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_VAULT", "AWS_ROLE_ARN"]
        {
            text.extend(set(kind, name, b"before", true));
        }
        shell.source(text);
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let changes = [
            set(kind, "AWS_REGION", b"changed", true),
            set(kind, "AWS_VAULT", b"changed", true),
            set(kind, "AWS_ACCOUNT_ID", b"changed", true),
            set(kind, "AWS_DEFAULT_PROFILE", b"changed", true),
            unset(kind, &["AWS_DEFAULT_REGION"]).into_bytes(),
            // These are one with the key id, which is still ours.
            set(kind, "AWS_SECRET_ACCESS_KEY", b"changed", true),
            unset(kind, &["AWS_CREDENTIAL_EXPIRATION"]).into_bytes(),
        ];
        shell.source(changes.concat());
        shell.run("cd ../..");
        let after = shell.environment();
        let value = |name| after.get(name).map(|value| value.to_str().unwrap());
        for name in ["AWS_REGION", "AWS_VAULT", "AWS_ACCOUNT_ID", "AWS_DEFAULT_PROFILE"] {
            assert_eq!(value(name), Some("changed"), "{kind:?}: {name}");
        }
        for name in ["AWS_PROFILE", "AWS_ROLE_ARN"] {
            assert_eq!(value(name), Some("before"), "{kind:?}: {name}");
        }
        let gone = ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let markers =
            ["AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "LEAPP_SESSION", "LEAPP_STATE"];
        for name in gone.into_iter().chain(markers) {
            assert_eq!(value(name), None, "{kind:?}: {name}");
        }
    });
}

#[test]
fn a_key_id_that_was_replaced_is_nobodys_but_the_users() {
    let world = ready();
    project(&world, "shop", "dev");
    project(&world, "mill", "dev");
    std::fs::create_dir(world.home.path().join("code/shop/sub")).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let text = [
            set(kind, "AWS_ACCESS_KEY_ID", b"AKIABEFORE", true),
            set(kind, "AWS_SECRET_ACCESS_KEY", b"TESTSECRET own before", true),
        ];
        shell.source(text.concat());
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let text = [
            set(kind, "AWS_ACCESS_KEY_ID", b"AKIAOTHER", true),
            set(kind, "AWS_SECRET_ACCESS_KEY", b"TESTSECRET own other", true),
            unset(kind, &["AWS_SESSION_TOKEN"]).into_bytes(),
        ];
        shell.source(text.concat());
        let triple = |shell: &mut Hooked| {
            let now = shell.environment();
            let value = |name| now.get(name).map(|value| value.to_str().unwrap().to_owned());
            (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), value("AWS_SESSION_TOKEN"))
        };
        let theirs = (Some("AKIAOTHER".into()), Some("TESTSECRET own other".into()), None);
        // Nothing that happens in this project puts ours over them.
        world.leapp(["rotate", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(triple(&mut shell), theirs, "{kind:?}: refreshed over another's keys");
        shell.run("cd sub");
        assert_eq!(triple(&mut shell), theirs, "{kind:?}");
        let said = shell.said("cd ../../..");
        assert_eq!(triple(&mut shell), theirs, "{kind:?}: leaving takes only what is ours");
        assert_eq!(shell.exported("LEAPP_SESSION"), None, "{kind:?}");
        assert_eq!(shell.exported("LEAPP_STATE"), None, "{kind:?}");
        assert!(!said.contains("off"), "{kind:?}: {said}");
        // The next project is on again, and gives them back.
        shell.run("cd code/mill");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        keeps_own_secrets(&mut shell);
        shell.run("cd ../..");
        assert_eq!(triple(&mut shell), theirs, "{kind:?}: saved and restored");
    });
}

#[test]
fn a_tool_that_replaces_the_key_id_makes_the_hook_give_up_until_the_next_project() {
    let world = ready();
    second(&world);
    project(&world, "shop", "dev");
    project(&world, "mill", "prod");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        shell.run(&kind.export("AWS_ACCESS_KEY_ID", "AKIATOOL"));
        world.leapp(["stop", "dev"]).succeeds();
        for _ in 0..2 {
            let said = shell.said("true");
            assert_eq!(said, "", "{kind:?}: it has no say any more");
        }
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIATOOL"), "{kind:?}");
        world.leapp(["start", "dev"]).succeeds();
        world.leapp(["start", "prod"]).succeeds();
        shell.run("cd ../mill");
        assert_eq!(shell.on(), "prod", "{kind:?}");
        shell.run("cd ../shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIATOOL"), "{kind:?}");
    });
}

#[test]
fn new_credentials_in_the_same_place_keep_what_was_saved() {
    let world = ready();
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        scatter(&mut shell, 2, "mark");
        let before = shell.declared(&all());
        shell.run("cd code/shop");
        let mut keys = vec![shell.exported("AWS_ACCESS_KEY_ID")];
        for _ in 0..2 {
            world.leapp(["rotate", "dev"]).succeeds();
            shell.run("true");
            let key = shell.exported("AWS_ACCESS_KEY_ID");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            assert!(!keys.contains(&key), "{kind:?}: not renewed");
            keys.push(key);
            keeps_own_secrets(&mut shell);
        }
        // Stopped, the keys are such as cannot work; that too is a change in place.
        world.leapp(["stop", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}");
        keeps_own_secrets(&mut shell);
        world.leapp(["start", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.declared(&all()), before, "{kind:?}");
    });
}

#[test]
fn what_cannot_be_set_leaves_no_credentials_and_what_cannot_be_removed_no_key() {
    let world = ready();
    project(&world, "shop", "dev");
    for kind in [Kind::Bash, Kind::Zsh] {
        for name in ["AWS_REGION", "AWS_PROFILE", "AWS_SESSION_TOKEN", "LEAPP_STATE"] {
            // In the way when it is entered.
            let mut shell = Hooked::new(&world, kind);
            shell.source(format!("readonly {name}=mine"));
            let before = shell.declared(&all());
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "", "{kind:?}: {name}: half of it is none");
            assert_eq!(shell.declared(&all()), before, "{kind:?}: {name}");
            shell.run("cd ../..");
            assert_eq!(shell.declared(&all()), before, "{kind:?}: {name}");
            // In the way when it is left.
            let mut shell = Hooked::new(&world, kind);
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}: {name}");
            // Also where the user has changed something, so that each is looked at.
            shell.run(&format!("readonly {name}; export AWS_VAULT=mine"));
            shell.run("cd ../..");
            let after = shell.environment();
            assert_eq!(after["AWS_VAULT"], "mine", "{kind:?}: {name}");
            for gone in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LEAPP_SESSION"] {
                assert!(!after.contains_key(gone), "{kind:?}: {name}: {gone}");
            }
            let said = shell.run("true");
            assert!(!said.contains("read"), "{kind:?}: {name}: at each prompt: {said}");
        }
    }
}

#[test]
fn a_key_id_that_cannot_be_removed_is_left_without_its_secret() {
    let world = ready();
    project(&world, "shop", "dev");
    for kind in [Kind::Bash, Kind::Zsh] {
        for touch in ["true", "export AWS_VAULT=mine"] {
            let mut shell = Hooked::new(&world, kind);
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            shell.run(&format!("readonly AWS_ACCESS_KEY_ID; {touch}"));
            shell.run("cd ../..");
            let after = shell.environment();
            for gone in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LEAPP_SESSION"] {
                assert!(!after.contains_key(gone), "{kind:?}: {touch}: {gone}");
            }
        }
    }
}

/// A fish that has universal variables, which are one set for each home.
fn with_universals(world: &World) -> Hooked {
    let rc = format!("{}; {}", quiet(Kind::Fish), Kind::Fish.load());
    let mut command = world.foreign("fish");
    command.args(["-i", "-C", &rc]);
    Hooked::start(world, Kind::Fish, command)
}

#[test]
fn fish_names_the_universal_variables_that_would_outrank_a_session() {
    let world = ready();
    project(&world, "shop", "dev");
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL"] {
        let mut shell = with_universals(&world);
        let before = shell.declared(&all());
        shell.run(&format!("set -Ux {name} mine"));
        let said = shell.said("cd code/shop");
        assert!(said.contains(&format!("set -eU {name}")), "{name}: {said}");
        assert_eq!(shell.said("true"), "", "{name}: once");
        assert_eq!(shell.on(), "", "{name}");
        let (said, code) = shell.status("leapp use dev");
        assert!(code != 0, "{name}: {said}");
        assert_eq!(shell.on(), "", "{name}");
        shell.run(&format!("set -eU {name}; cd ../.."));
        assert_eq!(shell.declared(&all()), before, "{name}");
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{name}: without it all is well");
    }
}

#[test]
fn fish_hides_the_universal_variables_that_a_session_sets_itself() {
    let world = ready();
    project(&world, "shop", "dev");
    let mut shell = with_universals(&world);
    // Not exported, or hidden by a global of ours: no child sees them while the session is on.
    shell.run("set -Ux AWS_REGION mine; set -Uu AWS_PROFILE mine");
    let before = shell.declared(&all());
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "dev");
    assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"));
    assert_eq!(shell.exported("AWS_PROFILE"), None);
    shell.run("cd ../..");
    assert_eq!(shell.declared(&all()), before);
    shell.run("set -eU AWS_REGION AWS_PROFILE");
}

#[test]
fn fish_gives_back_lists_and_path_variables() {
    let world = ready();
    project(&world, "shop", "dev");
    let mut shell = Hooked::new(&world, Kind::Fish);
    for (nth, flags) in ["-gx", "-gu", "-gx --path", "-gu --path"].into_iter().enumerate() {
        shell.run("set -e AWS_PROFILE; set -e AWS_REGION; set -e AWS_VAULT; set -e AWS_ROLE_ARN");
        shell.run(&format!("set {flags} AWS_PROFILE 'a b' '' c; set {flags} AWS_REGION x y"));
        shell.run(&format!("set {flags} AWS_VAULT; set {flags} AWS_ROLE_ARN ''"));
        let before = shell.declared(&all());
        for leave in ["cd ../..", "leapp off; cd ../.."] {
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{flags}");
            shell.run(leave);
            assert_eq!(shell.declared(&all()), before, "{nth} {flags}");
        }
    }
}

/// What is owed because another tool may put our values back is owed to a tool that was there.
#[test]
fn a_tool_that_comes_later_settles_nothing() {
    let mut world = ready();
    world.set("AWS_PROFILE", "mine").set("AWS_REGION", "sa-east-1");
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            shell.run(&kind.export(name, "AKIAMYOWN"));
        }
        shell.run("cd ../..");
        if shell.exported("AWS_PROFILE").is_some() {
            shell.run(&kind.unset("AWS_PROFILE"));
        }
        shell.run(&kind.export("AWS_REGION", "eu-west-1"));
        shell.run(&kind.export("DIRENV_DIFF", "zzz"));
        shell.run("true");
        assert_eq!(shell.exported("AWS_PROFILE"), None, "{kind:?}");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
        assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIAMYOWN"), "{kind:?}");
    });
}
