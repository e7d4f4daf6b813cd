//! Profiles of the shared files, with nothing of ours set up: what is listed, and what they give.

use std::fs;

use crate::support::{Outcome, ROLES, World, chmod};

/// A home without a workspace, and a user of its own in the emulator: its key id and its secret.
pub(crate) struct Profiles {
    pub(crate) world: World,
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) device: String,
}

impl Profiles {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let (key_id, secret, device) = world.keys();
        Self { world, key_id, secret, device }
    }

    /// Writes `~/.aws/config`; KEY, SECRET, DEVICE and ROLES stand for the user's own.
    pub(crate) fn config(&self, text: &str) -> &Self {
        self.write("config", text)
    }

    pub(crate) fn credentials(&self, text: &str) -> &Self {
        self.write("credentials", text)
    }

    /// Writes a file beside one of the two, from which it can be moved into its place.
    pub(crate) fn aside(&self, name: &str, text: &str) -> &Self {
        self.write(&format!("{name}.new"), text)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let directory = self.world.home.path().join(".aws");
        fs::create_dir_all(&directory).unwrap();
        let text = text
            .replace("= KEY", &format!("= {}", self.key_id))
            .replace("=KEY", &format!("={}", self.key_id))
            .replace("= SECRET", &format!("= {}", self.secret))
            .replace("=SECRET", &format!("={}", self.secret))
            .replace("= DEVICE", &format!("= {}", self.device))
            .replace("=DEVICE", &format!("={}", self.device))
            .replace("ROLES", ROLES);
        fs::write(directory.join(name), text).unwrap();
        chmod(&directory.join(name), 0o600);
        self
    }

    pub(crate) fn leapp<const N: usize>(&self, words: [&str; N]) -> Outcome {
        self.world.leapp(words)
    }

    /// Who a profile's credentials are, by `exec` and the AWS CLI's like: a boto3 of its own.
    pub(crate) fn caller(&self, name: &str) -> String {
        let check = self.leapp(["status", name, "--check", "--json"]);
        check.succeeds().json()["principal"].as_str().unwrap_or_default().to_owned()
    }
}

const BASE: &str = "[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";

#[test]
fn profiles_alone_are_enough_to_begin() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(
        "[profile admin]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = base\n\
         region = eu-west-1\n[profile lost]\nrole_arn = arn:aws:iam::ROLES:role/Admin\n\
         source_profile = nobody\n",
    );
    let list = own.leapp(["list"]);
    list.succeeds()
        .prints_part("admin")
        .prints_part("base k")
        .prints_part("Profile 'lost' references source profile 'nobody' which does not exist");
    assert!(own.world.requests().is_empty(), "listing asks nobody");
    assert!(!own.world.leapp_home().exists(), "and creates nothing");
    own.leapp(["exec", "admin", "--", "printenv", "AWS_REGION"]).succeeds().prints("eu-west-1\n");
    assert_eq!(own.world.actions(), ["AssumeRole"], "one request a hop");
    assert!(own.caller("admin").contains("assumed-role/Admin/"));
    let lost = own.leapp(["env", "lost", "--shell", "bash"]);
    lost.fails(5).says("references source profile 'nobody'").says("config:5");
}

#[test]
fn long_term_keys_become_a_session_of_theirs() {
    let own = Profiles::new();
    own.credentials(BASE);
    let printed = own.leapp(["env", "base", "--show", "--shell", "bash"]).succeeds().text();
    assert!(!printed.contains(&own.key_id), "the key itself does not pass through");
    assert!(printed.contains("AWS_SESSION_TOKEN"));
    assert_eq!(own.world.actions(), ["GetSessionToken"]);
}

const DEFAULT: &str = "[default]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";

/// The names of what the list marks as a long-term key in a file.
fn marked(own: &Profiles) -> Vec<String> {
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let rows = list.as_array().unwrap().iter().filter(|row| row["longTermKeysInFile"] == true);
    rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_default_is_no_guess_where_something_else_is_said() {
    let mut own = Profiles::new();
    own.credentials(DEFAULT);
    own.config("[profile other]\ncredential_process = true\n");
    own.leapp(["exec", "--", "true"]).succeeds().says("'profile:default' is taken");
    own.world.set("AWS_PROFILE", "other");
    let refused = own.leapp(["exec", "--", "true"]);
    refused.fails(5).says("AWS_PROFILE=other").says("profile:other");
    own.world.set("AWS_PROFILE", "default");
    own.leapp(["exec", "--", "true"]).succeeds();
    own.world.unset("AWS_PROFILE");
    let shop = own.world.home.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let file = shop.join(".leapp.toml");
    for (text, code, word) in
        [("session = \"profile:other\"\n", 3, "not trusted"), ("session = \n", 1, ".leapp.toml")]
    {
        fs::write(&file, text).unwrap();
        chmod(&file, 0o644);
        let mut command = own.world.command(["exec", "--", "true"]);
        command.current_dir(&shop);
        let outcome = own.world.run(command, None);
        if code == 3 {
            outcome.fails(3).says(word).says("leapp trust");
        } else {
            assert_ne!(outcome.code(), 0, "{outcome}");
        }
    }
}

#[test]
fn the_account_beside_a_role_is_that_of_its_keys() {
    let own = Profiles::new();
    own.config(
        "[profile self]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = self\n\
         aws_access_key_id = KEY\naws_secret_access_key = SECRET\naws_account_id = 111122223333\n",
    );
    let row = own.leapp(["list", "--json"]).succeeds().json()[0].clone();
    assert_eq!(row["account"], ROLES, "{row}");
    let printed = own.leapp(["exec", "self", "--", "printenv", "AWS_ACCOUNT_ID"]);
    printed.succeeds().prints(&format!("{ROLES}\n"));
    assert_eq!(marked(&own), ["self"], "its keys lie there all the same");
}

#[test]
fn long_term_keys_are_marked_wherever_they_lie() {
    let own = Profiles::new();
    own.credentials(BASE);
    own.config(
        "[profile left]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n\
         credential_process = true\n\
         [profile temporary]\naws_access_key_id = ASIAQNZGKIQY56JQ7WML\n\
         aws_secret_access_key = SECRET\naws_session_token = TESTSECRETx\n\
         [profile admin]\nrole_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = base\n",
    );
    assert_eq!(marked(&own), ["base", "left"]);
}

/// What a program gave in one set of surroundings is not handed out in another.
#[test]
fn a_program_is_asked_again_where_it_is_told_something_else() {
    let mut own = Profiles::new();
    let print = r#"'{"Version":1,"AccessKeyId":"ASIA%s","SecretAccessKey":"TESTSECRETx","SessionToken":"TESTSECRETy"}' "$TEAM$AWS_TEAM""#;
    own.config(&format!("[profile p]\ncredential_process = printf {print}\n"));
    let key = |own: &Profiles| {
        own.leapp(["exec", "p", "--", "printenv", "AWS_ACCESS_KEY_ID"]).succeeds().text()
    };
    own.world.set("TEAM", "A");
    assert_eq!(key(&own), "ASIAA\n");
    own.world.set("TEAM", "B");
    assert_eq!(key(&own), "ASIAB\n", "a variable that the command names");
    own.world.set("AWS_TEAM", "C");
    assert_eq!(key(&own), "ASIABC\n", "a variable of AWS's");
    own.world.unset("AWS_TEAM").set("WINDOW", "7");
    assert_eq!(key(&own), "ASIAB\n");
    let list = own.leapp(["list", "--json"]).succeeds().json();
    let fields = &list[0]["fields"];
    assert_eq!(fields["process"]["program"], "printf");
    assert!(fields.get("sections").is_none() && fields["process"].get("command").is_none());
}

/// Variables before the command are no program, and may be secrets.
#[test]
fn a_password_before_the_command_is_not_its_name() {
    let own = Profiles::new();
    own.config("[profile p]\ncredential_process = PASSWORD=TESTSECRETx env A=TESTSECRETy false\n");
    own.leapp(["exec", "p", "true"]).fails(1).says("credential_process (false)");
    let list = own.leapp(["list", "--json"]);
    assert!(!list.succeeds().text().contains("TESTSECRET"), "{list}");
}

#[test]
fn what_stands_upon_nothing_is_incomplete_and_says_why() {
    let own = Profiles::new();
    own.config(
        "[profile there]\nrole_arn = arn:aws:iam::ROLES:role/Admin\n\
         credential_source = EcsContainer\n",
    );
    let list = own.leapp(["list"]);
    list.succeeds().prints_part("incomplete:\n  there  ").prints_part("AWS_CONTAINER_CREDENTIALS");
    let row = own.leapp(["list", "--json"]).succeeds().json()[0].clone();
    assert_eq!(row["status"], "incomplete");
    assert!(row["reason"].as_str().unwrap().contains("AWS_CONTAINER_CREDENTIALS"), "{row}");
}
