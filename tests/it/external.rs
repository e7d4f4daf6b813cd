//! `ext:<provider>:<id>` behaves like what is ours: lists, `env`, `exec`, `status`, chains, directories
//! and completion; with providers that fail, and with names that are hard to write.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command, time::Duration};

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};

use crate::{
    hooked::{Hooked, Kind, project},
    profiles::Profiles,
    provider::{configure, example, guarded, script, wait_until, write_settings},
    support::{CANARY, Outcome, World, chmod},
    terminal::Terminal,
};

/// An id that nothing may split, expand or read as an escape.
const ODD: &str = r#"a b,c;d%20$(e)`f`'g'"h"\é/ü!~*"#;

/// A world with the provider `corp`, the example, which notes each request that it gets.
struct Corp {
    own: Profiles,
    top: tempfile::TempDir,
    command: PathBuf,
}

impl Corp {
    /// With `long`, whose keys are the user's own, and `reader`, whose keys are temporary ones.
    fn new() -> Self {
        let own = Profiles::new();
        own.credentials("[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n");
        let keys = own.leapp(["credential-process", "base"]).succeeds().json();
        fs::remove_dir_all(own.world.home.path().join(".aws")).unwrap();
        own.leapp(["lock"]).succeeds();
        let top = guarded();
        let example = example(top.path());
        let command = script(
            top.path(),
            &format!(
                "request=$(cat)\nword=${{request#*\\\"request\\\":\\\"}}\n\
                 echo \"${{word%%\\\"*}}\" >> '{0}/runs'\n\
                 printf '%s' \"$request\" | '{1}' '{0}/identities.json'",
                top.path().display(),
                example.display()
            ),
        );
        let corp = Self { own, top, command };
        configure(corp.world(), &corp.command, &[]);
        let temporary = json!({
            "accessKeyId": keys["AccessKeyId"],
            "secretAccessKey": keys["SecretAccessKey"],
            "sessionToken": keys["SessionToken"],
            "expiration": keys["Expiration"],
            "accountId": "111122223333",
        });
        let long = json!({ "accessKeyId": corp.own.key_id, "secretAccessKey": corp.own.secret });
        corp.has(&json!([
            { "id": "reader", "name": "Reader", "account": "111122223333", "region": "eu-west-1",
              "credentials": temporary },
            { "id": "long", "credentials": long },
            { "id": ODD, "credentials": temporary },
            { "id": "asks", "question": "PIN?", "answer": "TESTSECRET-2468", "credentials": temporary },
            { "id": "none", "name": "Nothing" },
        ]));
        corp
    }

    fn world(&self) -> &World {
        &self.own.world
    }

    /// What the provider has from now on.
    fn has(&self, identities: &Json) {
        let text = json!({ "identities": identities }).to_string();
        fs::write(self.top.path().join("identities.json"), text).unwrap();
    }

    /// The identities that it has now.
    fn identities(&self) -> Json {
        let text = fs::read(self.top.path().join("identities.json")).unwrap();
        serde_json::from_slice::<Json>(&text).unwrap()["identities"].clone()
    }

    fn leapp<const N: usize>(&self, words: [&str; N]) -> Outcome {
        self.own.leapp(words)
    }

    fn refreshed(self) -> Self {
        self.leapp(["provider", "refresh"]).succeeds();
        self.runs();
        self
    }

    /// The requests since the last look.
    fn runs(&self) -> Vec<String> {
        let path = self.top.path().join("runs");
        let text = fs::read_to_string(&path).unwrap_or_default();
        _ = fs::remove_file(path);
        text.lines().map(str::to_owned).collect()
    }

    fn listing(&self) -> PathBuf {
        self.world().leapp_home().join("providers/corp.json")
    }

    /// Makes the last listing older.
    fn age(&self, seconds: i64) {
        let mut all: Json = serde_json::from_slice(&fs::read(self.listing()).unwrap()).unwrap();
        let at = all["last"]["at"].as_i64().unwrap();
        all["last"]["at"] = (at - seconds).into();
        fs::write(self.listing(), all.to_string()).unwrap();
    }
}

#[test]
fn what_a_provider_listed_is_in_every_list_and_nothing_is_run_for_it() {
    let corp = Corp::new();
    let never = corp.leapp(["list"]);
    never.succeeds().prints_part(
        "ext:corp  provider 'corp' has listed nothing yet: leapp provider refresh corp",
    );
    assert_eq!(corp.runs(), [""; 0]);
    let corp = corp.refreshed();
    let list = corp.leapp(["list"]);
    let row = |name: &str| {
        let text = list.text();
        let line = text.lines().find(|line| line.contains(name)).unwrap_or_default();
        line.split("  ")
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let expected =
        ["ext:corp:reader (Reader)", "external", "111122223333", "-", "eu-west-1", "inactive"];
    assert_eq!(row("reader"), expected);
    assert_eq!(row("asks").last().unwrap(), "needs an answer");
    assert!(list.text().contains(&format!("ext:corp:{ODD}")), "{list}");
    list.prints_part("ext:corp:none  Nothing: the file has no credentials for it");
    let json = corp.leapp(["list", "--json", "reader"]).succeeds().json();
    assert_eq!(json[0]["identifier"], "ext:corp:reader");
    assert_eq!(
        (&json[0]["displayName"], &json[0]["status"]),
        (&json!("Reader"), &json!("inactive"))
    );
    corp.leapp(["status", "ext:corp:reader"]).succeeds().prints_part("inactive");
    corp.leapp(["status", "ext:corp:asks"]).fails(3).says("leapp start ext:corp:asks");
    corp.leapp(["status", "ext:corp:none"]).fails(5).says("leapp provider refresh corp");
    corp.leapp(["session", "show", "ext:corp:reader"]).succeeds().prints_part("Reader");
    let offered = |typed: &str| corp.leapp(["complete", "--at", "2", "--", "leapp", "env", typed]);
    offered("ext:corp:r").succeeds().prints("ext:corp:reader\tReader 111122223333 aws-external\n");
    offered("session:").succeeds().prints("");
    assert_eq!(corp.runs(), [""; 0], "a list ran the provider");
    assert!(corp.world().requests().len() == 1, "a list asked the cloud");
}

#[test]
fn temporary_keys_are_handed_out_as_they_are_until_they_end() {
    let corp = Corp::new().refreshed();
    let words = ["exec", "ext:corp:reader", "--", "printenv"];
    let names = ["LEAPP_SESSION", "AWS_REGION", "AWS_ACCOUNT_ID", "AWS_ACCESS_KEY_ID"];
    let printed = corp.world().leapp(words.iter().chain(&names)).succeeds().text();
    let key = corp.identities()[0]["credentials"]["accessKeyId"].clone();
    let expected = format!("ext:corp:reader\neu-west-1\n111122223333\n{}\n", key.as_str().unwrap());
    assert_eq!(printed, expected);
    assert!(corp.own.caller("ext:corp:reader").starts_with("arn:aws:iam::111122223333:user/"));
    corp.leapp(["list"]).succeeds().prints_part(" active");
    let process = corp.leapp(["credential-process", "ext:corp:reader"]).succeeds().json();
    assert_eq!(process["Expiration"], corp.identities()[0]["credentials"]["expiration"]);
    assert_eq!(corp.runs(), ["credentials"], "once, and then the cache serves");
    corp.leapp(["rotate", "ext:corp:reader"]).succeeds();
    assert_eq!(corp.runs(), ["credentials"]);
    corp.leapp(["stop", "ext:corp:reader"]).succeeds();
    corp.leapp(["start", "ext:corp:reader", "-d", "1h"]).succeeds();
    corp.leapp(["start", "ext:corp:reader", "-d", "1m"]).fails(2).says("--duration");
}

#[test]
fn long_term_keys_become_a_session_of_theirs() {
    let corp = Corp::new().refreshed();
    let before = corp.world().actions().len();
    let printed =
        corp.leapp(["env", "ext:corp:long", "--show", "--shell", "bash"]).succeeds().text();
    assert!(!printed.contains(&corp.own.key_id) && !printed.contains(&corp.own.secret));
    assert_eq!(corp.world().actions()[before..], ["GetSessionToken"]);
}

#[test]
fn what_is_not_in_the_last_list_is_asked_for_before_it_is_refused() {
    let corp = Corp::new();
    corp.leapp(["exec", "ext:corp:reader", "--", "true"]).succeeds();
    assert_eq!(corp.runs(), ["describe", "list", "credentials"]);
    let unknown = corp.leapp(["env", "ext:corp:nobody", "--shell", "bash"]);
    unknown.fails(5).prints("false;\n").says("provider 'corp' does not list it (asked ");
    unknown.says("hint: leapp list");
    assert_eq!(corp.runs(), ["describe", "list"]);
    corp.leapp(["status", "ext:corp:nobody"]).fails(5).says("does not list it");
    assert_eq!(corp.runs(), [""; 0], "a look runs nothing");
    corp.leapp(["start", "ext:other:x"]).fails(5).says("config.toml names no such provider");
    // What could not be used may have become usable.
    let mut all = corp.identities();
    all[4]["credentials"] = all[0]["credentials"].clone();
    corp.has(&all);
    corp.leapp(["start", "ext:corp:none"]).succeeds();
    assert_eq!(corp.runs(), ["describe", "list", "credentials"]);
    // However old the list is, what it has is asked for directly.
    corp.age(500_000);
    corp.leapp(["start", "ext:corp:long"]).succeeds();
    assert_eq!(corp.runs(), ["credentials"]);
}

#[test]
fn a_bare_name_is_never_an_identity_of_a_provider() {
    let corp = Corp::new().refreshed();
    for name in ["reader", "corp:reader", "Reader"] {
        corp.leapp(["start", name]).fails(5).says("there is no session or profile");
    }
    let own = &corp.own;
    own.config(
        "[profile ext:corp:reader]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n",
    );
    let json = corp.leapp(["list", "--json"]).succeeds().json();
    let names: Vec<_> = json.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert!(names.contains(&&json!("profile:ext:corp:reader")), "{names:?}");
    assert_eq!(corp.runs(), [""; 0]);
}

#[test]
fn an_id_may_hold_whatever_is_hard_to_write() {
    let corp = Corp::new().refreshed();
    let name = format!("ext:corp:{ODD}");
    let mut world = corp.world().leapp(["start", &name]);
    world.succeeds();
    for shell in ["bash", "zsh", "dash", "fish"] {
        let kind = if shell == "dash" { "posix" } else { shell };
        let text = match shell {
            "fish" => "leapp env \"$NAME\" --shell fish | source; ",
            _ => "eval \"$(leapp env \"$NAME\" --shell SHELL)\"; ",
        };
        let text = format!(
            "{}printf '%s\\n' \"$LEAPP_SESSION\"; leapp status --json; leapp session current",
            text.replace("SHELL", kind)
        );
        let mut command = corp.world().foreign(shell);
        command.env("NAME", &name).args(["-c", &text]);
        world = corp.world().run(command, None);
        let printed = world.succeeds().text();
        let (first, rest) = printed.split_once('\n').unwrap();
        assert_eq!(first, name, "{shell}");
        let status: Json = serde_json::from_str(rest.lines().next().unwrap()).unwrap();
        assert_eq!(status["identifier"], name.as_str(), "{shell}");
    }
    // What is told to be typed can be typed.
    let asked = json!([{ "id": "a b", "question": "PIN?", "answer": "1", "credentials": {} }]);
    corp.has(&asked);
    corp.leapp(["start", "ext:corp:a b"]).fails(3).says("hint: try again on a terminal");
    corp.leapp(["status", "ext:corp:a b"]).fails(3).says("leapp start 'ext:corp:a b'");
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let corp = Corp::new();
    let turned = "x\u{202e}y";
    let keys = corp.identities()[0]["credentials"].clone();
    corp.has(&json!([
        { "id": turned, "name": "N\u{200b}ame", "credentials": keys },
        { "id": "gone", "unusable": "because\u{202e} of this" },
    ]));
    let corp = corp.refreshed();
    let list = corp.leapp(["list"]).succeeds().text();
    assert!(list.contains(r"ext:corp:x\u{202e}y (N\u{200b}ame)"), "{list}");
    assert!(list.contains(r"because\u{202e} of this"), "{list}");
    let offered = corp.leapp(["complete", "--at", "2", "--", "leapp", "env", "ext:corp:x"]);
    offered.succeeds().prints("");
    let printed = corp.world().leapp(["start", &format!("ext:corp:{turned}")]);
    assert!(
        printed.succeeds().stderr.contains(r"\u{202e}") && !printed.stderr.contains('\u{202e}')
    );
}

#[test]
fn the_longest_id_is_handed_out_too() {
    let corp = Corp::new();
    let long = format!("{}é", "x".repeat(254));
    let keys = corp.identities()[0]["credentials"].clone();
    corp.has(&json!([{ "id": long, "credentials": keys }]));
    let name = format!("ext:corp:{long}");
    let printed = corp.world().leapp(["exec", &name, "--", "printenv", "LEAPP_SESSION"]);
    printed.succeeds().prints(&format!("{name}\n"));
    let all = "é".repeat(128);
    corp.has(&json!([{ "id": all, "credentials": keys }]));
    let name = format!("ext:corp:{all}");
    corp.world().leapp(["exec", &name, "--", "leapp", "status", "--json"]).succeeds();
}

#[test]
fn a_role_can_stand_behind_an_identity_of_a_provider() {
    let corp = Corp::new();
    corp.world()
        .add_role("x", "ext:corp:reader", "Admin", &[])
        .fails(2)
        .says("leapp provider refresh corp");
    let corp = corp.refreshed();
    corp.world().add_role("x", "ext:corp:reader", "Admin", &[]).succeeds();
    assert!(corp.own.caller("x").contains("assumed-role/Admin/"));
    assert_eq!(corp.runs(), ["credentials"]);
    // Where the list is gone, whoever wants the role has it made anew.
    fs::remove_file(corp.listing()).unwrap();
    corp.leapp(["rotate", "x"]).succeeds();
    assert_eq!(corp.runs()[..2], ["describe", "list"]);
}

#[test]
fn a_directory_switches_it_on_from_the_cache() {
    let corp = Corp::new().refreshed();
    let shop = project(corp.world(), "shop", "ext:corp:reader");
    let file = fs::read_to_string(shop.join(".leapp.toml")).unwrap();
    assert_eq!(file, "session = \"ext:corp:reader\"\n");
    let mut shell = Hooked::new(corp.world(), Kind::Bash);
    // A hook begins no program of somebody else's.
    let said = shell.run("cd code/shop");
    assert!(said.contains("leapp start ext:corp:reader"), "{said}");
    assert_eq!(corp.runs(), [""; 0]);
    corp.leapp(["start", "ext:corp:reader"]).succeeds();
    assert_eq!(corp.runs(), ["credentials"]);
    shell.run("true");
    assert_eq!(shell.on(), "ext:corp:reader");
    shell.run("cd ..");
    let said = shell.run("cd shop");
    assert!(said.contains("ext:corp:reader is on (eu-west-1)"), "{said}");
    // A new list alone changes nothing; another program behind the name is another identity.
    corp.leapp(["provider", "refresh"]).succeeds();
    shell.run("cd ..");
    shell.run("cd shop");
    assert_eq!(shell.on(), "ext:corp:reader");
    let said = shell.run("leapp use ext:corp:long");
    assert!(said.contains("ext:corp:long is on"), "{said}");
    assert_eq!(shell.on(), "ext:corp:long");
    shell.run("leapp off");
    // Where the list is gone, a hook says what helps, and who names nothing has it made anew.
    let list = fs::read(corp.listing()).unwrap();
    fs::remove_file(corp.listing()).unwrap();
    corp.runs();
    shell.run("cd ..");
    let said = shell.run("cd shop");
    assert!(said.contains("not in the last list of provider 'corp'"), "{said}");
    assert!(said.contains("leapp provider refresh corp"), "{said}");
    assert_eq!(corp.runs(), [""; 0], "a hook ran the provider");
    let mut command = corp.world().command(["exec", "--", "true"]);
    command.current_dir(&shop);
    corp.world().run(command, None).succeeds();
    assert_eq!(corp.runs(), ["describe", "list"], "its credentials are in the cache");
    fs::write(corp.listing(), list).unwrap();
    shell.run("cd ..");
    shell.run("cd shop");
    assert_eq!(shell.on(), "ext:corp:reader", "the list is back");
    configure(corp.world(), &corp.command, &[std::path::Path::new("--other")]);
    corp.leapp(["provider", "refresh"]).succeeds();
    corp.runs();
    shell.run("cd ..");
    let said = shell.run("cd shop");
    assert!(said.contains("is not what it was when this file was trusted"), "{said}");
    assert_eq!(corp.runs(), [""; 0], "a hook ran the provider");
}

#[test]
fn an_odd_id_can_be_pinned_and_used_in_a_shell() {
    let corp = Corp::new().refreshed();
    let name = format!("ext:corp:{ODD}");
    corp.world().leapp(["start", &name]).succeeds();
    project(corp.world(), "shop", &name);
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut shell = Hooked::new(corp.world(), kind);
        shell.run("cd code/shop");
        assert_eq!(shell.exported("LEAPP_SESSION").as_deref(), Some(name.as_str()), "{kind:?}");
        shell.run("cd ..");
        assert_eq!(shell.exported("LEAPP_SESSION"), None, "{kind:?}");
    }
}

/// What a shell script does when it is asked for credentials, the exit status, and what is said.
const FAULTS: &[(&str, i32, &str)] = &[
    ("echo slowly >&2; sleep 60", 6, "it did not end within 1 s: slowly"),
    ("echo broken >&2; exit 9", 1, "it ended with status 9: broken"),
    ("kill -9 $$", 1, "was ended by signal 9"),
    ("echo TESTSECRET", 1, "not one JSON object: line 1, column 1"),
    (r#"echo '{"version":7}'"#, 1, "in version 7 of the protocol"),
    (
        r#"echo '{"version":1,"error":{"kind":"refused","message":"no","hint":"ask the desk"}}'"#,
        4,
        "hint: ask the desk",
    ),
    (r#"echo '{"version":1,"error":{"kind":"action","message":"log in"}}'"#, 3, "log in"),
    (r#"echo '{"version":1,"error":{"kind":"incomplete","message":"no realm"}}'"#, 5, "no realm"),
    (r#"echo '{"version":1,"error":{"kind":"unreachable","message":"no way"}}'"#, 6, "no way"),
    (r#"echo '{"version":1,"ask":{"id":"a","text":"PIN?"}}'"#, 3, "it asks \"PIN?\""),
    (
        r#"echo '{"version":1,"credentials":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"TESTSECRET","sessionToken":"TESTSECRET","expiration":"2099-01-01T00:00:00Z","accountId":"999988887777"}}'"#,
        1,
        "gave credentials of account 999988887777, and had listed 111122223333",
    ),
];

#[test]
fn a_provider_that_fails_is_named_and_breaks_nothing_else() {
    let own = Profiles::new();
    own.credentials("[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n");
    let top = guarded();
    let good = example(top.path());
    let describes = r#"{"version":1,"description":{"name":"Bad","versions":[1]}}"#;
    let lists = r#"{"version":1,"items":[{"id":"x","account":"111122223333"}]}"#;
    for (fault, code, expected) in FAULTS {
        let bad = script(
            top.path(),
            &format!(
                "case $(cat) in *'\"describe\"'*) echo '{describes}';; *'\"list\"'*) echo '{lists}';; *) {fault};; esac"
            ),
        );
        let text = format!(
            "[providers.bad]\ncommand = {bad:?}\ntimeout = '1s'\n[providers.good]\ncommand = {good:?}\n"
        );
        write_settings(&own.world, &text);
        own.leapp(["list", "--refresh"]).succeeds();
        let env = own.leapp(["env", "ext:bad:x", "--shell", "bash"]);
        env.fails(*code).prints("false;\n").says("cannot start session 'ext:bad:x'");
        env.says("provider 'bad'").says(expected);
        own.leapp(["exec", "ext:bad:x", "--", "true"]).fails(*code).prints("");
    }
    // Somebody else could have changed it: it is not run, and the rest goes on.
    let bad = top.path().join("provider");
    let mode = fs::metadata(&bad).unwrap().permissions().mode();
    chmod(&bad, mode | 0o002);
    let env = own.leapp(["env", "ext:bad:x", "--shell", "bash"]);
    env.fails(5).says("provider 'bad'").says("others can change it").says("chmod go-w");
    let list = own.leapp(["list", "--refresh"]);
    list.succeeds().says("note: provider 'bad' gave no description of itself");
    list.prints_part("base k").prints_part("ext:bad:x").prints_part("ext:good:reader (Reader)");
    fs::remove_file(&bad).unwrap();
    own.leapp(["list"])
        .succeeds()
        .says("provider 'bad' has listed nothing since")
        .prints_part("base k");
    own.leapp(["exec", "ext:good:reader", "--", "true"]).succeeds();
    own.leapp(["exec", "base", "--", "true"]).succeeds();
}

#[test]
fn a_list_tells_of_old_ones_and_can_be_made_anew() {
    let corp = Corp::new();
    let first = corp.leapp(["list", "--refresh"]);
    first.succeeds().prints_part("ext:corp:reader").says("has 5 (1 unusable) identities (5 added)");
    assert_eq!(corp.runs(), ["describe", "list"]);
    corp.age(23 * 3600);
    assert_eq!(corp.leapp(["list"]).succeeds().stderr, "");
    corp.age(2 * 3600);
    let old = corp.leapp(["list"]);
    old.succeeds().says("note: provider 'corp' was asked 25h ago: leapp provider refresh corp");
    fs::remove_file(corp.top.path().join("identities.json")).unwrap();
    let failed = corp.leapp(["list", "--refresh"]);
    failed.succeeds().prints_part("ext:corp:reader").says("provider 'corp' gave no list");
    corp.leapp(["list", "--refresh", "--json"]).succeeds();
    write_settings(corp.world(), "");
    corp.leapp(["list", "--refresh"]).succeeds().says("no providers are configured");
}

#[test]
fn settings_that_cannot_be_read_hide_the_providers_alone() {
    let corp = Corp::new().refreshed();
    corp.own.credentials("[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n");
    write_settings(corp.world(), "[providers.corp]\ncommand = 'relative'\n");
    let list = corp.leapp(["list"]);
    list.succeeds()
        .prints_part("base k")
        .says("config.toml:2:11: \"relative\" is no absolute path");
    assert!(!list.text().contains("ext:"), "{list}");
    corp.leapp(["start", "ext:corp:reader"]).fails(1).says("config.toml:2:11");
    corp.leapp(["list", "--refresh"]).succeeds().says("config.toml:2:11");
}

#[test]
fn a_question_is_put_on_the_terminal_and_its_answer_is_not_shown() {
    let corp = Corp::new().refreshed();
    let none = corp.leapp(["exec", "ext:corp:asks", "--", "true"]);
    none.fails(3).says("it asks a question").says("on a terminal");
    corp.leapp(["credential-process", "ext:corp:asks"]).fails(3);
    corp.leapp(["renew", "ext:corp:asks"]).fails(3);
    corp.runs();
    let line = |text: &str| -> Terminal {
        let mut command: Command = corp.world().foreign("bash");
        command.args(["--norc", "--noprofile", "-c", text]);
        Terminal::start(command, Duration::from_secs(30))
    };
    let mut terminal =
        line("leapp exec ext:corp:asks -- printenv LEAPP_SESSION; echo \"status=$?\"");
    terminal.until("Provider 'corp' asks: PIN? ").unwrap();
    terminal.send("TESTSECRET-1\n");
    terminal.until("Provider 'corp' asks: That is not it. PIN? ").unwrap();
    terminal.send("TESTSECRET-2468\n");
    let said = terminal.until_the_end();
    assert!(said.contains("ext:corp:asks") && said.contains("status=0"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert_eq!(corp.runs(), ["credentials"; 3], "one process a request");
    // It is in the cache now, so that nobody is asked.
    corp.leapp(["exec", "ext:corp:asks", "--", "true"]).succeeds();
    corp.leapp(["stop", "ext:corp:asks"]).succeeds();
    for key in ['c', 'd'] {
        let mut terminal =
            line("out=$(leapp env ext:corp:asks --shell bash); echo \"status=$? $out\"");
        terminal.until("PIN? ").unwrap();
        terminal.control(key);
        let said = terminal.until_the_end();
        assert!(said.contains("status=130 false"), "{key}: {said}");
    }
    assert_eq!(corp.runs(), ["credentials"; 2]);
}

#[test]
fn one_process_of_many_runs_the_provider() {
    let corp = Corp::new().refreshed();
    let crowd = || {
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| corp.leapp(["exec", "ext:corp:reader", "--", "true"])))
                .collect();
            for one in all {
                one.join().unwrap().succeeds();
            }
        });
    };
    crowd();
    assert_eq!(corp.runs(), ["credentials"]);
    // And of many that fail.
    corp.leapp(["lock"]).succeeds();
    let slow = "sleep 1; echo broken >&2; exit 9";
    let text = fs::read_to_string(&corp.command).unwrap();
    script(
        corp.top.path(),
        &text.replace("#!/bin/sh\n", "").replace("printf", &format!("{slow}; printf")),
    );
    std::thread::scope(|scope| {
        let start = || corp.leapp(["exec", "ext:corp:reader", "--", "true"]);
        let all: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        for one in all {
            let one = one.join().unwrap();
            one.fails(1).says("provider 'corp' gave no credentials").says("status 9: broken");
        }
    });
    assert_eq!(corp.runs(), ["credentials"]);
    fs::write(&corp.command, text).unwrap();
    // Neither do all ask for the list, where there is none.
    corp.leapp(["lock"]).succeeds();
    fs::remove_file(corp.listing()).unwrap();
    crowd();
    assert_eq!(corp.runs(), ["describe", "list", "credentials"]);
}

#[test]
fn the_tab_key_writes_an_identity_whole() {
    let corp = Corp::new().refreshed();
    let told = corp.world().home.path().join("told");
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let file = told.display();
        let rc = match kind {
            Kind::Fish => format!(
                "command leapp completions fish | source\n\
                 function leapp; printf '<%s>' $argv > {file}; end"
            ),
            Kind::Zsh => format!(
                "autoload -Uz compinit; compinit -D -u; eval \"$(command leapp completions zsh)\"\n\
                 leapp() {{ printf '<%s>' \"$@\" > {file}; }}; setopt zle"
            ),
            _ => format!(
                "bind 'set bell-style none'; eval \"$(command leapp completions bash)\"\n\
                 leapp() {{ printf '<%s>' \"$@\" > {file}; }}"
            ),
        };
        let mut shell = Hooked::with(corp.world(), kind, &rc, corp.world().home.path());
        for (typed, whole) in [
            ("leapp env ext:corp:rea", "<env><ext:corp:reader>".to_owned()),
            ("leapp env ext:corp:a\\ ", format!("<env><ext:corp:{ODD}>")),
        ] {
            _ = fs::remove_file(&told);
            shell.keys(&format!("{typed}\t"));
            shell.keys("\n");
            shell.settle();
            assert_eq!(fs::read_to_string(&told).unwrap_or_default(), whole, "{kind:?}");
        }
    }
}

#[test]
fn an_interrupt_ends_the_provider_and_nothing_is_kept() {
    let top = guarded();
    let world = World::new();
    let lists = r#"{"version":1,"items":[{"id":"x"}]}"#;
    let describes = r#"{"version":1,"description":{"name":"S","versions":[1]}}"#;
    let pid = top.path().join("pid");
    let text = format!(
        "case $(cat) in *'\"describe\"'*) echo '{describes}';; *'\"list\"'*) echo '{lists}';; \
         *) echo $PPID > '{0}.new'; mv '{0}.new' '{0}'; sleep 300;; esac",
        pid.display()
    );
    configure(&world, &script(top.path(), &text), &[]);
    let mut command = world.command(["start", "ext:corp:x"]);
    let waiting = std::thread::spawn(move || crate::support::run(&mut command, None));
    wait_until("the provider did not start", || pid.exists());
    let number: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(number), Signal::SIGINT).unwrap();
    assert_eq!(waiting.join().unwrap().code(), 130);
    world.leapp(["status", "ext:corp:x"]).succeeds().prints_part("inactive");
}
