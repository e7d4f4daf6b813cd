//! A refresh of what the AWS CLI keeps: nothing is spent, lost, undone or mixed up.

use std::{fs, thread, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    logins::{Company, SSO},
    portal::Portal,
    sources::given,
    support::{Outcome, chmod},
};

const LOGIN: &str = "[profile p]\nlogin_session = arn:aws:iam::111122223333:user/work\n";

fn env(company: &Company) -> Outcome {
    company.own.leapp(["env", "p", "--show", "--shell", "bash"])
}

fn count(company: &Company, action: &str) -> usize {
    company.portal.actions().iter().filter(|seen| *seen == action).count()
}

fn slowly(company: &Company, action: &str) {
    let fault = json!({ "action": action, "kind": "slow", "seconds": 1.2, "times": 1 });
    company.portal.control("fault", fault);
}

fn refused(company: &Company, action: &str) {
    let body = json!({ "error": "invalid_grant", "error_description": "no" });
    let fault = json!({ "action": action, "kind": "status", "status": 400, "body": body });
    company.portal.control("fault", fault);
}

#[test]
fn what_cannot_be_kept_is_not_spent() {
    let company = Company::new(SSO);
    let file = company.login(json!({ "session": "corp", "expires_in": 200 }));
    chmod(&file, 0o400);
    env(&company)
        .succeeds()
        .says("could not be refreshed")
        .says("cannot write '")
        .says("then: aws");
    assert_eq!(company.portal.actions(), ["GetRoleCredentials"]);
    company.own.leapp(["stop", "p"]).succeeds();
    let file = company.login(json!({ "session": "corp", "expires_in": -60 }));
    chmod(&file, 0o400);
    env(&company).fails(3).says("cannot be refreshed: cannot write '").says("aws sso login");
    assert_eq!(company.portal.actions(), ["GetRoleCredentials"]);
    chmod(&file, 0o600);
    env(&company).succeeds();
    let login = Company::new(LOGIN);
    let file = login.cached("login", ".aws/login/cache", json!({ "expires_in": 200 }));
    chmod(&file, 0o400);
    env(&login).succeeds().says("could not be refreshed");
    assert!(login.portal.actions().is_empty());
}

#[test]
fn a_logout_during_a_refresh_is_not_undone() {
    for left in [-60, 200] {
        let company = Company::new(SSO);
        let file = company.login(json!({ "session": "corp", "expires_in": left }));
        slowly(&company, "CreateToken");
        thread::scope(|scope| {
            let said = scope.spawn(|| env(&company));
            thread::sleep(Duration::from_millis(600));
            fs::remove_file(&file).unwrap();
            said.join().unwrap().fails(3).says("is not there");
        });
        assert!(!file.exists());
        assert_eq!(company.portal.actions(), ["CreateToken"]);
    }
}

#[test]
fn a_login_during_a_refresh_stays_and_serves() {
    for refuses in [false, true] {
        let company = Company::new(SSO);
        let file = company.login(json!({ "session": "corp", "expires_in": -60 }));
        slowly(&company, "CreateToken");
        thread::scope(|scope| {
            let said = scope.spawn(|| env(&company));
            thread::sleep(Duration::from_millis(600));
            if refuses {
                // What was spent is gone, and so is all that the refresh would have given.
                company.portal.control("revoke", json!({}));
            }
            let new = company.portal.control("sso_login", json!({ "session": "corp" }));
            let new = new["text"].as_str().unwrap();
            fs::write(&file, new).unwrap();
            said.join().unwrap().succeeds();
            assert_eq!(fs::read_to_string(&file).unwrap(), new);
        });
        let token: Json = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let asked = company.portal.requests();
        let asked = asked.iter().find(|seen| seen["action"] == "GetRoleCredentials").unwrap();
        let bearer = &asked["headers"]["x-amz-sso_bearer_token"];
        assert_eq!(bearer, &token["accessToken"]);
    }
}

#[test]
fn one_token_is_refreshed_once_by_whatever_surroundings_and_name() {
    let company = Company::new(SSO);
    let file = company.login(json!({ "session": "corp", "expires_in": -60 }));
    let target = company.own.world.home.path().join("elsewhere.json");
    fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    // Another home, whose link goes to the same file.
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".aws/sso/cache");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&target, folder.join(file.file_name().unwrap())).unwrap();
    fs::copy(company.own.world.home.path().join(".aws/config"), home.path().join(".aws/config"))
        .unwrap();
    slowly(&company, "CreateToken");
    thread::scope(|scope| {
        for number in 0..3 {
            let (world, home) = (&company.own.world, home.path());
            scope.spawn(move || {
                let mut command = world.command(["exec", "p", "--", "true"]);
                let run = tempfile::tempdir().unwrap();
                command.env("XDG_RUNTIME_DIR", run.path()).env("LEAPP_HOME", run.path().join("l"));
                if number == 2 {
                    command.env("HOME", home);
                }
                world.run(command, None).succeeds();
            });
        }
    });
    assert_eq!(count(&company, "CreateToken"), 1);
    assert_eq!(count(&company, "GetRoleCredentials"), 3);
}

#[test]
fn a_refused_refresh_does_not_end_what_holds_for_a_while() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp", "expires_in": 200 }));
    refused(&company, "CreateToken");
    env(&company)
        .succeeds()
        .says("the sign-in token of sso-session 'corp' serves for 3m")
        .says("then: aws sso login --sso-session corp");
    assert_eq!(company.portal.actions(), ["CreateToken", "GetRoleCredentials"]);
    let login = Company::new(LOGIN);
    login.cached("login", ".aws/login/cache", json!({ "expires_in": 200 }));
    refused(&login, "SignIn");
    env(&login).succeeds().says("then: aws login --profile p");
}

#[test]
fn another_address_or_cache_is_another_question() {
    let mut company = Company::new(SSO);
    company.login(json!({ "session": "corp" }));
    given(&company.own, "p");
    let other = Portal::start();
    let login = other.control("sso_login", json!({ "session": "corp" }));
    let file = company.own.world.home.path().join(".aws/sso/cache");
    fs::write(file.join(login["name"].as_str().unwrap()), login["text"].as_str().unwrap()).unwrap();
    company.own.world.set("AWS_ENDPOINT_URL_SSO", other.url());
    given(&company.own, "p");
    assert_eq!(other.actions(), ["GetRoleCredentials"]);

    let mut company = Company::new(LOGIN);
    company.cached("login", ".aws/login/cache", json!({}));
    let first = given(&company.own, "p")["AWS_ACCESS_KEY_ID"].clone();
    company.cached("login", "other", json!({}));
    let other = company.own.world.home.path().join("other");
    company.own.world.set("AWS_LOGIN_CACHE_DIRECTORY", &other);
    assert_ne!(given(&company.own, "p")["AWS_ACCESS_KEY_ID"], first);
    // And one who has none there gets none.
    company.own.world.set("AWS_LOGIN_CACHE_DIRECTORY", other.join("none"));
    env(&company).fails(3).says("has ended");
}

#[test]
fn the_address_of_sts_is_not_that_of_identity_center() {
    let mut company = Company::new(SSO);
    company.login(json!({ "session": "corp", "expires_in": -60 }));
    let sts = Portal::start();
    let world = &mut company.own.world;
    world.unset("AWS_ENDPOINT_URL_SSO").unset("AWS_ENDPOINT_URL_SSO_OIDC");
    world.set("AWS_ENDPOINT_URL_STS", sts.url()).set("AWS_ENDPOINT_URL", company.portal.url());
    given(&company.own, "p");
    assert_eq!(company.portal.actions(), ["CreateToken", "GetRoleCredentials"]);
    assert!(sts.actions().is_empty());
    // One that may not be asked is passed over, and that is said.
    company.own.world.set("AWS_ENDPOINT_URL_SSO", "https://portal.invalid");
    company.own.leapp(["stop", "p"]).succeeds();
    env(&company).succeeds().says("AWS_ENDPOINT_URL_SSO is ignored for leapp's own requests");
}
