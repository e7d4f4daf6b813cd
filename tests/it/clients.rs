//! The real clients: boto3 and the AWS CLI, as children of `exec` and as users of
//! `credential_process`. The emulator checks their signatures.

use std::{fs, process::Command};

use serde_json::{Value as Json, json};

use crate::support::{CANARY, World, aws, chmod, program, python};

/// Debian's AWS CLI v2; it is older than `AWS_ENDPOINT_URL`.
const AWS: &str = "/usr/bin/aws";

const BOTO: &str = r#"
import boto3, json
session = boto3.Session()
who = session.client("sts").get_caller_identity()
buckets = session.client("s3").list_buckets()["Buckets"]
print(json.dumps({
    "account": who["Account"], "arn": who["Arn"], "buckets": len(buckets),
    "region": session.region_name, "method": session.get_credentials().method,
}))
"#;

fn need_aws() {
    assert!(
        std::path::Path::new(AWS).exists(),
        "run scripts/setup-tests first: {AWS} is missing (package awscli)"
    );
}

/// An AWS config file with a profile that asks `command`, and the variables that name it.
fn with_profile(world: &mut World, command: &str) {
    let path = world.home.path().join("aws-config");
    let text = format!("[profile asked]\nregion = eu-west-1\ncredential_process = {command}\n");
    fs::write(&path, text).unwrap();
    chmod(&path, 0o600);
    world.set("AWS_CONFIG_FILE", &path).set("AWS_PROFILE", "asked");
}

fn boto(world: &World, command: Command) -> Json {
    let mut command = command;
    command.args(["-I", "-c", BOTO]);
    world.run(command, None).succeeds().json()
}

/// The words of a call of the CLI, to the emulator.
fn cli(words: &[&str]) -> Vec<String> {
    let url = aws().url();
    let fixed = [AWS, "--endpoint-url", &url, "--no-cli-pager", "--output", "json"];
    fixed.iter().chain(words).map(|word| (*word).to_owned()).collect()
}

fn last_caller(world: &World) -> Json {
    let requests = world.requests();
    requests.last().unwrap().clone()
}

#[test]
fn boto3_works_as_a_child_of_exec() {
    let mut world = World::with_role("prod", "Admin");
    // What boto3 would rather take: a profile that cannot work.
    world.set("AWS_PROFILE", "missing");
    let mut command = world.command(["exec", "prod", "--"]);
    command.arg(python());
    let seen = boto(&world, command);
    assert_eq!((&seen["account"], &seen["region"]), (&json!("444455556666"), &json!("eu-west-1")));
    assert_eq!(seen["method"], "env");
    assert!(seen["arn"].as_str().unwrap().contains("assumed-role/Admin/leapp-"), "{seen}");
    let actions = world.actions();
    assert_eq!(actions[..3], ["GetSessionToken", "AssumeRole", "GetCallerIdentity"]);
    let last = last_caller(&world);
    assert_eq!(
        (&last["service"], &last["status"], &last["temporary"]),
        (&json!("s3"), &json!(200), &json!(true)),
        "{last}"
    );
}

#[test]
fn the_aws_cli_works_as_a_child_of_exec() {
    need_aws();
    let world = World::with_role("prod", "Admin");
    let exec = |words: &[&str]| {
        let words = cli(words);
        let all = ["exec", "prod", "--"].into_iter().map(str::to_owned).chain(words);
        world.leapp(all.collect::<Vec<_>>())
    };
    let who = exec(&["sts", "get-caller-identity"]).succeeds().json();
    assert_eq!(who["Account"], "444455556666");
    assert!(who["Arn"].as_str().unwrap().contains("assumed-role/Admin/"), "{who}");
    exec(&["s3", "ls"]).succeeds();
    assert_eq!(last_caller(&world)["status"], 200);
    // The region is the session's: it is part of the signature.
    assert_eq!(last_caller(&world)["region"], "eu-west-1");
    // The emulator does look: a wrong key is refused.
    let mut command = world.command(["exec", "prod", "--", "env", "AWS_SECRET_ACCESS_KEY=wrong"]);
    command.args(cli(&["sts", "get-caller-identity"]));
    let refused = world.run(command, None);
    assert_ne!(refused.code(), 0, "{refused}");
    refused.says("SignatureDoesNotMatch");
}

#[test]
fn the_aws_cli_works_in_a_shell_that_took_env() {
    need_aws();
    let world = World::with_role("prod", "Admin");
    let call = cli(&["sts", "get-caller-identity"]).join(" ");
    for shell in ["bash", "fish"] {
        let eval = match shell {
            "fish" => "leapp env prod | source; and",
            _ => "eval \"$(leapp env prod)\" &&",
        };
        let outcome = world.shell(shell, &format!("{eval} {call}"));
        assert_eq!(outcome.succeeds().json()["Account"], "444455556666");
    }
}

#[test]
fn the_clients_use_credential_process() {
    need_aws();
    let mut world = World::with_role("prod", "Admin");
    let id = world.leapp(["session", "show", "prod", "--json"]).json()["id"].clone();
    let leapp = program().display();
    for command in [
        format!("{leapp} credential-process prod"),
        format!("{leapp} session generate {}", id.as_str().unwrap()),
    ] {
        with_profile(&mut world, &command);
        let words = cli(&["sts", "get-caller-identity"]);
        let mut aws = world.foreign(&words[0]);
        aws.args(&words[1..]);
        let who = world.run(aws, None).succeeds().json();
        assert!(who["Arn"].as_str().unwrap().contains("assumed-role/Admin/"), "{who}");
        let seen = boto(&world, world.foreign(python()));
        assert_eq!(
            (&seen["account"], &seen["method"]),
            (&json!("444455556666"), &json!("custom-process"))
        );
        let words = cli(&["s3", "ls"]);
        let mut aws = world.foreign(&words[0]);
        aws.args(&words[1..]);
        world.run(aws, None).succeeds();
    }
    let issued: Vec<String> = world
        .actions()
        .into_iter()
        .filter(|a| a != "GetCallerIdentity" && !a.starts_with("GET "))
        .collect();
    let ours = |action: &&String| ["GetSessionToken", "AssumeRole"].contains(&action.as_str());
    assert_eq!(issued.iter().filter(ours).count(), 2, "{issued:?}");
}

#[test]
fn credential_process_prints_what_the_sdks_read() {
    let world = World::with_role("prod", "Admin");
    let id = world.leapp(["session", "show", "prod", "--json"]).json()["id"].clone();
    let id = id.as_str().unwrap();
    let full = format!("session:{id}");
    let mut texts = Vec::new();
    for words in [
        &["credential-process", "prod"][..],
        &["credential-process", "PROD"],
        &["credential-process", &full],
        &["session", "generate", id],
        &["session", "generate", &full],
    ] {
        for _ in ["cold", "warm"] {
            let outcome = world.leapp(words);
            outcome.succeeds();
            assert_eq!(outcome.stderr, "", "{outcome}");
            texts.push(outcome.json());
        }
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "not the same credentials");
    let object = texts[0].as_object().unwrap();
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected =
        ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "SessionToken", "Version"];
    assert_eq!(keys, expected);
    assert_eq!((&object["Version"], &object["AccountId"]), (&json!(1), &json!("444455556666")));
    let env = world.leapp(["env", "prod", "--format", "json"]).json();
    assert_eq!(object["Expiration"], env["expiration"]);
    assert_eq!(object["AccessKeyId"], env["set"]["AWS_ACCESS_KEY_ID"]);
    assert!(object["Expiration"].as_str().unwrap().ends_with('Z'));
    world.leapp(["session", "generate", "prod"]).fails(2).prints("").says("is no UUID");
    let nobody = "00000000-0000-4000-8000-000000000000";
    world.leapp(["session", "generate", nobody]).fails(5).prints("");
    world.leapp(["credential-process"]).fails(2).prints("");
    world.leapp(["credential-process", "nope"]).fails(5).prints("");
}

/// An SDK shows the last lines of what a program said, so the way out stands there.
#[test]
fn credential_process_never_asks_and_ends_with_the_way_out() {
    need_aws();
    let mut world = World::with_mfa();
    let mut on_a_terminal = world.foreign("script");
    // Even with a terminal: an SDK runs it anywhere.
    on_a_terminal
        .args(["-q", "-e", "-c", "leapp credential-process prod >out 2>err", "/dev/null"])
        .env("SHELL", "/bin/sh");
    let outcome = world.run(on_a_terminal, None);
    outcome.fails(3).prints("");
    assert_eq!(fs::read(world.home.path().join("out")).unwrap(), b"");
    let said = fs::read_to_string(world.home.path().join("err")).unwrap();
    let piped = world.leapp(["credential-process", "prod"]);
    piped.fails(3).prints("");
    assert_eq!(piped.stderr, said);
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("leapp: hint: ") && last.contains("leapp start "), "{said}");
    assert_eq!(world.actions(), [""; 0]);
    // The clients pass it on.
    let command = format!("{} credential-process prod", program().display());
    with_profile(&mut world, &command);
    let words = cli(&["sts", "get-caller-identity"]);
    let mut aws = world.foreign(&words[0]);
    aws.args(&words[1..]);
    let refused = world.run(aws, None);
    assert_ne!(refused.code(), 0, "{refused}");
    refused.says("leapp start ");
    // A person cures it, and the same profile works.
    world.unset("AWS_PROFILE");
    world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
    world.set("AWS_PROFILE", "asked");
    let seen = boto(&world, world.foreign(python()));
    assert_eq!(seen["account"], "444455556666");
}

/// The vault is not unlocked for an SDK, not even where its passphrase could be asked for.
#[test]
fn credential_process_unlocks_no_vault() {
    let mut world = World::with_role("prod", "Admin");
    world.leapp(["lock"]).succeeds();
    world.unset("LEAPP_VAULT_PASSPHRASE");
    let outcome = world.leapp(["credential-process", "prod"]);
    outcome.fails(3).prints("");
    let last = outcome.stderr.lines().last().unwrap();
    assert!(last.starts_with("leapp: hint: "), "{outcome}");
    assert!(!outcome.stderr.contains(CANARY));
    assert_eq!(world.actions(), [""; 0]);
}
