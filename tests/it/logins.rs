//! Profiles of IAM Identity Center and of `aws login`, with what a login of the AWS CLI left in its caches.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::{Value as Json, json};

use crate::{
    portal::Portal,
    profiles::Profiles,
    sources::{given, role},
    support::{CANARY, chmod, python},
};

pub(crate) const SSO: &str = "[profile p]\nsso_session = corp\nsso_account_id = ROLES\nsso_role_name = Admin\n\
    [profile other]\nsso_session = corp\nsso_account_id = ROLES\nsso_role_name = ReadOnly\n\
    [profile forbidden]\nsso_session = corp\nsso_account_id = ROLES\nsso_role_name = Root\n\
    [sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n";
const LEGACY: &str = "[profile p]\nsso_start_url = https://example.awsapps.com/start\n\
    sso_region = us-east-1\nsso_account_id = ROLES\nsso_role_name = Admin\n";

/// A home beside a portal.
pub(crate) struct Company {
    pub(crate) own: Profiles,
    pub(crate) portal: Portal,
}

impl Company {
    pub(crate) fn new(config: &str) -> Self {
        let mut own = Profiles::new();
        let portal = Portal::start();
        for name in ["SSO", "SSO_OIDC", "SIGNIN"] {
            own.world.set(&format!("AWS_ENDPOINT_URL_{name}"), portal.url());
        }
        own.config(config);
        Self { own, portal }
    }

    /// A login of the AWS CLI: its cache file.
    pub(crate) fn login(&self, how: Json) -> PathBuf {
        self.cached("sso_login", ".aws/sso/cache", how)
    }

    pub(crate) fn cached(&self, control: &str, folder: &str, how: Json) -> PathBuf {
        let made = self.portal.control(control, how);
        let folder = self.own.world.home.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(made["name"].as_str().unwrap());
        fs::write(&path, made["text"].as_str().unwrap()).unwrap();
        chmod(&path, 0o600);
        path
    }

    /// Which credentials boto3 gets for a profile: their method.
    fn boto3(&self, profile: &str) -> String {
        let mut python = self.own.world.foreign(python());
        python.args(["-c", "import boto3,sys; c=boto3.Session(profile_name=sys.argv[1]).get_credentials(); c.get_frozen_credentials(); print(c.method)", profile]);
        python.env("AWS_REGION", "eu-west-1");
        self.own.world.run(python, None).succeeds().text().trim().to_owned()
    }
}

#[test]
fn a_token_that_holds_gives_the_role_in_one_request() {
    for (config, how) in
        [(SSO, json!({ "session": "corp" })), (LEGACY, json!({ "refresh": false }))]
    {
        let company = Company::new(config);
        company.login(how);
        let set = given(&company.own, "p");
        assert_eq!(set["AWS_ACCOUNT_ID"], "444455556666");
        given(&company.own, "p");
        assert_eq!(company.portal.actions(), ["GetRoleCredentials"]);
        let asked = &company.portal.requests()[0]["query"];
        assert_eq!(asked, &json!({ "account_id": "444455556666", "role_name": "Admin" }));
        let list = company.own.leapp(["list", "--json"]).json();
        let row = list.as_array().unwrap().iter().find(|row| row["name"] == "p").unwrap().clone();
        assert_eq!((&row["account"], &row["role"]), (&json!("444455556666"), &json!("Admin")));
        assert_eq!(row["status"], "active");
    }
}

#[test]
fn without_a_token_the_command_that_helps_is_named() {
    let company = Company::new(SSO);
    let fails = |company: &Company, what: &str, hint: &str| {
        let env = company.own.leapp(["env", "p", "--shell", "bash"]);
        env.fails(3).says(what).says(&format!("hint: {hint}\n"));
    };
    let login = "aws sso login --sso-session corp";
    fails(&company, "the sign-in token of sso-session 'corp' is not there", login);
    let list = company.own.leapp(["list"]);
    list.succeeds().prints_part("needs login");
    company.login(json!({ "session": "corp", "expires_in": -60, "refresh": false }));
    fails(&company, "the sign-in token of sso-session 'corp' has ended", login);
    // Its registration has ended, so it cannot be refreshed.
    company.login(json!({ "session": "corp", "expires_in": -60, "registration_expires_in": -1 }));
    fails(&company, "has ended", login);
    let file = company.login(json!({ "session": "corp" }));
    fs::write(&file, "no JSON").unwrap();
    fails(&company, "is not there", login);
    assert!(company.portal.actions().is_empty(), "nobody is asked in vain");
    let legacy = Company::new(LEGACY);
    fails(&legacy, "the sign-in token of profile 'p' is not there", "aws sso login --profile p");
    legacy.login(json!({ "refresh": false, "expires_in": -5 }));
    fails(&legacy, "the sign-in token of profile 'p' has ended", "aws sso login --profile p");
    // Names of more words are quoted.
    let odd = Company::new(
        &SSO.replace("corp", "my corp")
            .replace("[sso-session my corp]", "[sso-session \"my corp\"]"),
    );
    fails(&odd, "'my corp' is not there", "aws sso login --sso-session 'my corp'");
}

#[test]
fn a_token_that_was_revoked_needs_a_login() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp" }));
    company.portal.control("revoke", json!({}));
    company
        .own
        .leapp(["env", "p", "--shell", "bash"])
        .fails(3)
        .says("is not accepted any more")
        .says("aws sso login --sso-session corp");
}

#[test]
fn a_role_that_is_not_assigned_is_refused_and_no_other_is_given() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp" }));
    company
        .own
        .leapp(["env", "forbidden", "--shell", "bash"])
        .fails(4)
        .says("cannot assume role 'Root'")
        .says("No access");
    company.own.leapp(["exec", "forbidden", "--", "true"]).fails(4).prints("");
    given(&company.own, "other");
}

#[test]
fn an_old_token_is_refreshed_once_and_left_to_every_sdk() {
    let company = Company::new(SSO);
    let file = company.login(json!({ "session": "corp", "expires_in": -60 }));
    let old = fs::read_to_string(&file).unwrap();
    std::thread::scope(|scope| {
        for name in ["p", "other", "p", "other"] {
            let own = &company.own;
            scope.spawn(move || own.leapp(["exec", name, "--", "true"]).succeeds().code());
        }
    });
    let actions = company.portal.actions();
    assert_eq!(actions.iter().filter(|action| *action == "CreateToken").count(), 1, "{actions:?}");
    assert_eq!(actions.len(), 3, "{actions:?}");
    let new: Json = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let old: Json = serde_json::from_str(&old).unwrap();
    assert_ne!(old["accessToken"], new["accessToken"]);
    assert_ne!(old["refreshToken"], new["refreshToken"], "a refresh token serves once");
    for same in ["clientId", "clientSecret", "startUrl", "region", "registrationExpiresAt"] {
        assert_eq!(old[same], new[same], "{same}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // boto3 goes on with it: no second refresh.
    assert_eq!(company.boto3("other"), "sso");
    let actions = company.portal.actions();
    assert_eq!(actions.iter().filter(|action| *action == "CreateToken").count(), 1, "{actions:?}");
}

#[test]
fn a_link_to_the_cache_stays_one() {
    let company = Company::new(SSO);
    let file = company.login(json!({ "session": "corp", "expires_in": -60 }));
    let target = company.own.world.home.path().join("elsewhere.json");
    fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    given(&company.own, "p");
    assert!(file.is_symlink());
    assert_eq!(company.boto3("p"), "sso");
}

#[test]
fn a_service_that_is_away_does_not_end_a_token_that_holds_for_a_while() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp", "expires_in": 200 }));
    company.portal.fault("CreateToken", "drop", 9);
    given(&company.own, "p");
    let ended = Company::new(SSO);
    ended.login(json!({ "session": "corp", "expires_in": -5 }));
    ended.portal.fault("CreateToken", "drop", 9);
    ended.own.leapp(["env", "p", "--shell", "bash"]).fails(6);
    // A refresh token that does not serve any more.
    let gone = Company::new(SSO);
    gone.login(json!({ "session": "corp", "expires_in": -5 }));
    gone.portal.control("revoke", json!({}));
    gone.own
        .leapp(["env", "p", "--shell", "bash"])
        .fails(3)
        .says("cannot be refreshed any more")
        .says("aws sso login --sso-session corp");
}

#[test]
fn a_role_behind_identity_center_lasts_an_hour_at_most() {
    let company = Company::new(&format!(
        "{SSO}{}",
        role("behind", "Admin", "source_profile = p\nduration_seconds = 7200")
    ));
    company.login(json!({ "session": "corp" }));
    // The emulator does not know the portal's keys.
    company
        .own
        .leapp(["env", "behind", "--shell", "bash"])
        .fails(4)
        .says("'behind' lasts 1h, not 2h");
    assert_eq!(company.portal.actions(), ["GetRoleCredentials"]);
    company
        .own
        .leapp(["env", "other", "-d", "1h", "--show", "--shell", "bash"])
        .succeeds()
        .says("--duration does not count for 'other'");
}

#[test]
fn an_endpoint_of_identity_center_that_is_not_safe_is_not_asked() {
    let company = Company::new(
        &SSO.replace("[profile p]\n", "[profile p]\nendpoint_url = http://example.com\n"),
    );
    let mut own = company.own;
    own.world.unset("AWS_ENDPOINT_URL").unset("AWS_ENDPOINT_URL_SSO");
    let company = Company { own, portal: company.portal };
    company.login(json!({ "session": "corp" }));
    company
        .own
        .leapp(["env", "p", "--shell", "bash"])
        .fails(5)
        .says("'http://example.com' is neither https nor a loopback address");
}

#[test]
fn a_console_login_gives_its_keys_and_is_refreshed_once() {
    let company =
        Company::new("[profile p]\nlogin_session = arn:aws:iam::111122223333:user/work\n");
    let fails = |what: &str| {
        let env = company.own.leapp(["env", "p", "--shell", "bash"]);
        env.fails(3).says(what).says("hint: aws login --profile p\n");
    };
    fails("the console login of profile 'p' has ended");
    company.own.leapp(["list"]).succeeds().prints_part("needs login");
    let cached = |how: Json| company.cached("login", ".aws/login/cache", how);
    let file = cached(json!({}));
    let key = |file: &PathBuf| {
        let text: Json = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        text["accessToken"]["accessKeyId"].as_str().unwrap().to_owned()
    };
    assert_eq!(given(&company.own, "p")["AWS_ACCESS_KEY_ID"], key(&file).as_str());
    assert!(company.portal.actions().is_empty());
    // Near its end it is refreshed, whoever comes, once.
    let file = cached(json!({ "expires_in": 30, "pkcs8": true, "region": "eu-west-1" }));
    company.own.leapp(["stop", "p"]).succeeds();
    let old = key(&file);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| company.own.leapp(["exec", "p", "--", "true"]).succeeds().code());
        }
    });
    assert_eq!(company.portal.actions(), ["SignIn"]);
    assert_ne!(old, key(&file));
    assert_eq!(given(&company.own, "p")["AWS_ACCESS_KEY_ID"], key(&file).as_str());
    // And where that is refused, a person is needed.
    cached(json!({ "expires_in": 30 }));
    company.own.leapp(["stop", "p"]).succeeds();
    company.portal.control("revoke", json!({}));
    fails("the console login of profile 'p' has ended");
    // Away for a moment, what is left serves.
    cached(json!({ "expires_in": 200 }));
    company.portal.fault("SignIn", "drop", 9);
    given(&company.own, "p");
}

#[test]
fn the_caches_of_logins_let_nothing_out() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp", "expires_in": -60 }));
    for words in
        [vec!["list", "--json"], vec!["list"], vec!["status", "p", "--json"], vec!["doctor"]]
    {
        let said = company.own.world.leapp(&words);
        said.keeps_secrets();
        assert!(!said.text().contains(CANARY), "{said}");
    }
}

#[test]
fn without_a_home_no_cache_of_the_current_directory_counts() {
    let company = Company::new(SSO);
    company.login(json!({ "session": "corp" }));
    let mut own = company.own;
    let config = own.world.home.path().join(".aws/config");
    let home = own.world.leapp_home();
    own.world.set("AWS_CONFIG_FILE", config.as_os_str()).set("LEAPP_HOME", home.as_os_str());
    own.world.unset("HOME");
    own.leapp(["env", "p", "--shell", "bash"]).fails(3).says("is not there");
    assert!(company.portal.actions().is_empty());
}
