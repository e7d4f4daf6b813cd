//! `session` and `list`: what they show, what they refuse, and that a refusal changes nothing.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{Outcome, World, chmod, files_below};

const ROLE: &str = "arn:aws:iam::444455556666:role/Admin";
/// Key and secret of AWS's own documentation, with the canary in them.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/TESTSECRET/bPxRfiCYEXAMPLE";

/// Everything of a home that a command could have changed, byte for byte. The log and the locks
/// are not part of it.
fn kept(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = files_below(&world.leapp_home())
        .into_iter()
        .filter(|path| !path.ends_with("audit.jsonl") && !path.ends_with(".lock"))
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect();
    files.sort();
    files
}

/// Arguments that are refused, and how; `{}` in them is the folder with the files.
struct Refusal {
    words: &'static [&'static str],
    stdin: Option<&'static str>,
    code: i32,
    says: &'static str,
}

fn refuses(world: &World, table: &[Refusal]) {
    let before = kept(world);
    for row in table {
        let home = world.home.path().to_str().unwrap();
        let words = row.words.iter().map(|word| word.replace("{}", home));
        let outcome = world.run(world.command(words), row.stdin);
        outcome.fails(row.code).says(row.says).prints("");
        assert!(outcome.stderr.starts_with("leapp: "), "{outcome}");
        assert!(kept(world) == before, "changed something: {outcome}");
    }
}

/// One refusal: the arguments, the status, a part of the message.
macro_rules! refusal {
    ($code:literal, $says:literal, [$($word:expr),*]) => {
        Refusal { words: &[$($word),*], stdin: None, code: $code, says: $says }
    };
    ($code:literal, $says:literal, [$($word:expr),*], $stdin:expr) => {
        Refusal { words: &[$($word),*], stdin: Some($stdin), code: $code, says: $says }
    };
}

macro_rules! role {
    ($($word:expr),*) => {
        ["session", "add", "aws-iam-role-chained", "x", "--parent", "work", $($word),*]
    };
}

#[test]
fn every_field_of_a_role_is_refused_with_what_and_where() {
    let world = World::with_role("prod", "Admin");
    for (name, text) in [("list.json", "[]"), ("broken.json", "{\"Version\": "), ("empty.json", "")]
    {
        fs::write(world.home.path().join(name), text).unwrap();
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2048));
    fs::write(world.home.path().join("long.json"), long).unwrap();
    macro_rules! with {
        ($code:literal, $says:literal, $($word:expr),*) => {
            Refusal {
                words: &role!["--role-arn", ROLE, $($word),*],
                stdin: None,
                code: $code,
                says: $says,
            }
        };
    }
    macro_rules! arn {
        ($arn:literal, $says:literal) => {
            Refusal { words: &role!["--role-arn", $arn], stdin: None, code: 2, says: $says }
        };
    }
    refuses(
        &world,
        &[
            arn!("Admin", "--role-arn: \"Admin\" is no ARN of the form"),
            arn!("", "--role-arn: it cannot be empty"),
            arn!("arn:aws:iam::4444:role/Admin", "no account id of 12 digits"),
            arn!("arn:aws:iam::444455556666:user/Admin", "must be 'role/NAME'"),
            arn!("arn:aws:iam::444455556666:role/", "must be 'role/NAME'"),
            arn!("arn:moon:iam::444455556666:role/Admin", "no partition \"moon\""),
            arn!("arn:aws:sts::444455556666:role/Admin", "its service must be 'iam'"),
            with!(2, "--region: there is no AWS region \"nowhere\"", "--region", "nowhere"),
            with!(2, "has not the form of a region", "--region", "EU West"),
            with!(2, "but the ARN is in 'aws'", "--region", "cn-north-1"),
            with!(2, "--duration: \"soon\" is no duration", "--duration", "soon"),
            with!(2, "--duration: 13h is out of range; AWS allows 15m to 12h", "--duration", "13h"),
            with!(2, "--duration: 1m is out of range", "--duration", "1m"),
            with!(2, "is no duration", "--duration", "99999999999"),
            with!(2, "is no duration", "--duration", "1.5h"),
            with!(2, "--tag: \"team\" is not KEY=VALUE", "--tag", "team"),
            with!(2, "--tag: \"\" must have 1 to 128 characters", "--tag", "=x"),
            with!(2, "--tag: \"a*b\" holds '*'", "--tag", "team=a*b"),
            with!(2, "--tag: \"team\" is given twice", "--tag", "team=a", "--tag", "team=b"),
            with!(
                2,
                "--transitive-tag: there is no session tag \"team\"",
                "--transitive-tag",
                "team"
            ),
            with!(2, "--policy-arn: \"ReadOnly\" is no ARN", "--policy-arn", "ReadOnly"),
            with!(2, "--external-id: \"x\" must have 2 to 1224 characters", "--external-id", "x"),
            with!(2, "--external-id: \"a b\" holds ' '", "--external-id", "a b"),
            with!(2, "--source-identity: \"a/b\" holds '/'", "--source-identity", "a/b"),
            with!(2, "none of {user}, {host}, {session}", "--role-session-name", "{nobody}"),
            with!(2, "--role-session-name: \"a b\" holds ' '", "--role-session-name", "a b"),
            with!(
                2,
                "--policy-file: the file's content is no policy",
                "--policy-file",
                "{}/list.json"
            ),
            with!(
                2,
                "--policy-file: the file's content is no JSON",
                "--policy-file",
                "{}/broken.json"
            ),
            with!(2, "empty.json' is empty", "--policy-file", "{}/empty.json"),
            with!(2, "characters; AWS allows 2048", "--policy-file", "{}/long.json"),
            with!(2, "none.json' cannot be read", "--policy-file", "{}/none.json"),
            with!(2, "unexpected argument '--mfa-device'", "--mfa-device", "x"),
        ],
    );
}

#[test]
fn a_name_or_a_parent_that_cannot_be_is_refused() {
    let world = World::with_role("prod", "Admin");
    world.add_role("deep", "prod", "Deploy", &[]).succeeds();
    const CHAINED: &str = "aws-iam-role-chained";
    macro_rules! name {
        ($name:expr, $says:literal) => {
            refusal!(
                2,
                $says,
                ["session", "add", CHAINED, "--parent", "work", "--role-arn", ROLE, "--", $name]
            )
        };
    }
    refuses(
        &world,
        &[
            name!("", "\"\" is no session name: a name cannot be empty"),
            name!("-a", "\"-a\" is no session name: a name begins with a letter or a digit"),
            name!("a b", "is no session name: a name holds letters, digits"),
            name!("a,b", "not ','"),
            name!("session:x", "not ':'"),
            name!("caf\u{e9}", "is no session name"),
            name!("PROD", "there is a session 'prod' already"),
            name!("Work", "there is a session 'work' already"),
            refusal!(3, "the session needs a type", ["session", "add"]),
            refusal!(2, "unrecognized subcommand 'gcp'", ["session", "add", "gcp", "x"]),
            refusal!(3, "the session needs a name", ["session", "add", CHAINED]),
            refusal!(3, "needs --parent and --role-arn", ["session", "add", CHAINED, "x"]),
            refusal!(
                3,
                "session 'x' needs --role-arn",
                ["session", "add", CHAINED, "x", "--parent", "work"]
            ),
            refusal!(
                3,
                "session 'x' needs --parent",
                ["session", "add", CHAINED, "x", "--role-arn", ROLE]
            ),
            refusal!(
                2,
                "--parent: there is no session \"nope\"",
                ["session", "add", CHAINED, "x", "--role-arn", ROLE, "--parent", "nope"]
            ),
            refusal!(
                2,
                "session 'x' cannot be its own parent",
                ["session", "add", CHAINED, "x", "--role-arn", ROLE, "--parent", "x"]
            ),
            refusal!(
                2,
                "session 'prod' cannot be its own parent",
                ["session", "edit", "prod", "--parent", "PROD"]
            ),
            refusal!(
                2,
                "its parents form a cycle: prod -> deep -> prod",
                ["session", "edit", "prod", "--parent", "deep"]
            ),
            refusal!(
                2,
                "--parent: there is no session \"nope\"",
                ["session", "edit", "prod", "--parent", "nope"]
            ),
            refusal!(
                2,
                "there is a session 'work' already",
                ["session", "edit", "prod", "--name", "WORK"]
            ),
            refusal!(2, "is no session name", ["session", "edit", "prod", "--name", "a b"]),
            refusal!(
                2,
                "--role-arn: it cannot be empty",
                ["session", "edit", "prod", "--role-arn", ""]
            ),
            refusal!(2, "nothing was given to change", ["session", "edit", "prod"]),
            refusal!(2, "unexpected argument '--bogus'", ["session", "edit", "prod", "--bogus"]),
            refusal!(
                2,
                "--duration: 13h is out of range",
                ["session", "edit", "prod", "--duration", "13h"]
            ),
            refusal!(
                5,
                "there is no session \"nope\"",
                ["session", "edit", "nope", "--region", "eu-west-1"]
            ),
            refusal!(5, "there is no session \"nope\"", ["session", "show", "nope"]),
            refusal!(5, "there is no session \"nope\"", ["session", "remove", "nope", "--yes"]),
            refusal!(5, "no session is on in this shell", ["session", "current"]),
            refusal!(
                1,
                "session 'work' is needed by prod, deep",
                ["session", "remove", "work", "--yes"]
            ),
            refusal!(3, "hint: leapp session remove deep --yes", ["session", "remove", "deep"]),
        ],
    );
}

#[test]
fn a_key_or_a_secret_that_cannot_be_is_refused() {
    let world = World::with_user();
    let file = |name: &str, text: &str| {
        let path = world.home.path().join(name);
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
    };
    file("users.csv", "User name,Password\nwork,TESTSECRET\n");
    file("header.csv", "Access key ID,Secret access key\n");
    file("two.csv", &format!("Access key ID,Secret access key\n{KEY},{SECRET}\n{KEY},{SECRET}\n"));
    file("short.csv", &format!("Access key ID,Secret access key\n{KEY},TESTSECRET\n"));
    file("other.csv", &format!("Access key ID,Secret access key\nAKIAI44QH8DHBEXAMPLE,{SECRET}\n"));
    file("picture.csv", "\u{0}\u{1}TESTSECRET");
    macro_rules! user {
        ($($word:expr),*) => {
            ["session", "add", "aws-iam-user", "x", $($word),*]
        };
    }
    macro_rules! secret {
        ($text:expr, $says:literal) => {
            Refusal {
                words: &user!["--access-key-id", KEY, "--secret-access-key-stdin"],
                stdin: Some($text),
                code: 2,
                says: $says,
            }
        };
    }
    macro_rules! from {
        ($file:literal, $says:literal) => {
            Refusal {
                words: &user!["--access-key-id", KEY, "--from-csv", $file, "--shred"],
                stdin: None,
                code: 2,
                says: $says,
            }
        };
    }
    refuses(
        &world,
        &[
            secret!("wJalrXUtnFEMI/TESTSECRET/bPx \n", "it has white space in or around it"),
            secret!(
                " wJalrXUtnFEMI/TESTSECRET/bPx",
                "the secret access key from stdin: it has white"
            ),
            secret!("wJalrXUtnFEMI/TESTSECRET/bPx\n\n", "a copied line end, perhaps"),
            secret!("wJalrXUtn\tFEMI/TESTSECRET/bPx", "it has white space"),
            secret!("", "it is empty"),
            secret!("\n", "it is empty"),
            secret!("TESTSECRET", "it is too short"),
            secret!("wJalrXUtnFEMI*TESTSECRET*bPx", "it has a character that no secret"),
            from!("{}/users.csv", "users.csv' is not the file of a key: it has no columns"),
            from!("{}/header.csv", "header.csv' is not the file of a key"),
            from!("{}/two.csv", "two.csv' is not the file of a key"),
            from!("{}/short.csv", "short.csv' is not the file of a key"),
            from!("{}/other.csv", "other.csv' holds another access key id"),
            from!("{}/picture.csv", "picture.csv' is not the file of a key"),
            from!("{}/none.csv", "none.csv' cannot be read"),
            Refusal {
                words: &user!["--access-key-id", "AKIA", "--secret-access-key-stdin"],
                stdin: Some(SECRET),
                code: 2,
                says: "that is no access key ID",
            },
            Refusal {
                words: &user![
                    "--access-key-id",
                    "ASIAIOSFODNN7EXAMPLE",
                    "--secret-access-key-stdin"
                ],
                stdin: Some(SECRET),
                code: 2,
                says: "ASIA begins the id of a temporary key",
            },
            Refusal {
                words: &user!["--secret-access-key-stdin"],
                stdin: Some(SECRET),
                code: 3,
                says: "session 'x' needs --access-key-id",
            },
            Refusal {
                words: &user!["--access-key-id", KEY],
                stdin: None,
                code: 3,
                says: "hint: give it with --secret-access-key-stdin or --from-csv FILE",
            },
            Refusal {
                words: &user![
                    "--access-key-id",
                    KEY,
                    "--secret-access-key-stdin",
                    "--mfa-device",
                    "arn:aws:iam::111122223333:user/x"
                ],
                stdin: Some(SECRET),
                code: 2,
                says: "--mfa-device: ",
            },
            Refusal {
                words: &user![
                    "--access-key-id",
                    KEY,
                    "--secret-access-key-stdin",
                    "--duration",
                    "37h"
                ],
                stdin: Some(SECRET),
                code: 2,
                says: "--duration: 37h is out of range; AWS allows 15m to 36h",
            },
            Refusal {
                words: &user!["--access-key-id", KEY, "--secret-access-key", "x"],
                stdin: None,
                code: 2,
                says: "unexpected argument '--secret-access-key'",
            },
            Refusal {
                words: &user!["--access-key-id", KEY, "--shred"],
                stdin: None,
                code: 2,
                says: "--from-csv",
            },
            Refusal {
                words: &user!["--from-csv", "{}/two.csv", "--secret-access-key-stdin"],
                stdin: Some(SECRET),
                code: 2,
                says: "cannot be used with",
            },
            refusal!(
                3,
                "session 'work' needs its secret access key",
                ["session", "edit", "work", "--access-key-id", KEY]
            ),
            refusal!(
                2,
                "it has white space",
                ["session", "edit", "work", "--secret-access-key-stdin"],
                "a TESTSECRET of nobody"
            ),
        ],
    );
    for name in ["users.csv", "two.csv", "other.csv"] {
        assert!(world.home.path().join(name).exists(), "{name} was shredded");
    }
}

/// Whoever takes `--secret-access-key-stdin` for a flag with a value has shown the secret to `ps`;
/// the terminal and its log need not have it too.
#[test]
fn a_secret_given_as_an_argument_is_refused_and_not_repeated() {
    let world = World::with_user();
    let before = kept(&world);
    let joined = format!("--secret-access-key-stdin={SECRET}");
    let typed = format!("--secret-access-key={SECRET}");
    let add = ["session", "add", "aws-iam-user", "x", "--access-key-id"];
    let tails: [&[&str]; 5] = [
        &[KEY, "--secret-access-key-stdin", SECRET],
        &[KEY, &joined],
        &[KEY, &typed],
        &[KEY, "--secret-access-key", SECRET],
        &[SECRET, "--secret-access-key-stdin"],
    ];
    for tail in tails {
        let outcome = world.leapp(add.iter().chain(tail));
        outcome.fails(2).prints("");
    }
    for tail in [["--secret-access-key-stdin", SECRET], ["--secret-access-key", SECRET]] {
        let outcome = world.leapp(["session", "edit", "work"].iter().chain(&tail));
        outcome.fails(2).prints("");
    }
    assert!(kept(&world) == before);
}

fn write_csv(path: &Path, world: &World) {
    let (key, secret) = (&world.user["access_key_id"], &world.user["secret_access_key"]);
    let text = format!(
        "\u{feff}Access key ID,Secret access key\r\n{},{}\r\n",
        key.as_str().unwrap(),
        secret.as_str().unwrap()
    );
    fs::write(path, text).unwrap();
}

#[test]
fn the_consoles_file_is_read_kept_and_named_or_shredded() {
    let world = World::new();
    let path = world.home.path().join("accessKeys.csv");
    write_csv(&path, &world);
    let add = |name: &str, more: &[&str]| {
        let mut words = vec!["session", "add", "aws-iam-user", name, "--region", "us-east-1"];
        words.extend(["--from-csv", path.to_str().unwrap()]);
        words.extend(more);
        world.leapp(words)
    };
    add("kept", &[])
        .succeeds()
        .says("accessKeys.csv' still holds the secret; delete it, or use --shred");
    assert!(path.exists());
    add("shredded", &["--shred"]).succeeds().says("accessKeys.csv' is overwritten and deleted");
    assert!(!path.exists());
    for name in ["kept", "shredded"] {
        world.leapp(["status", name, "--check"]).succeeds();
    }
    // A new key by file: the file's fields come with the secret.
    write_csv(&path, &world);
    let words = ["session", "edit", "kept", "--from-csv", path.to_str().unwrap(), "--shred"];
    world.leapp(words).succeeds();
    assert!(!path.exists());
    world.leapp(["rotate", "kept"]).succeeds();
}

#[test]
fn a_list_in_a_pipe_has_exact_columns_and_nothing_else() {
    let mut world = World::with_role("prod", "Admin");
    world
        .add_role(
            "Alpha-with-a-name-longer-than-any-column-of-a-terminal-would-be",
            "work",
            "Short",
            &["--protected"],
        )
        .succeeds();
    world.set("COLUMNS", "40").set("CLICOLOR_FORCE", "1");
    let long = "Alpha-with-a-name-longer-than-any-column-of-a-terminal-would-be !";
    let gap = " ".repeat(long.len());
    let line = |mark: &str, name: &str, rest: &str| {
        let padding = &gap[name.len()..];
        format!("{mark} {name}{padding}  {rest}\n")
    };
    let alpha = line(" ", long, "aws-iam-role-chained  444455556666  Short  eu-west-1  inactive");
    let prod = "aws-iam-role-chained  444455556666  Admin  eu-west-1  inactive";
    let work = "aws-iam-user          -             -      us-east-1  inactive";
    let expected = format!("{alpha}{}{}", line(" ", "prod", prod), line(" ", "work", work));
    for words in [&["list"][..], &["session", "list"], &["list", "--color", "auto"]] {
        world.leapp(words).succeeds().prints(&expected);
    }
    // In a shell of the session the same list has its mark, and the state.
    let outcome = world.leapp(["exec", "prod", "leapp", "list"]);
    let inside = outcome.succeeds().text();
    let marked: Vec<&str> = inside.lines().filter(|line| line.starts_with('*')).collect();
    assert_eq!(marked.len(), 1, "{inside}");
    assert!(marked[0].starts_with("* prod  "), "{inside}");
    let status = marked[0].split("eu-west-1  ").nth(1).unwrap();
    assert!(["active 59m", "active 1h"].contains(&status), "{inside}");
}

/// The table of the specification.
#[test]
fn a_list_marks_the_session_that_is_on_and_those_that_are_protected() {
    let world = World::with_mfa();
    world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
    let outcome = world.shell(
        "sh",
        r#"eval "$(leapp env prod)" && leapp session edit prod --protected && leapp list"#,
    );
    let text = outcome.succeeds().text();
    let lines: Vec<&str> = text.lines().collect();
    let prod = "* prod !  aws-iam-role-chained  444455556666  Admin  eu-west-1  active ";
    assert!(lines[0].starts_with(prod), "{text}");
    let work = "  work    aws-iam-user          111122223333  -      us-east-1  active ";
    assert!(lines[1].starts_with(work), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
    world.leapp(["stop", "--all"]).succeeds();
    world
        .leapp(["list", "work"])
        .succeeds()
        .prints("  work  aws-iam-user  111122223333  -  us-east-1  needs MFA\n");
}

/// `LEAPP_SESSION` is for prompts; what counts is a state that fits the key that is there.
#[test]
fn a_forged_state_marks_nothing() {
    let mut world = World::with_role("prod", "Admin");
    let id = id_of(&world, "prod");
    let state = format!("1;e;session:{id};1999999999;ASIAEXAMPLEEXAMPLE12;;-,-,-,-,.");
    world.set("LEAPP_SESSION", "prod");
    let unmarked = "  prod  aws-iam-role-chained  444455556666  Admin  eu-west-1  inactive\n";
    world.leapp(["list", "prod"]).succeeds().prints(unmarked);
    world.leapp(["session", "current"]).fails(5).prints("");
    world.set("LEAPP_STATE", &state).set("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE99");
    world.leapp(["list", "prod"]).succeeds().prints(unmarked);
    world.leapp(["session", "current"]).fails(5).prints("");
    world.set("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE12");
    let marked = unmarked.replacen(' ', "*", 1);
    world.leapp(["list", "prod"]).succeeds().prints(&marked);
    world.leapp(["session", "current"]).succeeds().prints("prod\n");
    world.set("LEAPP_STATE", format!("{state};x"));
    world.leapp(["list", "prod"]).succeeds().prints(unmarked);
}

#[test]
fn a_list_is_searched_in_names_types_accounts_roles_and_regions() {
    let world = World::with_role("prod", "Admin");
    let named = ["session", "edit", "work", "--display-name", "The Everyday One"];
    world.leapp(named).succeeds();
    let found = |text: &str| -> Vec<String> {
        let outcome = world.leapp(["list", text, "--json"]);
        let rows = outcome.succeeds().json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("PRO"), ["prod"]);
    assert_eq!(found("iam-user"), ["work"]);
    assert_eq!(found("444455556666"), ["prod"]);
    assert_eq!(found("admin"), ["prod"]);
    assert_eq!(found("us-east"), ["work"]);
    assert_eq!(found("everyday"), ["work"]);
    assert_eq!(found("o"), ["prod", "work"]);
    assert_eq!(found("zebra"), [""; 0]);
    world.leapp(["list", "zebra"]).succeeds().prints("").says("no session has \"zebra\"");
    World::new().leapp(["list"]).succeeds().prints("").says("there are no sessions yet");
}

fn id_of(world: &World, name: &str) -> String {
    let shown = world.leapp(["session", "show", name, "--json"]);
    shown.succeeds().json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn every_field_is_shown_and_changed_and_taken_away() {
    let world = World::with_user();
    let policy = world.home.path().join("policy.json");
    fs::write(&policy, "{\"Version\":\"2012-10-17\",\"Statement\":[]}").unwrap();
    let more = [
        "--display-name",
        "Our production",
        "--duration",
        "45m",
        "--external-id",
        "ext-42",
        "--role-session-name",
        "{user}@{session}",
        "--source-identity",
        "ann",
        "--tag",
        "team=a b",
        "--tag",
        "cost=7",
        "--transitive-tag",
        "team",
        "--policy-arn",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "--policy-file",
        policy.to_str().unwrap(),
        "--protected",
    ];
    world.add_role("prod", "work", "Admin", &more).succeeds();
    let id = id_of(&world, "prod");
    let expected = json!({
        "id": id, "identifier": format!("session:{id}"), "name": "prod",
        "displayName": "Our production", "type": "aws-iam-role-chained", "region": "eu-west-1",
        "account": "444455556666", "role": "Admin", "protected": true,
        "parent": format!("session:{}", id_of(&world, "work")), "parentName": "work",
        "fields": {
            "role_arn": ROLE, "duration": 2700, "external_id": "ext-42",
            "role_session_name": "{user}@{session}", "source_identity": "ann",
            "tags": {"team": "a b", "cost": "7"}, "transitive_tags": ["team"],
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}",
        },
    });
    assert_eq!(world.leapp(["session", "show", "PROD", "--json"]).json(), expected);
    let by_id = format!("session:{id}");
    assert_eq!(world.leapp(["session", "show", &by_id, "--json"]).json(), expected);
    let shown = world.leapp(["session", "show", "prod"]).succeeds().text();
    let lines: Vec<Vec<&str>> =
        shown.lines().map(|line| line.splitn(2, ':').map(str::trim).collect()).collect();
    for (label, value) in [
        ("name", "prod"),
        ("display name", "Our production"),
        ("id", &id),
        ("type", "aws-iam-role-chained"),
        ("account", "444455556666"),
        ("region", "eu-west-1"),
        ("parent", "work"),
        ("protected", "yes"),
        ("role arn", ROLE),
        ("duration", "45m"),
        ("external id", "ext-42"),
        ("tags", "cost=7, team=a b"),
        ("transitive tags", "team"),
        ("policy arns", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ] {
        assert!(lines.contains(&vec![label, value]), "{label}: {value} in {shown}");
    }
    // The row of the list is the session, and what is on now.
    let row = &world.leapp(["list", "prod", "--json"]).json()[0];
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&row[key], value, "{key}");
    }
    assert_eq!((&row["status"], &row["current"]), (&json!("inactive"), &json!(false)));

    let changes = [
        "session",
        "edit",
        "prod",
        "--name",
        "live",
        "--region",
        "",
        "--display-name",
        "",
        "--duration",
        "",
        "--external-id",
        "",
        "--role-session-name",
        "",
        "--source-identity",
        "",
        "--tag",
        "",
        "--transitive-tag",
        "",
        "--policy-arn",
        "",
        "--policy-file",
        "",
        "--role-arn",
        "arn:aws:iam::444455556666:role/Short",
    ];
    let edited = world.leapp(changes.iter().chain(&["--json"])).succeeds().json();
    assert_eq!(edited, world.leapp(["session", "show", "live", "--json"]).json());
    assert_eq!((&edited["id"], &edited["name"]), (&json!(id), &json!("live")));
    assert_eq!((&edited["role"], &edited["region"]), (&json!("Short"), &json!(null)));
    assert_eq!(edited["fields"], json!({"role_arn": "arn:aws:iam::444455556666:role/Short"}));
    assert_eq!(edited["protected"], json!(true), "an edit took the protection off");
    world
        .leapp(["session", "edit", "live", "--unprotected"])
        .fails(3)
        .says("session 'live' is protected");
    world.leapp(["session", "show", "prod"]).fails(5);
}

#[test]
fn what_changes_says_what_and_the_next_command() {
    let world = World::new();
    world
        .add_user(&[])
        .succeeds()
        .prints("")
        .says("added session 'work' (aws-iam-user, us-east-1)\n")
        .says("next: ")
        .says("the secret is in the file vault");
    world
        .add_role("prod", "work", "Admin", &[])
        .succeeds()
        .prints("")
        .says("added session 'prod' (aws-iam-role-chained, 444455556666, Admin, eu-west-1)\n");
    world
        .leapp(["session", "edit", "prod", "--region", "eu-north-1"])
        .succeeds()
        .prints("")
        .says("changed session 'prod' (aws-iam-role-chained, 444455556666, Admin, eu-north-1)\n")
        .says("next: leapp session show prod\n");
    let outcome = world.add_role("json", "prod", "Deploy", &["--json"]);
    assert_eq!(outcome.succeeds().json()["parentName"], "prod");
    world
        .leapp(["session", "remove", "json", "--yes"])
        .succeeds()
        .prints("")
        .says("removed json\n")
        .says("undo: leapp workspace restore 1");
}

#[test]
fn an_error_is_one_json_object_where_json_is_asked_for() {
    let world = World::with_user();
    let cases: [(&[&str], i64, &str); 6] = [
        (&["session", "show", "nope"], 5, "incomplete"),
        (&["session", "add", "aws-iam-role-chained", "x"], 3, "requires-user-action"),
        (&["session", "edit", "work", "--region", "nowhere"], 2, "usage"),
        (&["session", "add", "nonsense"], 2, "usage"),
        (&["session", "remove", "work"], 3, "requires-user-action"),
        (&["session", "current"], 5, "incomplete"),
    ];
    for (words, exit, kind) in cases {
        let outcome = world.leapp(words.iter().chain(&["--json"]));
        outcome.fails(i32::try_from(exit).unwrap()).prints("");
        let error: serde_json::Value = serde_json::from_str(&outcome.stderr)
            .unwrap_or_else(|error| panic!("{error}: {outcome}"));
        assert_eq!((&error["exit"], &error["kind"]), (&json!(exit), &json!(kind)), "{outcome}");
        assert!(error["message"].is_string() && error["causes"].is_array(), "{outcome}");
        assert!(error["hint"].is_string(), "no hint: {outcome}");
    }
}

#[test]
fn removing_a_session_takes_its_secret_and_its_credentials_along() {
    let world = World::with_role("prod", "Admin");
    world.add_role("deep", "prod", "Deploy", &[]).succeeds();
    let items = || {
        let files = files_below(&world.leapp_home().join("vault"));
        files.iter().filter(|path| path.extension().is_some_and(|e| e == "item")).count()
    };
    let cached = || {
        let files = files_below(&world.run_directory());
        let is_credentials = |path: &&std::path::PathBuf| path.parent().unwrap().ends_with("c");
        files.iter().filter(is_credentials).count()
    };
    world.leapp(["exec", "deep", "true"]).succeeds();
    assert_eq!(cached(), 3);
    let with_user = items();
    world
        .leapp(["session", "remove", "prod", "--yes"])
        .fails(1)
        .says("session 'prod' is needed by deep\n")
        .says("--with-dependants");
    assert_eq!((items(), cached()), (with_user, 3));
    let removed =
        world.leapp(["session", "remove", "prod", "--with-dependants", "--yes", "--json"]);
    assert_eq!(removed.succeeds().json(), json!({"removed": ["deep", "prod"]}));
    assert_eq!((items(), cached()), (with_user, 1));
    world.leapp(["session", "remove", "work", "--yes"]).succeeds();
    assert_eq!((items(), cached()), (with_user - 1, 0));
    world.leapp(["list"]).succeeds().prints("");
    world.leapp(["env", "prod"]).fails(5);
}

/// A session of the same name is another session: nothing of the first one serves it.
#[test]
fn a_name_that_is_used_again_gets_nothing_of_the_earlier_session() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["exec", "prod", "true"]).succeeds();
    world.leapp(["session", "remove", "prod", "--yes"]).succeeds();
    world.add_role("prod", "work", "Short", &[]).succeeds();
    world.leapp(["exec", "prod", "true"]).succeeds();
    let requests = world.requests();
    let last = requests.last().unwrap();
    assert_eq!(last["RoleArn"], "arn:aws:iam::444455556666:role/Short", "{last}");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
}

/// A new secret makes what the old one fetched useless.
#[test]
fn a_new_key_is_used_at_once() {
    let world = World::with_user();
    world.leapp(["exec", "work", "true"]).succeeds();
    let other = World::new();
    let key = other.user["access_key_id"].as_str().unwrap();
    let words = ["session", "edit", "work", "--access-key-id", key, "--secret-access-key-stdin"];
    let secret = other.user["secret_access_key"].as_str();
    let outcome: Outcome = world.run(world.command(words), secret);
    outcome.succeeds();
    world.leapp(["exec", "work", "true"]).succeeds();
    assert_eq!(world.actions(), ["GetSessionToken"]);
    assert_eq!(other.actions(), ["GetSessionToken"]);
}
