//! `env` through the real program, in the real shells.

use std::{collections::BTreeMap, fs};

use serde_json::Value as Json;

use crate::support::{CANARY, Outcome, World, chmod};

/// The shells, each as `support::World::shell` starts it.
const SHELLS: &[&str] = &["bash", "zsh", "fish", "dash"];

/// The statement by which a shell takes what `leapp env WORDS` prints.
fn eval(shell: &str, words: &str) -> String {
    match shell {
        "fish" => format!("leapp env {words} | source"),
        _ => format!("eval \"$(leapp env {words})\""),
    }
}

/// A script of two statements, the second only where the first succeeds.
fn and(shell: &str, first: &str, second: &str) -> String {
    match shell {
        "fish" => format!("{first}; and {second}"),
        _ => format!("{first} && {second}"),
    }
}

/// What `env -0` printed.
fn variables(outcome: &Outcome) -> BTreeMap<String, String> {
    let text = outcome.text();
    let pairs = text.split('\0').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn as_json(world: &World, words: &[&str]) -> Json {
    let words = ["env", "--format", "json"].iter().chain(words);
    world.leapp(words).succeeds().json()
}

/// The variables that the JSON form sets, and those that it removes.
fn change(json: &Json) -> (BTreeMap<String, String>, Vec<String>) {
    let sets = json["set"].as_object().unwrap().iter();
    let sets = sets.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    let removes = json["unset"].as_array().unwrap().iter();
    let removes = removes.map(|name| name.as_str().unwrap().to_owned());
    (sets.collect(), removes.collect())
}

#[test]
fn every_shell_gets_exactly_what_the_json_form_says() {
    let mut world = World::with_role("prod", "Admin");
    let (_, removes) = change(&as_json(&world, &["prod"]));
    for name in &removes {
        world.set(name, "earlier");
    }
    world
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_ACCESS_KEY_ID", "AKIAEARLIEREARLIER12")
        .set("AWS_SECRET_ACCESS_KEY", "earlier")
        .set("AWS_PAGER", "kept")
        .set("AWS_MAX_ATTEMPTS", "7")
        .set("LEAPP_STATE", "forged")
        .set("AWS_CONFIG_FILE", "/nonexistent/kept");
    let json = as_json(&world, &["prod"]);
    let (sets, again) = change(&json);
    assert_eq!(removes, again, "the removals depend on the environment");
    assert_eq!(json["session"], "prod");
    assert_eq!(sets["AWS_CREDENTIAL_EXPIRATION"], json["expiration"].as_str().unwrap());
    assert!(sets["LEAPP_STATE"].starts_with("1;e;session:"), "{sets:?}");
    assert!(sets["AWS_SESSION_TOKEN"].contains(CANARY), "the emulator's token has no canary");
    for shell in SHELLS {
        let outcome = world.shell(shell, &and(shell, &eval(shell, "prod"), "env -0"));
        let found = variables(outcome.succeeds());
        for (name, value) in &sets {
            assert_eq!(found.get(name), Some(value), "{shell}: {name}");
        }
        for name in &removes {
            assert_eq!(found.get(name), None, "{shell}: {name}");
        }
        assert_eq!(found["AWS_PAGER"], "kept");
        assert_eq!(found["AWS_MAX_ATTEMPTS"], "7");
        assert_eq!(found["AWS_CONFIG_FILE"], "/nonexistent/kept");
        assert!(found["AWS_ENDPOINT_URL"].starts_with("http://127.0.0.1:"));
        let ours = found.keys().find(|name| name.starts_with("__leapp"));
        assert_eq!(ours, None, "{shell} exports a variable of ours");
    }
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"], "not one call for all");
}

#[test]
fn a_failed_env_stops_what_stands_behind_it() {
    let world = World::with_role("prod", "Admin");
    world.add_role("denied", "work", "Denied", &[]).succeeds();
    let cases = [
        ("nope", 5),
        ("denied", 4),
        ("", 5),
        ("prod --duration 13h", 2),
        ("prod --min-ttl 5h", 1),
        ("prod --mfa-code x --duration 20m", 2),
        ("prod --region 'EU West'", 2),
        ("prod --bogus", 2),
        ("prod --shell tcsh", 2),
        ("prod prod", 2),
    ];
    for shell in SHELLS {
        let id = if *shell == "dash" { "posix" } else { shell };
        for (words, code) in cases {
            let script = and(shell, &eval(shell, words), "echo REACHED");
            let outcome = world.shell(shell, &format!("{script}\ntrue"));
            outcome.succeeds().prints("");
            assert!(outcome.stderr.starts_with("leapp: "), "{outcome}");
            if words.contains("--shell") {
                continue;
            }
            let alone = world.shell("sh", &format!("leapp env {words} --shell {id}"));
            alone.fails(code).prints("false;\n");
        }
    }
    let outcome = world.leapp(["env", "nope", "--shell", "powershell"]);
    outcome.fails(5);
    assert!(
        outcome.text().starts_with("throw ") && outcome.text().lines().count() == 1,
        "{outcome}"
    );
    // Other forms are not evaluated, and say nothing.
    for form in ["json", "dotenv"] {
        world.leapp(["env", "nope", "--format", form]).fails(5).prints("");
    }
}

/// What fails before the command itself runs is a failure of `env` all the same.
#[test]
fn an_env_that_cannot_even_begin_stops_what_stands_behind_it() {
    for (name, value) in [("LEAPP_HOME", "relative"), ("LEAPP_LOG", "loud"), ("HOME", "")] {
        let mut world = World::new();
        world.set(name, value);
        for shell in SHELLS {
            let script = and(shell, &eval(shell, "prod"), "echo REACHED");
            let outcome = world.shell(shell, &format!("{script}\ntrue"));
            outcome.succeeds().prints("");
            assert!(outcome.stderr.contains("leapp: "), "{name}: {outcome}");
        }
    }
}

#[test]
fn a_failure_inside_a_session_says_which_one_is_still_on() {
    let world = World::with_role("prod", "Admin");
    for shell in SHELLS {
        let script =
            format!("{}\n{}\necho $LEAPP_SESSION", eval(shell, "prod"), eval(shell, "nope"));
        world.shell(shell, &script).succeeds().prints("prod\n").says("session 'prod' is still on");
    }
}

/// What a person had is there again: unset, empty, set, and set for the shell alone.
#[test]
fn going_back_restores_every_variable_as_it_was() {
    let mut world = World::with_role("prod", "Admin");
    world.add_role("other", "work", "Short", &["--region", "eu-north-1"]).fails(2);
    world.add_role("other", "work", "Short", &[]).succeeds();
    world
        .set("AWS_REGION", "")
        .set("AWS_PROFILE", "mine")
        .set("AWS_ACCESS_KEY_ID", "AKIAEARLIEREARLIER12")
        .set("AWS_SECRET_ACCESS_KEY", "ear'lier \\ secret")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/x y");
    let names = "AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID \
                 AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_VAULT AWS_ACCOUNT_ID AWS_ENDPOINT_URL \
                 AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_ROLE_ARN LEAPP_SESSION LEAPP_STATE \
                 AWS_CREDENTIAL_EXPIRATION AWS_SSO_PROFILE";
    for shell in SHELLS {
        let (report, alone) = if *shell == "fish" {
            (
                format!(
                    "function report; for n in {names}; if set -q $n; echo $n=$$n; else; echo $n unset; end; end; \
                     env | grep -E '^(AWS|LEAPP)' | sort; set --names | grep __leapp; end"
                ),
                "set -gu AWS_VAULT 'a b'; set -gu AWS_ROLE_ARN ''; set -gu AWS_SESSION_TOKEN alone",
            )
        } else {
            (
                format!(
                    "report() {{ for n in $(echo {names}); do eval \"echo $n=\\\"\\${{$n-<unset>}}\\\"\"; done; \
                     env | grep -E '^(AWS|LEAPP)' | sort; set | grep '^__leapp'; }}"
                ),
                "AWS_VAULT='a b'; AWS_ROLE_ARN=; AWS_SESSION_TOKEN=alone",
            )
        };
        let (prod, other) = (eval(shell, "prod"), eval(shell, "other"));
        let unset = eval(shell, "--unset");
        let script = format!(
            "{report}\n{alone}\nreport\necho ---\n{prod}\n{other}\n{prod}\nreport\necho ---\n{unset}\nreport\n\
             echo ---\n{unset}\nreport"
        );
        let outcome = world.shell(shell, &script);
        let text = outcome.keeps_secrets().text();
        let parts: Vec<&str> = text.split("---\n").collect();
        assert_eq!(parts.len(), 4, "{outcome}");
        assert!(
            parts[0].contains("AWS_VAULT=a b\n") && parts[0].contains("AWS_REGION=\n"),
            "{outcome}"
        );
        assert!(parts[1].contains("LEAPP_SESSION=prod\n"), "{outcome}");
        assert_eq!(parts[2], parts[0], "{shell}");
        assert_eq!(parts[3], parts[0], "{shell}, twice");
        assert!(outcome.stderr.contains("no session of leapp's is on"), "{outcome}");
    }
}

/// A shell that was started inside a session never saw what was there before: the state tells it.
#[test]
fn a_shell_inside_a_session_gets_profile_and_region_back() {
    let mut world = World::with_role("prod", "Admin");
    world.set("AWS_PROFILE", "mine").set("AWS_DEFAULT_REGION", "eu-west-1");
    for shell in SHELLS {
        let inner = format!(
            "{}\necho \"$AWS_PROFILE,$AWS_DEFAULT_REGION,$AWS_REGION,$AWS_ACCESS_KEY_ID,$LEAPP_STATE\"",
            eval(shell, "--unset")
        );
        let mut command = world.command(["exec", "prod", "--", shell, "-c", &inner]);
        command.env("AWS_SECRET_ACCESS_KEY", "mine");
        world.run(command, None).succeeds().prints("mine,eu-west-1,,,\n");
    }
}

#[test]
fn other_credentials_that_came_later_stay() {
    let world = World::with_role("prod", "Admin");
    for shell in SHELLS {
        let export = match *shell {
            "fish" => "set -gx AWS_ACCESS_KEY_ID AKIALATERLATERLATER1",
            _ => "export AWS_ACCESS_KEY_ID=AKIALATERLATERLATER1",
        };
        let script = format!(
            "{}\n{export}\n{}\necho \"$AWS_ACCESS_KEY_ID,$LEAPP_SESSION,$LEAPP_STATE,$AWS_REGION\"",
            eval(shell, "prod"),
            eval(shell, "--unset")
        );
        world.shell(shell, &script).succeeds().prints("AKIALATERLATERLATER1,,,eu-west-1\n");
    }
}

fn trace(shell: &str) -> (&'static str, &'static str) {
    match shell {
        "fish" => ("set -g fish_trace 1", "set -e fish_trace"),
        _ => ("set -xv", "set +xv"),
    }
}

fn is_untraced(world: &World, words: &str) {
    let (sets, _) = change(&as_json(world, &["prod"]));
    for shell in SHELLS {
        let (on, off) = trace(shell);
        let script = format!("{on}\n{}\necho still traced\n{off}\nenv -0", eval(shell, words));
        let outcome = world.shell(shell, &script);
        let found = variables(outcome.succeeds());
        assert!(outcome.stderr.contains("still traced"), "{shell} did not trace: {outcome}");
        assert!(!outcome.stderr.contains("cannot"), "{outcome}");
        assert!(found["AWS_SECRET_ACCESS_KEY"].contains(CANARY), "{shell}");
        for name in ["AWS_ACCOUNT_ID", "AWS_REGION", "LEAPP_SESSION"] {
            assert_eq!(found[name], sets[name], "{shell}: {name}");
        }
    }
}

#[test]
fn a_traced_shell_gets_the_variables_and_shows_no_secret() {
    let world = World::with_role("prod", "Admin");
    is_untraced(&world, "prod");
}

#[test]
fn a_traced_shell_without_a_cache_shows_no_secret() {
    let mut world = World::with_role("prod", "Admin");
    world.set("LEAPP_CACHE", "off");
    is_untraced(&world, "prod");
}

#[test]
fn strict_options_and_aliases_do_not_change_what_arrives() {
    let world = World::with_role("prod", "Admin");
    let moods: &[(&str, &str)] = &[
        ("bash", "set -euo pipefail; set -C"),
        (
            "bash",
            "shopt -s expand_aliases\nalias export='echo HIJACKED' unset='echo HIJACKED' eval='eval' set=false",
        ),
        ("bash", "export() { echo HIJACKED; }; unset() { echo HIJACKED; }"),
        ("zsh", "setopt err_exit no_unset"),
        ("zsh", "alias export='echo HIJACKED' unset='echo HIJACKED' typeset=false set=false"),
        ("dash", "set -eu"),
        ("dash", "alias export='echo HIJACKED' unset='echo HIJACKED'"),
        (
            "fish",
            "function export; echo HIJACKED; end; function printf; echo HIJACKED; end; alias cat='echo HIJACKED'",
        ),
    ];
    for (shell, mood) in moods {
        let script = format!(
            "{mood}\n{}\ncommand env | grep -E '^(AWS_ACCOUNT_ID|LEAPP_SESSION)=' | sort\n{}\n\
             echo gone \"${{AWS_ACCOUNT_ID-}}${{AWS_ACCESS_KEY_ID-}}\"",
            eval(shell, "prod"),
            eval(shell, "--unset")
        );
        let script = if *shell == "fish" {
            script.replace(
                "${AWS_ACCOUNT_ID-}${AWS_ACCESS_KEY_ID-}",
                "$AWS_ACCOUNT_ID$AWS_ACCESS_KEY_ID",
            )
        } else {
            script
        };
        let outcome = world.shell(shell, &script);
        outcome.succeeds().prints("AWS_ACCOUNT_ID=444455556666\nLEAPP_SESSION=prod\ngone \n");
        assert!(!outcome.stderr.contains("HIJACKED"), "{outcome}");
    }
}

#[test]
fn what_a_shell_evaluates_has_no_secret_in_it_unless_shown() {
    let world = World::with_role("prod", "Admin");
    for shell in ["bash", "zsh", "fish", "posix", "powershell"] {
        for _ in ["cold", "warm"] {
            let outcome = world.leapp(["env", "prod", "--shell", shell]);
            assert!(!outcome.succeeds().text().contains(CANARY), "{outcome}");
        }
        let shown = world.leapp(["env", "prod", "--shell", shell, "--show"]);
        assert!(shown.succeeds().text().contains(CANARY), "{shown}");
        let unset = world.leapp(["env", "--unset", "--shell", shell]);
        assert!(!unset.succeeds().text().contains(CANARY), "{unset}");
    }
}

#[test]
fn the_shell_is_the_one_that_runs_leapp_else_the_users() {
    let mut world = World::with_role("prod", "Admin");
    let of = |shell: &str| world.leapp(["env", "prod", "--shell", shell]).succeeds().text();
    let (bash, zsh, fish, posix) = (of("bash"), of("zsh"), of("fish"), of("posix"));
    assert!(bash != fish && zsh != fish && posix != fish);
    for (shell, text) in [("bash", &bash), ("zsh", &zsh), ("fish", &fish), ("dash", &posix)] {
        // Not the last command: a shell would become it, and leapp would be the test's own child.
        let outcome = world.shell(shell, "leapp env prod; true");
        outcome.succeeds().prints(text);
    }
    // The test itself is no shell.
    world.leapp(["env", "prod"]).succeeds().prints(&posix);
    for (shell, text) in [("/usr/bin/fish", &fish), ("-zsh", &zsh), ("/opt/odd", &posix)] {
        world.set("SHELL", shell);
        world.leapp(["env", "prod"]).succeeds().prints(text);
    }
}

#[test]
fn a_dotenv_has_every_variable_but_the_way_back() {
    let world = World::with_role("prod", "Admin");
    let (mut sets, _) = change(&as_json(&world, &["prod"]));
    sets.remove("LEAPP_STATE");
    let outcome = world.leapp(["env", "prod", "--format", "dotenv"]);
    let text = outcome.succeeds().text();
    let found: BTreeMap<_, _> = text
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(found, sets);
    // The file works as the environment of a program.
    fs::write(world.home.path().join(".env"), &text).unwrap();
    let check = "set -a; . ./.env; env | grep -c -E '^(AWS|LEAPP_SESSION)'";
    let mut command = world.foreign("dash");
    command
        .args(["-c", check])
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_EC2_METADATA_DISABLED");
    world.run(command, None).succeeds().prints(&format!("{}\n", sets.len()));
}

/// Runs a line on a terminal of its own and gives what that terminal showed.
fn on_a_terminal(world: &World, line: &str) -> (i32, String) {
    let mut command = world.foreign("script");
    command.args(["-q", "-e", "-c", line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "dumb");
    let outcome = world.run(command, None);
    (outcome.code(), outcome.text().replace("\r\n", "\n"))
}

#[test]
fn a_terminal_is_refused_with_the_line_to_type() {
    let world = World::with_role("prod", "Admin");
    let refused = "leapp: what this prints is for a shell, and stdout is a terminal\nleapp: hint: ";
    for (words, line) in [
        ("prod --shell bash", "eval \"$(leapp env prod)\""),
        ("prod --shell zsh", "eval \"$(leapp env prod)\""),
        ("prod --shell posix", "eval \"$(leapp env prod)\""),
        ("prod --shell fish", "leapp env prod | source"),
        ("prod --shell powershell", "leapp env prod | Out-String | Invoke-Expression"),
        ("prod -r eu-north-1 --shell fish", "leapp env prod '--region=eu-north-1' | source"),
    ] {
        let (code, text) = on_a_terminal(&world, &format!("leapp env {words}"));
        assert_eq!((code, text), (2, format!("{refused}{line}\n")), "{words}");
    }
    for words in ["env prod --format json", "env prod --format dotenv", "credential-process prod"] {
        let (code, text) = on_a_terminal(&world, &format!("leapp {words}"));
        assert_eq!(code, 2, "{text}");
        assert!(
            text.contains("this prints secrets, and stdout is a terminal\nleapp: hint: "),
            "{text}"
        );
        assert!(!text.contains(CANARY), "{text}");
    }
    let (code, text) = on_a_terminal(&world, "leapp env --unset --shell bash");
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("leapp: hint: eval \"$(leapp env --unset)\"\n"), "{text}");
    assert_eq!(world.actions(), [""; 0], "a refusal fetched credentials");
    for words in [
        "env prod --shell bash --show",
        "env prod --format json --show",
        "credential-process prod --show",
    ] {
        let (code, text) = on_a_terminal(&world, &format!("leapp {words}"));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(CANARY), "{text}");
    }
}

/// The hint keeps what was asked for: the line to type does the same thing.
#[test]
fn the_line_to_type_keeps_the_flags() {
    let world = World::with_role("prod", "Admin");
    let (_, text) =
        on_a_terminal(&world, "leapp env prod --duration 20m --min-ttl 5m --shell bash");
    assert!(text.contains("--duration"), "{text}");
    assert!(text.contains("--min-ttl"), "{text}");
}

#[test]
fn without_a_cache_everything_works_and_nothing_is_kept() {
    let mut world = World::with_role("prod", "Admin");
    world.set("LEAPP_CACHE", "off");
    for shell in SHELLS {
        let script = and(shell, &eval(shell, "prod"), "echo $AWS_ACCOUNT_ID $LEAPP_SESSION");
        world.shell(shell, &script).succeeds().prints("444455556666 prod\n");
    }
    world.leapp(["exec", "prod", "true"]).succeeds();
    let calls = world.actions().len();
    assert_eq!(calls, 2 * (SHELLS.len() + 1), "{:?}", world.actions());
    world.unset("LEAPP_CACHE");
    world.leapp(["list", "prod", "--json"]).succeeds();
    let row = &world.leapp(["list", "prod", "--json"]).json()[0];
    assert_eq!(row["status"], "inactive");
}

/// Expects a region of `work`, and exactly these notes about it. Asks twice: the first answer is
/// made, the second comes out of the cache, and the notes are part of it.
fn works_in(world: &World, region: &str, flags: &[&str], says: &[&str]) {
    for _ in ["cold", "warm"] {
        let outcome = world.leapp(["env", "work", "--format", "json"].iter().chain(flags));
        let set = &outcome.succeeds().json()["set"];
        assert_eq!(set["AWS_REGION"], region, "{outcome}");
        assert_eq!(set["AWS_DEFAULT_REGION"], region, "{outcome}");
        for says in says {
            outcome.says(says);
        }
        assert_eq!(outcome.stderr.lines().count(), says.len(), "{outcome}");
    }
}

const PROFILES: &str = "[default]\nregion = sa-east-1\n[profile other]\nregion = ca-central-1\n";

#[test]
fn the_region_is_the_first_that_is_said() {
    let mut world = World::with_user();
    let config = world.home.path().join("aws-config");
    fs::write(&config, PROFILES).unwrap();
    chmod(&config, 0o600);
    world
        .set("AWS_REGION", "eu-west-2")
        .set("AWS_DEFAULT_REGION", "eu-west-3")
        .set("AWS_CONFIG_FILE", &config);
    world.leapp(["region", "set", "ap-south-1"]).succeeds();
    let wins = "region eu-north-1 (--region) wins over AWS_REGION=eu-west-2";
    works_in(&world, "eu-north-1", &["--region", "eu-north-1"], &[wins]);
    let wins = "region us-east-1 (session 'work') wins over AWS_REGION=eu-west-2";
    works_in(&world, "us-east-1", &[], &[wins]);
    let edit = ["session", "edit", "work", "--region", ""];
    world.leapp(edit).succeeds();
    let wins = "region eu-west-2 (AWS_REGION) wins over AWS_DEFAULT_REGION=eu-west-3";
    works_in(&world, "eu-west-2", &[], &[wins]);
    world.set("AWS_REGION", "nowhere");
    let passed = "AWS_REGION is passed over: there is no AWS region \"nowhere\"";
    works_in(&world, "eu-west-3", &[], &[passed]);
    world.unset("AWS_REGION");
    works_in(&world, "eu-west-3", &[], &[]);
    world.set("AWS_DEFAULT_REGION", "");
    works_in(&world, "sa-east-1", &[], &[]);
    world.unset("AWS_DEFAULT_REGION").set("AWS_PROFILE", "other");
    works_in(&world, "ca-central-1", &[], &[]);
    world.unset("AWS_PROFILE");
    works_in(&world, "sa-east-1", &[], &[]);
    // The answer was made from that file: a change of it counts at once.
    fs::write(&config, "[default]\nregion = us-west-1\noutput = json\n").unwrap();
    works_in(&world, "us-west-1", &[], &[]);
    fs::write(&config, "[default]\nregion = moon\n").unwrap();
    works_in(&world, "ap-south-1", &[], &["is passed over: there is no AWS region \"moon\""]);
    fs::remove_file(&config).unwrap();
    works_in(&world, "ap-south-1", &[], &[]);
    world.leapp(["region", "unset"]).succeeds();
    works_in(&world, "us-east-1", &[], &[]);
}

/// The region that a session put there is not the user's own.
#[test]
fn a_session_over_a_session_uses_the_users_region_and_goes_back_to_it() {
    let mut world = World::with_role("prod", "Admin");
    world.leapp(["session", "edit", "work", "--region", ""]).succeeds();
    world.set("AWS_REGION", "ap-south-1");
    for shell in SHELLS {
        let now = "echo $LEAPP_SESSION $AWS_REGION; leapp session current";
        let script = format!(
            "{}\n{now}\n{}\n{now}\n{}\necho \"$LEAPP_SESSION,$AWS_REGION,$AWS_DEFAULT_REGION\"",
            eval(shell, "prod"),
            eval(shell, "work"),
            eval(shell, "--unset")
        );
        world
            .shell(shell, &script)
            .succeeds()
            .prints("prod eu-west-1\nprod\nwork ap-south-1\nwork\n,ap-south-1,\n");
    }
}

#[test]
fn the_current_session_is_shown_as_json_too() {
    let world = World::with_role("prod", "Admin");
    let json = as_json(&world, &["prod"]);
    let outcome = world.leapp(["exec", "prod", "leapp", "session", "current", "--json"]);
    let current = outcome.succeeds().json();
    assert_eq!(current["name"], "prod");
    assert_eq!(current["identifier"], json["identity"]);
    assert_eq!(current["expiration"], json["expiration"]);
}

#[test]
fn an_endpoint_that_is_not_this_machine_is_named_and_not_used() {
    let mut world = World::with_role("prod", "Admin");
    world.leapp(["start", "prod"]).succeeds();
    world.set("AWS_ENDPOINT_URL", "http://aws.example.invalid/");
    // Without a loopback endpoint leapp would ask AWS itself: the proxy is a wall.
    world.set("HTTPS_PROXY", "http://127.0.0.1:9/").set("HTTP_PROXY", "http://127.0.0.1:9/");
    let outcome = world.leapp(["env", "prod", "--format", "json"]);
    outcome.says("AWS_ENDPOINT_URL");
    assert!(world.actions().len() == 2, "{outcome}");
}
