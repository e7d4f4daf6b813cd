//! The remote protocols behind the credential sources, each against a server that real clients
//! certify, and what they write against botocore.

use std::{cell::RefCell, fs, path::Path, process::Command};

use leapp::{
    cloud::{
        CloudError, ErrorKind, container, instance, login_cache,
        sign_in::{self, SignIn},
        sso::{Portal as Sso, Role},
        sso_cache,
        sso_oidc::Oidc,
        sts::{Route, TemporaryKeys},
        web_identity::{Wanted, WebIdentity},
    },
    model::{RegionName, Timestamp},
    secret::Secret,
    system::clock,
};
use serde_json::{Value as Json, json};

use crate::{
    portal::Portal,
    support::{CANARY, aws, python, repository, run},
};

const SILENT: &dyn Fn(&str) = &|_| ();

fn route(endpoint: &str) -> Route {
    let region = RegionName::parse("us-east-1").unwrap();
    Route { region, endpoint: Some(endpoint.to_owned()), ca_bundles: Vec::new() }
}

fn now() -> Timestamp {
    Timestamp(clock::now())
}

fn admin() -> Role {
    Role { account: "444455556666".into(), name: "Admin".into() }
}

/// A login at the portal: the text of its cache file.
fn login(portal: &Portal, settings: Json) -> String {
    portal.control("sso_login", settings)["text"].as_str().unwrap().to_owned()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

/// Keys that came whole and hold for about `seconds`.
fn hold_for(keys: &TemporaryKeys, seconds: i64) {
    assert!(keys.key_id.starts_with("ASIA"), "{keys:?}");
    assert!(
        keys.secret_key.expose().contains(CANARY) && keys.session_token.expose().contains(CANARY)
    );
    let left = keys.expires_at.since(keys.issued_at);
    assert!((seconds - 60..=seconds).contains(&left), "{left}");
}

/// An error of that kind that shows no secret.
fn fails<T: std::fmt::Debug>(result: Result<T, CloudError>, kind: ErrorKind) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    error.message
}

#[test]
fn the_portal_serves_boto3_and_the_aws_cli() {
    let mut command = Command::new(python());
    command.arg(repository().join("tests/aws/portal_selftest.py"));
    let outcome = run(command.env_clear().env("PATH", "/usr/bin:/bin"), None);
    assert_eq!(outcome.succeeds().text().matches("ok check_").count(), 7);
}

#[test]
fn a_login_gets_the_keys_of_its_roles() {
    let portal = Portal::start();
    let token = sso_cache::parse(&login(&portal, json!({}))).unwrap();
    assert_eq!(token.start_url.as_deref(), portal.ready["start_url"].as_str());
    let sso = Sso::new(route(&portal.url()), SILENT);
    hold_for(&sso.role_keys(&token.access_token, &admin()).unwrap(), 3600);
    let asked = &portal.requests()[0];
    assert_eq!(asked["query"], json!({ "account_id": "444455556666", "role_name": "Admin" }));
    assert!(sso.clock_offset().abs() < 60);
    portal.control("clock", json!({ "offset": 7200 }));
    portal.control("revoke", json!({}));
    let token = sso_cache::parse(&login(&portal, json!({}))).unwrap();
    hold_for(&sso.role_keys(&token.access_token, &admin()).unwrap(), 3600);
    assert!((sso.clock_offset() - 7200).abs() < 60);
}

#[test]
fn a_login_that_has_ended_and_a_role_that_is_not_assigned_are_told_apart() {
    let portal = Portal::start();
    let sso = Sso::new(route(&portal.url()), SILENT);
    let unknown = Secret::new("TESTSECRETunknown".into());
    let said = fails(sso.role_keys(&unknown, &admin()), ErrorKind::LoginNeeded);
    assert!(said.contains("UnauthorizedException: Session token not found or invalid"), "{said}");
    let token = sso_cache::parse(&login(&portal, json!({}))).unwrap().access_token;
    let other = Role { name: "Admim".into(), ..admin() };
    let said = fails(sso.role_keys(&token, &other), ErrorKind::Refused);
    for part in ["'Admim'", "'444455556666'", "not assigned", "ForbiddenException: No access"] {
        assert!(said.contains(part), "{said}");
    }
    // Neither is tried again.
    assert_eq!(portal.actions().len(), 2);
}

#[test]
fn a_portal_in_trouble_is_tried_three_times_and_not_for_ever() {
    let portal = Portal::start();
    let told = RefCell::new(Vec::new());
    let waiting = |text: &str| told.borrow_mut().push(text.to_owned());
    let sso = Sso::new(route(&portal.url()), &waiting);
    let token = sso_cache::parse(&login(&portal, json!({}))).unwrap().access_token;
    portal.fault("GetRoleCredentials", "throttle", 2);
    hold_for(&sso.role_keys(&token, &admin()).unwrap(), 3600);
    assert_eq!(portal.actions().len(), 3);
    portal.fault("GetRoleCredentials", "throttle", 3);
    let said = fails(sso.role_keys(&token, &admin()), ErrorKind::Unreachable);
    assert!(said.contains("asked too often") && said.contains("Rate exceeded"), "{said}");
    assert_eq!(portal.actions().len(), 6);
    portal.fault("GetRoleCredentials", "garbage", 1);
    fails(sso.role_keys(&token, &admin()), ErrorKind::Unreachable);
    let slow = json!({ "action": "GetRoleCredentials", "kind": "slow", "seconds": 1, "times": 1 });
    portal.control("fault", slow);
    told.borrow_mut().clear();
    sso.role_keys(&token, &admin()).unwrap();
    let expected = format!("waiting for AWS IAM Identity Center ({})", portal.url());
    assert_eq!(*told.borrow(), [expected]);
    let nobody = Sso::new(route("http://127.0.0.1:1"), SILENT);
    let said = fails(nobody.role_keys(&token, &admin()), ErrorKind::Unreachable);
    assert!(said.contains("cannot be reached"), "{said}");
}

#[test]
fn a_server_behind_tls_is_asked_only_if_its_authority_is_known() {
    let home = tempfile::tempdir().unwrap();
    let bundle = home.path().join("bundle.pem");
    let portal = Portal::start_tls(&bundle);
    let url = text(&portal.ready["tls_url"]);
    let token = sso_cache::parse(&login(&portal, json!({}))).unwrap().access_token;
    let known = Route { ca_bundles: vec![bundle.clone()], ..route(url) };
    hold_for(&Sso::new(known, SILENT).role_keys(&token, &admin()).unwrap(), 3600);
    let unknown = Sso::new(route(url), SILENT);
    let said = fails(unknown.role_keys(&token, &admin()), ErrorKind::Unreachable);
    assert!(said.contains("certificate"), "{said}");

    portal.control("container", json!({ "token": null }));
    let mut settings = container::Settings {
        full_uri: Some(format!("{url}/container/keys")),
        ca_bundles: vec![bundle],
        ..container::Settings::default()
    };
    hold_for(&container::Container::new(settings.clone(), SILENT).keys().unwrap().keys, 3600);
    settings.ca_bundles.clear();
    let said = fails(container::Container::new(settings, SILENT).keys(), ErrorKind::Unreachable);
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(portal.actions(), ["GetRoleCredentials", "Container"]);
}

/// What botocore makes of a home, with the portal for every service.
fn botocore(portal: &Portal, home: &Path) -> Json {
    let script = "import sys; sys.path.insert(0, sys.argv[1])\n\
        from portal_selftest import KEYS, LOGIN\nexec(LOGIN + KEYS)";
    let mut command = Command::new(python());
    command.args(["-c", script]).arg(repository().join("tests/aws"));
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").env("AWS_PROFILE", "p");
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("AWS_EC2_METADATA_DISABLED", "true");
    for service in ["SSO", "SSO_OIDC", "SIGNIN"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), portal.url());
    }
    run(&mut command, None).succeeds().json()
}

#[test]
fn a_refreshed_token_is_written_so_that_botocore_goes_on_with_it() {
    let portal = Portal::start();
    let old = login(&portal, json!({ "session": "corp", "expires_in": 60 }));
    let token = sso_cache::parse(&old).unwrap();
    let state = sso_cache::state(Some(&token), now());
    assert!(matches!(state, sso_cache::TokenState::Refreshable { left: 1..=60 }), "{state:?}");
    let renewal = token.renewal.unwrap();
    let oidc = Oidc::new(route(&portal.url()), SILENT);
    let issued = oidc.refresh(&renewal).unwrap();
    let new = sso_cache::refreshed(&old, &issued, now()).unwrap();
    let state = sso_cache::state(sso_cache::parse(new.expose()).as_ref(), now());
    assert!(matches!(state, sso_cache::TokenState::Valid { left: 3500..=3600 }), "{state:?}");
    // The refresh token was good once.
    let said = fails(oidc.refresh(&renewal), ErrorKind::LoginNeeded);
    assert!(said.contains("invalid_grant: Invalid refresh token provided"), "{said}");

    let home = tempfile::tempdir().unwrap();
    let path = sso_cache::path(home.path(), "corp");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, new.expose()).unwrap();
    let config = "[profile p]\nregion = eu-west-1\nsso_session = corp\nsso_role_name = Admin\n\
        sso_account_id = 444455556666\n[sso-session corp]\nsso_region = us-east-1\n\
        sso_start_url = https://example.awsapps.com/start\n";
    fs::write(home.path().join(".aws/config"), config).unwrap();
    assert_eq!(botocore(&portal, home.path())["method"], "sso");
    assert_eq!(portal.actions(), ["CreateToken", "CreateToken", "GetRoleCredentials"]);
    let bearer = &portal.requests()[2]["headers"]["x-amz-sso_bearer_token"];
    assert_eq!(text(bearer), issued.access_token.expose());
}

#[test]
fn a_refresh_that_cannot_be_says_whether_a_login_would_help() {
    let portal = Portal::start();
    let oidc = Oidc::new(route(&portal.url()), SILENT);
    let ended = login(&portal, json!({ "registration_expires_in": -1 }));
    let ended = sso_cache::parse(&ended).unwrap().renewal.unwrap();
    let said = fails(oidc.refresh(&ended), ErrorKind::LoginNeeded);
    assert!(said.contains("invalid_client: Client is not registered"), "{said}");
    let renewal = sso_cache::parse(&login(&portal, json!({}))).unwrap().renewal.unwrap();
    let status = |status: u16, error: &str| {
        let body = json!({ "error": error, "error_description": "because" });
        let fault = json!({ "action": "CreateToken", "kind": "status", "status": status,
            "body": body, "times": if status == 500 { 3 } else { 1 } });
        portal.control("fault", fault);
        oidc.refresh(&renewal)
    };
    let said = fails(status(400, "invalid_request"), ErrorKind::Refused);
    assert_eq!(said, "invalid_request: because");
    fails(status(400, "expired_token"), ErrorKind::LoginNeeded);
    fails(status(500, "server_error"), ErrorKind::Unreachable);
    assert!(oidc.refresh(&renewal).unwrap().refresh_token.is_some());
}

#[test]
fn a_container_gets_its_keys_with_the_token_as_it_stands_in_the_file() {
    let portal = Portal::start();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    let good = text(&portal.ready["container_token"]);
    fs::write(&file, good).unwrap();
    let settings = container::Settings {
        full_uri: Some("http://127.0.0.1:1/never".into()),
        relative_uri: Some("/container/keys?id=7".into()),
        base: Some(portal.url()),
        token: Some(Secret::new("TESTSECRETwrong".into())),
        token_file: Some(file.clone()),
        ..container::Settings::default()
    };
    let endpoint = container::Container::new(settings.clone(), SILENT);
    portal.control("container", json!({ "account": "444455556666" }));
    portal.fault("Container", "drop", 1);
    let keys = endpoint.keys().unwrap();
    hold_for(&keys.keys, 3600);
    assert_eq!(keys.account.as_deref(), Some("444455556666"));
    let asked = portal.requests().pop().unwrap();
    assert_eq!(asked["headers"]["accept"], "application/json");
    assert_eq!(asked["query"], json!({ "id": "7" }));

    // The file is read again each time.
    fs::write(&file, "TESTSECRETother").unwrap();
    let said = fails(endpoint.keys(), ErrorKind::Refused);
    assert!(said.contains("AccessDenied: the token is wrong"), "{said}");
    let before = portal.actions().len();
    fs::write(&file, format!("{good}\n")).unwrap();
    assert!(fails(endpoint.keys(), ErrorKind::Refused).contains("line break"));
    fs::remove_file(&file).unwrap();
    assert!(fails(endpoint.keys(), ErrorKind::Refused).contains("does not exist"));
    assert_eq!(portal.actions().len(), before, "nothing was sent");

    let token = Some(Secret::new(good.into()));
    let by_value = container::Settings { token, token_file: None, ..settings };
    container::Container::new(by_value, SILENT).keys().unwrap();
}

#[test]
fn a_container_endpoint_in_trouble_is_tried_three_times() {
    let portal = Portal::start();
    let settings = container::Settings {
        full_uri: Some(format!("{}/container/keys", portal.url())),
        ..container::Settings::default()
    };
    portal.control("container", json!({ "token": null }));
    let endpoint = container::Container::new(settings, SILENT);
    let fault = json!({ "action": "Container", "kind": "status", "status": 500,
        "body": { "code": "InternalError", "message": "later" }, "times": 3 });
    portal.control("fault", fault);
    let said = fails(endpoint.keys(), ErrorKind::Unreachable);
    assert!(said.contains("InternalError: later"), "{said}");
    assert_eq!(portal.actions().len(), 3);
    portal.fault("Container", "garbage", 1);
    fails(endpoint.keys(), ErrorKind::Unreachable);
    hold_for(&endpoint.keys().unwrap().keys, 3600);
}

fn at(endpoint: &str) -> instance::Settings {
    instance::Settings { endpoint: Some(endpoint.to_owned()), ..instance::Settings::default() }
}

#[test]
fn an_instance_gets_the_keys_of_its_role_by_version_two_alone() {
    let portal = Portal::start();
    let service = instance::Instance::new(at(&portal.url()), SILENT);
    let keys = service.keys().unwrap();
    hold_for(&keys.keys, 3600);
    assert_eq!(portal.actions(), ["MetadataToken", "Metadata", "Metadata"]);
    assert_eq!(portal.requests()[0]["method"], "PUT");
    assert_eq!(service.region().unwrap().as_str(), "eu-central-1");
    portal.control("instance", json!({ "document": null }));
    service.keys().unwrap();
    fails(service.region(), ErrorKind::Refused);
    portal.control("instance", json!({ "role": null }));
    assert!(fails(service.keys(), ErrorKind::Refused).contains("has no role"));
}

#[test]
fn away_from_an_instance_nothing_waits_long_and_nothing_falls_back() {
    let portal = Portal::start();
    let service = instance::Instance::new(at(&portal.url()), SILENT);
    let refuse =
        json!({ "action": "MetadataToken", "kind": "status", "status": 403, "body": "Forbidden" });
    portal.control("fault", refuse);
    fails(service.keys(), ErrorKind::Refused);
    assert_eq!(portal.actions(), ["MetadataToken"]);
    let portal = Portal::start();
    let service = instance::Instance::new(at(&portal.url()), SILENT);
    portal.fault("MetadataToken", "drop", 9);
    fails(service.keys(), ErrorKind::Unreachable);
    assert_eq!(portal.actions().len(), 2);
    let nobody = instance::Instance::new(at("http://127.0.0.1:1"), SILENT);
    fails(nobody.keys(), ErrorKind::Unreachable);
}

#[test]
fn a_role_name_that_would_leave_its_place_is_not_followed() {
    let portal = Portal::start();
    let service = instance::Instance::new(at(&portal.url()), SILENT);
    for name in ["../../x", "a?b", "a b", ""] {
        let path = "/latest/meta-data/iam/security-credentials/";
        let fault = json!({ "action": "Metadata", "kind": "status", "status": 200, "body": name,
            "path": path, "times": 1 });
        portal.control("fault", fault);
        fails(service.keys(), ErrorKind::Unreachable);
    }
    assert!(portal.requests().iter().all(|r| !text(&r["path"]).ends_with('x')));
}

#[test]
fn a_token_of_another_issuer_gets_the_keys_of_a_role() {
    let wanted = Wanted {
        role_arn: "arn:aws:iam::444455556666:role/Admin".into(),
        session_name: "leapp-test".into(),
        duration: Some(900),
    };
    let sts = WebIdentity::new(route(&aws().url()), SILENT);
    let token = Secret::new("TESTSECRET.web.identity".into());
    let keys = sts.role_keys(&token, &wanted).unwrap();
    assert!(keys.key_id.starts_with("ASIA"), "{keys:?}");
    assert!(sts.clock_offset().abs() < 60);
    // The control of the emulator concerns a user, and this request has none: one server of our own.
    let portal = Portal::start();
    let refuse = |code: &str, message: &str, times: u32| {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender\
             </Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        let fault = json!({ "action": "POST /", "kind": "status", "status": 400, "body": body,
            "times": times });
        portal.control("fault", fault);
        WebIdentity::new(route(&portal.url()), SILENT).role_keys(&token, &wanted)
    };
    let said = fails(refuse("InvalidIdentityToken", "no such issuer", 1), ErrorKind::Refused);
    assert_eq!(said, "InvalidIdentityToken: no such issuer");
    fails(refuse("IDPCommunicationError", "the issuer is slow", 3), ErrorKind::Unreachable);
    assert_eq!(portal.actions().len(), 4);
    let headers = &portal.requests()[0]["headers"];
    assert!(headers.get("authorization").is_none(), "{headers}");
}

#[test]
fn a_refreshed_login_is_written_so_that_botocore_goes_on_with_it() {
    let portal = Portal::start();
    let made = portal.control("login", json!({ "expires_in": 60 }));
    let (old, arn) = (text(&made["text"]), text(&made["arn"]));
    let session = login_cache::parse(old).unwrap();
    let state = login_cache::state(Some(&session), now());
    assert!(matches!(state, login_cache::LoginState::Refreshable { left: 1..=60 }), "{state:?}");
    let renewal = session.renewal.unwrap();
    let sign_in = SignIn::new(route(&portal.url()), 0, SILENT);
    let issued = sign_in.refresh(&renewal).unwrap();
    let new = login_cache::refreshed(old, &issued, now()).unwrap();
    let session = login_cache::parse(new.expose()).unwrap();
    assert_eq!(
        (&session.key_id, session.account.as_deref()),
        (&issued.key_id, Some("111122223333"))
    );
    let said = fails(sign_in.refresh(&renewal), ErrorKind::LoginNeeded);
    assert!(said.contains("TOKEN_EXPIRED: The refresh token has expired"), "{said}");

    let home = tempfile::tempdir().unwrap();
    let directory = login_cache::default_directory(home.path());
    let path = login_cache::path(&directory, arn);
    assert_eq!(path.file_name().unwrap().to_str(), made["name"].as_str());
    fs::create_dir_all(&directory).unwrap();
    fs::write(&path, new.expose()).unwrap();
    let config = format!("[profile p]\nregion = eu-west-1\nlogin_session = {arn}\n");
    fs::write(home.path().join(".aws/config"), config).unwrap();
    let seen = botocore(&portal, home.path());
    assert_eq!((text(&seen["method"]), text(&seen["id"])), ("login", issued.key_id.as_str()));
    assert_eq!(portal.actions(), ["SignIn", "SignIn"], "botocore needed no refresh");

    // The next one in turn: what botocore writes after its own refresh is read here.
    let soon = new.expose().replace(&session.expires_at.rfc3339(), &now().plus(60).rfc3339());
    fs::write(&path, soon).unwrap();
    let seen = botocore(&portal, home.path());
    let session = login_cache::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(text(&seen["id"]), session.key_id);
    sign_in.refresh(&session.renewal.unwrap()).unwrap();
}

#[test]
fn a_login_is_refreshed_although_the_clocks_differ() {
    let portal = Portal::start();
    portal.control("clock", json!({ "offset": -7200 }));
    let made = portal.control("login", json!({ "expires_in": 60 }));
    let renewal = login_cache::parse(text(&made["text"])).unwrap().renewal.unwrap();
    let sign_in = SignIn::new(route(&portal.url()), 0, SILENT);
    sign_in.refresh(&renewal).unwrap();
    assert_eq!(portal.actions().len(), 2);
    assert!((sign_in.clock_offset() + 7200).abs() < 60);
    let mut other = renewal.clone();
    other.key = Secret::new("TESTSECRET is no key".into());
    let said = fails(sign_in.refresh(&other), ErrorKind::LoginNeeded);
    assert!(said.contains("no private key"), "{said}");
    // The other form in which a key may be written.
    let made = portal.control("login", json!({ "pkcs8": true }));
    assert!(text(&made["text"]).contains("BEGIN PRIVATE KEY"));
    let pkcs8 = login_cache::parse(text(&made["text"])).unwrap().renewal.unwrap();
    sign_in.refresh(&pkcs8).unwrap();
    // A key that the login is not bound to.
    let made = portal.control("login", json!({}));
    let bound = login_cache::parse(text(&made["text"])).unwrap().renewal.unwrap();
    other = sign_in::Renewal { key: renewal.key, ..bound };
    let said = fails(sign_in.refresh(&other), ErrorKind::Refused);
    assert!(said.contains("not the key of the login"), "{said}");
}
