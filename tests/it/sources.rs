//! Profiles and what a machine gives, end to end: which requests each kind costs, and what they say.

use std::fs;

use serde_json::{Value as Json, json};

use crate::{
    hooked::{Hooked, Kind},
    portal::Portal,
    profiles::Profiles,
    support::{CANARY, Outcome, chmod},
};

/// Long-term keys of the emulator's user.
pub(crate) const BASE: &str = "[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";

/// A role of account 444455556666 as a profile.
pub(crate) fn role(name: &str, role: &str, more: &str) -> String {
    format!("[profile {name}]\nrole_arn = arn:aws:iam::ROLES:role/{role}\n{more}\n")
}

/// What `env` gives, as variables.
pub(crate) fn given(own: &Profiles, name: &str) -> Json {
    let env = own.leapp(["env", name, "--show", "--format", "json"]);
    env.succeeds().json()["set"].clone()
}

/// Temporary keys that the emulator knows: key id, secret, token.
pub(crate) fn temporary(own: &Profiles) -> [String; 3] {
    let other = Profiles { world: crate::support::World::new(), ..Profiles::new() };
    let (key_id, secret, _) = own.world.keys();
    let text = BASE.replace("= KEY", &format!("= {key_id}"));
    let text = text.replace("= SECRET", &format!("= {secret}"));
    other.credentials(&text);
    let set = given(&other, "base");
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        .map(|name| set[name].as_str().unwrap().to_owned())
}

/// The same, written as a profile, with more lines.
fn temporary_profile(own: &Profiles, name: &str, more: &str) -> String {
    let [id, secret, token] = temporary(own);
    format!(
        "[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n\
         aws_session_token = {token}\n{more}\n"
    )
}

/// What was asked since the last look.
fn asked(own: &Profiles, seen: &mut usize) -> Vec<Json> {
    let all = own.world.requests();
    let new = all[*seen..].to_vec();
    *seen = all.len();
    new
}

fn actions(requests: &[Json]) -> Vec<&str> {
    requests.iter().map(|request| request["action"].as_str().unwrap()).collect()
}

/// A bash on a terminal, without the hook.
fn person(own: &Profiles) -> Hooked {
    Hooked::with(&own.world, Kind::Bash, "", own.world.home.path())
}

#[test]
fn keys_go_through_a_session_of_theirs_and_never_pass() {
    let own = Profiles::new();
    own.credentials(BASE);
    let set = given(&own, "base");
    assert!(set["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"), "{set}");
    assert_eq!(own.world.requests()[0]["DurationSeconds"], json!(43200));
    assert!(own.caller("base").ends_with(&format!(
        "user/{}",
        own.world.user["user_arn"].as_str().unwrap().rsplit('/').next().unwrap()
    )));
    // For each form, and kept: no second request.
    own.leapp(["exec", "base", "--", "printenv", "AWS_SESSION_TOKEN"]).succeeds();
    own.leapp(["credential-process", "profile:base"]).succeeds();
    let text = own.leapp(["env", "base", "--show", "--shell", "bash"]).succeeds().text();
    assert!(!text.contains(&own.secret) && !text.contains(&own.key_id));
    assert_eq!(own.world.actions(), ["GetSessionToken", "GetCallerIdentity"]);
    // Refused is refused: nothing falls back to the keys themselves.
    let refused = Profiles::new();
    refused.credentials(&BASE.replace("SECRET", "TESTSECRETwrong"));
    refused.leapp(["env", "base", "--shell", "bash"]).fails(4);
    refused.leapp(["exec", "base", "--", "env"]).fails(4).prints("");
}

#[test]
fn temporary_keys_of_a_file_are_given_as_they_are_until_they_end() {
    let own = Profiles::new();
    own.credentials(&temporary_profile(&own, "temp", ""));
    let asked = own.world.requests().len();
    let env = own.leapp(["env", "temp", "--show", "--format", "json"]);
    env.succeeds().says("nobody has written down when the keys of 'temp' end; 12h are presumed");
    assert_eq!(own.world.requests().len(), asked, "nothing is requested for them");
    for key in
        ["x_security_token_expires", "aws_session_expiration", "aws_expiration", "expiration"]
    {
        let own = Profiles::new();
        let text = temporary_profile(&own, "temp", &format!("{key} = 2999-01-02T03:04:05+01:00"));
        own.credentials(&text);
        let env = own.leapp(["env", "temp", "--show", "--format", "json"]);
        assert_eq!(env.succeeds().json()["expiration"], "2999-01-02T02:04:05Z", "{key}: {env}");
        assert!(!env.stderr.contains("presumed"), "{key}: {env}");
        own.credentials(&text.replace("2999", "2001"));
        own.leapp(["env", "temp", "--shell", "bash"])
            .fails(3)
            .says("the temporary keys of 'temp' have ended")
            .says("renew them with the tool that wrote them");
    }
}

#[test]
fn the_end_of_temporary_keys_is_read_as_tools_write_it_or_doubted() {
    let mut own = Profiles::new();
    let keys = temporary_profile(&own, "temp", "expiration = END");
    own.credentials(&keys.replace("END", "2999-01-02 03:04:05"));
    let env = own.leapp(["env", "temp", "--show", "--format", "json"]);
    assert_eq!(env.succeeds().json()["expiration"], "2999-01-02T03:04:05Z", "{env}");
    own.credentials(&keys.replace("END", "2001-01-02 03:04:05"));
    own.leapp(["env", "temp", "--shell", "bash"]).fails(3).says("have ended");
    own.credentials(&keys.replace("END", "tomorrow"));
    own.leapp(["env", "temp", "--show", "-d", "2h", "--shell", "bash"])
        .succeeds()
        .says("the end of the keys of 'temp', \"tomorrow\", is no time; 1h is presumed")
        .says("--duration does not count for 'temp'");
    // What another file says is not of these keys.
    own.credentials(&temporary_profile(&own, "temp", ""));
    own.config("[profile temp]\nexpiration = 2001-01-02 03:04:05\n");
    own.leapp(["env", "temp", "--show", "--shell", "bash"]).succeeds().says("12h are presumed");
    let [id, secret, token] = temporary(&own);
    own.world.set("AWS_ACCESS_KEY_ID", id).set("AWS_SECRET_ACCESS_KEY", secret);
    own.world.set("AWS_SESSION_TOKEN", token).set("AWS_CREDENTIAL_EXPIRATION", "tomorrow");
    own.leapp(["env", "env:accessKey", "--show", "--shell", "bash"])
        .succeeds()
        .says("\"tomorrow\", is no time; 1h is presumed");
    own.world.set("AWS_CREDENTIAL_EXPIRATION", "2001-01-02 03:04:05");
    own.leapp(["env", "env:accessKey", "--shell", "bash"]).fails(3).says("have ended");
}

#[test]
fn a_mistake_in_temporary_keys_that_is_mended_counts_at_once() {
    let own = Profiles::new();
    let [id, secret, token] = temporary(&own);
    let text = |token: &str| {
        format!(
            "[temp]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
        )
    };
    own.credentials(&text("TESTSECRETtypo"));
    assert_eq!(given(&own, "temp")["AWS_SESSION_TOKEN"], "TESTSECRETtypo");
    own.credentials(&text(&token));
    assert_eq!(given(&own, "temp")["AWS_SESSION_TOKEN"], token.as_str());
    own.leapp(["status", "temp", "--check"]).succeeds();
}

#[test]
fn a_role_is_assumed_with_the_keys_of_its_source() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(&[
        role("plain", "Admin", "source_profile = base"),
        role("full", "ExternalId", "source_profile = base\nexternal_id = ext-42\nrole_session_name = me@work\nduration_seconds = 1800"),
        role("long", "Admin", "source_profile = base\nduration_seconds = 43200"),
        role("too-long", "Short", "source_profile = base\nduration_seconds = 7200"),
        role("nonsense", "Admin", "source_profile = base\nduration_seconds = one"),
        role("self", "Admin", "source_profile = self\naws_access_key_id = KEY\naws_secret_access_key = SECRET"),
    ].concat());
    let mut seen = 0;
    let set = given(&own, "plain");
    assert_eq!(set["AWS_ACCOUNT_ID"], "444455556666");
    let plain = asked(&own, &mut seen);
    assert_eq!(actions(&plain), ["AssumeRole"], "one request a hop");
    assert_eq!(
        (&plain[0]["DurationSeconds"], plain[0]["temporary"].as_bool()),
        (&json!(3600), Some(false))
    );
    assert!(plain[0]["RoleSessionName"].as_str().unwrap().starts_with("leapp-"));
    given(&own, "full");
    let full = asked(&own, &mut seen);
    assert_eq!(full[0]["ExternalId"], "ext-42");
    assert_eq!(full[0]["RoleSessionName"], "me@work");
    assert_eq!(full[0]["DurationSeconds"], 1800);
    given(&own, "long");
    assert_eq!(asked(&own, &mut seen)[0]["DurationSeconds"], 43200);
    own.leapp(["env", "too-long", "--show", "--format", "json"])
        .succeeds()
        .says("the role of 'too-long' does not allow 2h: it lasts 1h");
    assert_eq!(actions(&asked(&own, &mut seen)), ["AssumeRole", "AssumeRole"]);
    given(&own, "nonsense");
    assert_eq!(asked(&own, &mut seen)[0]["DurationSeconds"], 3600);
    given(&own, "self");
    assert_eq!(actions(&asked(&own, &mut seen)), ["AssumeRole"]);
    // An explicit lifetime wins over the file's.
    own.leapp(["env", "full", "-d", "15m", "--show", "--format", "json"]).succeeds();
    assert_eq!(asked(&own, &mut seen)[0]["DurationSeconds"], 900);
    // A role that is refused says so and is no other.
    own.config(&role("denied", "Denied", "source_profile = base"));
    own.leapp(["env", "denied", "--shell", "bash"]).fails(4).says("cannot assume role 'Denied'");
}

#[test]
fn a_role_behind_a_role_lasts_an_hour_and_costs_one_request_a_hop() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(
        &[
            role("admin", "Admin", "source_profile = base"),
            role("deploy", "Deploy", "source_profile = admin\nduration_seconds = 7200"),
        ]
        .concat(),
    );
    let env = own.leapp(["env", "deploy", "--show", "--format", "json"]);
    env.succeeds().says("'deploy' lasts 1h, not 2h: AWS allows no more to a role behind a role");
    assert_eq!(own.world.actions(), ["AssumeRole", "AssumeRole"]);
    assert_eq!(own.world.requests()[1]["DurationSeconds"], 3600);
    assert!(own.caller("deploy").contains("assumed-role/Deploy/"));
    // The hop in the middle is kept and serves by itself.
    let before = own.world.requests().len();
    given(&own, "admin");
    assert_eq!(own.world.requests().len(), before);
    // With the base's temporary keys, too.
    own.credentials(&temporary_profile(&own, "base", ""));
    assert!(own.caller("deploy").contains("assumed-role/Deploy/"));
}

#[test]
fn one_code_serves_every_role_behind_the_same_keys_and_device() {
    let own = Profiles::new();
    own.world.control("mfa", json!({ "codes": ["123456", "654321"] }));
    own.credentials(BASE);
    own.config(
        &[
            role("a", "Admin", "source_profile = base\nmfa_serial = DEVICE"),
            role("b", "MfaOnly", "source_profile = base\nmfa_serial = DEVICE"),
            role("c", "Deploy", "source_profile = a"),
            role("plain", "Admin", "source_profile = base"),
        ]
        .concat(),
    );
    // Nobody is there.
    for words in [["env", "a"], ["exec", "b"], ["credential-process", "c"]] {
        own.leapp([words[0], words[1], "--"]).fails(if words[0] == "exec" { 2 } else { 3 });
    }
    let env = own.leapp(["env", "a", "--shell", "bash"]);
    env.fails(3).prints("false;\n").says("MFA code").says("leapp start a");
    assert!(own.world.requests().is_empty(), "and nobody is bothered");
    assert_eq!(status_of(&own, "a"), "requires-user-action");
    let mut shell = person(&own);
    shell.send("leapp start a");
    shell.sees("MFA code for 'base' from ");
    shell.send("123456");
    let (said, code) = shell.end();
    assert_eq!(code, 0, "{said}");
    for name in ["b", "c"] {
        own.leapp(["env", name, "--show", "--format", "json"]).succeeds();
    }
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole", "AssumeRole"]);
    let requests = own.world.requests();
    assert_eq!(
        (&requests[0]["TokenCode"], &requests[0]["SerialNumber"]),
        (&json!(true), &json!(own.device))
    );
    assert!(requests[1..].iter().all(|request| request["SerialNumber"].is_null()));
    // A role without the device asks for none, with the same keys.
    own.leapp(["env", "plain", "--show", "--format", "json"]).succeeds();
}

/// The state of a profile in the list.
fn status_of(own: &Profiles, name: &str) -> String {
    let list = own.leapp(["list", "--json"]).json();
    let rows = list.as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    row["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_role_whose_source_is_temporary_sends_the_code_itself() {
    let own = Profiles::new();
    own.world.control("mfa", json!({ "codes": ["123456", "654321"] }));
    own.credentials(&temporary_profile(&own, "base", ""));
    own.config(&role("a", "Admin", "source_profile = base\nmfa_serial = DEVICE"));
    let before = own.world.requests().len();
    own.leapp(["env", "a", "--shell", "bash"]).fails(3);
    let mut shell = person(&own);
    shell.send("leapp start a");
    shell.sees("MFA code for 'a' from ");
    shell.send("123456");
    shell.end();
    let requests = own.world.requests()[before..].to_vec();
    assert_eq!(actions(&requests), ["AssumeRole"], "{requests:?}");
    assert_eq!(requests[0]["SerialNumber"], own.device.as_str());
    assert_eq!(requests[0]["TokenCode"], true);
}

#[test]
fn a_profile_with_keys_and_a_device_asks_for_a_code() {
    let own = Profiles::new();
    own.world.control("mfa", json!({ "codes": ["123456"] }));
    own.credentials(&format!("{BASE}mfa_serial = DEVICE\n"));
    own.leapp(["env", "base", "--shell", "bash"]).fails(3).says("MFA");
    own.leapp(["env", "base", "--mfa-code", "123456", "--show", "--shell", "bash"]).succeeds();
    assert_eq!(own.world.requests()[0]["SerialNumber"], own.device.as_str());
}

/// Lets the next answers of an endpoint hold keys that the emulator knows.
fn gives(portal: &Portal, own: &Profiles, action: &str, path: &str, times: u32) {
    let [id, secret, token] = temporary(own);
    portal.control("fault", json!({
        "action": action, "kind": "status", "status": 200, "times": times, "path": path,
        "body": { "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": id, "SecretAccessKey": secret,
            "Token": token, "Expiration": "2999-01-01T00:00:00Z",
            "LastUpdated": "2020-01-01T00:00:00Z" },
    }));
}

#[test]
fn keys_of_the_environment_go_through_a_session_too() {
    let mut own = Profiles::new();
    own.config(&role("env-role", "Admin", "credential_source = Environment"));
    own.leapp(["env", "env:accessKey", "--shell", "bash"])
        .fails(5)
        .says("neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set");
    own.leapp(["env", "env-role", "--shell", "bash"])
        .fails(5)
        .says("the parent of 'env-role', env:accessKey, is not there")
        .says("neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set")
        .says("hint: leapp list");
    let (key, secret) = (own.key_id.clone(), own.secret.clone());
    own.world.set("AWS_ACCESS_KEY_ID", &key);
    own.leapp(["env", "env:accessKey", "--shell", "bash"])
        .fails(5)
        .says("the environment is missing AWS_SECRET_ACCESS_KEY");
    own.world.set("AWS_SECRET_ACCESS_KEY", &secret);
    own.leapp(["list"]).succeeds().prints_part("env:accessKey").prints_part("env-role");
    let set = given(&own, "env:accessKey");
    assert!(set["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"), "{set}");
    assert_eq!(own.world.actions(), ["GetSessionToken"]);
    // As a role's source: the session of the keys is there already.
    given(&own, "env-role");
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole"]);
    assert_eq!(own.world.requests()[1]["temporary"], true);
    // Another key is another answer, and the first one's is not given for it.
    let other = Profiles::new();
    own.world.set("AWS_ACCESS_KEY_ID", &other.key_id).set("AWS_SECRET_ACCESS_KEY", &other.secret);
    let again = given(&own, "env:accessKey");
    assert_ne!(set["AWS_ACCESS_KEY_ID"], again["AWS_ACCESS_KEY_ID"]);
    assert_eq!(other.world.actions(), ["GetSessionToken"]);
}

#[test]
fn temporary_keys_of_the_environment_are_given_until_they_end() {
    let mut own = Profiles::new();
    let [id, secret, token] = temporary(&own);
    own.config(&role("env-role", "Admin", "credential_source = Environment"));
    own.world.set("AWS_ACCESS_KEY_ID", &id).set("AWS_SECRET_ACCESS_KEY", &secret);
    own.world.set("AWS_SESSION_TOKEN", &token);
    assert_eq!(given(&own, "env:accessKey")["AWS_ACCESS_KEY_ID"], id.as_str());
    given(&own, "env-role");
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole"]);
    // What is mended there counts at once, and so does an end.
    own.world.set("AWS_SESSION_TOKEN", "TESTSECRETother");
    assert_eq!(given(&own, "env:accessKey")["AWS_SESSION_TOKEN"], "TESTSECRETother");
    own.world.set("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z");
    own.leapp(["env", "env:accessKey", "--shell", "bash"]).fails(3).says("have ended");
}

#[test]
fn keys_that_leapp_gave_are_no_source_of_themselves() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(&role("env-role", "Admin", "credential_source = Environment"));
    let program = crate::support::program().to_str().unwrap();
    let inside =
        |name: &str| own.leapp(["exec", "base", "--", program, "env", name, "--shell", "bash"]);
    inside("env:accessKey")
        .fails(5)
        .says("the keys in the environment are those that leapp gave for 'base'");
    inside("env-role").fails(5).says("those that leapp gave for 'base'");
    assert_eq!(own.world.actions(), ["GetSessionToken"]);
    // What was there before our session still counts for nothing: it went.
    let list = own.leapp(["exec", "base", "--", program, "list"]);
    list.succeeds();
    assert!(!list.text().contains("env:accessKey"), "{list}");
}

#[test]
fn a_container_gives_its_role_alone_and_as_a_source() {
    let mut own = Profiles::new();
    let portal = Portal::start();
    own.config(&role("there", "Admin", "credential_source = EcsContainer"));
    own.leapp(["env", "ecs:containerRole", "--shell", "bash"]).fails(5).says(
        "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI",
    );
    own.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/container/keys", portal.url()));
    own.world.set(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        portal.ready["container_token"].as_str().unwrap(),
    );
    own.leapp(["list"]).succeeds().prints_part("ecs:containerRole");
    assert!(portal.actions().is_empty(), "listing asks nobody");
    let set = given(&own, "ecs:containerRole");
    assert!(set["AWS_SESSION_TOKEN"].as_str().unwrap().contains(CANARY));
    assert!(set.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_none());
    given(&own, "containerRoleCredential");
    assert_eq!(portal.actions(), ["Container"], "both names are one source");
    own.leapp(["lock"]).succeeds();
    gives(&portal, &own, "Container", "/container/keys", 1);
    given(&own, "there");
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole"]);
    assert_eq!(portal.actions().len(), 2);
    // An address that may not be asked is refused before anything is.
    own.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/keys");
    own.leapp(["list"]).succeeds().prints_part("not usable:").prints_part("ecs:containerRole");
    own.leapp(["env", "ecs:containerRole", "--shell", "bash"]).fails(5);
    own.leapp(["env", "there", "--shell", "bash"]).fails(5);
}

#[test]
fn an_instance_gives_its_role_alone_and_as_a_source() {
    let mut own = Profiles::new();
    let portal = Portal::start();
    own.config(&role("there", "Admin", "credential_source = Ec2InstanceMetadata"));
    own.leapp(["env", "ec2:instanceProfile", "--shell", "bash"]).fails(5);
    own.world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", portal.url());
    own.leapp(["env", "ec2:instanceProfile", "--shell", "bash"])
        .fails(5)
        .says("AWS_EC2_METADATA_DISABLED is set");
    own.world.set("AWS_EC2_METADATA_DISABLED", "false");
    own.leapp(["list"]).succeeds().prints_part("ec2:instanceProfile");
    assert!(portal.actions().is_empty(), "listing asks nobody");
    given(&own, "ec2:instanceProfile");
    given(&own, "ec2InstanceRoleCredential");
    // Asked each time: the role behind the one address may have become another.
    let once = ["MetadataToken", "Metadata", "Metadata"];
    assert_eq!(portal.actions(), [once, once].concat());
    own.leapp(["pin", "ec2:instanceProfile"])
        .fails(5)
        .says("stands upon 'ec2:instanceProfile', which is of this machine or this shell alone");
    own.leapp(["lock"]).succeeds();
    gives(&portal, &own, "Metadata", "/latest/meta-data/iam/security-credentials/instance-role", 1);
    given(&own, "there");
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole"]);
    for url in ["http://example.com", "https://metadata.invalid"] {
        own.world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
        own.leapp(["env", "ec2:instanceProfile", "--shell", "bash"])
            .fails(5)
            .says("may not be asked for an instance's credentials");
    }
}

#[test]
fn a_web_identity_is_read_anew_and_unsigned() {
    let own = Profiles::new();
    let token = own.world.home.path().join("token");
    own.config(&role("web", "Admin", "web_identity_token_file = ~/token\nrole_session_name = me"));
    own.leapp(["env", "web", "--shell", "bash"])
        .fails(5)
        .says("caused by: web_identity_token_file: '")
        .says("/token' does not exist");
    fs::write(&token, "  \n").unwrap();
    own.leapp(["env", "web", "--shell", "bash"]).fails(5).says("/token' is empty");
    fs::write(&token, b"\xff").unwrap();
    own.leapp(["env", "web", "--shell", "bash"]).fails(5).says("/token' is no text");
    fs::write(&token, "TESTSECRET.web.token\n").unwrap();
    let env: Outcome = own.leapp(["env", "web", "--show", "--format", "json"]);
    assert_eq!(env.succeeds().json()["set"]["AWS_ACCOUNT_ID"], "444455556666");
    // What it was made with is gone: what was issued serves on.
    fs::remove_file(&token).unwrap();
    given(&own, "web");
    own.leapp(["rotate", "web"]).fails(5).says("does not exist");
}

#[test]
fn a_profile_may_lead_to_an_endpoint_of_its_own() {
    let mut own = Profiles::new();
    let url = crate::support::aws().url();
    own.world.unset("AWS_ENDPOINT_URL");
    own.credentials(BASE);
    own.config(&[
        role("plain", "Admin", &format!("source_profile = base\nendpoint_url = {url}")),
        role("ignored", "Admin", &format!("source_profile = base\nendpoint_url = {url}\nignore_configured_endpoint_urls = true")),
        role("service", "Admin", "source_profile = base\nservices = mine\nendpoint_url = http://127.0.0.1:1"),
        role("foreign", "Admin", "source_profile = base\nendpoint_url = http://example.com"),
        role("user", "Admin", "source_profile = base\nendpoint_url = http://127.0.0.1@example.com"),
        role("trick", "Admin", "source_profile = base\nendpoint_url = http://localhost:x@127.0.0.1:1/"),
        format!("[services mine]\nsts =\n  endpoint_url = {url}\ns3 =\n  endpoint_url = http://127.0.0.1:2\n"),
    ].concat());
    let env = own.leapp(["env", "plain", "--show", "--format", "json"]);
    assert_eq!(env.succeeds().json()["set"]["AWS_ENDPOINT_URL"], url);
    assert_eq!(own.world.actions(), ["AssumeRole"]);
    let env = own.leapp(["env", "service", "--show", "--format", "json"]);
    env.succeeds().says("profile 'service' has endpoints for s3, sts: programs get those by the profile's name alone");
    assert_eq!(env.json()["set"]["AWS_ENDPOINT_URL"], "http://127.0.0.1:1", "{env}");
    assert_eq!(own.world.actions(), ["AssumeRole", "AssumeRole"]);
    for name in ["foreign", "user", "trick"] {
        own.leapp(["env", name, "--shell", "bash"])
            .fails(5)
            .says("is neither https nor a loopback address");
    }
    assert_eq!(own.world.actions().len(), 2);
    // What a directory or a shell had before comes back.
    let mut shell = own.world.foreign("bash");
    shell.args(["--norc", "--noprofile", "-c",
        &format!("eval \"$(leapp env plain)\"; echo \"$AWS_ENDPOINT_URL\"; \
         eval \"$(leapp env --unset)\"; echo \"${{AWS_ENDPOINT_URL-none}}\"; \
         export AWS_ENDPOINT_URL=http://127.0.0.1:3 AWS_ENDPOINT_URL_STS={url}; eval \"$(leapp env plain)\"; echo \"$AWS_ENDPOINT_URL\"; \
         eval \"$(leapp env --unset)\"; echo \"$AWS_ENDPOINT_URL\"")]);
    // And what the user has set comes before a profile's.
    let mine = "http://127.0.0.1:3\n".repeat(2);
    own.world.run(shell, None).succeeds().prints(&format!("{url}\nnone\n{mine}"));
}

#[test]
fn an_endpoint_that_programs_get_is_safe_and_said() {
    let mut own = Profiles::new();
    let keys = temporary_profile(&own, "temp", "endpoint_url = URL");
    own.credentials(&keys.replace("URL", "http://minio.example:9000"));
    own.leapp(["env", "temp", "--shell", "bash"])
        .fails(5)
        .says("endpoint_url: 'http://minio.example:9000' is neither https nor a loopback address");
    own.credentials(&keys.replace("URL", "https://minio.example"));
    own.world.unset("AWS_ENDPOINT_URL");
    let env = own.leapp(["env", "temp", "--show", "--format", "json"]);
    env.succeeds().says(
        "AWS_ENDPOINT_URL=https://minio.example comes with the profile: AWS programs will send their requests there",
    );
    assert_eq!(env.json()["set"]["AWS_ENDPOINT_URL"], "https://minio.example");
    own.world.set("AWS_ENDPOINT_URL", "https://other.example");
    let env = own.leapp(["env", "temp", "--show", "--format", "json"]);
    env.succeeds().says("AWS_ENDPOINT_URL=https://other.example stays");
    assert_eq!(env.json()["set"]["AWS_ENDPOINT_URL"], Json::Null);
    assert!(!env.stderr.contains("comes with the profile"), "{env}");
}

#[test]
fn an_endpoint_that_changes_is_another_request() {
    let mut own = Profiles::new();
    let url = crate::support::aws().url();
    own.world.unset("AWS_ENDPOINT_URL");
    own.credentials(BASE);
    let with = |path: &str| {
        role("a", "Admin", &format!("source_profile = base\nendpoint_url = {url}{path}"))
    };
    own.config(&with(""));
    given(&own, "a");
    own.config(&with("/"));
    given(&own, "a");
    assert_eq!(own.world.actions(), ["AssumeRole"; 2]);
}

#[test]
fn the_region_of_a_profile_counts_and_one_that_is_none_is_an_error() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(
        &[
            role("good", "Admin", "source_profile = base\nregion = ap-south-1"),
            role("new", "Admin", "source_profile = base\nregion = eu-west-9"),
            role("bad", "Admin", "source_profile = base\nregion = mars"),
            role("comment", "Admin", "source_profile = base\nregion = eu-west-1 # home"),
            role("china", "Admin", "source_profile = base\nregion = cn-north-1"),
        ]
        .concat(),
    );
    assert_eq!(given(&own, "good")["AWS_REGION"], "ap-south-1");
    assert_eq!(own.world.requests()[0]["region"], "ap-south-1");
    assert_eq!(given(&own, "new")["AWS_REGION"], "eu-west-9");
    let before = own.world.requests().len();
    for (name, text) in [("bad", "mars"), ("comment", "eu-west-1 # home"), ("china", "cn-north-1")]
    {
        let env = own.leapp(["env", name, "--shell", "bash"]);
        env.fails(5).says(text);
        assert!(!env.stderr.contains("session edit"), "a profile is mended in its file: {env}");
    }
    assert_eq!(own.world.requests().len(), before);
    // Said by hand, another one counts.
    own.leapp(["env", "bad", "-r", "eu-west-1", "--show", "--format", "json"]).succeeds();
    own.leapp(["env", "good", "-r", "nowhere", "--shell", "bash"]).fails(2);
}

#[test]
fn keys_of_another_partition_are_asked_for_there() {
    for (region, asked) in [
        ("cn-north-1", "cn-northwest-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("eu-west-1", "us-east-1"),
        ("nowhere", "us-east-1"),
    ] {
        let mut own = Profiles::new();
        own.credentials(BASE);
        own.world.set("AWS_REGION", region);
        // The emulator's key is one of the usual partition, and refused elsewhere, as AWS does.
        own.leapp(["env", "base", "--show", "--format", "json"]).keeps_secrets();
        assert_eq!(own.world.requests()[0]["region"], asked, "{region}");
    }
}

#[test]
fn nobody_else_can_read_what_leapp_keeps_of_profiles() {
    let own = Profiles::new();
    own.credentials(BASE);
    given(&own, "base");
    for file in crate::support::files_below(own.world.home.path()) {
        if file.starts_with(own.world.home.path().join(".aws")) {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(CANARY), "{}", file.display());
    }
    chmod(&own.world.home.path().join(".aws/credentials"), 0o600);
}
