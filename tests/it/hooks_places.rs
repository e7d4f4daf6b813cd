//! Where one is: directories that are gone, renamed, linked, nested, somebody else's or oddly named,
//! and every way to get from one to another.

use std::{fs, path::PathBuf};

use crate::{
    hooked::{Hooked, Kind, code, everywhere, folder, project},
    hooks_basic::{ready, second},
    support::{World, chmod},
};

/// `dev` for `shop`, with a directory below, and `prod` for `mill`; both active.
pub(crate) fn two_projects() -> World {
    let world = ready();
    second(&world);
    world.leapp(["start", "prod"]).succeeds();
    fs::create_dir(project(&world, "shop", "dev").join("sub")).unwrap();
    project(&world, "mill", "prod");
    world
}

/// Which session a child of the shell has, told on the terminal by one statement.
pub(crate) const TELL: &str = "sh -c 'echo on=$LEAPP_SESSION:${AWS_ACCESS_KEY_ID:+key}.'";

#[test]
fn a_directory_that_is_gone_is_left_silently() {
    let world = ready();
    everywhere(|kind| {
        let shop = project(&world, "shop", "dev");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        fs::remove_dir_all(&shop).unwrap();
        let said = shell.run("/bin/true");
        assert!(!said.contains("getcwd") && !said.contains("rror"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}: gone, so off");
        for _ in 0..2 {
            let said = shell.run("/bin/true");
            let said = said.replace("/bin/true", "");
            assert!(!said.contains("leapp") && !said.contains("such"), "{kind:?}: {said}");
        }
        shell.run("cd");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn another_directory_at_the_same_path_is_not_trusted() {
    let world = ready();
    everywhere(|kind| {
        let shop = project(&world, "shop", "dev");
        let file = shop.join(".leapp.toml");
        let text = fs::read(&file).unwrap();
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        // The old one is kept elsewhere, so that its number is not given to the new one.
        let old = code(&world).join(format!("old-{kind:?}"));
        fs::rename(&shop, &old).unwrap();
        fs::remove_file(old.join(".leapp.toml")).unwrap();
        fs::create_dir(&shop).unwrap();
        fs::write(&file, &text).unwrap();
        chmod(&file, 0o600);
        let (there, back) = (shop.display(), world.home.path().display());
        let said = shell.said(&format!("cd {there}"));
        assert!(said.contains("is in another directory than the one trusted"), "{kind:?}: {said}");
        assert_eq!(shell.ours(), before, "{kind:?}");
        assert_eq!(shell.said("true"), "", "{kind:?}: once");
        shell.run(&format!("cd {back}"));
        fs::remove_dir_all(&shop).unwrap();
        _ = world.leapp(["trust", "--prune"]);
    });
}

#[test]
fn a_directory_that_is_made_again_under_the_shell_is_not_trusted() {
    let world = ready();
    everywhere(|kind| {
        let shop = project(&world, "shop", "dev");
        let text = fs::read(shop.join(".leapp.toml")).unwrap();
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        fs::remove_dir_all(&shop).unwrap();
        fs::create_dir(&shop).unwrap();
        fs::write(shop.join(".leapp.toml"), &text).unwrap();
        chmod(&shop.join(".leapp.toml"), 0o600);
        // The name of where one is stays the same, and what it names is another directory.
        for _ in 0..2 {
            shell.run(&format!("cd {}", shop.display()));
            assert_eq!(shell.ours(), before, "{kind:?}");
        }
        shell.run("cd");
        fs::remove_dir_all(&shop).unwrap();
    });
}

#[test]
fn a_renamed_directory_is_another_path() {
    let world = ready();
    everywhere(|kind| {
        let shop = project(&world, "shop", "dev");
        let moved = code(&world).join("moved");
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        fs::rename(&shop, &moved).unwrap();
        // The shell looks again when something makes it look.
        shell.run(&format!("cd {}", moved.display()));
        assert_eq!(shell.ours(), before, "{kind:?}: nobody trusted that path");
        fs::rename(&moved, &shop).unwrap();
        shell.run(&format!("cd {}", shop.display()));
        assert_eq!(shell.on(), "dev", "{kind:?}: it is what it was");
        shell.run("cd");
        fs::remove_dir_all(&shop).unwrap();
    });
}

#[test]
fn the_same_directory_and_the_one_before() {
    let world = two_projects();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop/sub");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        assert_eq!(shell.said("cd ."), "", "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../../..");
        assert_eq!(shell.ours(), before, "{kind:?}");
        let said = shell.said("cd -");
        assert_eq!(said, "leapp: dev is on (eu-west-1)", "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd -");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn every_way_to_a_directory_counts() {
    let world = two_projects();
    let home = world.home.path().to_str().unwrap();
    let check = |kind: Kind, ready: &str, ways: &[&str]| {
        for way in ways {
            let mut shell = Hooked::new(&world, kind);
            let before = shell.ours();
            shell.run(ready);
            let way = way.replace('~', home);
            // On one line: no prompt comes between.
            let said = shell.run(&format!("{way}; {TELL}"));
            assert!(said.contains("on=dev:key."), "{kind:?}: {way}: {said}");
            assert_eq!(shell.on(), "dev", "{kind:?}: {way}");
            shell.run(&format!("cd {home}"));
            assert_eq!(shell.ours(), before, "{kind:?}: {way}");
        }
    };
    let posix = [
        "pushd ~/code/shop >/dev/null",
        "pushd ~/code/shop/sub >/dev/null; pushd ~ >/dev/null; popd >/dev/null",
        "pushd ~/code/shop/sub >/dev/null; pushd ~ >/dev/null; pushd +1 >/dev/null; dirs >/dev/null",
        "go() { cd ~/code/shop; }; go",
        "for d in ~ ~/code/mill ~/code/shop; do cd $d; done",
        "{ cd ~/code/shop; }",
        "CDPATH=~/code; cd shop >/dev/null",
        "if cd ~/code/shop; then :; fi",
        "cd -P ~/code/shop",
        "cd ~/code/nope 2>/dev/null || cd ~/code/shop",
        "eval 'cd ~/code/shop'",
    ];
    check(Kind::Bash, "true", &posix);
    check(Kind::Zsh, "true", &posix);
    check(Kind::Zsh, "setopt auto_cd", &["~/code/shop", "~/code/shop/sub/.."]);
    check(Kind::Zsh, "setopt auto_pushd pushd_silent chase_links", &["cd ~/code/shop"]);
    check(
        Kind::Fish,
        "true",
        &[
            "pushd ~/code/shop",
            "pushd ~/code/shop/sub; pushd ~; popd",
            "function go; cd ~/code/shop; end; go",
            "for d in ~ ~/code/mill ~/code/shop; cd $d; end",
            "begin; cd ~/code/shop; end",
            "set CDPATH ~/code; cd shop",
            "cd ~/code/shop; cd ~; prevd",
            "~/code/shop",
            "echo (cd ~/code/shop)",
            "eval 'cd ~/code/shop'",
        ],
    );
    if crate::hooked::has_pwsh() {
        let ways = [
            "Set-Location ~/code/shop",
            "Push-Location ~/code/shop",
            "function go { Set-Location ~/code/shop }; go",
            "foreach ($d in '~', '~/code/mill', '~/code/shop') { Set-Location $d }",
        ];
        check(Kind::Pwsh, "$null", &ways);
    }
}

#[test]
fn a_list_stops_or_goes_on_with_what_holds_there() {
    let world = two_projects();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        for (line, told) in [
            (kind.and("cd code/shop", TELL), "on=dev:key."),
            (kind.and("cd ../mill", TELL), "on=prod:key."),
            (kind.and("cd ../nope", TELL), ""),
            (kind.and("cd sub/nope", TELL), ""),
            (kind.and("cd ../..", TELL), "on=:."),
        ] {
            let said = shell.run(&line);
            // What fish draws while it is typed has no session in it.
            let ran = ["on=:", "on=dev:", "on=prod:"].iter().any(|text| said.contains(text));
            assert_eq!(ran, !told.is_empty(), "{kind:?}: {line}: {said}");
            assert!(said.contains(told), "{kind:?}: {line}: {said}");
        }
        // A `cd` that failed has changed nothing.
        shell.run("cd code/shop");
        let (_, code) = shell.status("cd nope");
        assert!(code != 0, "{kind:?}: the status of cd");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    });
}

#[test]
fn a_subshell_never_keeps_the_keys_of_where_it_came_from() {
    let world = two_projects();
    let home = world.home.path().display();
    for kind in [Kind::Bash, Kind::Zsh] {
        // bash only takes away; zsh switches on as well. Neither says anything.
        let inside = if kind == Kind::Bash { "on=:." } else { "on=prod:key." };
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop/sub");
        let forms = [
            format!("(cd ../../mill; {TELL})"),
            format!("(cd ../../mill && {TELL})"),
            format!("(cd ..; cd ../mill; (cd .; {TELL}))"),
            format!("{{ cd ../../mill; {TELL}; }} | cat"),
            format!("(pushd ../../mill >/dev/null; {TELL})"),
        ];
        for line in &forms {
            let said = shell.run(line);
            assert!(said.contains(inside), "{kind:?}: {line}: {said}");
            assert!(!said.contains("leapp:"), "{kind:?}: {line}: {said}");
            assert_eq!(shell.on(), "dev", "{kind:?}: {line}: outside of it nothing has changed");
        }
        for line in [format!("(cd {home}; {TELL})"), format!("(cd /; {TELL})")] {
            let said = shell.run(&line);
            assert!(said.contains("on=:."), "{kind:?}: {line}: {said}");
            assert!(!said.contains("leapp:"), "{kind:?}: {line}: {said}");
        }
        let said = shell.run(&format!("(cd ..; {TELL})"));
        assert!(said.contains("on=dev:key."), "{kind:?}: the same project: {said}");
        // From outside a subshell of bash enters nothing, and one of zsh does.
        shell.run(&format!("cd {home}"));
        let said = shell.run(&format!("(cd code/mill; {TELL})"));
        assert!(said.contains(inside) && !said.contains("leapp:"), "{kind:?}: {said}");
        assert_eq!(shell.on(), "", "{kind:?}");
    }
}

#[test]
fn a_command_substitution_and_a_job_say_nothing_and_change_nothing() {
    let world = two_projects();
    let home = world.home.path().display();
    for kind in [Kind::Bash, Kind::Zsh] {
        let mut shell = Hooked::new(&world, kind);
        shell.run("cd code/shop");
        let said = shell.run(&format!("told=$(cd ../mill; {TELL}); echo \"<$told>\""));
        assert!(!said.contains("leapp:"), "{kind:?}: {said}");
        assert!(said.contains("<on=:.>"), "{kind:?}: not the keys of where it came from: {said}");
        assert_eq!(shell.said("got=$(cd ../mill; pwd); true"), "", "{kind:?}");
        let file = format!("{home}/job");
        let line = format!("(cd {home}; {TELL} > {file}) & wait");
        let said = shell.run(&line);
        assert!(!said.contains("leapp:"), "{kind:?}: {said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "on=:.\n", "{kind:?}");
        assert_eq!(shell.on(), "dev", "{kind:?}");
    }
    // In fish a command substitution is no other process: it really goes there.
    let mut shell = Hooked::new(&world, Kind::Fish);
    shell.run("cd code/shop");
    let said = shell.run(&format!("echo (cd ../mill; {TELL}); {TELL}"));
    assert_eq!(said.matches("on=prod:key.").count(), 2, "{said}");
    assert_eq!(shell.on(), "prod");
    shell.run("begin; cd ../shop; end");
    assert_eq!(shell.on(), "dev");
}

/// Puts a program in the place of ours that gives no answer, but keeps what it was given.
fn replace_program(world: &World, shell: &mut Hooked) -> PathBuf {
    let (seen, fake) = (world.home.path().join("seen"), world.home.path().join("fake"));
    _ = fs::remove_file(&seen);
    fs::write(&fake, format!("#!/bin/sh\nenv > {}\nexit 1\n", seen.display())).unwrap();
    chmod(&fake, 0o755);
    let fake = fake.display();
    shell.run(&match shell.kind {
        Kind::Bash | Kind::Zsh => format!("__leapp_program={fake}"),
        Kind::Fish => format!("set -g __leapp_program {fake}"),
        Kind::Pwsh => format!("& (Get-Module leapp-hook) {{ $script:Program = '{fake}' }}"),
    });
    seen
}

#[test]
fn a_completion_of_zsh_that_changes_the_directory_is_silent() {
    let world = two_projects();
    let mut shell = Hooked::new(&world, Kind::Zsh);
    // What a completion does: names of another directory, in a command substitution.
    shell.run("names() { print -l ${(f)\"$(cd ~/code/mill && ls -d *(N) .leapp.toml)\"} }");
    shell.run("cd code/shop");
    let seen = replace_program(&world, &mut shell);
    let said = shell.run("names");
    assert!(said.contains(".leapp.toml") && !said.contains("leapp:"), "{said}");
    assert!(!seen.exists(), "it asked what the other directory switches on");
    assert_eq!(shell.on(), "dev");
    shell.run("(cd ../mill)");
    assert!(seen.exists(), "a subshell does ask");
}

#[test]
fn from_one_project_to_another_the_keys_of_the_first_are_gone_first() {
    let world = two_projects();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        let first = shell.ours();
        let said = shell.said("cd ../mill");
        assert_eq!(said, "leapp: dev is off\nleapp: prod is on (eu-west-1)", "{kind:?}");
        let second = shell.ours();
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            assert_ne!(first[name], second[name], "{kind:?}: {name}");
        }
        assert!(second["LEAPP_STATE"] != first["LEAPP_STATE"], "{kind:?}");
        shell.run("cd ../..");
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

#[test]
fn between_two_projects_the_program_that_fails_leaves_nothing_on() {
    let world = two_projects();
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        let seen = replace_program(&world, &mut shell);
        shell.run("cd ../mill");
        let seen = fs::read_to_string(&seen).unwrap();
        assert!(!seen.contains("AWS_SECRET_ACCESS_KEY"), "{kind:?}: the first is off before");
        assert!(!seen.contains("LEAPP_SESSION"), "{kind:?}");
        assert_eq!(shell.ours(), before, "{kind:?}: nothing was on, and nothing is");
    });
}

#[test]
fn the_keys_of_the_first_do_not_stand_for_a_second_that_has_none() {
    let world = two_projects();
    world.leapp(["stop", "prod"]).succeeds();
    let bare = folder(&world, "bare");
    fs::write(bare.join(".leapp.toml"), "session = \"prod\"\n").unwrap();
    chmod(&bare.join(".leapp.toml"), 0o600);
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        shell.run("cd code/shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        let said = shell.run(&kind.and("cd ../mill", TELL));
        assert!(said.contains("on=prod:key."), "{kind:?}: {said}");
        assert_eq!(shell.on(), "EXPIRED", "{kind:?}: stopped, so closed");
        shell.run("cd ../shop");
        assert_eq!(shell.on(), "dev", "{kind:?}");
        shell.run("cd ../bare");
        assert_eq!(shell.ours(), before, "{kind:?}: not trusted, so as if there were none");
    });
}

#[test]
fn a_project_in_a_project_is_its_own() {
    let world = two_projects();
    project(&world, "shop/inner", "prod");
    everywhere(|kind| {
        let mut shell = Hooked::new(&world, kind);
        let before = shell.ours();
        for (line, said, on) in [
            ("cd code/shop", "leapp: dev is on (eu-west-1)", "dev"),
            ("cd inner", "leapp: dev is off\nleapp: prod is on (eu-west-1)", "prod"),
            ("cd ..", "leapp: prod is off\nleapp: dev is on (eu-west-1)", "dev"),
            ("cd inner", "leapp: dev is off\nleapp: prod is on (eu-west-1)", "prod"),
            ("cd ../../..", "leapp: prod is off", ""),
        ] {
            assert_eq!(shell.said(line), said, "{kind:?}: {line}");
            assert_eq!(shell.on(), on, "{kind:?}: {line}");
        }
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
    fs::remove_dir_all(code(&world).join("shop/inner")).unwrap();
}
