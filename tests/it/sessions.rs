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

/// Words as a shell would have them: parted by spaces, but for those between single quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in text.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Runs the lines of a table, `STATUS | ARGUMENTS | PART OF THE MESSAGE`, each behind `before`, and
/// expects each to be refused in this way and to change nothing. `@` in an argument is the home's
/// folder; a fourth column is stdin, with `\n` and `\t` for what they are.
fn refuses(world: &World, before: &str, table: &str) {
    let files = kept(world);
    let home = format!("{}/", world.home.path().display());
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let [code, arguments, says, ..] = columns[..] else {
            panic!("not a line of a table: {line}");
        };
        let stdin = columns.get(3).map(|text| {
            let text = text.trim_start_matches('<').trim_end_matches('>');
            text.replace("\\n", "\n").replace("\\t", "\t")
        });
        let arguments = words(&format!("{before} {arguments}"));
        let arguments = arguments.iter().map(|word| word.replace('@', &home));
        let outcome = world.run(world.command(arguments), stdin.as_deref());
        outcome.fails(code.trim().parse().unwrap()).says(says.trim()).prints("");
        assert!(outcome.stderr.starts_with("leapp: "), "{outcome}");
        assert!(kept(world) == files, "changed something: {outcome}");
    }
}

const ROLE_FIELDS: &str = r#"
2 | --role-arn Admin | --role-arn: "Admin" is no ARN of the form
2 | --role-arn '' | --role-arn: it cannot be empty
2 | --role-arn arn:aws:iam::4444:role/Admin | no account id of 12 digits
2 | --role-arn arn:aws:iam::444455556666:user/Admin | must be 'role/NAME'
2 | --role-arn arn:aws:iam::444455556666:role/ | must be 'role/NAME'
2 | --role-arn arn:moon:iam::444455556666:role/Admin | no partition "moon"
2 | --role-arn arn:aws:sts::444455556666:role/Admin | its service must be 'iam'
2 | ROLE --region nowhere | --region: there is no AWS region "nowhere"
2 | ROLE --region 'EU West' | has not the form of a region
2 | ROLE --region cn-north-1 | but the ARN is in 'aws'
2 | ROLE --duration soon | --duration: "soon" is no duration
2 | ROLE --duration 13h | --duration: 13h is out of range; AWS allows 15m to 12h
2 | ROLE --duration 1m | --duration: 1m is out of range
2 | ROLE --duration 99999999999 | is no duration
2 | ROLE --duration 1.5h | is no duration
2 | ROLE --tag team | --tag: "team" is not KEY=VALUE
2 | ROLE --tag =x | --tag: "" must have 1 to 128 characters
2 | ROLE --tag team=a*b | --tag: "a*b" holds '*'
2 | ROLE --tag team=a --tag team=b | --tag: "team" is given twice
2 | ROLE --transitive-tag team | --transitive-tag: there is no session tag "team"
2 | ROLE --policy-arn ReadOnly | --policy-arn: "ReadOnly" is no ARN
2 | ROLE --external-id x | --external-id: "x" must have 2 to 1224 characters
2 | ROLE --external-id 'a b' | --external-id: "a b" holds ' '
2 | ROLE --source-identity a/b | --source-identity: "a/b" holds '/'
2 | ROLE --role-session-name {nobody} | none of {user}, {host}, {session}
2 | ROLE --role-session-name 'a b' | --role-session-name: "a b" holds ' '
2 | ROLE --policy-file @list.json | --policy-file: the file's content is no policy
2 | ROLE --policy-file @broken.json | --policy-file: the file's content is no JSON
2 | ROLE --policy-file @empty.json | empty.json' is empty
2 | ROLE --policy-file @long.json | characters; AWS allows 2048
2 | ROLE --policy-file @none.json | none.json' cannot be read
2 | ROLE --mfa-device x | unexpected argument '--mfa-device'
2 | ROLE --bogus | unexpected argument '--bogus'
"#;

#[test]
fn every_field_of_a_role_is_refused_with_what_and_where() {
    let world = World::with_role("prod", "Admin");
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2048));
    for (name, text) in [
        ("list.json", "[]"),
        ("broken.json", "{\"Version\": "),
        ("empty.json", ""),
        ("long.json", &long),
    ] {
        fs::write(world.home.path().join(name), text).unwrap();
    }
    let before = "session add aws-iam-role-chained x --parent work";
    let table = ROLE_FIELDS.replace("ROLE ", &format!("--role-arn {ROLE} "));
    refuses(&world, before, &table);
}

const NAMES_AND_PARENTS: &str = r#"
2 | NEW -- '' | "" is no session name: a name cannot be empty
2 | NEW -- -a | "-a" is no session name: a name begins with a letter or a digit
2 | NEW -- 'a b' | is no session name: a name holds letters, digits
2 | NEW -- a,b | not ','
2 | NEW -- session:x | not ':'
2 | NEW -- café | is no session name
2 | NEW -- PROD | there is a session 'prod' already
2 | NEW -- Work | there is a session 'work' already
3 | add | the session needs a type
2 | add gcp x | unrecognized subcommand 'gcp'
3 | add aws-iam-role-chained | the session needs a name
3 | add aws-iam-role-chained x | needs --parent and --role-arn
3 | add aws-iam-role-chained x --parent work | session 'x' needs --role-arn
3 | add aws-iam-role-chained x --role-arn ROLE | session 'x' needs --parent
2 | add aws-iam-role-chained x --role-arn ROLE --parent no | --parent: there is no session or profile "no"
2 | add aws-iam-role-chained x --role-arn ROLE --parent x | 'x' cannot be its own parent
2 | edit prod --parent PROD | session 'prod' cannot be its own parent
2 | edit prod --parent deep | its parents form a cycle: prod -> deep -> prod
2 | edit prod --parent nope | --parent: there is no session or profile "nope"
2 | edit prod --name WORK | there is a session 'work' already
2 | edit prod --name 'a b' | is no session name
2 | edit prod --role-arn '' | --role-arn: it cannot be empty
2 | edit prod | nothing was given to change
2 | edit prod --bogus | unexpected argument '--bogus'
2 | edit prod --duration 13h | --duration: 13h is out of range
5 | edit nope --region eu-west-1 | there is no session or profile "nope"
5 | show nope | there is no session or profile "nope"
5 | remove nope --yes | there is no session or profile "nope"
5 | current | no session is on in this shell
1 | remove work --yes | session 'work' is needed by prod, deep
3 | remove deep | hint: leapp session remove deep --yes
"#;

#[test]
fn a_name_or_a_parent_that_cannot_be_is_refused() {
    let world = World::with_role("prod", "Admin");
    world.add_role("deep", "prod", "Deploy", &[]).succeeds();
    let new = "add aws-iam-role-chained --parent work --role-arn ROLE";
    let table = NAMES_AND_PARENTS.replace("NEW", new).replace("ROLE", ROLE);
    refuses(&world, "session", &table);
}

const KEYS_AND_SECRETS: &str = r"
2 | KEY STDIN | it has white space in or around it | <wJalrXUtnFEMI/TESTSECRET/bPx \n>
2 | KEY STDIN | the secret access key from stdin: it has white | < wJalrXUtnFEMI/TESTSECRET/bPx>
2 | KEY STDIN | a copied line end, perhaps | <wJalrXUtnFEMI/TESTSECRET/bPx\n\n>
2 | KEY STDIN | it has white space | <wJalrXUtn\tFEMI/TESTSECRET/bPx>
2 | KEY STDIN | it is empty | <>
2 | KEY STDIN | it is empty | <\n>
2 | KEY STDIN | it is too short | <TESTSECRET>
2 | KEY STDIN | it has a character that no secret | <wJalrXUtnFEMI*TESTSECRET*bPx>
2 | KEY CSV @users.csv --shred | users.csv' is not the file of a key: it has no columns
2 | KEY CSV @header.csv --shred | header.csv' is not the file of a key
2 | KEY CSV @two.csv --shred | two.csv' is not the file of a key
2 | KEY CSV @short.csv --shred | short.csv' is not the file of a key
2 | KEY CSV @other.csv --shred | other.csv' holds another access key id
2 | KEY CSV @picture.csv --shred | picture.csv' is not the file of a key
2 | KEY CSV @none.csv --shred | none.csv' cannot be read
2 | KEY --shred | --from-csv
2 | KEY STDIN CSV @two.csv | cannot be used with | <SECRET>
2 | --access-key-id AKIA STDIN | --access-key-id: | <SECRET>
2 | --access-key-id ASIAIOSFODNN7EXAMPLE STDIN | ASIA begins the id of a temporary key | <SECRET>
3 | STDIN | session 'x' needs --access-key-id | <SECRET>
3 | KEY | hint: give it with --secret-access-key-stdin or --from-csv FILE
2 | KEY STDIN --mfa-device arn:aws:iam::111122223333:user/x | --mfa-device: | <SECRET>
2 | KEY STDIN --duration 37h | --duration: 37h is out of range; AWS allows 15m to 36h | <SECRET>
2 | KEY STDIN --parent work | unexpected argument '--parent' | <SECRET>
2 | KEY --secret-access-key x | unexpected argument '--secret-access-key'
";

#[test]
fn a_key_or_a_secret_that_cannot_be_is_refused() {
    let world = World::with_user();
    let head = "Access key ID,Secret access key\n";
    let files = [
        ("users.csv", "User name,Password\nwork,TESTSECRET\n".to_owned()),
        ("header.csv", head.to_owned()),
        ("two.csv", format!("{head}{KEY},{SECRET}\n{KEY},{SECRET}\n")),
        ("short.csv", format!("{head}{KEY},TESTSECRET\n")),
        ("other.csv", format!("{head}AKIAI44QH8DHBEXAMPLE,{SECRET}\n")),
        ("picture.csv", "\u{0}\u{1}TESTSECRET".to_owned()),
    ];
    for (name, text) in &files {
        let path = world.home.path().join(name);
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
    }
    let table = KEYS_AND_SECRETS
        .replace("<SECRET>", &format!("<{SECRET}>"))
        .replace("| KEY", &format!("| --access-key-id {KEY}"))
        .replace("STDIN", "--secret-access-key-stdin")
        .replace("CSV ", "--from-csv ");
    refuses(&world, "session add aws-iam-user x", &table);
    for (name, text) in files {
        let found = fs::read_to_string(world.home.path().join(name)).unwrap();
        assert_eq!(found, text, "{name}: a file that was refused was shredded");
    }
    let edits = format!(
        "3 | --access-key-id {KEY} | session 'work' needs its secret access key\n\
         2 | --secret-access-key-stdin | it has white space | <a TESTSECRET of nobody>"
    );
    refuses(&world, "session edit work", &edits);
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
    world.leapp(["list", "zebra"]).succeeds().prints("").says("nothing has \"zebra\"");
    World::new()
        .leapp(["list"])
        .succeeds()
        .prints("")
        .says("there are no sessions yet, and no profiles");
}

fn id_of(world: &World, name: &str) -> String {
    let shown = world.leapp(["session", "show", name, "--json"]);
    shown.succeeds().json()["id"].as_str().unwrap().to_owned()
}

const EVERY_FIELD: &str = "--display-name 'Our production' --duration 45m --external-id ext-42 \
    --role-session-name {user}@{session} --source-identity ann --tag 'team=a b' --tag cost=7 \
    --transitive-tag team --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess \
    --policy-file policy.json --protected";
const POLICY: &str = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";

/// `work`, and `prod` with every field that a role can have.
fn with_every_field() -> World {
    let world = World::with_user();
    fs::write(world.home.path().join("policy.json"), POLICY).unwrap();
    let more = words(EVERY_FIELD);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    world.add_role("prod", "work", "Admin", &more).succeeds();
    world
}

#[test]
fn every_field_is_shown() {
    let world = with_every_field();
    let id = id_of(&world, "prod");
    let identifier = format!("session:{id}");
    let expected = json!({
        "id": id, "identifier": identifier, "name": "prod",
        "displayName": "Our production", "type": "aws-iam-role-chained", "region": "eu-west-1",
        "account": "444455556666", "role": "Admin", "protected": true,
        "parent": format!("session:{}", id_of(&world, "work")), "parentName": "work",
        "fields": {
            "role_arn": ROLE, "duration": 2700, "external_id": "ext-42",
            "role_session_name": "{user}@{session}", "source_identity": "ann",
            "tags": {"team": "a b", "cost": "7"}, "transitive_tags": ["team"],
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "policy": POLICY,
        },
    });
    for name in ["prod", "PROD", &id, &identifier] {
        let shown = world.leapp(["session", "show", name, "--json"]);
        assert_eq!(shown.succeeds().json(), expected, "{name}");
    }
    // The row of the list is the session, and what is on now.
    let row = &world.leapp(["list", "prod", "--json"]).json()[0];
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&row[key], value, "{key}");
    }
    assert_eq!(row["status"], "inactive");
    assert_eq!(row["current"], false);
    let shown = world.leapp(["session", "show", "prod"]).succeeds().text();
    let lines: Vec<(&str, &str)> = shown
        .lines()
        .map(|line| line.split_once(':').unwrap())
        .map(|(label, value)| (label, value.trim()))
        .collect();
    for line in [
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
        ("source identity", "ann"),
        ("tags", "cost=7, team=a b"),
        ("transitive tags", "team"),
        ("policy arns", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ] {
        assert!(lines.contains(&line), "{line:?} is not in {shown}");
    }
}

#[test]
fn every_field_is_changed_or_taken_away() {
    let world = with_every_field();
    let id = id_of(&world, "prod");
    let edit = "--json session edit prod --name live --region '' --display-name '' --duration '' \
                --external-id '' --role-session-name '' --source-identity '' --tag '' \
                --transitive-tag '' --policy-arn '' --policy-file '' \
                --role-arn arn:aws:iam::444455556666:role/Short";
    let edited = world.leapp(words(edit)).succeeds().json();
    let shown = world.leapp(["session", "show", "live", "--json"]);
    assert_eq!(edited, shown.succeeds().json());
    assert_eq!(edited["id"], id);
    assert_eq!(edited["name"], "live");
    assert_eq!(edited["role"], "Short");
    assert_eq!(edited["region"], json!(null));
    assert_eq!(edited["displayName"], json!(null));
    let role = "arn:aws:iam::444455556666:role/Short";
    assert_eq!(edited["fields"], json!({ "role_arn": role }));
    assert_eq!(edited["protected"], true, "an edit took the protection off");
    let unprotect = world.leapp(["session", "edit", "live", "--unprotected"]);
    unprotect.fails(3).says("session 'live' is protected");
    world.leapp(["session", "show", "prod"]).fails(5);
}

/// The flags of an edit are read later than those of all commands: these count there too.
#[test]
fn json_behind_the_name_of_an_edit_counts() {
    let world = World::with_user();
    let edit = ["session", "edit", "work", "--region", "eu-west-1", "--json"];
    assert_eq!(world.leapp(edit).succeeds().json()["region"], "eu-west-1");
    let wrong = world.leapp(["session", "edit", "work", "--region", "nowhere", "--json"]);
    assert!(wrong.fails(2).stderr.starts_with('{'), "{wrong}");
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
        let outcome = world.leapp(["--json"].iter().chain(words));
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
