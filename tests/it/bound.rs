//! Profiles that stand for a session: the files as they are afterwards, and what boto3 and the AWS CLI
//! get from them.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value as Json;

use crate::{
    profiles::Profiles,
    support::{Outcome, ROLES, World, aws, chmod, program, python},
};

/// Debian's AWS CLI v2.
const AWS: &str = "/usr/bin/aws";

const BOTO: &str = r#"
import boto3, json
session = boto3.Session()
who = session.client("sts").get_caller_identity()
print(json.dumps({
    "arn": who["Arn"], "region": session.region_name,
    "method": session.get_credentials().method,
}))
"#;

/// A program that knows nothing of leapp, with a profile, and without `PATH`, as an IDE starts it.
fn client(world: &World, program: impl AsRef<std::ffi::OsStr>, profile: &str) -> Command {
    let mut command = world.foreign(program);
    command.env("AWS_PROFILE", profile).env("PATH", "/nowhere").env_remove("LEAPP_HOME");
    command
}

fn boto(world: &World, profile: &str) -> Outcome {
    let mut command = client(world, python(), profile);
    command.args(["-I", "-c", BOTO]);
    world.run(command, None)
}

fn cli(world: &World, profile: &str) -> Outcome {
    let mut command = client(world, AWS, profile);
    let url = aws().url();
    command.args(["--endpoint-url", &url, "--no-cli-pager", "--output", "json"]);
    command.args(["sts", "get-caller-identity"]);
    world.run(command, None)
}

/// Both clients are that role, or user.
fn both_are(world: &World, profile: &str, arn: &str) {
    let seen = boto(world, profile);
    let seen = seen.succeeds().json();
    assert!(seen["arn"].as_str().unwrap().contains(arn), "{seen}");
    let who = cli(world, profile).succeeds().json();
    assert!(who["Arn"].as_str().unwrap().contains(arn), "{who}");
}

fn config(world: &World) -> PathBuf {
    world.home.path().join(".aws/config")
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn id(world: &World, name: &str) -> String {
    world.leapp(["session", "show", name, "--json"]).json()["id"].as_str().unwrap().to_owned()
}

/// The line that a binding to `name` writes.
fn line(world: &World, name: &str) -> String {
    let (program, id) = (program().display(), id(world, name));
    format!("credential_process = {program} credential-process session:{id}\n")
}

#[test]
fn boto3_and_the_aws_cli_get_a_bound_session() {
    let world = World::with_role("prod", "Admin");
    let bound = world.leapp(["profile", "bind", "prod", "dev"]);
    bound.succeeds().prints("").says("profile 'dev' is bound to 'prod'");
    let expected = format!("[profile dev]\n{}region = eu-west-1\n", line(&world, "prod"));
    assert_eq!(fs::read_to_string(config(&world)).unwrap(), expected);
    assert_eq!(fs::metadata(config(&world)).unwrap().mode() & 0o7777, 0o600);
    both_are(&world, "dev", "assumed-role/Admin/");
    let seen = boto(&world, "dev").json();
    assert_eq!((&seen["region"], &seen["method"]), (&"eu-west-1".into(), &"custom-process".into()));
    // The profile is the session.
    let env = world.leapp(["env", "dev", "--format", "json"]).json();
    assert_eq!(env["set"]["LEAPP_SESSION"], "prod", "{env}");
    let actions: Vec<_> =
        world.actions().into_iter().filter(|a| a != "GetCallerIdentity").collect();
    assert_eq!(actions, ["GetSessionToken", "AssumeRole"], "one request a hop for all");
    // Once more changes nothing.
    let stamp = fs::metadata(config(&world)).unwrap().ino();
    let again = world.leapp(["profile", "bind", "prod", "dev", "--json"]);
    assert_eq!(again.succeeds().json()["changed"], false);
    assert_eq!(fs::metadata(config(&world)).unwrap().ino(), stamp);
    let list = world.leapp(["profile", "list"]);
    list.succeeds().prints(&format!("  dev  prod  {}:2  ok\n", config(&world).display()));
    world.leapp(["profile", "unbind", "dev"]).succeeds().says("is bound no more");
    assert_eq!(fs::read_to_string(config(&world)).unwrap(), "");
    world.leapp(["profile", "unbind", "dev"]).fails(5).says("is not bound");
}

/// A program and a home whose paths have all that a shell or a parser could take for something else.
#[test]
fn odd_paths_of_program_and_home_reach_the_program_whole() {
    let mut world = World::new();
    let odd = world.home.path().join("it's a \"path\" $HOME 50% #é;x");
    fs::create_dir_all(odd.join("bin")).unwrap();
    let leapp = odd.join("bin/leapp");
    symlink(program(), &leapp).unwrap();
    world.set("LEAPP_HOME", odd.join("home"));
    world.add_user(&[]).succeeds();
    let mut bind = world.foreign(&leapp);
    bind.args(["profile", "bind", "work", "default"]);
    world.run(bind, None).succeeds();
    let text = fs::read_to_string(config(&world)).unwrap();
    // The link's own path, not the one that it leads to.
    assert!(text.contains(r"/it'\''s a "), "{text}");
    assert!(!text.contains(&program().display().to_string()), "{text}");
    both_are(&world, "default", "user/");
    // The other SDKs hand the line to a shell.
    let command = text.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    let mut shell = client(&world, "/bin/sh", "default");
    shell.args(["-c", command]);
    assert_eq!(world.run(shell, None).json()["Version"], 1);
    let list = world.leapp(["profile", "list", "--json"]).json();
    assert_eq!((&list[0]["session"], &list[0]["problem"]), (&"work".into(), &Json::Null), "{list}");
    assert_eq!(list[0]["home"], odd.join("home").to_str().unwrap());
    world.leapp(["exec", "profile:default", "true"]).succeeds();
    // From another home it is told.
    world.unset("LEAPP_HOME");
    let doctor = world.leapp(["doctor"]);
    doctor.prints_part("'default' (").prints_part("works in another home");
    // And the other way round.
    world.add_user(&[]).succeeds();
    world.leapp(["profile", "bind", "work", "usual"]).succeeds();
    world.set("LEAPP_HOME", odd.join("home"));
    world.leapp(["doctor"]).prints_part("'usual' (").prints_part("-> unset LEAPP_HOME");
}

#[test]
fn a_failure_reaches_the_person_through_the_clients() {
    let world = World::with_mfa();
    world.leapp(["profile", "bind", "prod", "dev"]).succeeds().says("leapp start prod");
    let hints = |hint: &str| {
        for refused in [boto(&world, "dev"), cli(&world, "dev")] {
            assert_ne!(refused.code(), 0, "{refused}");
            refused.says(hint).keeps_secrets();
            let last = refused.stderr.trim_end().lines().last().unwrap();
            assert!(last.contains("hint: "), "the hint is not last: {refused}");
        }
    };
    hints("leapp start prod");
    world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
    both_are(&world, "dev", "assumed-role/Admin/");
    world.leapp(["session", "edit", "prod", "--protected"]).succeeds();
    hints("on a terminal its name is asked for");
    world.leapp(["profile", "bind", "prod", "other"]).succeeds().says("never switches it on");
    let refused = world.leapp(["session", "remove", "prod", "--yes"]);
    refused.fails(1).says("profile 'dev', 'other' calls").says("leapp profile unbind dev");
    let removed = world.leapp(["session", "remove", "prod", "--yes", "--with-dependants"]);
    removed.succeeds().says("profile 'dev' is still bound to it: leapp profile unbind dev");
    hints("leapp list");
    let doctor = world.leapp(["doctor"]);
    doctor.fails(1).prints_part("is not in the workspace").prints_part("leapp profile unbind dev");
    world.leapp(["env", "dev"]).fails(5).says("which is not in the workspace");
    world.leapp(["profile", "unbind", "dev"]).succeeds().says("it still has region");
}

#[test]
fn a_file_keeps_its_place_its_mode_and_all_else() {
    let mut world = World::with_role("prod", "Admin");
    let dotfiles = world.home.path().join("dotfiles/aws");
    let before = "# mine\r\n[default]\r\nregion=us-east-1 ; not a comment to all\r\n[profile   dev]\r\n  \
                  s3 =\r\n    a = b\r\n[other]\r\nnonsense = 1";
    put(&dotfiles, before);
    chmod(&dotfiles, 0o644);
    let link = world.home.path().join("elsewhere");
    symlink("dotfiles/aws", &link).unwrap();
    world.set("AWS_CONFIG_FILE", &link);
    world.leapp(["profile", "bind", "prod", "dev"]).succeeds();
    let written = line(&world, "prod").trim_end().to_owned();
    let after = before
        .replace("    a = b\r\n", &format!("    a = b\r\n  {written}\r\n  region = eu-west-1\r\n"));
    assert_eq!(fs::read_to_string(&dotfiles).unwrap(), after);
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&dotfiles).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(fs::read_dir(dotfiles.parent().unwrap()).unwrap().count(), 1);
    world.leapp(["profile", "unbind", "dev"]).succeeds();
    let left = after.replace(&format!("  {written}\r\n"), "");
    assert_eq!(fs::read_to_string(&dotfiles).unwrap(), left);
}

#[test]
fn what_cannot_be_bound_is_refused_and_nothing_is_changed() {
    let world = World::with_role("prod", "Admin");
    let path = config(&world);
    let before = "[profile dev]\nrole_arn = r\nsource_profile = base\n[profile tool]\n\
                  credential_process = /opt/tool TESTSECRET\n[profile keys]\n\
                  aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = TESTSECRET\n";
    put(&path, before);
    let dev = world.leapp(["profile", "bind", "prod", "dev"]);
    dev.fails(1).says(&format!("role_arn ({}:2)", path.display()));
    dev.says("leapp profile bind prod dev --force");
    world.leapp(["profile", "bind", "prod", "tool"]).fails(1).says("'/opt/tool'");
    let keys = world.leapp(["profile", "bind", "prod", "keys", "--force"]);
    keys.fails(1).says("long-term key").says("--from-profile keys --replace");
    world.leapp(["profile", "bind", "prod", "a]b"]).fails(2).says("is no name of a profile");
    world.leapp(["profile", "bind", "prod", "a\nb"]).fails(2);
    world.leapp(["profile", "bind", "profile:keys", "new"]).fails(2).says("needs no binding");
    world.leapp(["profile", "bind", "env:accessKey", "new"]).fails(5);
    world.leapp(["profile", "bind", "nope", "new"]).fails(5);
    world.leapp(["profile", "bind", "prod", "new", "--region", "nowhere"]).fails(2);
    world.leapp(["profile", "unbind", "tool"]).fails(1).says("is not leapp's");
    let dry = world.leapp(["profile", "bind", "prod", "dev", "--force", "--dry-run"]);
    dry.succeeds().says("would be bound").says("taken out: role_arn, source_profile");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    chmod(&path, 0o444);
    let blocked = world.leapp(["profile", "bind", "prod", "new"]);
    blocked.fails(1).says("config' cannot be written").says("mode 0444");
    world.leapp(["profile", "bind", "prod", "new", "--dry-run"]).fails(1).says("mode 0444");
    chmod(&path, 0o600);
    put(&path, "[profile a]\nregion = x\n[profile a]\n");
    let twice = world.leapp(["profile", "bind", "prod", "new"]);
    twice.fails(1).says(&format!("{}:3:1: section", path.display()));
    world.leapp(["profile", "bind", "prod", "new", "--region", "eu-north-1"]).fails(1);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// A session that is started with a profile must not be what that profile waits for.
#[test]
fn a_profile_is_not_bound_to_a_session_behind_it() {
    let own = Profiles::new();
    own.config("[profile tool]\ncredential_process = /opt/tool\n");
    own.world.add_role("prod", "profile:tool", "Admin", &[]).succeeds();
    let refused = own.leapp(["profile", "bind", "prod", "tool", "--force"]);
    refused.fails(2).says("session 'prod' is started with profile 'tool'");
    own.leapp(["profile", "bind", "prod", "dev"]).succeeds();
}

#[test]
fn many_bindings_at_once_are_all_there() {
    let world = World::with_role("prod", "Admin");
    put(&config(&world), "# mine\n");
    let started: Vec<_> = (0..8)
        .map(|number| {
            let mut command = world.command(["profile", "bind", "prod", &format!("p{number}")]);
            command.stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let list = world.leapp(["profile", "list", "--json"]).json();
    assert_eq!(list.as_array().unwrap().len(), 8, "{list}");
    assert!(fs::read_to_string(config(&world)).unwrap().starts_with("# mine\n\n[profile p"));
}

#[test]
fn the_doctor_finds_bindings_that_do_not_work_and_keys_in_plain_text() {
    let world = World::with_role("prod", "Admin");
    let id = id(&world, "prod");
    let command =
        |program: &str| format!("credential_process = {program} credential-process session:{id}\n");
    let plain = world.home.path().join("leapp-plain");
    put(&plain, "");
    let other = world.home.path().join("leapp-other");
    symlink("/bin/sh", &other).unwrap();
    let text = format!(
        "[profile gone]\n{}[profile plain]\n{}[profile other]\n{}[profile bare]\n{}[profile good]\n{}",
        command("/nowhere/leapp"),
        command(plain.to_str().unwrap()),
        command(other.to_str().unwrap()),
        command("leapp"),
        command(program().to_str().unwrap()),
    );
    put(&config(&world), &text);
    let credentials = world.home.path().join(".aws/credentials");
    let keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = TESTSECRET\n";
    put(
        &credentials,
        &format!("[old]\n{keys}[prod]\n{keys}[brief]\n{keys}aws_session_token = t\n"),
    );
    chmod(&credentials, 0o644);
    let doctor = world.leapp(["doctor"]);
    doctor
        .fails(1)
        .prints_part("'/nowhere/leapp' is gone")
        .prints_part("leapp profile bind session:prod gone")
        .prints_part("leapp-other' is another leapp")
        .prints_part("leapp-plain' is not executable")
        .prints_part("'leapp' is looked for in PATH")
        .prints_part("'old' holds a long-term key in plain text")
        .prints_part("leapp session add aws-iam-user old --from-profile old --replace")
        .prints_part("leapp session add aws-iam-user NAME --from-profile prod --replace")
        .prints_part("has mode 0644: others may read it");
    let text = doctor.text();
    assert!(
        !text.contains("'good'") && !text.contains("'brief'") && !text.contains("TESTSECRET"),
        "{text}"
    );
    // The same session, at its right place again.
    world.leapp(["profile", "bind", "session:prod", "gone"]).succeeds();
    assert!(!world.leapp(["doctor"]).text().contains("/nowhere"));
}

const BASE: &str = "# keys\n[base]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n";

#[test]
fn a_key_moves_into_the_vault_and_programs_go_on() {
    let own = Profiles::new();
    own.credentials(&format!("{BASE}\n[other]\nregion = x\n"));
    let before = "[profile base]\nregion = eu-west-1\n\n[profile admin]\n\
                  role_arn = arn:aws:iam::ROLES:role/Admin\nsource_profile = base\nregion = us-east-1\n";
    own.config(before);
    let added =
        own.leapp(["session", "add", "aws-iam-user", "me", "--from-profile", "base", "--replace"]);
    added.succeeds().says("added session 'me'").says("holds it no more");
    assert_eq!(own.world.actions(), ["GetCallerIdentity"]);
    let world = &own.world;
    let credentials = fs::read_to_string(world.home.path().join(".aws/credentials")).unwrap();
    assert_eq!(credentials, "# keys\n\n[other]\nregion = x\n");
    let expected = before.replace("eu-west-1\n", &format!("eu-west-1\n{}", line(world, "me")));
    assert_eq!(fs::read_to_string(config(world)).unwrap(), expected.replace("ROLES", ROLES));
    assert_eq!(own.leapp(["session", "show", "me", "--json"]).json()["region"], "eu-west-1");
    both_are(world, "base", "user/");
    // A role behind the profile: a source profile may be a process. (This CLI would ask AWS itself.)
    let admin = boto(world, "admin").succeeds().json();
    assert!(admin["arn"].as_str().unwrap().contains("assumed-role/Admin/"), "{admin}");
    assert!(own.caller("admin").contains("assumed-role/Admin/"));
    own.leapp(["doctor"]).succeeds();
}

#[test]
fn a_key_in_the_config_file_is_replaced_there() {
    let own = Profiles::new();
    own.config(
        "[default]\r\naws_access_key_id=KEY\r\naws_secret_access_key=SECRET\r\nmfa_serial=DEVICE\r\nregion=us-east-1",
    );
    let added = own.leapp(["session", "add", "aws-iam-user", "me", "--from-profile", "default"]);
    added.succeeds().says("still holds the key").says("--from-profile default --replace");
    let shown = own.leapp(["session", "show", "me", "--json"]).json();
    assert_eq!(shown["fields"]["mfa_device"], own.device, "{shown}");
    // The same again goes on where that ended.
    let again = own.leapp([
        "session",
        "add",
        "aws-iam-user",
        "me",
        "--from-profile",
        "default",
        "--replace",
    ]);
    again.succeeds().says("holds it no more").says("leapp start me");
    let expected = format!(
        "[default]\r\nmfa_serial={}\r\nregion=us-east-1\r\n{}",
        own.device,
        line(&own.world, "me").trim_end().replace(" = ", "=")
    );
    assert_eq!(fs::read_to_string(config(&own.world)).unwrap(), expected);
    own.world.control("mfa", serde_json::json!({ "codes": ["123456"] }));
    own.leapp(["start", "me", "--mfa-code", "123456"]).succeeds();
    both_are(&own.world, "default", "user/");
}

/// The config file was written and the credentials file cannot be: nothing is left of the try.
#[test]
fn a_disk_that_is_full_half_way_leaves_both_files_as_they_were() {
    let own = Profiles::new();
    let credentials = format!("{BASE}{}", "# much\n".repeat(60_000));
    own.credentials(&credentials);
    own.config("[profile base]\nregion = eu-west-1\n");
    let world = &own.world;
    let text = "trap '' XFSZ; ulimit -f 200; \
                leapp session add aws-iam-user me --from-profile base --replace";
    let failed = world.shell("bash", text);
    failed.fails(1).says("session 'me' was not added").says("credentials'").says("full");
    let config = fs::read_to_string(config(world)).unwrap();
    assert_eq!(config, "[profile base]\nregion = eu-west-1\n");
    let after = fs::read_to_string(world.home.path().join(".aws/credentials")).unwrap();
    assert_eq!(after.replace(&own.key_id, "KEY").replace(&own.secret, "SECRET"), credentials);
    assert_eq!(fs::read_dir(world.home.path().join(".aws")).unwrap().count(), 2);
    own.leapp(["session", "show", "me"]).fails(5);
    let items = || {
        let all = fs::read_dir(world.leapp_home().join("vault")).unwrap().flatten();
        all.filter(|entry| entry.path().extension().is_some_and(|end| end == "item")).count()
    };
    assert_eq!(items(), 1, "the workspace's key alone");
    let words = ["session", "add", "aws-iam-user", "me", "--from-profile", "base", "--replace"];
    own.leapp(words).succeeds();
    assert_eq!(items(), 2);
}

#[test]
fn a_key_that_is_not_moved_leaves_everything_as_it_was() {
    let own = Profiles::new();
    let add = |words: &[&str]| {
        let fixed = ["session", "add", "aws-iam-user", "me"];
        own.world.leapp(fixed.iter().chain(words))
    };
    let untouched = |credentials: &str| {
        let text = fs::read_to_string(own.world.home.path().join(".aws/credentials")).unwrap();
        let text = text.replace(&own.key_id, "KEY").replace(&own.secret, "SECRET");
        assert_eq!(text, credentials);
        own.leapp(["session", "show", "me"]).fails(5);
        assert!(!config(&own.world).exists());
    };
    let wrong = BASE.replace("= SECRET", "= WrongTESTSECRET/bPxRfiCYEXAMPLEKEY+wJal");
    own.credentials(&wrong);
    let refused = add(&["--from-profile", "base", "--replace"]);
    refused.fails(4).says("the key of profile 'base' was not moved");
    own.leapp(["session", "show", "me"]).fails(5);
    let brief = format!("{BASE}aws_session_token = TESTSECRET\n");
    own.credentials(&brief);
    add(&["--from-profile", "base"]).fails(2).says("temporary keys");
    untouched(&brief);
    add(&["--from-profile", "nobody"]).fails(5).says("there is no profile 'nobody'");
    add(&["--replace"]).fails(2);
    let role = format!("{BASE}role_arn = r\nsource_profile = base\n");
    own.credentials(&role);
    add(&["--from-profile", "base", "--replace"])
        .fails(1)
        .says("role_arn (")
        .says("without --replace");
    untouched(&role);
    own.credentials(BASE);
    let path = own.world.home.path().join(".aws/credentials");
    chmod(&path, 0o400);
    add(&["--from-profile", "base", "--replace"]).fails(1).says("mode 0400");
    untouched(BASE);
    // The network is the last thing that can fail before anything is stored.
    chmod(&path, 0o600);
    own.world.control(
        "fault",
        serde_json::json!({ "action": "GetCallerIdentity", "kind": "drop", "times": null }),
    );
    add(&["--from-profile", "base", "--replace"]).fails(6);
    untouched(BASE);
}
