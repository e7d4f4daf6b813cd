//! What a user does not feel of the hook: statuses, variables, functions and traps are as they were
//! after prompts, entering and leaving.

use std::collections::BTreeSet;

use crate::{
    hooked::{Hooked, Kind, everywhere, folder, project},
    hooks_basic::ready,
    support::{World, unique},
};

/// A world with a project and a place beside it.
fn places() -> World {
    let world = ready();
    project(&world, "shop", "dev");
    folder(&world, "plain");
    world
}

/// The lines of a file that the shell writes by this line, with `FILE` for its path.
fn written(shell: &mut Hooked, world: &World, line: &str) -> String {
    let file = world.home.path().join(unique("written"));
    shell.run(&line.replace("FILE", file.to_str().unwrap()));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_status_and_a_pipes_statuses_survive_prompts_entering_and_leaving() {
    let world = places();
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let (told, fail) = match kind {
            Kind::Bash => ("echo \"st=$? ${PIPESTATUS[*]}.\"", "(exit 3) | (exit 4) | (exit 5)"),
            Kind::Zsh => ("echo \"st=$? ${pipestatus[*]}.\"", "(exit 3) | (exit 4) | (exit 5)"),
            _ => (
                "echo \"st=$status $pipestatus.\"",
                "sh -c 'exit 3' | sh -c 'exit 4' | sh -c 'exit 5'",
            ),
        };
        let mut shell = Hooked::new(&world, kind);
        // The hook's own command, and cd itself, have statuses too: what counts comes after them.
        for before in ["true", "cd code/shop", "true", "cd ../plain", "cd ../shop/.", "cd ../.."] {
            shell.send(&format!("{before}; {fail}"));
            let said = shell.run(told);
            assert!(said.contains("st=5 3 4 5."), "{kind:?}, {before}: {said}");
        }
        // At the very prompt that switches on or off.
        for (file, on) in [("dev", "dev"), ("", "")] {
            let path = folder(&world, "plain").join(".leapp.toml");
            if file.is_empty() {
                std::fs::remove_file(&path).unwrap();
            } else {
                shell.run("cd code/plain");
                std::fs::copy(folder(&world, "shop").join(".leapp.toml"), &path).unwrap();
                shell.answer("leapp trust", "[y/N]", "y");
            }
            shell.send(fail);
            let said = shell.run(told);
            assert!(said.contains("st=5 3 4 5."), "{kind:?}: {said}");
            assert_eq!(shell.on(), on, "{kind:?}");
        }
    }
}

#[test]
fn cd_tells_its_own_status_and_a_failed_one_changes_nothing() {
    let world = places();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        assert_eq!(shell.status("cd code/shop").1, 0, "{kind:?}");
        assert_ne!(shell.status("cd nowhere").1, 0, "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.status("cd ../..").1, 0, "{kind:?}");
        assert_ne!(shell.status(&kind.and("cd nowhere", "echo on")).1, 0, "{kind:?}");
        assert_eq!(shell.on(), "", "{kind:?}");
    });
}

#[test]
fn powershell_keeps_the_last_status_of_both_kinds() {
    let world = places();
    everywhere(|kind| {
        if kind != Kind::Pwsh {
            return;
        }
        let mut shell = Hooked::new(&world, kind);
        for line in ["$null", "cd code/shop", "cd ../.."] {
            shell.send(&format!("{line}; /bin/sh -c 'exit 7'"));
            let said = shell.run("\"st=$? $LASTEXITCODE.\"");
            assert!(said.contains("st=False 7."), "{line}: {said}");
        }
        assert!(shell.run("\"errors=$($Error.Count).\"").contains("errors=0."));
    });
}

#[test]
fn special_variables_survive_prompts_entering_and_leaving() {
    let world = places();
    for (kind, set, told) in [
        (
            Kind::Bash,
            "REPLY=reply; [[ abc =~ b(c) ]]; IFS=x; set -- one two; OPTIND=3; sleep 0 & bang=$!; \
             MAPFILE=(m); COPROC=c; OLD=$OLDPWD",
            "echo \"v=$REPLY ${BASH_REMATCH[1]} $IFS $1 $2 $# $OPTIND $(($! == bang)) $MAPFILE.\"",
        ),
        (
            Kind::Zsh,
            "REPLY=reply reply=(r s); setopt bash_rematch; [[ abc =~ b(c) ]]; [[ xyz == (#b)(x)* ]]; \
             IFS=x; set -- one two; OPTIND=3; sleep 0 & bang=$!; match=(m) mbegin=(1) MATCH=M",
            "echo \"v=$REPLY $BASH_REMATCH[2] $IFS $1 $2 $# $OPTIND $(($! == bang)) $match $MATCH $reply[2].\"",
        ),
    ] {
        let mut shell = Hooked::new(&world, kind);
        shell.run(set);
        let before = shell.run(told);
        let before = before.lines().find(|l| l.starts_with("v=")).unwrap().to_owned();
        for line in ["cd code/shop", "true", "leapp use dev", "leapp off", "cd ../.."] {
            shell.run(line);
            let said = shell.run(told);
            assert!(said.contains(&before), "{kind:?}, {line}: {before} {said}");
        }
    }
}

#[test]
fn the_last_argument_survives_a_prompt_without_change() {
    let world = places();
    // The shells keep it over their own prompt commands.
    for (kind, told) in [(Kind::Bash, "echo \"v=$_.\""), (Kind::Zsh, "echo \"v=$_.\"")] {
        for rc in [kind.load(), ""] {
            let mut shell = Hooked::with(&world, kind, rc, world.home.path());
            shell.send("true some thing");
            let said = shell.run(told);
            assert!(said.contains("v=thing."), "{kind:?}, {rc}: {said}");
        }
    }
}

/// Names of functions and variables that are not the hook's own.
fn names(shell: &mut Hooked, world: &World) -> BTreeSet<String> {
    let line = match shell.kind {
        Kind::Bash => "{ compgen -v; compgen -A function | sed 's/^/f:/'; trap; alias; } > FILE",
        Kind::Fish => "begin; set -n; functions -a | string replace -r '^' f:; end > FILE",
        Kind::Pwsh => {
            "(Get-Variable | % Name) + (Get-ChildItem Function: | % { \"f:$($_.Name)\" }) > FILE"
        }
        Kind::Zsh => {
            "{ typeset + | sed 's/.* //'; typeset +f | sed 's/^/f:/'; trap; alias; zmodload } > FILE"
        }
    };
    let text = written(shell, world, line);
    let names = text.lines().flat_map(|line| line.split(' '));
    // What only history, completion and the first `cd` bring is not ours.
    let theirs =
        ["dirprev", "dirnext", "__fish_cd_direction", "OLDPWD", "_", "BASH_REMATCH", "PIPESTATUS"];
    let names = names.filter(|name| {
        let bare = name.trim_start_matches("f:");
        !bare.starts_with("__leapp_") && !theirs.contains(&bare)
    });
    names.map(str::to_owned).collect()
}

#[test]
fn no_name_is_left_behind_but_the_ones_that_are_documented() {
    let world = places();
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let visit = ["cd code/shop", "cd ../plain", "cd ../.."];
        let mut bare = Hooked::with(&world, kind, "", world.home.path());
        for line in visit {
            bare.run(line);
        }
        let bare = names(&mut bare, &world);
        let mut shell = Hooked::new(&world, kind);
        let loaded = names(&mut shell, &world);
        for line in visit {
            shell.run(line);
        }
        for line in ["leapp use dev", "leapp off", "leapp status", "leapp use nope"] {
            shell.run(line);
        }
        let left = names(&mut shell, &world);
        let new: Vec<_> = left.difference(&loaded).filter(|name| !bare.contains(*name)).collect();
        assert_eq!(new, Vec::<&String>::new(), "{kind:?}: new since it was loaded");
        let ours = left.difference(&bare).map(String::as_str).collect::<BTreeSet<_>>();
        let documented = match kind {
            Kind::Bash => vec![
                "PROMPT_COMMAND",
                "f:cd",
                "f:leapp",
                "f:popd",
                "f:pushd",
                "leapp_session",
                "leapp_warning",
            ],
            Kind::Zsh => vec![
                "chpwd_functions",
                "f:leapp",
                "leapp_session",
                "leapp_warning",
                "precmd_functions",
            ],
            _ => vec!["f:leapp", "leapp_session", "leapp_warning"],
        };
        let extra: Vec<_> = ours.iter().filter(|name| !documented.contains(name)).collect();
        assert_eq!(extra, Vec::<&&str>::new(), "{kind:?}");
        let gone: Vec<_> = bare.difference(&left).collect();
        assert_eq!(gone, Vec::<&String>::new(), "{kind:?}: gone");
    }
}

#[test]
fn what_the_user_removes_or_overwrites_does_not_keep_a_session_on() {
    let world = places();
    everywhere(|kind| {
        for (setting, rm) in [("", true), ("set -u", true), ("setopt no_unset", false)] {
            if (kind == Kind::Zsh) == rm && !setting.is_empty()
                || kind == Kind::Fish && !setting.is_empty()
                || kind == Kind::Pwsh && !setting.is_empty()
            {
                continue;
            }
            let mut shell = Hooked::new(&world, kind);
            shell.run(setting);
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            shell.run(match kind {
                Kind::Bash | Kind::Zsh => "unset leapp_session leapp_warning",
                Kind::Fish => "set -e leapp_session leapp_warning",
                Kind::Pwsh => "Remove-Variable leapp_session, leapp_warning -Scope Global",
            });
            shell.run("true");
            assert_eq!(shell.on(), "dev", "{kind:?}");
            shell.run("cd ../..");
            assert_eq!(shell.on(), "", "{kind:?} {setting}");
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{kind:?} {setting}: and again");
            shell.run("cd ../..");
        }
    });
}

#[test]
fn traps_of_the_users_survive_and_see_no_command_of_the_hook_fail() {
    let world = places();
    for (kind, set, show) in [
        (
            Kind::Bash,
            "trap 'echo I' INT; trap 'echo E' ERR; trap 'echo R' RETURN; trap 'echo X' EXIT; \
             trap 'echo Q' USR1",
            "trap > FILE",
        ),
        (
            Kind::Bash,
            "set -o functrace; set -o errtrace; trap 'echo I' INT; trap 'echo E' ERR; \
             trap 'case $BASH_COMMAND in *AWS_SEC*|*TESTSEC*) echo SECRET;; esac' DEBUG",
            "trap > FILE",
        ),
        (
            Kind::Zsh,
            "trap 'echo I' INT; trap 'echo E' ZERR; trap 'echo X' EXIT; trap 'echo Q' USR1",
            "trap > FILE",
        ),
        (
            Kind::Zsh,
            "TRAPINT() { echo I; return 130 }; TRAPZERR() { echo E }; TRAPUSR1() { echo Q }; \
             TRAPDEBUG() { case $ZSH_DEBUG_CMD in (*AWS_SEC*|*TESTSEC*) echo SECRET;; esac }",
            "functions TRAPINT TRAPZERR TRAPUSR1 TRAPDEBUG > FILE",
        ),
        (
            Kind::Zsh,
            "setopt debug_before_cmd; trap 'case $ZSH_DEBUG_CMD in (*AWS_SEC*|*TESTSEC*) echo SECRET;; esac' DEBUG",
            "trap > FILE",
        ),
    ] {
        let mut shell = Hooked::new(&world, kind);
        shell.run(set);
        let before = written(&mut shell, &world, show);
        assert!(!before.trim().is_empty(), "{kind:?}: {set}");
        for line in
            ["cd code/shop", "true", "leapp use dev", "leapp off", "cd ../plain", "cd ../.."]
        {
            let said = shell.run(line);
            let noise = said.lines().filter(|l| ["E", "X", "I", "Q", "SECRET"].contains(&l.trim()));
            assert_eq!(
                noise.collect::<Vec<_>>(),
                Vec::<&str>::new(),
                "{kind:?}, {set}: {line}: {said}"
            );
        }
        assert_eq!(written(&mut shell, &world, show), before, "{kind:?}, {set}");
        let said = shell.run("/bin/false");
        let has_err = set.contains("ERR") && !said.lines().any(|line| line.trim() == "E");
        assert!(!has_err, "{kind:?}, {set}: the trap itself still works: {said}");
    }
}
