//! What is printed for PowerShell, read by a grammar of it, where there is no PowerShell.

use std::fs;

use crate::support::{Outcome, World, python, repository};

/// Reads a text; whether the grammar knows all of it.
fn read(world: &World, text: &[u8]) -> Outcome {
    let path = world.home.path().join("text.ps1");
    fs::write(&path, text).unwrap();
    let mut command = world.foreign(python());
    command.arg(repository().join("tests/shell/powershell.py")).arg(&path);
    world.run(command, None)
}

#[test]
fn every_text_for_powershell_parses() {
    let mut world = World::with_role("prod", "Admin");
    // The four quotes that PowerShell takes for its own, beside the plain one.
    for (name, value) in [
        ("AWS_PROFILE", "it's \u{2018}a\u{2019} \u{201a}b\u{201b}"),
        ("AWS_REGION", "$(Stop-Process -Id 1)\r\n`\"@{"),
    ] {
        world.set(name, value);
    }
    for words in [
        &["hook", "powershell"][..],
        &["completions", "powershell"],
        &["env", "prod", "--shell", "powershell"],
        &["env", "prod", "--shell", "powershell", "--show"],
        &["env", "--unset", "--shell", "powershell"],
    ] {
        let outcome = world.leapp(words);
        outcome.succeeds();
        read(&world, &outcome.stdout).succeeds().prints("");
    }
    let failed = world.leapp(["env", "nope", "--shell", "powershell"]);
    read(&world, &failed.fails(5).stdout).succeeds().prints("");
    assert_eq!(read(&world, b"if ($x { 1 }").code(), 1, "the grammar reads anything");
}
