//! The hooks beside mise, whose own hooks run at each change of the directory: the same must hold as
//! beside direnv, in both orders of loading.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use crate::{
    hooked::{Hooked, Kind, folder, on_terminal, project},
    neighbours::{Order, beside, both_orders, from_npm, peopled, whole},
    support::World,
};

/// Variables of a `mise.toml`.
const KEYS: &str = "AWS_ACCESS_KEY_ID = \"AKIAMISE\"\nAWS_SECRET_ACCESS_KEY = \"mises\"\n\
                    AWS_SESSION_TOKEN = false\nAWS_REGION = \"us-west-2\"\n";
const GIVEN_UP: &str =
    "leapp: other credentials have replaced those of 'dev', so it is given up here";
const CONTRADICTED: &str = "leapp: a profile (AWS_PROFILE) was set beside session 'dev'";

/// The line that loads mise.
fn mise(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => "eval \"$(mise activate bash)\"",
        Kind::Fish => "mise activate fish | source",
        Kind::Pwsh => "mise activate pwsh | Out-String | Invoke-Expression",
        Kind::Zsh => "eval \"$(mise activate zsh)\"",
    }
}

/// A world in which mise trusts what lies below the home; `None` without mise.
fn with_mise() -> Option<World> {
    from_npm("bin/mise")?;
    let mut world = peopled();
    let home = world.home.path().to_owned();
    world.set("MISE_TRUSTED_CONFIG_PATHS", home).set("MISE_OFFLINE", "1").set("MISE_QUIET", "1");
    Some(world)
}

/// Writes a `mise.toml` with these variables.
fn variables(directory: &Path, lines: &str) {
    std::fs::write(directory.join("mise.toml"), format!("[env]\n{lines}")).unwrap();
}

fn shell(world: &World, kind: Kind, order: Order) -> Hooked {
    Hooked::with(world, kind, &beside(kind, order, mise(kind)), world.home.path())
}

/// The environment without mise's own bookkeeping.
fn rest(shell: &mut Hooked) -> BTreeMap<String, OsString> {
    let mut all = whole(shell);
    all.retain(|name, _| !name.starts_with("__MISE_"));
    all
}

/// The session's keys win, or the hook has given up and said so: never one's name beside the other's.
/// Runs a line; the environment afterwards, and all that was said until then: now and then mise sets
/// all of its variables again at a prompt.
fn look(shell: &mut Hooked, line: &str) -> (BTreeMap<String, OsString>, String) {
    let from = shell.transcript().len();
    shell.run(line);
    shell.run("true");
    let inside = shell.environment();
    (inside, shell.transcript()[from..].to_owned())
}

#[track_caller]
fn judge(kind: Kind, inside: &BTreeMap<String, OsString>, said: &str) {
    if inside["AWS_ACCESS_KEY_ID"] == "AKIAMISE" {
        assert!(!inside.contains_key("LEAPP_SESSION"), "{kind:?}: {said}");
        assert!(!inside.contains_key("LEAPP_STATE"), "{kind:?}: {said}");
        assert_eq!(said.matches(GIVEN_UP).count(), 1, "{kind:?}: {said}");
    } else {
        assert_eq!(inside["LEAPP_SESSION"], "dev", "{kind:?}: {said}");
        assert_eq!(inside["AWS_REGION"], "eu-west-1", "{kind:?}: {said}");
        assert!(inside.contains_key("AWS_SESSION_TOKEN"), "{kind:?}: {said}");
        assert!(!inside.contains_key("AWS_PROFILE"), "{kind:?}: {said}");
    }
}

#[test]
fn a_profile_of_mises_comes_and_goes_beside_the_session() {
    let Some(mut world) = with_mise() else { return };
    world.set("AWS_PROFILE", "mine");
    let shop = project(&world, "shop", "dev");
    variables(&shop, "AWS_PROFILE = \"corp\"\nTESTVALUE = \"inner\"\n");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = rest(&mut shell);
        for _ in 0..2 {
            let told = shell.heard(CONTRADICTED);
            let mut said = shell.run("cd code/shop");
            assert!(said.contains("leapp: dev is on"), "{kind:?} {order:?}: {said}");
            // Now and then mise sets all of its variables again at a prompt, also at the one of this look.
            let profile = shell.exported("AWS_PROFILE");
            let told = shell.heard(CONTRADICTED) - told;
            let is_told = told == 1 || told == 0 && profile.is_none();
            assert!(is_told, "{kind:?} {order:?}: {told} times of {profile:?}: {said}");
            assert_eq!(shell.on(), "dev", "{kind:?} {order:?}");
            assert_eq!(shell.exported("TESTVALUE").as_deref(), Some("inner"), "{kind:?}");
            assert_eq!(shell.status("/bin/sh -c 'exit 7'").1, 7, "{kind:?} {order:?}");
            said = shell.run("cd ../..");
            assert!(said.contains("leapp: dev is off"), "{kind:?} {order:?}: {said}");
            assert_eq!(rest(&mut shell), before, "{kind:?} {order:?}");
        }
    });
}

#[test]
fn a_command_on_the_line_of_a_cd_has_the_new_session_beside_mise() {
    let Some(world) = with_mise() else { return };
    let shop = project(&world, "shop", "dev");
    variables(&shop, "TESTVALUE = \"inner\"\n");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let line = "/bin/sh -c 'echo on=$LEAPP_SESSION,$TESTVALUE.'";
        let said = shell.run(&kind.and("cd code/shop", line));
        assert!(said.contains("on=dev,inner."), "{kind:?} {order:?}: {said}");
        let said = shell.run(&kind.and("cd ../..", line));
        assert!(said.contains("on=,."), "{kind:?} {order:?}: {said}");
    });
}

#[test]
fn keys_of_mises_make_the_hook_give_up_and_ours_do_not_come_back_outside() {
    let Some(world) = with_mise() else { return };
    let shop = project(&world, "shop", "dev");
    variables(&shop, KEYS);
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = rest(&mut shell);
        let (inside, said) = look(&mut shell, "cd code/shop");
        assert_eq!(said.matches("dev is on").count(), 1, "{kind:?} {order:?}: {said}");
        judge(kind, &inside, &said);
        let line = "cd ../..; /bin/sh -c 'echo on=$AWS_ACCESS_KEY_ID.'";
        let said = shell.run(line);
        assert!(said.contains("on=."), "{kind:?} {order:?}: on the same line: {said}");
        assert_eq!(rest(&mut shell), before, "{kind:?} {order:?}");
    });
}

#[test]
fn a_project_below_a_mise_file_gives_mises_variables_back() {
    let Some(world) = with_mise() else { return };
    let top = folder(&world, "top");
    variables(&top, &format!("{KEYS}AWS_PROFILE = \"corp\"\n"));
    project(&world, "top/shop", "dev");
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = rest(&mut shell);
        shell.run("cd code/top");
        let above = rest(&mut shell);
        assert_eq!(above["AWS_ACCESS_KEY_ID"], "AKIAMISE", "{kind:?} {order:?}");
        let (inside, said) = look(&mut shell, "cd shop");
        judge(kind, &inside, &said);
        shell.run("cd ..");
        let after = rest(&mut shell);
        for (name, value) in &above {
            assert_eq!(after.get(name), Some(value), "{kind:?} {order:?}: {name}");
        }
        assert!(!after.contains_key("LEAPP_STATE"), "{kind:?} {order:?}");
        assert!(!after.contains_key("AWS_SESSION_TOKEN"), "{kind:?} {order:?}");
        shell.run("cd shop");
        shell.run("cd ../../..");
        assert_eq!(rest(&mut shell), before, "{kind:?} {order:?}: out of both at once");
    });
}

#[test]
fn from_a_mise_file_into_another_project_the_other_session_is_on() {
    let Some(world) = with_mise() else { return };
    let shop = project(&world, "shop", "dev");
    variables(&shop, KEYS);
    let other = folder(&world, "other");
    let mut command = world.command(["pin", "prod", "--region", "eu-central-1"]);
    command.current_dir(&other);
    on_terminal(command);
    both_orders(|kind, order| {
        let mut shell = shell(&world, kind, order);
        let before = rest(&mut shell);
        shell.run("cd code/other");
        let alone = shell.ours();
        shell.run("cd ../shop");
        let said = shell.run("cd ../other");
        assert!(said.contains("leapp: prod is on (eu-central-1)"), "{kind:?} {order:?}: {said}");
        assert_eq!(shell.on(), "prod", "{kind:?} {order:?}");
        assert_eq!(shell.ours(), alone, "{kind:?} {order:?}: nothing of the first one's");
        shell.run("cd ../..");
        assert_eq!(rest(&mut shell), before, "{kind:?} {order:?}");
    });
}
