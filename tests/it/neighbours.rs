//! What the tests of the hooks beside other tools stand on: where those are, and loading in both orders.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Once,
};

use crate::{
    hooked::{Hooked, Kind},
    hooks_basic::{ready, second},
    support::{World, repository},
};

/// Counts how often the hook looks at its files.
pub(crate) const COUNT: &str = "eval \"counted_$(declare -f __leapp_at_prompt)\"\n\
                     __leapp_at_prompt() { looks=$((looks + 1)); counted___leapp_at_prompt; }";

/// Which of two is loaded first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    HookFirst,
    HookLast,
}

/// Runs a scenario in bash, zsh and fish, the hook loaded before and after the other tool.
pub(crate) fn both_orders(scenario: impl Fn(Kind, Order)) {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        for order in [Order::HookFirst, Order::HookLast] {
            scenario(kind, order);
        }
    }
}

/// A start-up file with the hook and another tool's line.
pub(crate) fn beside(kind: Kind, order: Order, other: &str) -> String {
    match order {
        Order::HookFirst => format!("{}\n{other}", kind.load()),
        Order::HookLast => format!("{other}\n{}", kind.load()),
    }
}

/// What scripts/setup-neighbours brought.
pub(crate) fn neighbours() -> PathBuf {
    let place = repository().join("target/tools/neighbours");
    assert!(place.exists(), "run scripts/setup-tests first: {} is missing", place.display());
    place
}

/// One of the files there that come by npm; where npm was missing, that is said loudly, once.
pub(crate) fn from_npm(file: &str) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let path = neighbours().join(file);
    if path.exists() {
        return Some(path);
    }
    SAID.call_once(|| {
        eprintln!(
            "NOT RUN: the hooks beside mise and bash-preexec; there was no npm to fetch them"
        );
    });
    None
}

/// A file of a Debian package.
pub(crate) fn debian(file: &str) -> &Path {
    let path = Path::new(file);
    assert!(path.exists(), "run scripts/setup-tests first: {file} is missing");
    path
}

/// A world with the active sessions `dev` and `prod`, and the fetched programs on PATH.
pub(crate) fn peopled() -> World {
    let mut world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    let path = world.variables()[std::ffi::OsStr::new("PATH")].to_str().unwrap().to_owned();
    world.set("PATH", format!("{path}:{}", neighbours().join("bin").display()));
    world
}

/// The whole environment, but for what any command changes.
pub(crate) fn whole(shell: &mut Hooked) -> BTreeMap<String, OsString> {
    let mut all = shell.environment();
    for name in ["OLDPWD", "PWD", "_", "SHLVL"] {
        all.remove(name);
    }
    all
}

/// What any neighbour must leave as it is: entering, leaving, the user's status, one word for each.
#[track_caller]
pub(crate) fn works(shell: &mut Hooked, what: &str) {
    let kind = shell.kind;
    let before = shell.ours();
    let said = shell.run("cd code/shop");
    assert_eq!(said.matches("leapp: dev is on").count(), 1, "{kind:?} {what}: {said}");
    assert_eq!(shell.on(), "dev", "{kind:?} {what}");
    assert_eq!(
        shell.status("/bin/sh -c 'exit 7'").1,
        7,
        "{kind:?} {what}: the status is the user's"
    );
    let said = shell.run(&kind.and("cd ../..", "/bin/sh -c 'echo on=$LEAPP_SESSION.'"));
    assert_eq!(said.matches("leapp: dev is off").count(), 1, "{kind:?} {what}: {said}");
    assert!(said.contains("on=."), "{kind:?} {what}: {said}");
    assert_eq!(shell.ours(), before, "{kind:?} {what}");
    assert_eq!(shell.said("true"), "", "{kind:?} {what}");
}
