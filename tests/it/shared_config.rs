//! The reader of AWS's two files against botocore itself: boto3's and the one inside the AWS CLI.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use leapp::cloud::shared_config::{
    Document, FileKind, Named, Profile, SectionKind, SharedConfig, Value,
};
use serde_json::{Map, Value as Json, json};

use crate::support::{files_below, python, repository};

/// Debian's interpreter, which finds the AWS CLI's own copy of botocore.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// The answers of one botocore, by file; one process for all files.
fn ask(python: &Path) -> BTreeMap<String, Json> {
    let (script, folder) =
        (repository().join("tests/aws/agree.py"), repository().join("tests/corpus/shared_config"));
    let output = Command::new(python)
        .args(["-I", "-X", "utf8"])
        .args([script, folder])
        .env_clear()
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", python.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn parse(kind: FileKind, name: &str) -> Option<Document> {
    let path = repository().join("tests/corpus/shared_config").join(name);
    let bytes = fs::read(path).unwrap();
    let document = Document::parse(kind, &bytes);
    if let Ok(document) = &document {
        assert_eq!(document.bytes(), bytes, "{name}");
    }
    document.ok()
}

/// A value as botocore has it: text, or a map where a block is nested.
fn value(value: Value<'_>) -> Json {
    if value.nested().is_empty() {
        return json!(value.secret().expose());
    }
    let inner = value.nested().iter();
    let inner = inner.map(|(key, inner, _)| (key.clone(), json!(inner.expose())));
    Json::Object(inner.collect())
}

fn profile(profile: &Profile) -> (String, Json) {
    let values = profile.keys().map(|key| (key.to_owned(), value(profile.value(key).unwrap())));
    (profile.name.clone(), Json::Object(values.collect()))
}

fn profiles(config: &SharedConfig) -> Json {
    Json::Object(config.profiles().map(profile).collect())
}

fn named<'a>(all: impl Iterator<Item = &'a Named>) -> Json {
    let one = |named: &Named| {
        let values = named.keys().map(|key| (key.to_owned(), value(named.value(key).unwrap())));
        (named.name.clone(), Json::Object(values.collect()))
    };
    Json::Object(all.map(one).collect())
}

/// What we read in a config file, in the form of `agree.py`.
fn as_config(name: &str) -> Json {
    let Some(document) = parse(FileKind::Config, name) else { return Json::Null };
    let config = SharedConfig::merge(Some((name.into(), document)), None);
    json!({
        "profiles": profiles(&config),
        "sso_sessions": named(config.sso_sessions()),
        "services": named(config.all_services()),
    })
}

fn as_credentials(name: &str) -> Json {
    let Some(document) = parse(FileKind::Credentials, name) else { return Json::Null };
    profiles(&SharedConfig::merge(None, Some((name.into(), document))))
}

fn merged(name: &str) -> Json {
    let other = name.replace(".ini", ".credentials.ini");
    let config = parse(FileKind::Config, name).unwrap();
    let credentials = parse(FileKind::Credentials, &other).unwrap();
    let config =
        SharedConfig::merge(Some((name.into(), config)), Some((other.into(), credentials)));
    profiles(&config)
}

fn agree_with(python: &Path) {
    let answers = ask(python);
    assert!(answers.len() >= 60, "{}", answers.len());
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (name, theirs) in answers {
        let mut ours = Map::new();
        let mut config = as_config(&name);
        // The AWS CLI's copy is older than `[services]`.
        if theirs["config"].is_object() && theirs["config"].get("services").is_none() {
            config.as_object_mut().map(|config| config.remove("services"));
        }
        refused += usize::from(config.is_null());
        ours.insert("config".into(), config);
        ours.insert("credentials".into(), as_credentials(&name));
        if theirs.get("merged").is_some() {
            ours.insert("merged".into(), merged(&name));
        }
        if Json::Object(ours.clone()) != theirs {
            wrong.push(format!("{name}\n  ours:   {}\n  theirs: {theirs}", Json::Object(ours)));
        }
    }
    assert!(wrong.is_empty(), "{}: {}", python.display(), wrong.join("\n"));
    assert!(refused >= 20, "{refused}");
}

#[test]
fn every_file_of_the_corpus_says_to_us_what_it_says_to_botocore() {
    agree_with(&python());
}

#[test]
fn every_file_of_the_corpus_says_to_us_what_it_says_to_the_aws_cli() {
    let copy = "/usr/lib/python3/dist-packages/awscli/botocore";
    assert!(Path::new(copy).exists(), "run scripts/setup-tests first: {copy} is missing");
    agree_with(Path::new(SYSTEM_PYTHON));
}

#[test]
fn what_the_fuzzer_has_found_can_be_read_and_edited() {
    let folder = repository().join("fuzz/corpus/shared_config");
    let mut valid = 0;
    for path in files_below(&folder) {
        let bytes = fs::read(&path).unwrap();
        let Some((first, text)) = bytes.split_first() else { continue };
        let kind = if first & 1 == 0 { FileKind::Config } else { FileKind::Credentials };
        let Ok(document) = Document::parse(kind, text) else { continue };
        assert_eq!(document.edit().finish().as_deref(), Ok(text), "{}", path.display());
        let mut editor = document.edit();
        editor.set(SectionKind::Profile, "not there", "key", "value");
        // A new section may inherit a block that nobody can read.
        let Ok(bytes) = editor.finish() else { continue };
        let changed = Document::parse(kind, &bytes).unwrap();
        let mut editor = changed.edit();
        editor.remove_section(SectionKind::Profile, "not there");
        valid += 1;
        let back = Document::parse(kind, &editor.finish().unwrap()).unwrap();
        assert_eq!(back.sections().len(), document.sections().len(), "{}", path.display());
    }
    assert!(valid >= 100, "{valid}");
}
