//! The hook for bash beside bash-preexec, loaded before and after it.

use crate::{
    hooked::{Hooked, Kind, project},
    neighbours::{COUNT, Order, beside, from_npm, peopled, works},
};

/// What a user has there: functions that note what they see.
const OWN: &str = "own_precmd() { own_status=$? own_word=$_; }\nown_preexec() { own_command=$1; }\n\
                   precmd_functions+=(own_precmd)\npreexec_functions+=(own_preexec)";

#[test]
fn functions_of_bash_preexec_see_what_the_user_did() {
    let Some(file) = from_npm("bash-preexec/bash-preexec.sh") else { return };
    let world = peopled();
    project(&world, "shop", "dev");
    for order in [Order::HookFirst, Order::HookLast] {
        for own_first in [false, true] {
            let source = format!(". {}", file.display());
            let other = if own_first {
                format!("precmd_functions=() preexec_functions=()\n{OWN}\n{source}")
            } else {
                format!("{source}\n{OWN}")
            };
            let rc = beside(Kind::Bash, order, &other);
            let mut shell = Hooked::with(&world, Kind::Bash, &rc, world.home.path());
            let what = format!("{order:?} {own_first}");
            works(&mut shell, &what);
            shell.run(COUNT);
            shell.run("looks=0");
            shell.run("/bin/sh -c 'exit 7' lastword");
            // The line that tells the end overwrites it: the next one is one line.
            let line = "/bin/sh -c 'exit 9' word; :";
            shell.run(line);
            let said = shell
                .run("/bin/sh -c 'exit 5' last\necho \"saw:$own_status:$own_word:$own_command.\"");
            let expected = "saw:5:last:echo \"saw:$own_status:$own_word:$own_command.\".";
            assert!(said.contains(expected), "{what}: {said}");
            shell.run("looks=0");
            let said = shell.run("true\ntrue\necho \"looks:$looks.\"");
            assert!(said.contains("looks:4."), "{what}: once a prompt: {said}");
        }
    }
}
