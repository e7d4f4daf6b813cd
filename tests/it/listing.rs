//! What a list costs: no connection, no program, no question and no file, whatever is in it. Told by strace.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    portal::Portal,
    profiles::Profiles,
    sources::{BASE, role},
    support::{files_below, program, unique},
};

/// A home with a source of every kind, usable and not, and endpoints that nobody shall ask.
fn everything() -> (Profiles, Portal) {
    let mut own = Profiles::new();
    let portal = Portal::start();
    let trap = own.world.home.path().join("trap");
    own.credentials(&format!(
        "{BASE}mfa_serial = DEVICE\n[plain]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n\
         [temp]\naws_access_key_id = ASIAX\naws_secret_access_key = TESTSECRETx\naws_session_token = TESTSECRETy\n"
    ));
    own.config(&[
        role("role", "Admin", "source_profile = plain"),
        role("code", "Admin", "source_profile = base\nmfa_serial = DEVICE"),
        role("deep", "Deploy", "source_profile = role"),
        role("env", "Admin", "credential_source = Environment"),
        role("container", "Admin", "credential_source = EcsContainer"),
        role("instance", "Admin", "credential_source = Ec2InstanceMetadata"),
        role("web", "Admin", "web_identity_token_file = ~/token"),
        role("lost", "Admin", "source_profile = nobody"),
        role("of-process", "Admin", "source_profile = process"),
        format!("[profile process]\ncredential_process = touch {}\n", trap.display()),
        "[profile sso]\nsso_session = corp\nsso_account_id = ROLES\nsso_role_name = Admin\n".into(),
        "[profile old]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
         sso_account_id = ROLES\nsso_role_name = Admin\n".into(),
        "[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n".into(),
        "[profile login]\nlogin_session = arn:aws:iam::111122223333:user/work\n".into(),
        "[profile named]\nservices = s\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n\
         [services s]\nsts =\n  endpoint_url = http://127.0.0.1:1\n".into(),
    ].concat());
    fs::write(own.world.home.path().join("token"), "TESTSECRETweb").unwrap();
    let cache = own.world.home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    for how in [json!({ "session": "corp", "expires_in": 30 }), json!({ "expires_in": 30 })] {
        let made = portal.control("sso_login", how);
        fs::write(cache.join(made["name"].as_str().unwrap()), made["text"].as_str().unwrap())
            .unwrap();
    }
    let made = portal.control("login", json!({ "expires_in": 30 }));
    let cache = own.world.home.path().join(".aws/login/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::write(cache.join(made["name"].as_str().unwrap()), made["text"].as_str().unwrap()).unwrap();
    let (key, secret) = (own.key_id.clone(), own.secret.clone());
    own.world
        .set("AWS_ACCESS_KEY_ID", key)
        .set("AWS_SECRET_ACCESS_KEY", secret)
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/container/keys", portal.url()))
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", portal.url())
        .set("AWS_EC2_METADATA_DISABLED", "false");
    for name in ["SSO", "SSO_OIDC", "SIGNIN", "STS"] {
        own.world.set(&format!("AWS_ENDPOINT_URL_{name}"), portal.url());
    }
    (own, portal)
}

/// The system calls of a command, as strace's lines.
fn traced(own: &Profiles, words: &[&str]) -> Vec<String> {
    assert!(
        Path::new("/usr/bin/strace").exists(),
        "run scripts/setup-tests first: strace is missing"
    );
    let log = std::env::temp_dir().join(unique("leapp-listing"));
    let mut command = own.world.foreign("strace");
    let calls = "trace=connect,sendto,sendmsg,execve,execveat,clone,clone3,fork,vfork,openat,open,creat,mkdir,\
        mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,add_key,chmod,fchmod,fchmodat";
    command.args([
        "-f",
        "-qq",
        "-s256",
        "-e",
        &calls.replace("trace=", "trace=?").replace(',', ",?"),
        "-o",
    ]);
    command.arg(&log).arg(program()).args(words);
    own.world.run(command, None).succeeds();
    let lines = fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect();
    fs::remove_file(&log).unwrap();
    lines
}

#[test]
fn a_list_asks_nobody_runs_nothing_and_leaves_nothing() {
    let (own, portal) = everything();
    let before = files_below(own.world.home.path());
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["list", "role"],
        &["complete", "--at", "2", "--", "leapp", "env", ""],
    ] {
        let lines = traced(&own, words);
        let is = |line: &&String, calls: &[&str]| {
            calls.iter().any(|call| line.contains(&format!(" {call}(")))
        };
        let of = |calls: &[&str]| lines.iter().filter(|line| is(line, calls)).collect::<Vec<_>>();
        assert_eq!(of(&["execve", "execveat"]).len(), 1, "{words:?}: {:?}", of(&["execve"]));
        let started = of(&["clone", "clone3", "fork", "vfork", "connect", "sendto", "sendmsg"]);
        // glibc looks for the name service's cache when it is asked for the user's name.
        let started: Vec<_> =
            started.into_iter().filter(|line| !line.contains("/nscd/socket")).collect();
        assert!(started.is_empty(), "{words:?}: {started:?}");
        let opens = of(&["open", "openat"]);
        let written = opens.iter().filter(|line| {
            ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag))
                && !line.contains("\"/dev/")
        });
        assert_eq!(written.collect::<Vec<_>>(), Vec::<&&String>::new(), "{words:?}");
        let changed = of(&[
            "creat",
            "mkdir",
            "mkdirat",
            "rename",
            "renameat",
            "renameat2",
            "unlink",
            "unlinkat",
            "link",
            "linkat",
            "symlink",
            "symlinkat",
            "add_key",
            "chmod",
            "fchmod",
            "fchmodat",
        ]);
        assert!(changed.is_empty(), "{words:?}: {changed:?}");
    }
    assert_eq!(files_below(own.world.home.path()), before);
    assert!(portal.actions().is_empty() && own.world.requests().is_empty());
}

#[test]
fn a_list_has_every_kind_with_what_it_needs() {
    let (own, _portal) = everything();
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let rows = list.as_array().unwrap();
    let state = |name: &str| {
        let row =
            rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {list}"));
        (row["type"].as_str().unwrap_or("-").to_owned(), row["status"].as_str().unwrap().to_owned())
    };
    for (name, kind, status) in [
        ("base", "aws-profile-keys", "requires-user-action"),
        ("plain", "aws-profile-keys", "inactive"),
        ("temp", "aws-profile-keys", "inactive"),
        ("role", "aws-profile-role", "inactive"),
        ("code", "aws-profile-role", "requires-user-action"),
        ("deep", "aws-profile-role", "inactive"),
        ("env", "aws-profile-role", "inactive"),
        ("container", "aws-profile-role", "inactive"),
        ("instance", "aws-profile-role", "inactive"),
        ("web", "aws-profile-web-identity", "inactive"),
        ("process", "aws-profile-process", "inactive"),
        ("of-process", "aws-profile-role", "inactive"),
        ("sso", "aws-profile-sso", "inactive"),
        ("old", "aws-profile-sso", "inactive"),
        ("login", "aws-profile-login", "inactive"),
        ("sso-session:corp", "aws-sso-session", "inactive"),
        ("env:accessKey", "aws-environment", "inactive"),
        ("ecs:containerRole", "aws-container", "inactive"),
        ("ec2:instanceProfile", "aws-instance", "inactive"),
        ("lost", "-", "unusable"),
    ] {
        assert_eq!(state(name), (kind.to_owned(), status.to_owned()), "{name}");
    }
    // Keys in a plain file are marked: long-term ones alone.
    let marked: Vec<&str> = rows
        .iter()
        .filter(|row| row["longTermKeysInFile"] == true)
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(marked, ["base", "named", "plain"]);
    let text = own.leapp(["list"]);
    text.succeeds().prints_part("plain k").says("k: a long-term key in a plain file (3)");
    assert!(!text.text().contains("TESTSECRET") && !list.to_string().contains("TESTSECRET"));
    // One by its name, the others are not looked at.
    let one = own.leapp(["list", "OF-PRO"]);
    one.succeeds().prints_part("of-process");
    assert!(!one.text().contains("plain"), "{one}");
}

#[test]
fn keys_of_ours_are_no_entry_of_a_list() {
    let own = Profiles::new();
    own.credentials(BASE);
    let list = own.leapp(["exec", "base", "--", program().to_str().unwrap(), "list", "--json"]);
    let rows = list.succeeds().json();
    let names: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["base"]);
    assert_eq!(rows[0]["current"], true);
}
