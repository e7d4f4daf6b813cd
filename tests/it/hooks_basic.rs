//! Entering, leaving, by hand: what a user of the hooks does every day, in each shell.

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    support::World,
};

/// A world with the session `dev` that is active, and a project for it.
pub(crate) fn ready() -> World {
    let world = World::with_role("dev", "Admin");
    world.leapp(["start", "dev"]).succeeds();
    world
}

/// A second session, `prod`, with keys of its own.
pub(crate) fn second(world: &World) {
    world.add_role("prod", "work", "Admin", &["--role-session-name", "second"]).succeeds();
}

#[test]
fn a_directory_switches_its_session_on_and_off() {
    let world = ready();
    let shop = project(&world, "shop", "dev");
    std::fs::create_dir(shop.join("sub")).unwrap();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let said = shell.run("cd code/shop");
        assert!(said.contains("leapp: dev is on (eu-west-1)"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.exported("AWS_REGION").as_deref(), Some("eu-west-1"), "{kind:?}");
        let said = shell.run("cd sub");
        assert!(!said.contains("leapp"), "{kind:?}: below it says nothing: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let said = shell.run("cd ../../..");
        assert!(said.contains("leapp: dev is off"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        assert_eq!(shell.said("true"), "", "{kind:?}");
    });
}

#[test]
fn the_same_line_has_the_new_environment_in_both_directions() {
    let world = ready();
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let said = shell.run(&kind.and("cd code/shop", "sh -c 'echo on=$LEAPP_SESSION.'"));
        assert!(said.contains("on=dev."), "{kind:?}: {said}");
        let said = shell.run(&kind.and("cd ..", "sh -c 'echo on=$LEAPP_SESSION.'"));
        assert!(said.contains("on=."), "{kind:?}: {said}");
    });
}

#[test]
fn use_and_off_are_by_hand() {
    let world = ready();
    second(&world);
    project(&world, "shop", "dev");
    folder(&world, "plain");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        let (said, code) = shell.status(&kind.by_hand("use prod"));
        assert!(said.contains("prod is on") && code == 0, "{kind:?}: {code} {said}");
        shell.run("cd code/plain");
        assert_eq!(shell.on(), "prod", "{kind:?}: it holds outside of projects");
        let said = shell.run("cd ../shop");
        assert!(said.contains("dev is on"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}: a project's rule comes first");
        shell.run(&kind.by_hand("off"));
        assert_eq!(shell.ours(), before, "{kind:?}");
        shell.run("true");
        assert_eq!(shell.on(), "", "{kind:?}: off holds in the project");
        shell.run("cd ..");
        shell.run("cd shop");
        assert_eq!(shell.on(), "dev", "{kind:?}: until it is entered again");
        let (said, code) = shell.status(&kind.by_hand("use nope"));
        assert!(
            said.contains("no session or profile \"nope\"") && code != 0,
            "{kind:?}: {code} {said}"
        );
        assert_eq!(shell.on(), "dev", "{kind:?}: a failed use changes nothing");
    });
}

#[test]
fn pin_in_a_shell_switches_on_at_once() {
    everywhere(|kind| {
        let world = ready();
        folder(&world, "shop");
        let mut shell = Hooked::new(&world, kind);
        let said = shell.run("cd code/shop; leapp pin dev");
        assert!(
            said.contains("pinned in ~/code/shop/.leapp.toml, and trusted"),
            "{kind:?}: {said}"
        );
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let said = shell.run("leapp untrust");
        assert!(said.contains("not trusted any more"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
        let said = shell.answer("leapp trust", "[y/N]", "y");
        assert!(
            said.contains("session  dev, account 444455556666, role Admin"),
            "{kind:?}: {said}"
        );
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn without_the_hook_use_and_off_say_what_loads_it() {
    let world = World::with_user();
    for word in ["use", "off"] {
        let mut command = world.foreign("bash");
        command.args(["--norc", "-c", &format!("leapp {word}; exit $?")]);
        let outcome = world.run(command, None);
        outcome.fails(3).says("eval \"$(leapp hook bash)\"");
    }
}

#[test]
fn a_second_load_changes_nothing() {
    let world = ready();
    project(&world, "shop", "dev");
    everywhere(|kind| {
        let rc = format!("{}\n{}", kind.load(), kind.load());
        let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
        let before = shell.ours();
        let said = shell.run("cd code/shop");
        assert_eq!(said.matches("dev is on").count(), 1, "{kind:?}: {said}");
        shell.run("cd ../..");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn leapp_hook_0_keeps_the_hook_away() {
    let mut world = ready();
    project(&world, "shop", "dev");
    world.set("LEAPP_HOOK", "0");
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "", "{kind:?}");
    }
}
