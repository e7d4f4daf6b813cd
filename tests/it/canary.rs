//! Secrets carry a word, and no command lets it out: not to stderr, an argument, a variable of ours
//! or a file, and to stdout only where printing secrets is what was asked for.

use std::{collections::BTreeSet, fs};

use base64::Engine as _;
use serde_json::json;

use crate::{
    help,
    support::{CANARY, Outcome, World, chmod, files_below},
};

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/TESTSECRET/bPxRfiCYEXAMPLE";

/// A command: its words, what it reads, how it ends, and whether it is for printing secrets.
struct Row {
    words: &'static str,
    stdin: Option<&'static str>,
    code: i32,
    prints: bool,
}

const fn row(words: &'static str, code: i32) -> Row {
    Row { words, stdin: None, code, prints: false }
}

const fn reads(words: &'static str, stdin: &'static str, code: i32) -> Row {
    Row { words, stdin: Some(stdin), code, prints: false }
}

const fn prints(words: &'static str) -> Row {
    Row { words, stdin: None, code: 0, prints: true }
}

/// Every command, as it succeeds and as it fails. In the words `{id}` is the id of `prod`, `{home}`
/// the folder with the files, `{mfa}` an MFA device.
const ROWS: &[Row] = &[
    row("", 0),
    row("--json", 0),
    row("list", 0),
    row("list --json", 0),
    row("session list prod", 0),
    row("session show work", 0),
    row("session show work --json", 0),
    row("session show nope", 5),
    row("session current", 5),
    row("status", 5),
    row("status prod", 0),
    row("status nope --json", 5),
    row("status --watch prod --region nowhere-1 --json", 2),
    row("start prod", 0),
    row("start prod --json", 0),
    row("start nope", 5),
    row("start denied", 4),
    row("start denied --json", 4),
    row("start coded", 3),
    row("start coded --mfa-code 000000", 3),
    reads("start coded --mfa-code -", "12 34 56\n", 0),
    row("explain prod", 0),
    row("explain prod --json", 0),
    row("explain badprocess --json", 0),
    row("explain base", 0),
    row("status prod --check", 0),
    row("status prod --check --json", 0),
    row("status denied --check --json", 4),
    row("env prod --shell bash", 0),
    row("env prod --shell zsh", 0),
    row("env prod --shell fish", 0),
    row("env prod --shell posix", 0),
    row("env prod --shell powershell", 0),
    row("env prod --region eu-north-1", 0),
    row("env nope", 5),
    row("env denied", 4),
    row("env prod --min-ttl 9h", 1),
    row("env --unset", 0),
    prints("env prod --show --shell bash"),
    prints("env prod --show --shell fish"),
    prints("env prod --show --shell powershell"),
    prints("env prod --format json"),
    prints("env prod --format dotenv"),
    prints("credential-process prod"),
    row("credential-process nope", 5),
    row("credential-process denied", 4),
    prints("session generate {id}"),
    row("session generate x", 2),
    row("exec prod true", 0),
    row("exec prod no-such-command", 127),
    row("exec prod {home}/two.csv", 126),
    row("exec denied true", 4),
    row("exec prod", 2),
    row("rotate prod", 0),
    row("rotate denied", 4),
    row("hook", 0),
    row("hook bash", 0),
    row("hook powershell", 0),
    row("hook-env bash", 0),
    row("hook-env fish --held --hold=u --said=x", 0),
    prints("hook-env zsh --by-hand -- prod"),
    row("hook-env bash --by-hand -- denied", 4),
    row("hook-env bash --by-hand -- nope", 5),
    row("use prod", 3),
    row("off", 3),
    row("pin prod", 2),
    row("pin nope", 5),
    row("trust", 5),
    row("trust --list", 0),
    row("trust --list --json", 0),
    row("trust --prune", 0),
    row("untrust", 5),
    row("deny", 5),
    row("doctor", 0),
    row("doctor --json", 0),
    row("doctor --hook=TESTSECRET", 1),
    row("renew denied", 2),
    row("renew session:{id}", 0),
    row("session edit prod --external-id ext-42", 0),
    row("session edit prod --role-arn x", 2),
    row("session edit work --access-key-id AKIAIOSFODNN7EXAMPLE", 3),
    reads("session edit work --secret-access-key-stdin", "TESTSECRET", 2),
    reads("session edit work --secret-access-key-stdin --json", " TESTSECRET of nobody ", 2),
    reads(
        "session add aws-iam-user two --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-stdin",
        SECRET,
        0,
    ),
    reads(
        "session add aws-iam-user two --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-stdin",
        SECRET,
        2,
    ),
    reads("session add aws-iam-user x --access-key-id x --secret-access-key-stdin", SECRET, 2),
    reads(
        "session add aws-iam-user x --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-stdin",
        "TESTSECRET\u{e9}",
        2,
    ),
    reads(
        "session add aws-iam-user x --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-stdin",
        "TESTSECRET\u{0}TESTSECRET",
        2,
    ),
    row("start two", 4),
    reads("session edit two --secret-access-key-stdin", SECRET, 0),
    row("session add aws-iam-user three --from-csv {home}/good.csv", 0),
    row("session add aws-iam-user x --from-csv {home}/two.csv", 2),
    row("session add aws-iam-user x --from-csv {home}/users.csv --json", 2),
    row(
        "session add aws-iam-user x --access-key-id AKIAI44QH8DHBEXAMPLE --from-csv {home}/good.csv",
        2,
    ),
    row("session add aws-iam-role-chained x --parent two", 3),
    row(
        "session add aws-iam-role-chained four --parent two --role-arn arn:aws:iam::444455556666:role/Admin",
        0,
    ),
    row("session add", 3),
    row("session remove two --yes", 1),
    row("session remove two --yes --with-dependants", 0),
    row("session remove three", 3),
    row("region", 0),
    row("region set eu-west-1", 0),
    row("region set nowhere", 2),
    row("region list", 0),
    row("region list ireland --partition aws --json", 0),
    row("region list --partition moon", 2),
    row("region unset", 0),
    row("location", 0),
    row("location set westeurope", 0),
    row("location unset", 0),
    row("workspace info", 0),
    row("workspace info --json", 0),
    row("workspace restore", 0),
    row("workspace restore --json", 0),
    row("workspace restore 99 --yes", 2),
    row("workspace restore 1 --yes", 0),
    row("session show base", 0),
    row("session show base --json", 0),
    row("status base", 0),
    row("start base", 0),
    row("exec base true", 0),
    row("exec badprocess true", 1),
    row("exec badprocess true --json", 1),
    row("exec refused true", 4),
    prints("env temporary --show --shell bash"),
    prints("credential-process process"),
    row("exec halfkey true", 5),
    row("list --refresh", 0),
    row("start ext:nope:x", 5),
    row("provider list", 0),
    row("provider list --json", 0),
    row("provider refresh", 5),
    row("provider refresh nope --json", 5),
    row("profile bind prod dev --dry-run", 0),
    row("profile bind prod dev", 0),
    row("profile bind prod dev --json", 0),
    row("profile bind nope dev", 5),
    row("profile list", 0),
    row("profile list --json", 0),
    row("credential-process nope --home {home}/none", 5),
    row("profile unbind dev --json", 0),
    row("profile unbind dev", 5),
    row("session add aws-iam-user x --from-profile nobody", 5),
    row("completions bash", 0),
    row("completions tcsh", 2),
    row("stop prod", 0),
    row("stop prod --with-parents --json", 0),
    row("stop nope", 5),
    row("stop --all", 0),
    row("lock", 0),
    row("lock --json", 0),
    row("--no-such-flag", 2),
    row("no-such-command", 2),
];

fn world() -> World {
    let world = World::with_role("prod", "Admin");
    world.add_role("denied", "work", "Denied", &[]).succeeds();
    let (key, device) = (text(&world, "access_key_id"), text(&world, "mfa_serial"));
    let words = ["session", "add", "aws-iam-user", "coded", "--access-key-id", &key];
    let more = ["--secret-access-key-stdin", "--mfa-device", &device];
    let command = world.command(words.iter().chain(&more));
    world.run(command, world.user["secret_access_key"].as_str()).succeeds();
    world.control("mfa", json!({ "codes": ["123456"] }));
    let csv = |name: &str, text: &str| {
        let path = world.home.path().join(name);
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
    };
    let line = format!("{KEY},{SECRET}\n");
    csv("good.csv", &format!("Access key ID,Secret access key\n{line}"));
    csv("two.csv", &format!("Access key ID,Secret access key\n{line}{line}"));
    csv("users.csv", "User name,Password\nann,TESTSECRET\n");
    profiles(&world);
    world
}

/// Profiles of which each holds the word, one way or another.
fn profiles(world: &World) {
    let (key, secret, _) = world.keys();
    let directory = world.home.path().join(".aws");
    fs::create_dir(&directory).unwrap();
    let home = world.home.path().display();
    let print = r#"{"Version":1,"AccessKeyId":"ASIAX","SecretAccessKey":"TESTSECRETx","SessionToken":"TESTSECRETy"}"#;
    let config = format!(
        "[profile base]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n\
         [profile refused]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
         [profile temporary]\naws_access_key_id = ASIAX\naws_secret_access_key = TESTSECRETx\n\
         aws_session_token = TESTSECRETy\n\
         [profile process]\ncredential_process = cat {home}/keys.csv\n\
         [profile badprocess]\ncredential_process = : TESTSECRETargument; cat {home}/users.csv; exit 4\n\
         [profile halfkey]\naws_session_token = TESTSECRETz\n"
    );
    fs::write(directory.join("config"), config).unwrap();
    fs::write(world.home.path().join("keys.csv"), print).unwrap();
}

fn text(world: &World, field: &str) -> String {
    world.user[field].as_str().unwrap().to_owned()
}

/// Nothing below the home holds the word, but for the files that the test put there.
fn files_are_sealed(world: &World, after: &str) {
    for path in files_below(world.home.path()) {
        let is_theirs = path.extension().is_some_and(|extension| extension == "csv")
            || path.ends_with(".aws/config");
        if is_theirs {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds a secret after: leapp {after}", path.display());
        let name = path.to_str().unwrap();
        assert!(!name.contains(CANARY), "a secret in a file's name: leapp {after}");
    }
}

fn lets_nothing_out(world: &World, row: &Row, outcome: &Outcome) {
    outcome.fails(row.code);
    let shows = outcome.text().contains(CANARY);
    if row.prints {
        assert!(shows, "the canary is not where it must be: {outcome}");
    } else {
        assert!(!shows, "a secret on stdout: leapp {}", row.words);
    }
    files_are_sealed(world, row.words);
}

fn run_all(level: Option<&str>) {
    let mut world = world();
    if let Some(level) = level {
        world.set("LEAPP_LOG", level);
    }
    let shown = world.leapp(["session", "show", "prod", "--json"]).json();
    let home = world.home.path().to_str().unwrap().to_owned();
    for row in ROWS {
        let words =
            row.words.replace("{id}", shown["id"].as_str().unwrap()).replace("{home}", &home);
        let outcome = world.run(world.command(words.split_whitespace()), row.stdin);
        lets_nothing_out(&world, row, &outcome);
    }
}

#[test]
fn no_command_lets_a_secret_out() {
    run_all(None);
}

#[test]
fn no_command_lets_a_secret_out_while_it_logs_all_it_does() {
    run_all(Some("debug"));
}

#[test]
fn the_table_has_every_command() {
    let world = World::new();
    let mut missing = BTreeSet::from_iter(help::leaves(&world, ""));
    assert!(missing.contains("session add aws-iam-user"), "{missing:?}");
    missing.retain(|leaf| !ROWS.iter().any(|row| row.words.starts_with(leaf.as_str())));
    // Its flags depend on the session, so its help is not that of a leaf; the table has it.
    missing.remove("session edit");
    assert_eq!(missing, BTreeSet::new());
}

/// What breaks while secrets are under way.
#[test]
fn no_fault_lets_a_secret_out() {
    let mut world = world();
    for (kind, action) in [
        ("drop", "GetSessionToken"),
        ("garbage", "AssumeRole"),
        ("expired", "AssumeRole"),
        ("throttle", "GetSessionToken"),
    ] {
        world.leapp(["stop", "--all"]).succeeds();
        world.control("fault", json!({ "action": action, "kind": kind, "times": null }));
        let mut command = world.command(["exec", "prod", "--json", "--", "true"]);
        command.env("LEAPP_LOG", "debug");
        let outcome = world.run(command, None);
        assert_ne!(outcome.code(), 0, "{kind}: {outcome}");
        outcome.keeps_secrets().prints("");
        world.control("reset", json!({}));
    }
    files_are_sealed(&world, "faults");
    // The user's own proxy may have a password; nothing listens there.
    world
        .unset("AWS_ENDPOINT_URL")
        .set("HTTPS_PROXY", "http://ann:TESTSECRET@127.0.0.1:9/")
        .set("LEAPP_LOG", "debug");
    world.leapp(["exec", "prod", "true"]).fails(6).prints("");
    world.unset("HTTPS_PROXY");
    world.set("AWS_ENDPOINT_URL", "http://ann:TESTSECRET@127.0.0.1:9/");
    let outcome = world.leapp(["exec", "prod", "true"]);
    assert_ne!(outcome.code(), 0, "{outcome}");
    outcome.keeps_secrets();
    files_are_sealed(&world, "an endpoint with a password");
    // A passphrase that is wrong is a secret all the same.
    world.leapp(["lock"]).succeeds();
    world.set("LEAPP_VAULT_PASSPHRASE", "another TESTSECRET passphrase");
    let outcome = world.leapp(["exec", "prod", "true"]);
    assert_ne!(outcome.code(), 0, "{outcome}");
    outcome.keeps_secrets().prints("");
    let file = world.home.path().join("passphrase.csv");
    fs::write(&file, "a third TESTSECRET passphrase\n").unwrap();
    chmod(&file, 0o600);
    world.unset("LEAPP_VAULT_PASSPHRASE").set("LEAPP_VAULT_PASSPHRASE_FILE", &file);
    let outcome = world.leapp(["exec", "prod", "true"]);
    assert_ne!(outcome.code(), 0, "{outcome}");
    outcome.keeps_secrets().prints("");
    files_are_sealed(&world, "wrong passphrases");
}

/// `LEAPP_STATE` as it was meant: the encoded parts decoded.
fn decoded(state: &str) -> String {
    let words = state.split(['=', ';', ',']);
    let texts = words.filter_map(|word| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(word).ok());
    let texts = texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    std::iter::once(state.to_owned()).chain(texts).collect::<Vec<_>>().join("\n")
}

/// Prints the environment, and behind it the arguments of the process and of all above it.
const LOOK: &str = "env -0; printf 'ARGUMENTS\\0'; p=$$; while [ \"$p\" -gt 1 ]; do \
                    cat /proc/$p/cmdline; p=$(sed -n 's/^PPid:.//p' /proc/$p/status); done";

#[test]
fn no_variable_but_the_two_and_no_argument_holds_a_secret() {
    let mut world = World::with_role("prod", "Admin");
    // What was there before is a secret too.
    world
        .set("AWS_ACCESS_KEY_ID", KEY)
        .set("AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_SESSION_TOKEN", "earlier/TESTSECRET")
        .set("AWS_SECURITY_TOKEN", "earlier/TESTSECRET")
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "earlier/TESTSECRET")
        .set("AWS_PROFILE", "mine");
    let secrets = BTreeSet::from(["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
    let look = |outcome: &Outcome, also: &[&str]| {
        let text = outcome.succeeds().text();
        let (variables, arguments) = text.split_once("ARGUMENTS\0").unwrap();
        assert!(arguments.contains("env -0"), "the look at the arguments saw nothing: {arguments}");
        assert!(!arguments.contains(CANARY), "a secret in an argument: {arguments}");
        let pairs: Vec<_> = variables.split('\0').filter_map(|pair| pair.split_once('=')).collect();
        let holders: BTreeSet<_> = pairs
            .iter()
            .filter(|(_, value)| value.contains(CANARY))
            .map(|(name, _)| *name)
            .collect();
        let expected = secrets.iter().chain(also).copied().collect();
        assert_eq!(holders, expected);
        let state = pairs.iter().find(|(name, _)| *name == "LEAPP_STATE").unwrap().1;
        assert!(decoded(state).contains("\nmine"), "the state was not decoded: {state}");
        assert!(!decoded(state).contains(CANARY), "a secret in the state: {state}");
        assert!(!variables.contains("earlier/"), "an earlier secret stayed");
    };
    for _ in ["cold", "warm"] {
        look(&world.leapp(["exec", "prod", "--", "sh", "-c", LOOK]), &[]);
    }
    // In a shell the user's own passphrase stays what it was.
    let eval = format!("eval \"$(leapp env prod)\" && {LOOK}");
    for shell in ["bash", "zsh", "dash"] {
        look(&world.shell(shell, &eval), &["LEAPP_VAULT_PASSPHRASE"]);
    }
    let fish = format!("leapp env prod | source; and sh -c '{}'", LOOK.replace('\'', "'\\''"));
    look(&world.shell("fish", &fish), &["LEAPP_VAULT_PASSPHRASE"]);
    files_are_sealed(&world, "env and exec");
}
