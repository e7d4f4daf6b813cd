//! What comes from outside: an environment with variables of ours, states that are stale or made up,
//! other users, and programs of our name that are not ours.

use std::{fs, path::Path};

use crate::{
    hooked::{Hooked, Kind, at_home, code, everywhere, is_root},
    hooks_places::two_projects,
    hooks_shells::{SHELLS, at_work, is_back, kinds, own_variables},
    support::{World, chmod, program},
};

#[test]
fn variables_of_ours_from_outside_bring_no_state() {
    let mut world = at_work();
    let mark = world.home.path().join("mark");
    let evil = world.home.path().join("evil");
    fs::write(&evil, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    chmod(&evil, 0o755);
    let command = format!("$(touch {})", mark.display());
    let home = world.home.path().to_str().unwrap().to_owned();
    let words = "p w a c l h s d k i r n q m t f e y j b text ok armed warned gone had status late \
                 first inherited top how with names group format own name kept_status paths user_home \
                 home xdg vault universal loads wrapped";
    for word in words.split_whitespace() {
        let value = match word {
            "m" | "armed" => "1",
            "w" => "d",
            "had" | "names" => "AWS_ACCESS_KEY_ID",
            "p" => &home,
            "l" => "/",
            _ => &command,
        };
        world.set(&format!("__leapp_{word}"), value);
    }
    world.set("__leapp_program", &evil).set("leapp_session", &command);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"] {
        for (mark, value) in
            [("was", "x"), ("o", "x"), ("val", "evil"), ("v", "evil"), ("g", "evil")]
        {
            world.set(&format!("__leapp_{mark}_{name}"), value);
        }
    }
    everywhere(|kind| {
        let mut shell = Hooked::of_home(&world, kind, world.home.path());
        let before = shell.ours();
        assert!(before.is_empty() || before.keys().all(|n| n == "AWS_ENDPOINT_URL"), "{before:?}");
        for (name, _) in shell.environment() {
            assert!(!name.starts_with("__leapp_"), "{kind:?}: {name}");
        }
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.ours(), before, "{kind:?}");
        shell.run(&kind.by_hand("use prod"));
        assert_eq!(shell.on(), "prod", "{kind:?}");
        shell.run(&kind.by_hand("off"));
        assert_eq!(shell.ours(), before, "{kind:?}");
        let unset = match kind {
            Kind::Bash | Kind::Zsh => "eval \"$(leapp env --unset)\"",
            Kind::Fish => "leapp env --unset | source",
            Kind::Pwsh => "leapp env --unset | Out-String | Invoke-Expression",
        };
        shell.run(unset);
        assert_eq!(shell.ours(), before, "{kind:?}");
        assert!(!mark.exists(), "{kind:?}: something from outside was run");
    });
}

#[test]
fn functions_of_ours_that_bash_exports_bring_no_state() {
    let world = at_work();
    let mut shell = Hooked::of_home(&world, Kind::Bash, world.home.path());
    own_variables(&mut shell);
    shell.run("cd code/shop; export -f $(compgen -A function)");
    assert_eq!(shell.on(), "dev");
    for line in ["bash", "env -C ../mill bash", "bash -u"] {
        let said = shell.becomes(line, Kind::Bash);
        assert!(!said.contains("__leapp"), "{line}: {said}");
        let on = if line.contains("mill") { "prod" } else { "dev" };
        assert_eq!(shell.on(), on, "{line}");
        shell.run("cd");
        is_back(&mut shell, false, line);
        shell.becomes("exit", Kind::Bash);
        assert_eq!(shell.on(), "dev", "{line}");
    }
}

/// The environment of a shell that is in the project `shop`.
fn environment_of_shop(world: &World) -> Vec<(String, String)> {
    let mut shell = Hooked::of_home(world, Kind::Bash, world.home.path());
    own_variables(&mut shell);
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "dev");
    let all = shell.environment().into_iter();
    let ours = all.filter(|(name, _)| name.starts_with("AWS") || name.starts_with("LEAPP_S"));
    ours.map(|(name, value)| (name, value.into_string().unwrap())).collect()
}

/// A shell that starts with variables of that kind.
fn started(world: &World, kind: Kind, at: &Path, vars: &[(String, String)]) -> Hooked {
    let mut command = world.foreign(kind.program());
    command.arg("-i").current_dir(at);
    command.envs(vars.iter().map(|(name, value)| (name, value)));
    Hooked::start(world, kind, command)
}

#[test]
fn a_state_that_is_stale_is_put_right_at_the_first_prompt() {
    let world = at_work();
    let vars = environment_of_shop(&world);
    let old = vars.iter().find(|(name, _)| name == "AWS_ACCESS_KEY_ID").unwrap().1.clone();
    let (home, shop) = (world.home.path().to_owned(), code(&world).join("shop"));
    let sub = shop.join("sub");
    world.leapp(["rotate", "dev"]).succeeds();
    for kind in kinds() {
        let mut shell = started(&world, kind, &home, &vars);
        is_back(&mut shell, false, &format!("{kind:?}: outside"));
        let mut shell = started(&world, kind, &sub, &vars);
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_ne!(shell.exported("AWS_ACCESS_KEY_ID").as_ref(), Some(&old), "{kind:?}: the new");
        shell.enter(&home);
        is_back(&mut shell, false, &format!("{kind:?}: inside"));
    }
    // Ended meanwhile: the clock of what was handed out has run out, and nothing follows it.
    world.leapp(["stop", "dev"]).succeeds();
    let ended: Vec<(String, String)> = vars
        .iter()
        .map(|(name, value)| match name.as_str() {
            "LEAPP_STATE" => {
                let mut parts: Vec<&str> = value.split(';').collect();
                parts[3] = "1000000000";
                (name.clone(), parts.join(";"))
            }
            "AWS_CREDENTIAL_EXPIRATION" => (name.clone(), "2001-09-09T01:46:40Z".into()),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    for kind in kinds() {
        let mut shell = started(&world, kind, &home, &ended);
        is_back(&mut shell, false, &format!("{kind:?}: ended, outside"));
        let mut shell = started(&world, kind, &sub, &ended);
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}: ended, inside");
        shell.enter(&home);
        is_back(&mut shell, false, &format!("{kind:?}: ended, inside"));
    }
}

#[test]
fn a_state_that_somebody_made_up_takes_nothing_that_is_not_its_own() {
    let world = at_work();
    let vars = environment_of_shop(&world);
    let home = world.home.path().to_owned();
    let mark = home.join("mark");
    let of = |name: &str| vars.iter().find(|(n, _)| n == name).unwrap().1.clone();
    let (state, key) = (of("LEAPP_STATE"), of("AWS_ACCESS_KEY_ID"));
    let evil = format!("$(touch {0});`touch {0}`;'", mark.display());
    for kind in kinds() {
        for text in [
            state.clone(),
            evil.clone(),
            format!("1;d;{evil}"),
            format!("1;u;{evil};9;AKIAUSER;;"),
            "1;d;;;;;;;;;;".to_owned(),
            "2;d;session:x;9;AKIAUSER;;".to_owned(),
            format!("1;d;session:x;{};AKIAUSER", "9".repeat(400)),
            "1;d;*".to_owned(),
        ] {
            // The keys are the user's own, whatever the state says of them.
            let mine = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let vars = [
                mine("AWS_ACCESS_KEY_ID", "AKIAMINE"),
                mine("AWS_SECRET_ACCESS_KEY", "TESTSECRET own"),
                mine("AWS_PROFILE", "mine"),
                mine("LEAPP_SESSION", "prod"),
                mine("LEAPP_STATE", &text),
            ];
            let what = format!("{kind:?}: {}", text.replace(&key, "KEY"));
            let mut shell = started(&world, kind, &home, &vars);
            for _ in 0..2 {
                let now = shell.environment();
                let is = |name: &str| now.get(name).and_then(|value| value.to_str());
                assert_eq!(is("AWS_ACCESS_KEY_ID"), Some("AKIAMINE"), "{what}");
                assert_eq!(is("AWS_SECRET_ACCESS_KEY"), Some("TESTSECRET own"), "{what}");
                assert_eq!(is("AWS_PROFILE"), Some("mine"), "{what}");
                shell.run("cd code; cd ..");
            }
            shell.run("cd code/shop");
            assert_eq!(shell.on(), "dev", "{what}");
            shell.run("cd ../..");
            assert_eq!(shell.exported("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIAMINE"), "{what}");
            assert!(!mark.exists(), "{what}: it was evaluated");
        }
    }
}

#[test]
fn without_the_program_an_inherited_session_is_closed_and_the_users_own_keys_are_not() {
    let mut world = two_projects();
    let bin = world.home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let real = bin.join("leapp");
    world.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
    world.set("AWS_ACCESS_KEY_ID", "AKIAMINE").set("AWS_SECRET_ACCESS_KEY", "TESTSECRET own");
    world.set("LEAPP_SESSION", "dev");
    for (key, id) in [("AKIAOTHER", "AKIAMINE"), ("AKIAMINE", "LEAPP-EXPIRED")] {
        world.set("LEAPP_STATE", format!("1;d;session:x;9;{key};;-,-,-,-,-"));
        everywhere(|kind| {
            std::os::unix::fs::symlink(program(), &real).unwrap();
            let rc = format!("{}; rm -f {}", kind.load(), real.display());
            let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
            for _ in 0..2 {
                shell.run("true");
                let now = shell.exported("AWS_ACCESS_KEY_ID");
                assert_eq!(now.as_deref(), Some(id), "{kind:?}: {key}");
            }
        });
    }
}

#[test]
fn who_became_root_by_sudo_has_sessions_by_hand_alone() {
    if !is_root() {
        return;
    }
    let mut world = at_work();
    let vars = environment_of_shop(&world);
    world.set("SUDO_UID", "1000").set("SUDO_USER", "somebody");
    everywhere(|kind| {
        let mut shell = Hooked::of_home(&world, kind, world.home.path());
        for line in ["cd code/shop", "cd sub", "cd ../../mill"] {
            let said = shell.said(line);
            assert_eq!((said.as_str(), shell.on().as_str()), ("", ""), "{kind:?}: {line}");
        }
        let (said, code) = shell.status(&kind.by_hand("use dev"));
        assert_eq!(code, 0, "{kind:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let key = shell.exported("AWS_ACCESS_KEY_ID");
        for line in ["cd ../shop", "cd ../..", "cd code/mill", "true"] {
            assert_eq!(shell.said(line), "", "{kind:?}: {line}");
            assert_eq!(shell.on(), "dev", "{kind:?}: by hand holds: {line}");
        }
        world.leapp(["rotate", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}: with new credentials");
        assert_ne!(shell.exported("AWS_ACCESS_KEY_ID"), key, "{kind:?}");
        world.leapp(["stop", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}: closed, not gone");
        world.leapp(["start", "dev"]).succeeds();
        shell.run("true");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run(&kind.by_hand("off"));
        for line in ["cd ../shop", "cd ../mill"] {
            shell.run(line);
            assert_eq!(shell.on(), "", "{kind:?}: {line}");
        }
        // With an environment that was passed on: it stays as it is until `off`.
        let mut shell = started(&world, kind, world.home.path(), &vars);
        assert_eq!(shell.on(), "dev", "{kind:?}: passed on");
        shell.run("cd code/mill");
        assert_eq!(shell.on(), "dev", "{kind:?}: passed on");
        shell.run(&kind.by_hand("off"));
        is_back(&mut shell, false, &format!("{kind:?}: passed on"));
    });
}

#[test]
fn a_shell_of_another_user_with_the_same_environment_takes_the_session_over() {
    if !is_root() {
        return;
    }
    let world = at_work();
    for kind in SHELLS {
        let mut shell = Hooked::of_home(&world, Kind::Bash, world.home.path());
        own_variables(&mut shell);
        shell.run("cd code/shop");
        let path = shell.run(&format!("command -v {}", kind.program()));
        shell.becomes(&format!("su -p -s {} root", path.trim()), kind);
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.enter(world.home.path());
        is_back(&mut shell, false, &format!("{kind:?}"));
        shell.becomes("exit", Kind::Bash);
        assert_eq!(shell.on(), "dev", "{kind:?}");
    }
}

#[test]
fn a_shell_with_an_environment_of_its_own_begins_afresh() {
    let world = at_work();
    let home = world.home.path().to_owned();
    let keep = "HOME=$HOME PATH=$PATH XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR LEAPP_VAULT=file \
                AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL TERM=dumb LANG=C.UTF-8";
    for kind in SHELLS {
        let mut shell = Hooked::of_home(&world, Kind::Bash, &home);
        own_variables(&mut shell);
        shell.run("cd code/shop");
        let said = shell.becomes(&format!("env -i {keep} {}", kind.program()), kind);
        assert!(said.contains("leapp: dev is on"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.enter(&home);
        let left = shell.ours();
        assert!(left.keys().all(|name| name == "AWS_ENDPOINT_URL"), "{kind:?}: {left:?}");
        shell.becomes("exit", Kind::Bash);
        assert_eq!(shell.on(), "dev", "{kind:?}");
    }
}

#[test]
fn a_program_of_our_name_in_the_directory_is_never_run() {
    let mut world = two_projects();
    let bin = world.home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let shop = code(&world).join("shop");
    let mark = world.home.path().join("mark");
    for directory in [&shop, &shop.join("sub"), &code(&world).join("mill")] {
        let file = directory.join("leapp");
        fs::write(&file, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        chmod(&file, 0o755);
    }
    // The real one at a place of its own, so that it can go away.
    world.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
    at_home(&world);
    let rest = "/usr/local/bin:/usr/bin:/bin";
    everywhere(|kind| {
        for path in [
            format!(".:{rest}"),
            format!(":{rest}"),
            format!("{rest}:"),
            format!("sub:./sub:{rest}"),
            format!("{0}:{0}/.:{0}/sub:{rest}", shop.display()),
        ] {
            let real = bin.join("leapp");
            std::os::unix::fs::symlink(program(), &real).unwrap();
            chmod(&real, 0o755);
            let mut shell = Hooked::of_home(&world, kind, world.home.path());
            let before = shell.ours();
            fs::remove_file(&real).unwrap();
            let set = match kind {
                Kind::Bash | Kind::Zsh => format!("export PATH='{path}'; hash -r"),
                Kind::Fish => format!("set -gx PATH (string split : -- '{path}')"),
                Kind::Pwsh => format!("$env:PATH = '{path}'"),
            };
            shell.run(&set);
            for line in ["cd code/shop", "true", "leapp status", "leapp use dev", "leapp off"] {
                // PowerShell has no function of that name: what it starts is its own affair.
                if kind != Kind::Pwsh || !line.starts_with("leapp ") {
                    shell.run(line);
                    assert!(!mark.exists(), "{kind:?}: {path}: {line}");
                }
            }
            assert_eq!(shell.ours(), before, "{kind:?}: {path}");
        }
    });
}
