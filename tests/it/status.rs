//! `leapp status`: every state with its words and its exit status, and what a check asks.

use std::{fs, path::Path};

use rexpect::session::spawn_command;
use serde_json::{Value as Json, json};

use crate::{
    portal::Portal,
    profiles::Profiles,
    support::{Outcome, World, chmod, program},
};

pub(crate) const BASE: &str = "[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";
pub(crate) const DEV: &str = "[profile dev]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = base\n\
     region = eu-west-1\n";
const MORE: &str = "[profile coded]\nrole_arn = arn:aws:iam::ROLES:role/Admin\n\
                    source_profile = base\nmfa_serial = DEVICE\nregion = eu-west-1\n\
                    [profile denied]\nrole_arn = arn:aws:iam::ROLES:role/Denied\n\
                    source_profile = base\nregion = eu-west-1\n\
                    [profile lost]\nrole_arn = arn:aws:iam::ROLES:role/Admin\n\
                    source_profile = nobody\n\
                    [profile half]\nsso_session = work\nsso_account_id = ROLES\n\
                    [profile odd]\nregion = nowhere-1\ncredential_process = /bin/false\n\
                    [sso-session work]\nsso_start_url = https://example.awsapps.com/start\n\
                    sso_region = us-east-1\n\
                    [profile sso]\nsso_session = work\nsso_account_id = ROLES\n\
                    sso_role_name = Admin\nregion = eu-west-1\n\
                    [profile signed]\nlogin_session = arn:aws:iam::ROLES:user/ann\n\
                    region = eu-west-1\n";

fn profiles() -> Profiles {
    let own = Profiles::new();
    own.credentials(BASE).config(&format!("{DEV}{MORE}"));
    own
}

/// What the state object says, with the exit status held against it.
fn state(outcome: &Outcome, code: i32) -> Json {
    outcome.fails(code);
    let json = outcome.json();
    for member in [
        "account",
        "action",
        "arn",
        "checked",
        "command",
        "error",
        "expiration",
        "identifier",
        "missing",
        "name",
        "principal",
        "region",
        "secondsLeft",
        "state",
    ] {
        assert!(json.get(member).is_some(), "no {member}: {outcome}");
    }
    json
}

/// Name, exit status, state, what it says, action, command.
type Row =
    (&'static str, i32, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

const ROWS: &[Row] = &[
    ("dev", 0, "inactive", "dev@eu-west-1  inactive", None, None),
    ("profile:base", 0, "inactive", "base@us-east-1  inactive", None, None),
    (
        "coded",
        3,
        "requires-user-action",
        "'coded' requires MFA to connect",
        Some("mfa"),
        Some("leapp start coded"),
    ),
    (
        "sso",
        3,
        "requires-user-action",
        "'sso' requires you to log in",
        Some("login"),
        Some("aws sso login --sso-session work"),
    ),
    (
        "sso-session:work",
        3,
        "requires-user-action",
        "requires you to log in",
        Some("login"),
        Some("aws sso login --sso-session work"),
    ),
    (
        "signed",
        3,
        "requires-user-action",
        "'signed' requires you to log in",
        Some("login"),
        Some("aws login --profile signed"),
    ),
    (
        "lost",
        5,
        "incomplete",
        "references source profile 'nobody' which does not exist",
        None,
        None,
    ),
    ("half", 5, "incomplete", "missing required property sso_role_name", None, None),
    ("odd", 5, "incomplete", "\"nowhere-1\" is none that AWS has", None, None),
    ("nobody", 5, "incomplete", "there is no session or profile \"nobody\"", None, None),
    ("ecs:containerRole", 5, "incomplete", "AWS_CONTAINER_CREDENTIALS_FULL_URI is set", None, None),
];

#[test]
fn every_state_is_told_without_network() {
    let own = profiles();
    for (name, code, word, says, action, command) in ROWS {
        let outcome = own.leapp(["status", name]);
        outcome.fails(*code);
        let all = format!("{}{}", outcome.text(), outcome.stderr);
        assert!(all.contains(says), "no {says:?}: {outcome}");
        let json = state(&own.leapp(["status", name, "--json"]), *code);
        assert_eq!(json["state"], *word, "{json}");
        assert_eq!(json["checked"], false);
        assert_eq!((json["action"].as_str(), json["command"].as_str()), (*action, *command));
        if let Some(command) = command {
            outcome.says(&format!("next: {command}"));
        }
        let missing = match (*word, *name) {
            ("incomplete", "odd") => json!(["region"]),
            ("incomplete", _) => json!(["identity"]),
            _ => json!([]),
        };
        assert_eq!(json["missing"], missing, "{json}");
        assert_eq!(json["error"].is_null(), !matches!(*code, 3 | 5) || action == &Some("mfa"));
    }
    assert!(own.world.requests().is_empty(), "nobody was asked");
    assert!(!own.world.leapp_home().exists(), "nothing was created");
}

#[test]
fn an_unexpired_entry_is_valid_though_nobody_was_asked_about_it() {
    let own = profiles();
    own.leapp(["exec", "dev", "--", "true"]).succeeds();
    let asked = own.world.actions().len();
    own.leapp(["status", "dev"]).succeeds().prints_part("dev@eu-west-1  account 444455556666  ");
    let json = state(&own.leapp(["status", "dev", "--json"]), 0);
    assert_eq!((&json["state"], &json["checked"]), (&json!("valid"), &json!(false)));
    assert_eq!(
        (&json["status"], &json["message"]),
        (&json!("active"), &json!("profile:dev@eu-west-1"))
    );
    assert!(json["secondsLeft"].as_i64().unwrap() > 3000 && json["expiration"].is_string());
    let region = own.leapp(["status", "dev", "--region", "eu-central-1", "--json"]);
    assert_eq!(region.succeeds().json()["region"], "eu-central-1");
    assert_eq!(own.world.actions().len(), asked, "nobody was asked");
}

#[test]
fn a_check_is_one_request_in_the_chosen_region_and_always_fresh() {
    let own = profiles();
    own.leapp(["exec", "dev", "--", "true"]).succeeds();
    let before = own.world.actions().len();
    for region in [None, None, Some("ap-southeast-2")] {
        let words = ["status", "dev", "--check"].into_iter();
        let outcome = own.world.leapp(words.chain(region.iter().flat_map(|r| ["--region", r])));
        outcome
            .succeeds()
            .prints_part("account 444455556666")
            .prints_part("arn:aws:sts::444455556666:assumed-role/Admin/")
            .prints_part(&format!("checked in {}", region.unwrap_or("eu-west-1")));
    }
    let requests = own.world.requests();
    let asked: Vec<_> = requests[before..].iter().map(|r| (&r["action"], &r["region"])).collect();
    let one = json!("GetCallerIdentity");
    let (eu, ap) = (json!("eu-west-1"), json!("ap-southeast-2"));
    assert_eq!(asked, [(&one, &eu), (&one, &eu), (&one, &ap)]);
    let json = state(&own.leapp(["status", "dev", "--check", "--json"]), 0);
    assert_eq!((&json["state"], &json["checked"]), (&json!("valid"), &json!(true)));
    assert_eq!(json["account"], "444455556666");
    assert!(json["arn"].as_str().unwrap().contains("assumed-role/Admin/"), "{json}");
    // Credentials that are not there are had first.
    own.leapp(["stop", "--all"]).succeeds();
    let before = own.world.actions().len();
    own.leapp(["status", "dev", "--check"]).succeeds();
    assert_eq!(own.world.actions()[before..], ["AssumeRole", "GetCallerIdentity"]);
}

#[test]
fn a_check_that_fails_tells_the_state_and_why() {
    let own = profiles();
    let denied = own.leapp(["status", "denied", "--check", "--json"]);
    let json = state(&denied, 4);
    assert_eq!((&json["state"], &json["reason"]), (&json!("invalid"), &json!("refused")));
    assert!(json["error"].as_str().unwrap().contains("AccessDenied"), "{json}");
    assert!(json["message"].as_str().unwrap().starts_with("unable to connect to AWS: "), "{json}");
    let error: Json = serde_json::from_str(&denied.stderr).unwrap();
    assert_eq!((&error["kind"], &error["exit"]), (&json!("invalid"), &json!(4)));
    own.leapp(["status", "denied", "--check"]).fails(4).prints("").says("AccessDenied");
    own.leapp(["exec", "dev", "--", "true"]).succeeds();
    let fault = json!({ "action": "GetCallerIdentity", "kind": "status", "status": 403,
        "code": "InvalidClientTokenId", "message": "revoked", "times": 1 });
    own.world.control("fault", fault);
    let json = state(&own.leapp(["status", "dev", "--check", "--json"]), 4);
    assert_eq!((&json["state"], &json["reason"]), (&json!("invalid"), &json!("refused")));
    own.world
        .control("fault", json!({ "action": "GetCallerIdentity", "kind": "drop", "times": null }));
    let json = state(&own.leapp(["status", "dev", "--check", "--json"]), 6);
    assert_eq!((&json["state"], &json["reason"]), (&json!("invalid"), &json!("unreachable")));
    own.world.control("reset", json!({}));
    let json = state(&own.leapp(["status", "coded", "--check", "--json"]), 3);
    assert_eq!((&json["action"], &json["command"]), (&json!("mfa"), &json!("leapp start coded")));
    let json = state(&own.leapp(["status", "sso", "--check", "--json"]), 3);
    assert_eq!(json["command"], "aws sso login --sso-session work");
    assert!(own.world.actions().iter().all(|action| action != "AssumeRoleWithSAML"));
}

#[test]
fn a_prompt_that_is_cancelled_is_no_failure() {
    let own = profiles();
    let mut command = own.world.foreign("sh");
    let line = format!("{} status coded --check --json; echo ended $?.", program().display());
    command.args(["-c", &format!("trap : INT; {line}")]);
    let mut terminal = spawn_command(command, Some(30_000)).unwrap();
    terminal.exp_string("MFA code for ").unwrap();
    terminal.send_control('c').unwrap();
    let rest = terminal.exp_string("ended 130.").unwrap();
    assert!(!rest.contains("\"state\""), "nothing is known that was not known before: {rest}");
    assert!(own.world.actions().is_empty());
}

#[test]
fn a_token_of_the_aws_cli_makes_a_check_possible() {
    let own = Profiles::new();
    let portal = Portal::start();
    let text = MORE
        .replace("https://example.awsapps.com/start", portal.ready["start_url"].as_str().unwrap());
    own.config(&text);
    let mut world = own.world;
    world.set("AWS_ENDPOINT_URL_SSO", portal.url());
    let login = portal.control("sso_login", json!({ "expires_in": 3600, "session": "work" }));
    let cache = world.home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    write_private(&cache.join(login["name"].as_str().unwrap()), login["text"].as_str().unwrap());
    let json = state(&world.leapp(["status", "sso", "--json"]), 0);
    assert_eq!(json["state"], "inactive");
    let json = state(&world.leapp(["status", "sso-session:work", "--json"]), 0);
    assert_eq!((&json["state"], json["secondsLeft"].is_number()), (&json!("valid"), true));
    world.leapp(["status", "sso-session:work", "--check"]).fails(5).says("which gives no keys");
    portal.control("revoke", json!({}));
    let json = state(&world.leapp(["status", "sso", "--check", "--json"]), 3);
    assert_eq!(
        (&json["action"], &json["command"]),
        (&json!("login"), &json!("aws sso login --sso-session work"))
    );
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    chmod(path, 0o600);
}

#[test]
fn without_a_name_this_shell_is_meant_and_never_anybody_else() {
    let own = profiles();
    own.leapp(["status"]).fails(5).says("leapp env NAME").says("leapp pin NAME");
    let json = state(&own.leapp(["status", "--json"]), 5);
    assert_eq!((&json["state"], &json["missing"]), (&json!("incomplete"), &json!(["identity"])));
    let inside = |text: &str| own.leapp(["exec", "dev", "--", "sh", "-c", text]);
    inside("leapp status").succeeds().prints_part("dev@eu-west-1  account 444455556666  ");
    let json = state(&inside("leapp status --json"), 0);
    assert_eq!((&json["state"], &json["identifier"]), (&json!("valid"), &json!("profile:dev")));
    let json = state(&inside("leapp status --check --json"), 0);
    assert_eq!((&json["checked"], &json["name"]), (&json!(true), &json!("dev")));
    // Another profile of whatever name is not what was switched on.
    let gone = inside("sed -i 's/profile dev/profile default/' ~/.aws/config; leapp status --json");
    let json = state(&gone, 5);
    assert_eq!((&json["state"], &json["missing"]), (&json!("incomplete"), &json!(["identity"])));
    assert!(json["error"].as_str().unwrap().contains("'dev'"), "{json}");
    gone.says("is gone");
}

#[test]
fn what_a_directory_says_comes_before_what_a_shell_has() {
    let world = World::with_role("prod", "Admin");
    world.add_role("other", "work", "Admin", &[]).succeeds();
    let shop = world.home.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let run = |words: &[&str]| {
        let mut command = world.command(words);
        command.current_dir(&shop);
        world.run(command, None)
    };
    let mut command = world.command(["pin", "prod", "--region", "eu-north-1"]);
    command.current_dir(&shop);
    let mut terminal = spawn_command(command, Some(30_000)).unwrap();
    terminal.exp_string("trusted").unwrap();
    terminal.exp_eof().unwrap();
    let json = state(&run(&["status", "--json"]), 0);
    let expected = (json!("inactive"), json!("prod"), json!("eu-north-1"));
    assert_eq!((json["state"].clone(), json["name"].clone(), json["region"].clone()), expected);
    let both = run(&["exec", "other", "--", "sh", "-c", "leapp status"]);
    both.succeeds().prints_part("prod@eu-north-1").says("'other' is on in this shell");
    world.leapp(["session", "remove", "prod", "--yes"]).succeeds();
    run(&["status"]).fails(5).says("leapp trust").prints("");
}

#[test]
fn when_what_a_shell_has_ends_it_is_told_what_is_needed() {
    let own = profiles();
    own.world.control("mfa", json!({ "codes": ["123456"] }));
    let later = "LEAPP_TEST_CLOCK=90000 leapp status";
    let inside =
        |name: &str| own.leapp(["exec", name, "--mfa-code", "123456", "--", "sh", "-c", later]);
    inside("coded")
        .fails(3)
        .prints_part("'coded' requires MFA to connect")
        .says("leapp start coded");
    inside("dev").succeeds().prints_part("dev@eu-west-1  account 444455556666  expired at ");
}
