//! How the hooks get into a shell and stay there: beside other tools' prompt commands, loaded twice,
//! overwritten, around a `cd` of the user's own; and that nothing is said before the first prompt.

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::ready,
    support::World,
};

fn places() -> World {
    let world = ready();
    project(&world, "shop", "dev");
    folder(&world, "plain");
    world
}

/// A prompt command that tells the status that it sees, and the session.
const OTHER: &str = "other() { local s=$?; echo \"other=$s:${LEAPP_SESSION-}.\"; }";

/// The hook works, and the other tool's command is run once a prompt, with the status of the user's
/// command and the environment of the directory.
fn side_by_side(shell: &mut Hooked, told: &str) {
    // What the prompt before says comes first.
    let said = shell.run("cd code/shop");
    let told_by_it: Vec<_> = said.lines().filter(|line| line.starts_with("other=")).collect();
    assert_eq!(told_by_it, ["other=0:.", "other=0:dev."], "{told}: once a prompt: {said}");
    assert_eq!(shell.on(), "dev", "{told}");
    let said = shell.run("(exit 7)");
    assert!(said.contains("other=7:dev."), "{told}: it sees the user's status: {said}");
    let said = shell.run("cd ../..");
    assert!(said.contains("other=0:."), "{told}: it sees that nothing is on: {said}");
    assert_eq!(shell.on(), "", "{told}");
    assert_eq!(shell.exported("PROMPT_COMMAND"), None, "{told}: exported");
}

#[test]
fn bash_takes_its_place_in_every_form_of_prompt_command() {
    let world = places();
    for form in [
        "PROMPT_COMMAND=other",
        "PROMPT_COMMAND='other;'",
        "PROMPT_COMMAND='other ; '",
        "PROMPT_COMMAND=$'other\\n'",
        "PROMPT_COMMAND='other # a comment'",
        "export PROMPT_COMMAND=other",
        "declare -x PROMPT_COMMAND='other;'",
        "PROMPT_COMMAND=(other)",
        "PROMPT_COMMAND=(true other)",
        "PROMPT_COMMAND=('' other '')",
        "declare -a PROMPT_COMMAND; PROMPT_COMMAND[5]=other",
    ] {
        let rc = format!("{OTHER}\n{form}\n{}", Kind::Bash.load());
        side_by_side(&mut Hooked::with(&world, Kind::Bash, &rc, world.home.path()), form);
    }
}

#[test]
fn bash_survives_what_later_lines_do_to_prompt_command() {
    let world = places();
    for form in [
        "PROMPT_COMMAND=other",
        "PROMPT_COMMAND='other;'",
        "export PROMPT_COMMAND=other",
        "PROMPT_COMMAND=\"other; $PROMPT_COMMAND\"",
        "PROMPT_COMMAND=\"${PROMPT_COMMAND:+$PROMPT_COMMAND; }other\"",
        "PROMPT_COMMAND+=(other)",
        "PROMPT_COMMAND=(other \"${PROMPT_COMMAND[@]}\")",
        "PROMPT_COMMAND[0]=other",
    ] {
        for earlier in ["", "PROMPT_COMMAND=true", "PROMPT_COMMAND=(true true)"] {
            let rc = format!("{OTHER}\n{earlier}\n{}\n{form}", Kind::Bash.load());
            let told = format!("{earlier} / {form}");
            side_by_side(&mut Hooked::with(&world, Kind::Bash, &rc, world.home.path()), &told);
        }
    }
}

#[test]
fn a_bash_whose_prompt_command_was_removed_still_leaves_by_cd() {
    let world = places();
    for form in ["unset PROMPT_COMMAND", "PROMPT_COMMAND=()", "declare -a PROMPT_COMMAND=(true)"] {
        let mut shell = Hooked::new(&world, Kind::Bash);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{form}");
        shell.run(form);
        assert_eq!(shell.on(), "dev", "{form}");
        shell.run("cd ../..");
        assert_eq!(shell.ours(), before, "{form}");
        let mut shell = Hooked::new(&world, Kind::Zsh);
        shell.run("cd code/shop");
        shell.run("precmd_functions=()");
        shell.run("cd ../..");
        assert_eq!(shell.on(), "");
        shell.run("cd code/shop; chpwd_functions=(); cd ../..");
        assert_eq!(shell.on(), "dev", "without both nothing can be done");
        shell.run("precmd_functions=(__leapp_precmd)");
        shell.run("true");
        assert_eq!(shell.on(), "");
    }
}

/// The hook as an older bash takes it, by making its tests of the version fail.
fn older(tests: &str) -> String {
    format!("eval \"$(leapp hook bash | sed '{tests}')\"")
}

#[test]
fn the_form_for_an_older_bash_works_and_keeps_the_status() {
    let world = places();
    // Before 5.1 one string; before 5.0 the clock of printf; before 4.2 SECONDS.
    let string = "s/BASH_VERSINFO\\[1\\] >= 501/BASH_VERSINFO[1] >= 9999/";
    let printf = "s/BASH_VERSINFO\\[0\\] >= 5))/BASH_VERSINFO[0] >= 99))/g";
    let seconds = "s/BASH_VERSINFO\\[1\\] >= 402/BASH_VERSINFO[1] >= 9999/g";
    for tests in
        [string.to_owned(), format!("{string};{printf}"), format!("{string};{printf};{seconds}")]
    {
        for form in [
            "PROMPT_COMMAND=other",
            "PROMPT_COMMAND='other;'",
            "PROMPT_COMMAND=' other ; '",
            "export PROMPT_COMMAND=$'other\\n'",
        ] {
            let rc = format!("{OTHER}\n{form}\n{}\n{}", older(&tests), older(&tests));
            let mut shell = Hooked::with(&world, Kind::Bash, &rc, world.home.path());
            side_by_side(&mut shell, &format!("{tests}, {form}"));
            let said = shell.run("declare -p PROMPT_COMMAND");
            // First, and last: what others change is seen before anything can be typed.
            assert_eq!(said.matches("__leapp_prompt").count(), 2, "{said}");
            shell.run("set -e");
            // The driver's own line resets the status; the shell must live to see it.
            shell.run("false && true");
            assert!(shell.run("echo alive").contains("alive"), "{tests}: set -e");
        }
        let rc = older(&tests);
        let mut shell = Hooked::with(&world, Kind::Bash, &rc, world.home.path());
        shell.run("cd code/shop");
        shell.send("(exit 9)");
        assert!(shell.run("echo st=$?.").contains("st=9."), "{tests}");
        assert_eq!(shell.on(), "dev", "{tests}");
        shell.run("SECONDS=0");
        shell.run("SECONDS=-5");
        assert_eq!(shell.on(), "dev", "{tests}: SECONDS set back");
        shell.run("cd ../..");
        assert_eq!(shell.on(), "", "{tests}");
    }
}

#[test]
fn zsh_stands_first_and_last_in_both_lists_once() {
    let world = places();
    let before = "a() { echo \"other=$?:${LEAPP_SESSION-}.\" }; c() { echo \"moved=${LEAPP_SESSION-}.\" }; \
                  precmd_functions=(a); chpwd_functions=(c); precmd() { : }; chpwd() { : }";
    for after in [
        "",
        "precmd_functions=(b $precmd_functions); chpwd_functions=(b $chpwd_functions); b() { : }",
        "precmd_functions+=(b); chpwd_functions+=(b); b() { : }",
    ] {
        let load = Kind::Zsh.load();
        let rc = format!("{before}\n{load}\n{load}\n{after}\n");
        let mut shell = Hooked::with(&world, Kind::Zsh, &rc, world.home.path());
        let said = shell.run("cd code/shop");
        // Entering comes after other tools, so that they go back to what was there without us.
        assert!(said.contains("moved=."), "{after}: {said}");
        assert!(said.contains("other=0:dev."), "{after}: {said}");
        let said = shell.run("(exit 7)");
        assert!(said.contains("other=7:dev."), "{after}: {said}");
        let said = shell.run("cd ../..");
        assert!(said.contains("moved=."), "{after}: {said}");
        let said =
            shell.run("echo \"p=$precmd_functions. c=$chpwd_functions.\"; which precmd chpwd");
        assert!(said.contains("p=__leapp_precmd "), "{after}: {said}");
        assert!(said.contains("c=__leapp_chpwd "), "{after}: {said}");
        for name in ["__leapp_precmd", "__leapp_chpwd"] {
            assert_eq!(said.matches(name).count(), 2, "{after}: first and last: {said}");
        }
        assert!(said.contains("precmd () {"), "the user's own: {said}");
    }
}

#[test]
fn a_cd_of_the_users_own_stays_theirs_and_the_prompt_does_it() {
    let world = places();
    for (kind, own, show) in [
        (Kind::Bash, "cd() { builtin cd \"$@\" && echo mine; }", "declare -f cd"),
        (Kind::Bash, "alias cd='builtin cd'", "alias cd"),
        (
            Kind::Bash,
            "chpwd_functions=(); cd() { builtin cd \"$@\" || return; for f in \"${chpwd_functions[@]}\"; do $f; done; }",
            "declare -f cd",
        ),
        (Kind::Zsh, "cd() { builtin cd \"$@\" && echo mine }", "functions cd"),
        (Kind::Zsh, "alias cd='pushd -q'", "alias cd"),
        (Kind::Fish, "function cd; builtin cd $argv; end", "functions cd | cat"),
    ] {
        for late in [false, true] {
            let load = kind.load();
            let rc = if late { format!("{load}\n{own}") } else { format!("{own}\n{load}") };
            let told = format!("{kind:?}, {own}, {late}");
            let mut bare = Hooked::with(&world, kind, own, world.home.path());
            let theirs = bare.run(show);
            let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
            let before = shell.ours();
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{told}");
            shell.run("cd ../..");
            assert_eq!(shell.ours(), before, "{told}");
            if kind != Kind::Fish {
                assert_eq!(shell.run(show), theirs, "{told}");
            }
            // With a list to hang into, and with an event, the same line has it too.
            let silent = own.contains("-q");
            if kind != Kind::Bash && !silent || (own.contains("chpwd_functions") && !late) {
                let line = kind.and("cd code/shop", "sh -c 'echo on=$LEAPP_SESSION.'");
                let said = shell.run(&line);
                assert!(said.contains("on=dev."), "{told}: {said}");
            }
        }
    }
}

#[test]
fn pushd_and_popd_count_as_cd_does() {
    let world = places();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for (line, on) in [("pushd code/shop", "dev"), ("popd", "")] {
            let said = shell.run(&kind.and(line, "sh -c 'echo on=$LEAPP_SESSION.'"));
            assert!(said.contains(&format!("on={on}.")), "{kind:?}, {line}: {said}");
        }
    });
}

#[test]
fn nothing_is_said_or_switched_on_before_the_first_prompt() {
    let world = places();
    let shop = folder(&world, "shop");
    everywhere(|kind| {
        let end = match kind {
            Kind::Bash | Kind::Zsh => "echo \"rc=[${AWS_ACCESS_KEY_ID-}]\"",
            Kind::Fish => "echo \"rc=[$AWS_ACCESS_KEY_ID]\"",
            Kind::Pwsh => "\"rc=[$env:AWS_ACCESS_KEY_ID]\"",
        };
        let rc = format!("{}\n{end}", kind.load());
        let shell = Hooked::with(&world, kind, &rc, &shop);
        let said = shell.transcript();
        let rc = said.find("rc=[]").unwrap_or_else(|| panic!("{kind:?}: {said}"));
        let on = said.find("leapp: dev is on").unwrap_or_else(|| panic!("{kind:?}: {said}"));
        assert!(rc < on, "{kind:?}: {said}");
        assert_eq!(said.matches("leapp:").count(), 1, "{kind:?}: {said}");
    });
}

#[test]
fn where_a_prompt_was_drawn_early_the_first_line_waits_for_the_second() {
    let world = places();
    let shop = folder(&world, "shop");
    let rc = format!(
        "__p9k_instant_prompt_active=1\n{}\nshown() {{ echo prompt-shown; unset __p9k_instant_prompt_active; \
         precmd_functions=(${{precmd_functions:#shown}}) }}\nprecmd_functions+=(shown)",
        Kind::Zsh.load()
    );
    let mut shell = Hooked::with(&world, Kind::Zsh, &rc, &shop);
    let said = shell.transcript().to_owned();
    let said = said + &shell.run("true");
    let (shown, on) = (said.find("prompt-shown").unwrap(), said.find("leapp: dev is on").unwrap());
    assert!(shown < on, "{said}");
    assert_eq!(shell.on(), "dev");
}
