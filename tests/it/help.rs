//! The help of every command, as it is shown, and the completion scripts, as the shells read them.
//!
//! `UPDATE_SNAPSHOTS=1` writes the snapshot anew.

use std::fs;

use crate::support::{World, repository};

/// The commands that a help names, in its order.
fn commands(help: &str) -> Vec<String> {
    let below = help
        .lines()
        .skip_while(|line| *line != "Commands:" && *line != "Types:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    // A name stands two columns in; what stands further in continues a description.
    let names = below.filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn tree(world: &World, path: &[String], text: &mut String) {
    let words = path.iter().map(String::as_str).chain(["--help"]);
    let outcome = world.leapp(words);
    let help = outcome.succeeds().text();
    assert_eq!(outcome.stderr, "", "{outcome}");
    assert!(help.starts_with(|c: char| c.is_uppercase()), "{help}");
    assert!(help.lines().all(|line| line == line.trim_end() && line.len() <= 100), "{help}");
    text.push_str(
        &format!("$ leapp {} --help\n{help}\n", path.join(" ")).replace("  --help", " --help"),
    );
    for command in commands(&help) {
        let mut path = path.to_vec();
        path.push(command);
        tree(world, &path, text);
    }
}

/// Every command that has none below it, as its words.
pub(crate) fn leaves(world: &World, path: &str) -> Vec<String> {
    let words = path.split_whitespace().chain(["--help"]);
    let below = commands(&world.leapp(words).succeeds().text());
    if below.is_empty() {
        return vec![path.trim().to_owned()];
    }
    let paths = below.iter().map(|name| format!("{path} {name}"));
    paths.flat_map(|path| leaves(world, &path)).collect()
}

#[test]
fn the_help_of_every_command_is_as_recorded() {
    let mut world = World::with_role("prod", "Admin");
    // The width, where there is no terminal.
    world.set("COLUMNS", "100");
    let mut text = String::new();
    tree(&world, &[], &mut text);
    for name in ["work", "prod"] {
        let outcome = world.leapp(["session", "edit", name, "--help"]);
        let help = outcome.succeeds().text();
        text += &["$ leapp session edit ", name, " --help\n", &help, "\n"].concat();
    }
    let path = repository().join("tests/snapshots/help.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let first = text.lines().zip(recorded.lines()).find(|(new, old)| new != old);
    assert!(
        text == recorded,
        "the help changed; UPDATE_SNAPSHOTS=1 records it. First difference (new, recorded): {first:?}"
    );
    for command in [
        "env",
        "exec",
        "credential-process",
        "list",
        "session add aws-iam-user",
        "session remove",
        "workspace restore",
        "completions",
    ] {
        assert!(
            text.contains(&format!("$ leapp {command} --help\n")),
            "{command} is not in the tree"
        );
    }
    assert!(!text.contains("generate"), "a hidden command is shown");
}

#[test]
fn help_is_found_in_every_way_that_people_try() {
    let world = World::new();
    let help = world.leapp(["--help"]).succeeds().text();
    world.leapp(["-h"]).succeeds().prints(&help);
    let version = concat!("leapp ", env!("CARGO_PKG_VERSION"), "\n");
    world.leapp(["--version"]).succeeds().prints(version);
    world.leapp(["-V"]).succeeds().prints(version);
    let wrong = world.leapp(["lst"]);
    wrong.fails(2).prints("").says("'lst'").says("hint: ").says("list");
    assert_eq!(fs::read_dir(world.home.path()).unwrap().count(), 1, "asking for help made a file");
}
