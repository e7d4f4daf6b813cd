//! What makes a profile usable, and the exact words for what does not: complete, not verified.
//! One process of leapp for each whole configuration.

use std::{collections::BTreeMap, fs};

use serde_json::Value as Json;

use crate::{
    profiles::Profiles,
    support::{World, chmod},
};

const ROLE: &str = "role_arn = arn:aws:iam::ROLES:role/Admin\n";
const KEYS: &str = "aws_access_key_id = KEY\naws_secret_access_key = SECRET\n";
const SSO: &str = "sso_account_id = ROLES\nsso_role_name = Admin\n";
const LEGACY: &str = "sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n";

/// What a profile is: its type, or why it cannot be used.
enum Is {
    /// The session type.
    A(&'static str),
    /// Code and text; `{}` is the profile's name.
    Not(&'static str, String),
}
use Is::{A, Not};

fn not(code: &'static str, text: &str) -> Is {
    Not(code, text.to_owned())
}

fn lacks(key: &str) -> Is {
    lacks_of("{}", key)
}

/// `name` is what is at fault: a profile behind, or an sso-session.
fn lacks_of(name: &str, key: &str) -> Is {
    Not("missing_property", format!("Profile '{name}' is missing required property {key}"))
}

fn unsupported(name: &str) -> Is {
    let kinds = "role-based, session-based, process-based, or basic credentials";
    Not("unsupported", format!("Profile '{name}' is not using {kinds}."))
}

fn no_profile(name: &str, source: &str) -> Is {
    let text =
        format!("Profile '{name}' references source profile '{source}' which does not exist");
    Not("source_profile_not_found", text)
}

fn no_source() -> Is {
    let text = "profile '{}' missing either property 'source_profile' or 'credential_source'";
    not("missing_source", text)
}

fn two_sources() -> Is {
    let text = "profile '{}' contains both properties 'source_profile' and 'credential_source'";
    not("duplicate_source", text)
}

fn bad_source(name: &str) -> Is {
    let text = format!("profile '{name}' is not using a valid 'credential_source'");
    Not("invalid_credential_source", text)
}

fn circle(names: &str) -> Is {
    let between = "is invalid due to a circular profile dependency found between";
    Not("circular_profiles", format!("Profile '{{}}' {between} {names}"))
}

/// One profile of a configuration.
struct Case {
    /// Its section in the config file; `-` where it has none.
    config: String,
    /// Its section in the credentials file, if it has one.
    credentials: String,
    is: Is,
}

fn case(config: &[&str], is: Is) -> Case {
    Case { config: config.concat(), credentials: "-".into(), is }
}

fn both(config: &[&str], credentials: &[&str], is: Is) -> Case {
    let of = |parts: &[&str]| if parts == ["-"] { "-".into() } else { parts.concat() };
    Case { config: of(config), credentials: of(credentials), is }
}

/// All that `list --json` says, by identifier.
fn listed(own: &Profiles) -> BTreeMap<String, Json> {
    let list = own.leapp(["list", "--json"]);
    list.keeps_secrets();
    let rows = list.json().as_array().unwrap().clone();
    rows.into_iter().map(|row| (row["identifier"].as_str().unwrap().to_owned(), row)).collect()
}

/// The line of the config file that is this.
fn line_of(own: &Profiles, text: &str) -> usize {
    let config = fs::read_to_string(own.world.home.path().join(".aws/config")).unwrap();
    config.lines().position(|line| line == text).unwrap() + 1
}

fn check(name: &str, row: Option<&Json>, is: &Is) -> Option<String> {
    let none = Json::Null;
    let row = row.unwrap_or(&none);
    let found = match is {
        A(_) => row["type"].as_str().unwrap_or_default().to_owned(),
        Not(..) => {
            let of = |key: &str| row[key].as_str().unwrap_or_default();
            format!("{}|{}", of("code"), of("reason"))
        }
    };
    let wanted = match is {
        A(kind) => (*kind).to_owned(),
        Not(code, text) => format!("{code}|{}", text.replace("{}", name)),
    };
    (found != wanted).then(|| format!("{name}: wanted {wanted}\n  found {row}"))
}

/// Writes all cases as one configuration, each a profile of its own, and compares.
fn judge(cases: &[(&str, Case)], beside: &str) -> (Profiles, BTreeMap<String, Json>) {
    let own = Profiles::new();
    let (mut config, mut credentials) = (beside.to_owned(), String::new());
    for (name, case) in cases {
        if case.config != "-" {
            config.push_str(&format!("[profile {name}]\n{}", case.config));
        }
        if case.credentials != "-" {
            credentials.push_str(&format!("[{name}]\n{}", case.credentials));
        }
    }
    own.config(&config).credentials(&credentials);
    let rows = listed(&own);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, case)| {
            let row = rows.get(&format!("profile:{name}"));
            row.map_or_else(
                || Some(format!("{name}: is nowhere")),
                |row| check(name, Some(row), &case.is),
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(own.world.requests().is_empty() && !own.world.leapp_home().exists());
    (own, rows)
}

#[test]
fn keys_are_complete_in_one_file_or_not_at_all() {
    let lacks_secret = || lacks("aws_secret_access_key");
    let lacks_id = || lacks("aws_access_key_id");
    let token = "aws_session_token = TESTSECRETtoken\n";
    let id = "aws_access_key_id = KEY\n";
    let secret = "aws_secret_access_key = SECRET\n";
    judge(
        &[
            ("in-config", case(&[KEYS], A("aws-profile-keys"))),
            ("in-credentials", both(&["-"], &[KEYS], A("aws-profile-keys"))),
            ("in-both", both(&[KEYS], &[KEYS], A("aws-profile-keys"))),
            ("temporary", both(&["-"], &[KEYS, token], A("aws-profile-keys"))),
            // Complete is enough: whether AWS takes them is another question.
            (
                "nonsense",
                case(
                    &["aws_access_key_id = x\naws_secret_access_key = y\n"],
                    A("aws-profile-keys"),
                ),
            ),
            ("upper", case(&[&KEYS.replace("aws_", "AWS_")], A("aws-profile-keys"))),
            ("no-secret", case(&[id], lacks_secret())),
            ("no-secret-there", both(&["-"], &[id], lacks_secret())),
            ("empty-secret", case(&[id, "aws_secret_access_key =\n"], lacks_secret())),
            ("empty-id", case(&["aws_access_key_id =\n", secret], unsupported("{}"))),
            ("only-secret", case(&[secret], unsupported("{}"))),
            ("only-token", case(&[token], lacks_id())),
            ("token-and-id", case(&[id, token], lacks_secret())),
            ("token-and-secret", case(&[secret, token], lacks_id())),
            ("empty-token", case(&[KEYS, "aws_session_token =\n"], A("aws-profile-keys"))),
            // The AWS CLI takes no half from each of the files.
            ("split", both(&[id], &[secret], lacks_secret())),
            ("split-too", both(&[secret], &[id], lacks_secret())),
            ("region-apart", both(&["region = eu-west-1\n"], &[KEYS], A("aws-profile-keys"))),
        ],
        "",
    );
}

#[test]
fn a_profile_of_no_kind_is_said_to_be_of_none() {
    judge(
        &[
            ("empty", case(&[""], unsupported("{}"))),
            ("region", case(&["region = eu-west-1\noutput = json\n"], unsupported("{}"))),
            ("default", case(&["region = eu-west-1\n"], unsupported("{}"))),
            (
                "device",
                case(&["mfa_serial = arn:aws:iam::111122223333:mfa/a\n"], unsupported("{}")),
            ),
            ("source", case(&["source_profile = empty\n"], unsupported("{}"))),
            ("credential-source", case(&["credential_source = Environment\n"], unsupported("{}"))),
            ("no-arn", case(&["role_arn =\nsource_profile = empty\n"], unsupported("{}"))),
            ("no-login", case(&["login_session =\n"], unsupported("{}"))),
            ("unknown", case(&["credentials_process = /bin/true\n"], unsupported("{}"))),
        ],
        "",
    );
}

#[test]
fn processes_logins_and_web_identities_are_valid() {
    judge(
        &[
            ("process", case(&["credential_process = /bin/true\n"], A("aws-profile-process"))),
            // Always valid, an empty one too: it fails when it is asked.
            ("empty", case(&["credential_process =\n"], A("aws-profile-process"))),
            ("there", both(&["-"], &["credential_process = x\n"], A("aws-profile-process"))),
            (
                "login",
                case(
                    &["login_session = arn:aws:iam::111122223333:user/work\n"],
                    A("aws-profile-login"),
                ),
            ),
            (
                "web",
                case(
                    &[ROLE, "web_identity_token_file = /nowhere\n"],
                    A("aws-profile-web-identity"),
                ),
            ),
            // A web identity beats a source.
            (
                "web-and-source",
                case(
                    &[ROLE, "web_identity_token_file = /nowhere\nsource_profile = process\n"],
                    A("aws-profile-web-identity"),
                ),
            ),
            (
                "web-without-role",
                case(&["web_identity_token_file = /nowhere\n"], lacks("role_arn")),
            ),
        ],
        "",
    );
}

const SESSIONS: &str = "[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\n\
    sso_region = us-east-1\n[sso-session no-url]\nsso_region = us-east-1\n\
    [sso-session no-region]\nsso_start_url = https://example.awsapps.com/start\n\
    [sso-session empty]\nsso_start_url =\nsso_region = us-east-1\n";

#[test]
fn identity_center_needs_all_its_parts() {
    let account = "sso_account_id = ROLES\n";
    let role = "sso_role_name = Admin\n";
    let url = "sso_start_url = https://example.awsapps.com/start\n";
    let region = "sso_region = us-east-1\n";
    let of = |name: &str| format!("sso_session = {name}\n");
    let (own, rows) = judge(
        &[
            ("legacy", case(&[LEGACY, SSO], A("aws-profile-sso"))),
            ("legacy-url", case(&[url], lacks("sso_account_id"))),
            ("legacy-no-region", case(&[url, account, role], lacks("sso_region"))),
            ("legacy-no-role", case(&[url, account, region], lacks("sso_role_name"))),
            ("legacy-no-url", case(&[account, role, region], lacks("sso_start_url"))),
            ("legacy-empty", case(&[LEGACY, role, "sso_account_id =\n"], lacks("sso_account_id"))),
            ("session", case(&[&of("corp"), SSO], A("aws-profile-sso"))),
            ("session-alone", case(&[&of("corp")], lacks("sso_account_id"))),
            ("session-no-role", case(&[&of("corp"), account], lacks("sso_role_name"))),
            (
                "session-nowhere",
                case(
                    &[&of("nobody"), SSO],
                    not(
                        "sso_session_not_found",
                        "Profile '{}' references sso-session 'nobody' which does not exist",
                    ),
                ),
            ),
            // Of a session's lack the session is named, also where a profile has its name.
            ("no-url", case(&[&of("no-url"), SSO], lacks_of("no-url", "sso_start_url"))),
            (
                "session-no-region",
                case(&[&of("no-region"), SSO], lacks_of("no-region", "sso_region")),
            ),
            ("session-and-same", case(&[&of("corp"), SSO, LEGACY], A("aws-profile-sso"))),
            (
                "session-and-other",
                case(
                    &[&of("corp"), SSO, "sso_region = eu-west-1\n"],
                    not(
                        "inconsistent_sso",
                        "Profile '{}' and sso-session 'corp' differ in sso_region",
                    ),
                ),
            ),
            // Without account and role it is none of Identity Center's, and keys count.
            ("session-and-keys", case(&[&of("corp"), KEYS], A("aws-profile-keys"))),
        ],
        SESSIONS,
    );
    // A profile of the same name is not at fault.
    let place = rows["profile:no-url"]["place"].as_str().unwrap();
    let line = line_of(&own, "[sso-session no-url]");
    assert!(place.ends_with(&format!("config:{line}")), "{place}");
}

#[test]
fn a_sign_in_by_itself_is_complete_or_not() {
    let (own, rows) = judge(&[], SESSIONS);
    assert_eq!(rows["sso-session:corp"]["type"], "aws-sso-session");
    for (name, key) in
        [("no-url", "sso_start_url"), ("no-region", "sso_region"), ("empty", "sso_start_url")]
    {
        let row = &rows[&format!("sso-session:{name}")];
        assert_eq!(row["code"], "missing_property", "{row}");
        assert_eq!(row["reason"], format!("Profile '{name}' is missing required property {key}"));
        let line = line_of(&own, &format!("[sso-session {name}]"));
        assert!(row["place"].as_str().unwrap().ends_with(&format!("config:{line}")), "{row}");
    }
    own.leapp(["env", "sso-session:corp", "--shell", "bash"])
        .fails(5)
        .says("caused by: 'sso-session:corp' is a sign-in, which gives no keys");
}

#[test]
fn a_role_has_one_source_and_the_chain_behind_it_is_in_order() {
    let by = |name: &str| format!("{ROLE}source_profile = {name}\n");
    let from = |name: &str| format!("{ROLE}credential_source = {name}\n");
    let (own, rows) = judge(
        &[
            ("base", case(&[KEYS], A("aws-profile-keys"))),
            ("one", case(&[&by("base")], A("aws-profile-role"))),
            ("two", case(&[&by("one")], A("aws-profile-role"))),
            ("neither", case(&[ROLE], no_source())),
            ("empty-source", case(&[&by("")], no_source())),
            ("both", case(&[&by("base"), "credential_source = Environment\n"], two_sources())),
            ("lost", case(&[&by("nobody")], no_profile("{}", "nobody"))),
            // Names are exact.
            ("case", case(&[&by("Base")], no_profile("{}", "Base"))),
            ("environment", case(&[&from("Environment")], A("aws-profile-role"))),
            ("container", case(&[&from("EcsContainer")], A("aws-profile-role"))),
            ("instance", case(&[&from("Ec2InstanceMetadata")], A("aws-profile-role"))),
            ("any-case", case(&[&from("ENVIRONMENT")], A("aws-profile-role"))),
            ("bad-source", case(&[&from("Prompt")], bad_source("{}"))),
            // A dependant carries the message of what failed, however far behind it.
            ("of-bad-source", case(&[&by("bad-source")], bad_source("bad-source"))),
            ("of-lost", case(&[&by("lost")], no_profile("lost", "nobody"))),
            ("of-of-lost", case(&[&by("of-lost")], no_profile("lost", "nobody"))),
            ("plain", case(&["region = eu-west-1\n"], unsupported("{}"))),
            ("of-plain", case(&[&by("plain")], unsupported("plain"))),
            ("of-half", case(&[&by("half")], lacks_of("half", "aws_secret_access_key"))),
            ("half", case(&["aws_access_key_id = KEY\n"], lacks("aws_secret_access_key"))),
            // As a source a profile's keys come before its own role: so this is no circle.
            ("self", case(&[&by("self"), KEYS], A("aws-profile-role"))),
            ("of-self", case(&[&by("self")], A("aws-profile-role"))),
            ("keys-and-lost", case(&[&by("nobody"), KEYS], no_profile("{}", "nobody"))),
            ("of-keys-and-lost", case(&[&by("keys-and-lost")], A("aws-profile-role"))),
            ("self-bare", case(&[&by("self-bare")], circle("self-bare->self-bare"))),
            ("of-process", case(&[&by("process")], A("aws-profile-role"))),
            ("process", case(&["credential_process = x\n"], A("aws-profile-process"))),
            ("of-sso", case(&[&by("sso")], A("aws-profile-role"))),
            ("sso", case(&[LEGACY, SSO], A("aws-profile-sso"))),
            ("of-login", case(&[&by("login")], A("aws-profile-role"))),
            ("login", case(&["login_session = arn:aws:iam::1:user/a\n"], A("aws-profile-login"))),
            ("of-web", case(&[&by("web")], A("aws-profile-role"))),
            ("web", case(&[ROLE, "web_identity_token_file = /x\n"], A("aws-profile-web-identity"))),
        ],
        "",
    );
    let place = rows["profile:of-lost"]["place"].as_str().unwrap();
    assert!(
        place.ends_with(&format!("/.aws/config:{}", line_of(&own, "[profile lost]"))),
        "{place}"
    );
    own.leapp(["env", "of-of-lost", "--shell", "bash"])
        .fails(5)
        .prints("false;\n")
        .says("'profile:of-of-lost' cannot be used")
        .says("Profile 'lost' references source profile 'nobody' which does not exist")
        .says(place);
}

#[test]
fn a_circle_is_named_from_where_one_begins() {
    let by = |name: &str| format!("{ROLE}source_profile = {name}\n");
    judge(
        &[
            ("a", case(&[&by("b")], circle("a->b->c->a"))),
            ("b", case(&[&by("c")], circle("b->c->a->b"))),
            ("c", case(&[&by("a")], circle("c->a->b->c"))),
            ("x", case(&[&by("a")], circle("x->a->b->c->a"))),
        ],
        "",
    );
}

/// A profile that mixes kinds: its name, both its sections, its type, what it mixes, what is taken.
type Mix =
    (&'static str, &'static [&'static str], &'static str, &'static str, &'static str, &'static str);

const BY: &str = "source_profile = base\n";
const WEB: &str = "web_identity_token_file = /x\n";
const LOGIN: &str = "login_session = arn:aws:iam::111122223333:user/work\n";
const PROCESS: &str = "credential_process = x\n";

#[rustfmt::skip]
const MIXES: &[Mix] = &[
    ("a", &[ROLE, BY, KEYS], "-", "aws-profile-role", "a role and keys", "the role"),
    ("b", &[ROLE, BY, LEGACY, SSO], "-", "aws-profile-role", "a role and IAM Identity Center", "the role"),
    ("c", &[ROLE, BY, PROCESS], "-", "aws-profile-role", "a role and a process", "the role"),
    ("d", &[ROLE, WEB, LEGACY, SSO], "-", "aws-profile-web-identity",
        "a web identity and IAM Identity Center", "the web identity"),
    ("e", &[LEGACY, SSO], KEYS, "aws-profile-sso", "IAM Identity Center and keys", "IAM Identity Center"),
    ("f", &[LOGIN], KEYS, "aws-profile-keys", "keys and 'aws login'", "the keys"),
    ("g", &[LOGIN, PROCESS], "-", "aws-profile-login", "'aws login' and a process", "'aws login'"),
    ("h", &[PROCESS, KEYS], "-", "aws-profile-process", "keys and a process", "the process"),
    ("i", &[PROCESS], KEYS, "aws-profile-keys", "keys and a process", "the keys"),
];

#[test]
fn of_what_mixes_kinds_the_cli_s_choice_counts_and_that_is_said() {
    let mut cases: Vec<(&str, Case)> = MIXES
        .iter()
        .map(|(name, config, credentials, kind, ..)| (*name, both(config, &[credentials], A(kind))))
        .collect();
    cases.push(("base", case(&[KEYS], A("aws-profile-keys"))));
    // The first kind counts, even where it is not complete and a later one is.
    cases.push(("j", case(&["sso_account_id = 1\n", KEYS], lacks("sso_region"))));
    cases.push(("k", case(&[ROLE, KEYS], no_source())));
    let (own, rows) = judge(&cases, "");
    let list = own.leapp(["list"]);
    for (name, .., mix, taken) in MIXES {
        let text =
            format!("it mixes {mix}: like the AWS CLI, leapp takes {taken}; other SDKs may not");
        assert_eq!(rows[&format!("profile:{name}")]["warnings"], serde_json::json!([text]));
        list.says(&format!("note: profile:{name}: {text}\n"));
    }
    assert_eq!(rows["profile:base"]["warnings"], serde_json::json!([]));
}

#[test]
fn what_works_otherwise_than_one_may_think_is_said() {
    let cases = [
        ("base", case(&[KEYS], A("aws-profile-keys"))),
        ("a", case(&[ROLE, "credential_source = environment\n"], A("aws-profile-role"))),
        ("b", case(&[ROLE, BY, "duration_seconds = 1h\n"], A("aws-profile-role"))),
        ("c", case(&[ROLE, "source_profile = c\n", KEYS, PROCESS], A("aws-profile-role"))),
    ];
    let (_, rows) = judge(&cases, "");
    for (name, warning) in [
        ("a", "the AWS CLI refuses credential_source = environment for its spelling"),
        ("b", "duration_seconds = \"1h\" is no number of seconds, and does not count"),
        (
            "c",
            "it is its own source: leapp takes the keys beside the role, the AWS CLI the process",
        ),
    ] {
        let found = rows[&format!("profile:{name}")]["warnings"].as_array().unwrap();
        assert_eq!(found.last().unwrap(), warning, "{name}");
    }
}

#[test]
fn what_is_usable_is_sorted_without_regard_to_case() {
    let own = Profiles::new();
    own.config("[profile b]\ncredential_process = x\n[profile A]\ncredential_process = x\n[profile c]\n[profile B]\ncredential_process = x\n[profile C]\n");
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let names = |usable: bool| -> Vec<String> {
        let rows = list.as_array().unwrap().iter();
        rows.filter(|row| (row["status"] != "unusable") == usable)
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(true), ["A", "B", "b"]);
    assert_eq!(names(false), ["C", "c"]);
    // The same files, the same ids: in another process and in another home.
    let ids = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row["id"].to_string()).collect()
    };
    assert_eq!(ids(&list), ids(&own.leapp(["list", "--json"]).json()));
    let other = Profiles::new();
    other.config("[profile A]\ncredential_process = other\n");
    assert_eq!(ids(&other.leapp(["list", "--json"]).json())[0], ids(&list)[0]);
}

#[test]
fn a_fault_in_one_file_names_its_place_and_the_other_file_counts() {
    let own = Profiles::new();
    own.credentials("[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n");
    own.config("[profile x]\ncredential_process = y\nTESTSECRETjunk\n[profile z]\n");
    let list = own.leapp(["list"]);
    list.succeeds()
        .prints_part("base k")
        .says("/.aws/config:3:1: ")
        .says("nothing in that file counts");
    assert!(
        !list.text().contains('x'.to_string().as_str()) || !list.text().contains("profile-process")
    );
    assert_eq!(listed(&own).keys().collect::<Vec<_>>(), ["profile:base"]);
    own.leapp(["env", "base", "--show", "--shell", "bash"]).succeeds();
    own.leapp(["env", "x", "--shell", "bash"])
        .fails(5)
        .says("there is no session or profile \"x\"")
        .says("/.aws/config:3:1: ");
    own.leapp(["env", "profile:x", "--shell", "bash"]).fails(5).says("/.aws/config:3:1: ");
    // And the other way round.
    own.config("[profile x]\ncredential_process = y\n");
    own.credentials("[base\naws_access_key_id = KEY\n");
    own.leapp(["list"]).succeeds().prints_part("x").says("/.aws/credentials:1:");
    // Both.
    own.config("x");
    own.leapp(["list"]).succeeds().says("/.aws/config:1:1: ").says("/.aws/credentials:1:");
}

#[test]
fn a_file_that_cannot_be_read_is_said_and_the_other_counts() {
    let own = Profiles::new();
    own.credentials("[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n");
    let config = own.world.home.path().join(".aws/config");
    // Not UTF-8.
    fs::write(&config, b"[profile x]\nregion = \xff\n").unwrap();
    own.leapp(["list"]).succeeds().prints_part("base k").says("/.aws/config:2:10: ");
    fs::remove_file(&config).unwrap();
    // A directory, and a link that leads nowhere or in a circle.
    fs::create_dir(&config).unwrap();
    own.leapp(["list"]).succeeds().prints_part("base k").says("/.aws/config: cannot be read: ");
    fs::remove_dir(&config).unwrap();
    std::os::unix::fs::symlink("config", &config).unwrap();
    own.leapp(["list"]).succeeds().prints_part("base k").says("/.aws/config: cannot be read: ");
    fs::remove_file(&config).unwrap();
    std::os::unix::fs::symlink("nowhere", &config).unwrap();
    let list = own.leapp(["list"]);
    list.succeeds().prints_part("base k");
    fs::remove_file(&config).unwrap();
    // Too large.
    fs::write(&config, vec![b'#'; 17 << 20]).unwrap();
    own.leapp(["list"]).succeeds().prints_part("base k").says("/.aws/config: ");
    fs::remove_file(&config).unwrap();
    // No rights: root reads all the same.
    own.config("[profile x]\ncredential_process = y\n");
    chmod(&config, 0o000);
    let list = own.leapp(["list"]);
    if nix::unistd::geteuid().is_root() {
        list.succeeds();
    } else {
        list.succeeds().says("/.aws/config: cannot be read: ");
    }
    chmod(&config, 0o600);
    // A pipe that nobody writes to does not hang.
    fs::remove_file(&config).unwrap();
    nix::unistd::mkfifo(&config, nix::sys::stat::Mode::S_IRWXU).unwrap();
    own.leapp(["list"]).succeeds().prints_part("base k").says("/.aws/config: cannot be read: ");
}

#[test]
fn names_of_any_kind_are_kept_and_shown_safely() {
    let own = Profiles::new();
    let process = "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"ASIAX\",\"SecretAccessKey\":\"TESTSECRET1\",\"SessionToken\":\"TESTSECRET2\"}'\n";
    let names =
        ["two words", "a:b", "session:x", "bücher", "a/b", "a.b@c", "it's", "\u{202e}odd", "a,b"];
    let mut config = String::new();
    for name in names {
        config.push_str(&format!("[profile \"{name}\"]\n{process}"));
    }
    config.push_str(&format!("[profile \"bell\u{7}\"]\n{process}"));
    config.push_str(&format!("[profile {}]\n{process}", "n".repeat(300)));
    own.config(&config);
    let rows = listed(&own);
    for name in names {
        let row = rows.get(&format!("profile:{name}"));
        let row = row.unwrap_or_else(|| panic!("{name:?} is nowhere: {rows:?}"));
        assert_eq!(row["type"], "aws-profile-process", "{name:?}: {row}");
        assert_eq!(row["name"], name);
        let id = format!("profile:{name}");
        own.leapp(["env", &id, "--show", "--format", "json"]).succeeds().prints_part("ASIAX");
    }
    own.leapp(["env", "two words", "--show", "--format", "json"]).succeeds().prints_part("ASIAX");
    own.leapp(["env", "bücher", "--show", "--shell", "bash"]).succeeds().prints_part("bücher");
    let list = own.leapp(["list"]);
    list.succeeds();
    assert!(!list.text().contains(['\u{7}', '\u{202e}']), "{list}");
    // What moves a terminal's cursor, and what is too long, is no name.
    let unfit: Vec<&Json> = rows.values().filter(|row| row["code"] == "unfit_name").collect();
    assert_eq!(unfit.len(), 2, "{rows:?}");
    assert!(unfit.iter().any(|row| row["reason"].as_str().unwrap().contains("'bell\\u{7}'")));
}

#[test]
fn the_files_are_where_the_environment_says() {
    let mut own = Profiles::new();
    own.config("[profile usual]\ncredential_process = x\n");
    let there = own.world.home.path().join("there");
    fs::write(&there, "[profile other]\ncredential_process = x\n").unwrap();
    own.world.set("AWS_CONFIG_FILE", "~/there");
    assert_eq!(listed(&own).keys().collect::<Vec<_>>(), ["profile:other"]);
    own.world.set("AWS_CONFIG_FILE", "");
    assert_eq!(listed(&own).keys().collect::<Vec<_>>(), ["profile:usual"]);
    own.world.unset("AWS_CONFIG_FILE").set("AWS_SHARED_CREDENTIALS_FILE", there.as_os_str());
    let keys = listed(&own).into_keys().collect::<Vec<_>>();
    assert_eq!(keys, ["profile:profile other", "profile:usual"]);
    // A path that leads nowhere is a file that is not there.
    own.world.set("AWS_CONFIG_FILE", "/nowhere/at/all").unset("AWS_SHARED_CREDENTIALS_FILE");
    own.leapp(["list"]).succeeds().says("there are no sessions yet, and no profiles");
    let world = World::new();
    world.leapp(["list"]).succeeds().says("there are no sessions yet, and no profiles");
}
