//! Names of profiles beside names of sessions, and what a name gives after the files were edited: what they
//! say now, and never another's.

use std::fs;

use serde_json::Value as Json;

use crate::{
    hooked::{Hooked, Kind, folder, project},
    profiles::Profiles,
    sources::{BASE, given, role},
    support::{Outcome, World},
};

const ADMIN: &str = "arn:aws:iam::444455556666:role/Admin";

/// A home with the profiles `base` and `admin`.
fn ready() -> Profiles {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(&role("admin", "Admin", "source_profile = base\nregion = eu-west-1"));
    own
}

fn id_of(set: &Json) -> String {
    set["AWS_ACCESS_KEY_ID"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_and_a_profile_of_one_name_are_told_apart() {
    let own = ready();
    own.world.add_user(&[]).succeeds();
    own.world.add_role("admin", "work", "Short", &[]).succeeds();
    for words in [["env", "admin"], ["start", "admin"], ["status", "admin"], ["stop", "admin"]] {
        own.leapp(words)
            .fails(5)
            .says("\"admin\" is a session and something else")
            .says("say which: 'session:admin' or 'profile:admin'");
    }
    let check = own.leapp(["status", "profile:admin", "--check", "--json"]);
    assert!(check.succeeds().json()["principal"].as_str().unwrap().contains("role/Admin/"));
    let check = own.leapp(["status", "session:admin", "--check", "--json"]);
    assert!(check.succeeds().json()["principal"].as_str().unwrap().contains("role/Short/"));
    // Names of sessions have no case, those of profiles do.
    let check = own.leapp(["status", "ADMIN", "--check", "--json"]);
    assert!(check.succeeds().json()["principal"].as_str().unwrap().contains("role/Short/"));
    own.leapp(["env", "profile:ADMIN", "--shell", "bash"])
        .fails(5)
        .says("'profile:ADMIN' is not there");
    own.leapp(["env", "profile:adm", "--shell", "bash"]).fails(5);
    // In a list each has a name of its own.
    own.leapp(["list"]).succeeds().prints_part("profile:admin");
}

#[test]
fn a_profile_that_calls_leapp_for_a_session_is_that_session() {
    let own = ready();
    own.world.add_user(&[]).succeeds();
    let show = own.leapp(["session", "show", "work", "--json"]).succeeds().json();
    let id = show["id"].as_str().unwrap();
    own.config(&format!(
        "[profile work]\ncredential_process = /usr/bin/leapp credential-process session:{id}\n\
         [profile also]\ncredential_process = '/opt/a b/leapp' credential-process session:{id}\n\
         [profile gone]\ncredential_process = leapp credential-process session:00000000-0000-4000-8000-000000000000\n\
         [profile other-home]\ncredential_process = leapp --home /elsewhere credential-process session:{id}\n"
    ));
    for name in ["work", "profile:work", "also", "profile:also", "session:work"] {
        let env = own.leapp(["env", name, "--show", "--format", "json"]);
        assert_eq!(env.succeeds().json()["identity"], format!("session:{id}"), "{name}");
    }
    assert_eq!(own.world.actions(), ["GetSessionToken"]);
    own.leapp(["env", "gone", "--shell", "bash"])
        .fails(5)
        .says("Profile 'gone' is bound to session:00000000-0000-4000-8000-000000000000, which is not in the workspace");
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let rows = list.as_array().unwrap();
    let work: Vec<&Json> = rows.iter().filter(|row| row["name"] == "work").collect();
    assert_eq!(work.len(), 1, "one thing, one row");
    assert!(
        rows.iter().any(|row| row["name"] == "other-home" && row["type"] == "aws-profile-process")
    );
}

#[test]
fn without_a_name_a_valid_default_is_taken_and_said() {
    let own = ready();
    own.leapp(["env", "--shell", "bash"]).fails(5).says("no session was named");
    own.credentials(&format!(
        "{BASE}[default]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n"
    ));
    let env = own.leapp(["env", "--show", "--format", "json"]);
    env.succeeds().says("no session was named: 'profile:default' is taken");
    assert_eq!(env.json()["identity"], "profile:default");
    own.leapp(["exec", "--", "true"]).succeeds().says("'profile:default' is taken");
    // AWS_PROFILE is no name that was given to us, and the default would be another one than it says.
    let mut own = own;
    own.world.set("AWS_PROFILE", "admin");
    let env = own.leapp(["env", "--show", "--format", "json"]);
    env.fails(5).says("AWS_PROFILE=admin is not taken for one").says("profile:admin");
    own.world.unset("AWS_PROFILE");
    // One that holds only a region is no choice, and no other takes its place.
    own.credentials(BASE);
    own.config("[default]\nregion = eu-west-1\n[profile admin]\ncredential_process = x\n");
    own.leapp(["env", "--shell", "bash"]).fails(5).says("no session was named");
    own.leapp(["exec", "--", "true"]).fails(5);
}

#[test]
fn a_workspace_that_is_not_ours_blocks_its_sessions_alone() {
    let own = ready();
    let home = own.world.leapp_home();
    fs::create_dir_all(&home).unwrap();
    // As Leapp's desktop app writes it.
    let file = home.join("Leapp-lock.json");
    fs::write(&file, "U2FsdGVkX19abcdefghijklmnopqrstuv").unwrap();
    let env = own.leapp(["env", "profile:admin", "--show", "--format", "json"]);
    env.succeeds();
    own.leapp(["exec", "profile:base", "--", "true"]).succeeds();
    for name in ["session:work", "admin", "00000000-0000-4000-8000-000000000000"] {
        own.leapp(["env", name, "--shell", "bash"]).fails(7).says("LEAPP_HOME");
    }
    own.leapp(["list"]).fails(7).prints_part("admin");
    assert_eq!(fs::read_to_string(&file).unwrap(), "U2FsdGVkX19abcdefghijklmnopqrstuv");
    // A profile that is one of them is blocked, and not said to be lost.
    let bound = "leapp credential-process session:00000000-0000-4000-8000-000000000000";
    own.config(&format!(
        "{}[profile bound]\ncredential_process = {bound}\n",
        role("admin", "Admin", "source_profile = base")
    ));
    own.leapp(["env", "profile:bound", "--shell", "bash"]).fails(7).says("LEAPP_HOME");
    assert!(!own.leapp(["list"]).text().contains("bound"));
    // One that is damaged, too.
    fs::write(&file, "{}").unwrap();
    own.leapp(["env", "profile:admin", "--show", "--format", "json"]).succeeds();
    own.leapp(["env", "session:work", "--shell", "bash"]).fails(7);
}

#[test]
fn a_session_of_the_workspace_may_have_a_profile_behind_it() {
    let own = ready();
    let add = |name: &str, parent: &str| -> Outcome {
        own.leapp([
            "session",
            "add",
            "aws-iam-role-chained",
            name,
            "--role-arn",
            ADMIN,
            "--parent",
            parent,
            "--region",
            "eu-west-1",
        ])
    };
    add("mine", "profile:base").succeeds();
    assert!(own.caller("mine").contains("role/Admin/"));
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole", "GetCallerIdentity"]);
    let list = own.leapp(["list", "--json"]).json();
    let row = list.as_array().unwrap().iter().find(|row| row["name"] == "mine").unwrap().clone();
    assert_eq!((&row["parent"], &row["parentName"]), (&"profile:base".into(), &"base".into()));
    // A parent that is not there, or cannot be used, is refused.
    add("other", "profile:nobody").fails(2).says("'profile:nobody' is not there");
    own.config(&role("lost", "Admin", "source_profile = nobody"));
    add("other", "profile:lost").fails(2).says("references source profile 'nobody'");
    // And one that goes leaves a message, and no other parent.
    own.credentials("");
    own.leapp(["stop", "mine", "--with-parents"]).keeps_secrets();
    let env = own.leapp(["env", "mine", "--shell", "bash"]);
    env.fails(5).says("the parent of 'mine', profile:base, is not there");
    own.credentials("[base]\naws_access_key_id = KEY\n");
    own.leapp(["env", "mine", "--shell", "bash"])
        .fails(5)
        .says("Profile 'base' is missing required property aws_secret_access_key");
}

#[test]
fn what_gives_no_keys_is_not_written_down_for_later() {
    let own = Profiles::new();
    own.config("[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n");
    let text = "'sso-session:corp' is a sign-in, which gives no keys";
    let add = [
        "session",
        "add",
        "aws-iam-role-chained",
        "r",
        "--role-arn",
        ADMIN,
        "--parent",
        "sso-session:corp",
    ];
    own.leapp(add).fails(2).says(text);
    let shop = folder(&own.world, "shop");
    let mut pin = own.world.command(["pin", "sso-session:corp"]);
    pin.current_dir(&shop);
    own.world.run(pin, None).fails(5).says(text);
    assert!(!shop.join(".leapp.toml").exists());
}

#[test]
fn what_is_resolved_again_sees_the_file_as_it_is_now() {
    let own = ready();
    let first = given(&own, "admin");
    assert_eq!(id_of(&given(&own, "admin")), id_of(&first), "warm");
    assert_eq!(own.world.actions(), ["AssumeRole"]);
    // Another role.
    own.config(&role("admin", "Short", "source_profile = base\nregion = eu-west-1"));
    assert_ne!(id_of(&given(&own, "admin")), id_of(&first));
    assert!(own.caller("admin").contains("role/Short/"));
    // Another region: the same keys would do, and the variable is new.
    own.config(&role("admin", "Short", "source_profile = base\nregion = eu-west-2"));
    assert_eq!(given(&own, "admin")["AWS_REGION"], "eu-west-2");
    // Another key behind it.
    let other = Profiles::new();
    let (key, secret) = (&other.key_id, &other.secret);
    own.credentials(&format!(
        "[base]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    ));
    given(&own, "admin");
    assert_eq!(other.world.actions(), ["AssumeRole"]);
    given(&own, "base");
    assert_eq!(other.world.actions(), ["AssumeRole", "GetSessionToken"]);
    // What does not concern it costs no request.
    let before = (own.world.requests().len(), other.world.requests().len());
    let id = id_of(&given(&own, "admin"));
    own.config(&format!(
        "# a comment\n[profile new]\ncredential_process = x\n{}",
        role("admin", "Short", "source_profile = base\nregion = eu-west-2\noutput = json")
    ));
    assert_eq!(id_of(&given(&own, "admin")), id);
    assert_eq!((own.world.requests().len(), other.world.requests().len()), before);
}

#[test]
fn what_was_removed_is_an_error_and_nothing_takes_its_place() {
    let own = ready();
    own.credentials(&format!(
        "{BASE}[default]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n"
    ));
    given(&own, "admin");
    own.config("[profile admins]\ncredential_process = x\n");
    let before = own.world.requests().len();
    own.leapp(["env", "admin", "--shell", "bash"])
        .fails(5)
        .prints("false;\n")
        .says("there is no session or profile \"admin\"")
        .says("names like it: admins");
    own.leapp(["env", "profile:admin", "--shell", "bash"])
        .fails(5)
        .says("'profile:admin' is not there");
    own.leapp(["exec", "admin", "--", "env"]).fails(5).prints("");
    own.leapp(["credential-process", "profile:admin"]).fails(5).prints("");
    assert_eq!(own.world.requests().len(), before);
    // Its source goes: the message is that, even where its credentials would still be good.
    own.config(&role("admin", "Admin", "source_profile = base"));
    own.credentials("");
    own.leapp(["env", "admin", "--shell", "bash"])
        .fails(5)
        .says("Profile 'admin' references source profile 'base' which does not exist");
    // Back again, it is the same thing as before.
    own.credentials(BASE);
    own.config(&role("admin", "Admin", "source_profile = base\nregion = eu-west-1"));
    given(&own, "admin");
    assert_eq!(own.world.requests().len(), before);
}

#[test]
fn a_file_that_breaks_under_a_warm_answer_is_an_error() {
    let own = ready();
    given(&own, "admin");
    own.config("junk\n");
    own.leapp(["env", "admin", "--shell", "bash"]).fails(5).says("/.aws/config:1:1: ");
    own.leapp(["env", "profile:base", "--show", "--format", "json"]).succeeds();
}

/// A project whose file names a profile.
fn hooked() -> (Profiles, Hooked) {
    let own = ready();
    own.config(&configuration("Admin", ""));
    own.leapp(["start", "admin"]).succeeds();
    project(&own.world, "shop", "profile:admin");
    let text = fs::read_to_string(folder(&own.world, "shop").join(".leapp.toml")).unwrap();
    assert!(text.contains("session = \"profile:admin\""), "{text}");
    let shell = Hooked::new(&own.world, Kind::Bash);
    (own, shell)
}

fn configuration(name: &str, more: &str) -> String {
    format!("{}{more}", role("admin", name, "source_profile = base\nregion = eu-west-1"))
}

#[test]
fn a_directory_switches_a_profile_on_and_off() {
    let (_own, mut shell) = hooked();
    let before = shell.ours();
    let said = shell.run("cd code/shop");
    assert!(said.contains("leapp: admin is on (eu-west-1)"), "{said}");
    assert_eq!(shell.on(), "admin");
    assert_eq!(shell.exported("AWS_ACCOUNT_ID").as_deref(), Some("444455556666"));
    shell.run("cd ../..");
    assert_eq!(shell.ours(), before);
}

#[test]
fn trust_holds_for_the_whole_chain_of_a_profile_and_for_nothing_else() {
    let (own, mut shell) = hooked();
    // What does not concern it.
    own.config(&configuration("Admin", "[profile other]\ncredential_process = x\n# a comment\n"));
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "admin");
    shell.run("cd ../..");
    // The role itself.
    own.config(&configuration("Short", ""));
    let said = shell.run("cd code/shop");
    assert_eq!(shell.on(), "", "{said}");
    assert!(said.contains("leapp trust"), "{said}");
    shell.run("cd ../..");
    own.config(&configuration("Admin", ""));
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "admin", "as it was is as it was trusted");
    shell.run("cd ../..");
    // The keys that its source has.
    let other = World::new();
    let (key, secret, _) = other.keys();
    own.credentials(&format!(
        "[base]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    ));
    let said = shell.run("cd code/shop");
    assert_eq!(shell.on(), "", "{said}");
    shell.run("cd ../..");
    // Gone.
    own.credentials(BASE);
    own.config("");
    let said = shell.run("cd code/shop");
    assert_eq!(shell.on(), "", "{said}");
}

#[test]
fn trust_holds_for_the_section_of_identity_center_too() {
    let mut own = Profiles::new();
    let portal = crate::portal::Portal::start();
    own.world.set("AWS_ENDPOINT_URL_SSO", portal.url());
    let text = |url: &str, role: &str| {
        format!(
            "[profile p]\nsso_session = corp\nsso_account_id = ROLES\nsso_role_name = {role}\nregion = eu-west-1\n\
            [sso-session corp]\nsso_start_url = {url}\nsso_region = us-east-1\n\
            [sso-session other]\nsso_start_url = {url}\nsso_region = eu-west-1\n"
        )
    };
    let url = "https://example.awsapps.com/start";
    own.config(&text(url, "Admin"));
    let made = portal.control("sso_login", serde_json::json!({ "session": "corp" }));
    let cache = own.world.home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::write(cache.join(made["name"].as_str().unwrap()), made["text"].as_str().unwrap()).unwrap();
    own.leapp(["start", "p"]).succeeds();
    project(&own.world, "shop", "profile:p");
    let mut shell = Hooked::new(&own.world, Kind::Bash);
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "p");
    shell.run("cd ../..");
    own.config(&text("https://evil.example/start", "Admin"));
    let said = shell.run("cd code/shop");
    assert_eq!(shell.on(), "", "{said}");
    shell.run("cd ../..");
    own.config(&text(url, "ReadOnly"));
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "");
    shell.run("cd ../..");
    own.config(&text(url, "Admin"));
    shell.run("cd code/shop");
    assert_eq!(shell.on(), "p");
}

#[test]
fn a_project_s_name_that_fits_a_session_and_a_profile_is_refused() {
    let own = ready();
    own.world.add_user(&[]).succeeds();
    own.world.add_role("admin", "work", "Admin", &[]).succeeds();
    let shop = folder(&own.world, "shop");
    fs::write(shop.join(".leapp.toml"), "session = \"admin\"\n").unwrap();
    let mut shell = Hooked::with(&own.world, Kind::Bash, "", &shop);
    let (said, code) = shell.status("leapp trust");
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("profile:admin"), "{said}");
}

#[test]
fn a_name_that_looks_like_a_command_is_a_name() {
    let own = ready();
    let names =
        ["$(touch pwned)", "`touch pwned`", "a\" b", "it's; touch pwned", "%F{red}", "back\\slash"];
    let mut config = String::new();
    for name in names {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        config.push_str(&role(
            &format!("\"{quoted}\""),
            "Admin",
            "source_profile = base\nregion = eu-west-1",
        ));
    }
    own.config(&config);
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let listed: Vec<&str> =
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(listed.contains(name), "{name}: {listed:?}");
        let id = format!("profile:{name}");
        own.world.leapp(["start", &id]).succeeds();
        let shop = format!("shop-{at}");
        project(&own.world, &shop, &id);
        for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
            let mut shell = Hooked::new(&own.world, kind);
            shell.run(&format!("cd code/{shop}"));
            assert_eq!(shell.on(), *name, "{kind:?}");
            shell.run("cd ../..");
            assert_eq!(shell.on(), "", "{kind:?}");
        }
    }
    let files = crate::support::files_below(own.world.home.path());
    assert!(!files.iter().any(|file| file.ends_with("pwned")), "{files:?}");
}
