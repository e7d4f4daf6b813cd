//! What each profile of a corpus resolves to, or that it is refused: leapp beside boto3's botocore and
//! the one inside the AWS CLI.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use leapp::cloud::shared_config::{Document, FileKind, SharedConfig};
use serde_json::{Value as Json, json};

use crate::support::{World, python, repository};

const MARK: &str = "#--- credentials\n";
/// Debian's interpreter, which finds the AWS CLI's own copy of botocore.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// Where we differ on purpose: file, profile, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("role-credential-source-case", "a", CASE),
    ("role-credential-source-case", "b", CASE),
    ("role-credential-source-case", "c", CASE),
    ("role-duration-odd", "e", SECONDS),
    ("role-duration-odd", "f", SECONDS),
    ("role-duration-odd", "h", SECONDS),
    ("role-duration-odd", "j", SECONDS),
    ("role-empty", "a", EMPTY),
    ("role-empty", "b", EMPTY),
    ("sso-empty", "a", EMPTY),
    ("web-identity-empty", "a", EMPTY),
    ("role-self-process", "a", SELF),
    ("role-self-sso", "a", SELF),
    (
        "sso-session-holds-account",
        "a",
        "account and role are the profile's own, as AWS documents them",
    ),
];

const CASE: &str = "other SDKs take any case; a warning says that the CLI does not";
const EMPTY: &str = "an empty value counts as none; botocore only looks whether the key is there";
const SECONDS: &str = "Python alone takes it for a number, or AWS refuses it; a warning says so";
const SELF: &str = "who is their own source means the keys beside the role; a warning says so";

/// The answers of one botocore: profiles by file, and whether it knows `aws login`.
fn ask(python: &Path) -> (BTreeMap<String, Json>, bool) {
    let output = Command::new(python)
        .args(["-I", "-X", "utf8"])
        .arg(repository().join("tests/aws/resolve.py"))
        .arg(repository().join("tests/corpus/profiles"))
        .env_clear()
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", python.display());
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    let answers = said["answers"].as_object().unwrap().clone().into_iter().collect();
    (answers, said["knows"]["login"] == true)
}

/// One configuration as leapp lists it.
struct Ours {
    rows: BTreeMap<String, Json>,
    shared: SharedConfig,
}

impl Ours {
    fn read(world: &World, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let (config, credentials) = text.split_once(MARK).unwrap_or((&text, ""));
        let folder = world.home.path().join(".aws");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config"), config).unwrap();
        fs::write(folder.join("credentials"), credentials).unwrap();
        let list = world.leapp(["list", "--json"]);
        let rows = list.succeeds().json().as_array().unwrap().clone();
        let rows = rows.into_iter().filter_map(|row| {
            let name = row["identifier"].as_str()?.strip_prefix("profile:")?.to_owned();
            Some((name, row))
        });
        let parse = |kind, text: &str| {
            Document::parse(kind, text.as_bytes()).ok().map(|document| ("x".into(), document))
        };
        let shared = SharedConfig::merge(
            parse(FileKind::Config, config),
            parse(FileKind::Credentials, credentials),
        );
        Self { rows: rows.collect(), shared }
    }

    /// What a profile resolves to, in the words of `resolve.py`; `null` where it is not usable.
    fn told(&self, name: &str) -> Json {
        let Some(row) = self.rows.get(name) else { return Json::Null };
        let fields = &row["fields"];
        match row["type"].as_str() {
            None => Json::Null,
            Some("aws-profile-keys") => self.keys(&fields["keys"]),
            Some("aws-profile-role") => json!({
                "kind": "role",
                "role_arn": fields["role_arn"],
                "mfa_serial": fields["mfa_serial"],
                "external_id": fields["external_id"],
                "session_name": fields["role_session_name"],
                "duration": fields["duration_seconds"],
                "source": self.source(row),
            }),
            Some("aws-profile-sso") => json!({
                "kind": "sso",
                "session": fields["sso"]["session"],
                "start_url": fields["sso"]["start_url"],
                "region": fields["sso"]["region"],
                "account": fields["sso"]["account"],
                "role": fields["sso"]["role"],
            }),
            Some("aws-profile-process") => {
                // The list shows the program alone.
                let written = self.shared.profile(name).unwrap();
                let command = written.get("credential_process").unwrap();
                let program = fields["process"]["program"].as_str().unwrap();
                assert!(program == "a command" || command.contains(program), "{name}");
                // What cannot be split is the shell's to refuse.
                let words = shell_words::split(command).unwrap_or_default();
                if words.is_empty() {
                    return json!({ "kind": "process", "fails": true });
                }
                json!({ "kind": "process", "argv": words })
            }
            Some("aws-profile-web-identity") => json!({
                "kind": "web-identity",
                "role_arn": fields["role_arn"],
                "file": fields["web_identity_token_file"],
                "session_name": fields["role_session_name"],
            }),
            Some("aws-profile-login") => {
                json!({ "kind": "login", "arn": fields["login_session"] })
            }
            Some(other) => panic!("{other}"),
        }
    }

    /// What a role is assumed with.
    fn source(&self, row: &Json) -> Json {
        if row["fields"]["keys"].is_object() {
            return self.keys(&row["fields"]["keys"]);
        }
        let parent = row["parent"].as_str().unwrap_or_else(|| panic!("no parent: {row}"));
        match parent {
            "containerRoleCredential" => json!({ "kind": "container" }),
            "ec2InstanceRoleCredential" => json!({ "kind": "instance" }),
            "environmentCredential" => json!({ "kind": "environment" }),
            parent => {
                match parent.strip_prefix("profile:") {
                    Some(name) => self.told(name),
                    // A session of a code, for the keys of that profile.
                    None => {
                        let of = parent.rsplit(':').next().unwrap();
                        let profile = self.shared.profile(of).unwrap();
                        let id = profile.value("aws_access_key_id").unwrap();
                        self.keys(&json!({ "of": of, "key_id": id.secret().expose(), "temporary": false }))
                    }
                }
            }
        }
    }

    /// Keys, with the file that they stand in.
    fn keys(&self, keys: &Json) -> Json {
        let profile = self.shared.profile(keys["of"].as_str().unwrap()).unwrap();
        let id = keys["key_id"].as_str().unwrap();
        let there = profile.in_credentials("aws_access_key_id").is_some_and(|k| k.expose() == id);
        let file = if there { "credentials" } else { "config" };
        json!({ "kind": "keys", "key_id": id, "file": file, "temporary": keys["temporary"] })
    }
}

/// Both refuse, whoever it is that does so and when.
fn alike(ours: &Json, theirs: &Json) -> bool {
    let fails = |told: &Json| {
        told.is_null()
            || told["fails"] == true
            || told["argv"].as_array().is_some_and(Vec::is_empty)
    };
    ours == theirs || (fails(ours) && fails(theirs))
}

fn agree_with(python: &Path, whose: &str) {
    let world = World::new();
    let (answers, knows_login) = ask(python);
    assert!(answers.len() >= 60, "{}", answers.len());
    let (mut wrong, mut met, mut compared) = (Vec::new(), BTreeSet::new(), 0);
    for (file, theirs) in &answers {
        let path = repository().join("tests/corpus/profiles").join(file).with_extension("ini");
        let ours = Ours::read(&world, &path);
        let Some(theirs) = theirs.as_object() else {
            // Refused as a whole; of us the file that is in order still counts.
            world.leapp(["list"]).succeeds().says("nothing in that file counts");
            continue;
        };
        if !knows_login && fs::read_to_string(&path).unwrap().contains("login_session") {
            continue;
        }
        let names: BTreeSet<&String> = theirs.keys().chain(ours.rows.keys()).collect();
        for name in names {
            let (mine, yours) = (ours.told(name), theirs.get(name).cloned().unwrap_or_default());
            compared += 1;
            let difference = DIFFERENCES.iter().position(|(f, n, _)| f == file && n == name);
            match (alike(&mine, &yours), difference) {
                (true, None) => {}
                (false, Some(at)) => _ = met.insert(at),
                (true, Some(_)) => wrong.push(format!("{file} {name}: no longer different")),
                (false, None) => wrong.push(format!(
                    "{file} {name}:\n  ours   {mine} {}\n  {whose} {yours}",
                    ours.rows
                        .get(name)
                        .map_or("", |row| row["reason"].as_str().unwrap_or_default())
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 150, "{compared}");
    let login_alone = |at: usize| !knows_login && DIFFERENCES[at].0.contains("login");
    let stale = (0..DIFFERENCES.len()).filter(|at| !met.contains(at) && !login_alone(*at));
    let stale: Vec<_> = stale.map(|at| DIFFERENCES[at]).collect();
    assert!(stale.is_empty(), "not met: {stale:?}");
}

#[test]
fn every_profile_of_the_corpus_is_to_us_what_it_is_to_botocore() {
    agree_with(&python(), "boto3 ");
}

#[test]
fn every_profile_of_the_corpus_is_to_us_what_it_is_to_the_aws_cli() {
    agree_with(Path::new(SYSTEM_PYTHON), "aws   ");
}
