//! `leapp explain`: what it announces is what happens, and it does nothing of it.

use serde_json::{Value as Json, json};

use crate::{
    profiles::Profiles,
    support::{ROLES, World},
};

const BASE: &str = "[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";

fn ready() -> Profiles {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(
        "[profile admin]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = base\n\
         region = eu-west-1\nduration_seconds = 1800\nrole_session_name = me\n\
         [profile behind]\nrole_arn = arn:aws:iam::ROLES:role/Deploy\nsource_profile = admin\n\
         [profile ext]\nrole_arn = arn:aws:iam::ROLES:role/ExternalId\nsource_profile = base\n\
         external_id = ext-42\n\
         [profile coded]\nrole_arn = arn:aws:iam::ROLES:role/MfaOnly\nsource_profile = base\n\
         mfa_serial = DEVICE\n\
         [profile lost]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = nobody\n",
    );
    own
}

/// The parameters that the emulator records, of a call that was announced.
fn announced(call: &Json) -> Json {
    let of = |name: &str| call["parameters"][name].clone();
    let seconds = of("DurationSeconds").as_str().map(|text| text.parse::<u64>().unwrap());
    json!([
        call["operation"],
        of("RoleArn"),
        of("RoleSessionName"),
        seconds,
        of("ExternalId"),
        of("SerialNumber")
    ])
}

fn made(request: &Json) -> Json {
    let of = |name: &str| request[name].clone();
    let seconds = of("DurationSeconds");
    let seconds = seconds.as_u64().or_else(|| seconds.as_str().and_then(|t| t.parse().ok()));
    json!([
        of("action"),
        of("RoleArn"),
        of("RoleSessionName"),
        seconds,
        of("ExternalId"),
        of("SerialNumber")
    ])
}

#[test]
fn the_calls_that_are_announced_are_those_that_are_made() {
    for (name, code) in
        [("base", 0), ("admin", 0), ("behind", 0), ("ext", 0), ("coded", 3), ("base", 0)]
    {
        let own = ready();
        own.world.control("mfa", json!({ "codes": ["123456"] }));
        let told = own.leapp(["explain", name, "--json"]);
        told.keeps_secrets();
        assert_eq!(told.code(), code, "{told}");
        assert!(own.world.requests().is_empty(), "{name}: explaining asks nobody");
        assert!(!own.world.leapp_home().exists(), "{name}: and writes nothing");
        let calls =
            told.json()["calls"].as_array().unwrap().iter().map(announced).collect::<Vec<_>>();
        assert!(!calls.is_empty(), "{name}");
        own.leapp(["start", name, "--mfa-code", "123456"]).succeeds();
        let requests = own.world.requests();
        assert_eq!(calls, requests.iter().map(made).collect::<Vec<_>>(), "{name}");
        let after = own.leapp(["explain", name, "--json"]).succeeds().json();
        assert_eq!(after["calls"], json!([]), "{name}: what is kept is not asked for");
        assert!(after["chain"][0]["cached"]["secondsLeft"].as_i64().unwrap() > 0, "{name}");
    }
}

#[test]
fn each_value_has_its_place() {
    let mut own = ready();
    own.world.set("AWS_PROFILE", "base").set("AWS_REGION", "eu-west-3");
    let told = own.leapp(["explain", "admin"]);
    told.succeeds();
    for part in [
        "role_session_name = me",
        ".aws/config:5",
        "base: aws_secret_access_key = (not shown)",
        ".aws/credentials:3",
        "session 'admin'",
        "AWS_PROFILE",
        "is taken away while the session is on",
        "sts AssumeRole",
        "there is no complete answer of 'env'",
    ] {
        told.prints_part(part);
    }
    let steps = own.leapp(["explain", "admin", "-r", "us-west-2", "--json"]).succeeds().json();
    assert_eq!(steps["region"][0]["value"], "us-west-2");
    assert_eq!(steps["region"][0]["used"], true);
    own.leapp(["explain", "lost"]).fails(5).says("references source profile 'nobody'");
    own.leapp(["explain", "nobody"]).fails(5).says("there is no session or profile");
}

#[test]
fn a_complete_answer_and_what_makes_it_stale_are_told() {
    let own = ready();
    own.leapp(["env", "admin", "--show", "--shell", "bash"]).succeeds();
    let told = own.leapp(["explain", "admin", "--json"]).succeeds().json();
    assert_eq!(told["answer"], "warm");
    let path = own.world.home.path().join(".aws/config");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}# a word\n")).unwrap();
    let told = own.leapp(["explain", "admin", "--json"]).succeeds().json();
    assert_eq!((&told["answer"], &told["calls"]), (&json!("stale"), &json!([])));
    assert!(told["staleFiles"][0].as_str().unwrap().ends_with(".aws/config"));
}

#[test]
fn a_session_of_the_workspace_is_explained_like_any_other() {
    let world = World::with_role("prod", "Admin");
    let told = world.leapp(["explain", "prod"]);
    told.succeeds();
    for part in [
        format!("role_arn = arn:aws:iam::{ROLES}:role/Admin"),
        "the workspace".to_owned(),
        "to unlock the vault for the secret of 'work', if it is locked".to_owned(),
        "sts GetSessionToken".to_owned(),
    ] {
        told.prints_part(&part);
    }
    world.leapp(["start", "work"]).succeeds();
    let told = world.leapp(["explain", "prod", "--json"]).succeeds().json();
    let calls = told["calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["operation"]), (1, &json!("AssumeRole")));
    assert_eq!(told["asks"], json!([]));
}
