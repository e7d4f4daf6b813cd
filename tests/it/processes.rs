//! `credential_process`: run once for everybody, within limits, in the user's own surroundings; and what it
//! must not do: show its keys, or ask us for itself.

use std::{fs, path::PathBuf};

use crate::{
    profiles::Profiles,
    sources::{BASE, given, role},
    support::{CANARY, PASSPHRASE, World, chmod, program},
};

const KEYS: &str = "\"AccessKeyId\":\"ASIAPROCESS\",\"SecretAccessKey\":\"TESTSECRETkey\",\
    \"SessionToken\":\"TESTSECRETtoken\"";
const LATER: &str = "2999-01-01T00:00:00Z";

/// A script below the home that counts its runs, then does what the text says; its path.
fn script(own: &Profiles, name: &str, text: &str) -> PathBuf {
    let path = own.world.home.path().join(name);
    let runs = runs_file(own, name);
    fs::write(&path, format!("#!/bin/sh\necho run >> '{}'\n{text}\n", runs.display())).unwrap();
    chmod(&path, 0o700);
    path
}

fn runs_file(own: &Profiles, name: &str) -> PathBuf {
    own.world.home.path().join(format!("{name}.runs"))
}

/// How often a script was run.
fn runs(own: &Profiles, name: &str) -> usize {
    fs::read_to_string(runs_file(own, name)).unwrap_or_default().lines().count()
}

/// What prints such an answer.
fn prints(members: &str) -> String {
    format!("echo '{{\"Version\":1,{members}}}'")
}

fn whole() -> String {
    prints(&format!("{KEYS},\"Expiration\":\"{LATER}\""))
}

/// A home whose profile `p` runs a script.
fn with(text: &str) -> Profiles {
    let own = Profiles::new();
    let path = script(&own, "creds", text);
    own.config(&format!("[profile p]\ncredential_process = {}\n", path.display()));
    own
}

#[test]
fn it_is_run_once_until_its_keys_end() {
    let own = with(&whole());
    let set = given(&own, "p");
    assert_eq!(set["AWS_ACCESS_KEY_ID"], "ASIAPROCESS");
    assert_eq!(set["AWS_CREDENTIAL_EXPIRATION"], LATER);
    given(&own, "profile:p");
    own.leapp(["exec", "p", "--", "true"]).succeeds();
    own.leapp(["credential-process", "p"]).succeeds();
    assert_eq!(runs(&own, "creds"), 1);
    // It is told only once what it costs: nothing goes to the cloud.
    assert!(own.world.requests().is_empty());
    own.leapp(["rotate", "p"]).succeeds();
    assert_eq!(runs(&own, "creds"), 2);
    own.leapp(["stop", "p"]).succeeds();
    given(&own, "p");
    assert_eq!(runs(&own, "creds"), 3);
    // Another command is another source.
    let path = script(&own, "other", &whole().replace("ASIAPROCESS", "ASIAOTHER"));
    own.config(&format!("[profile p]\ncredential_process = {}\n", path.display()));
    assert_eq!(given(&own, "p")["AWS_ACCESS_KEY_ID"], "ASIAOTHER");
}

#[test]
fn keys_without_an_end_serve_for_an_hour_and_those_about_to_end_are_renewed() {
    let own = with(&prints(KEYS));
    let env = own.leapp(["env", "p", "--show", "--format", "json"]);
    let expiration = env.succeeds().json()["expiration"].as_str().unwrap().to_owned();
    let wanted = chrono(3600);
    assert!((wanted - epoch(&expiration)).abs() < 120, "{expiration}");
    given(&own, "p");
    assert_eq!(runs(&own, "creds"), 1);
    // The clock goes on: what is nearly over is asked for again, and what is over too.
    let mut soon = own;
    for (seconds, wanted) in [(2000, 1), (3300, 2), (9000, 3)] {
        soon.world.set("LEAPP_TEST_CLOCK", seconds.to_string());
        given(&soon, "p");
        assert_eq!(runs(&soon, "creds"), wanted, "after {seconds} s");
    }
    let past = with(&prints(&format!("{KEYS},\"Expiration\":\"2001-01-01T00:00:00Z\"")));
    past.leapp(["env", "p", "--shell", "bash"]).fails(1).says("gave keys that have ended");
}

/// Seconds from now, as seconds since the epoch.
fn chrono(after: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + after
}

fn epoch(text: &str) -> i64 {
    leapp::cloud::times::parse(text).unwrap().0
}

#[test]
fn its_words_are_a_shell_s() {
    let own = Profiles::new();
    let path = script(&own, "my creds", "[ \"$1\" = 'a b' ] && [ \"$2\" = x ] || exit 9\n");
    fs::write(&path, fs::read_to_string(&path).unwrap() + &whole() + "\n").unwrap();
    own.config(&format!(
        "[profile p]\ncredential_process = \"{0}\" 'a b' x\n\
         [profile piped]\ncredential_process = \"{0}\" 'a b' x | cat\n\
         [profile variable]\ncredential_process = \"$HOME/my creds\" 'a b' \"${{NOTHING:-x}}\"\n\
         [profile many]\ncredential_process = \"{0}\"\n  'a b'\n  x\n",
        path.display()
    ));
    for name in ["p", "piped", "variable"] {
        assert_eq!(given(&own, name)["AWS_ACCESS_KEY_ID"], "ASIAPROCESS", "{name}");
    }
}

#[test]
fn its_stderr_is_shown_when_it_fails_and_its_stdout_never() {
    let fails = |text: &str, code: i32, said: &[&str]| {
        let own = with(text);
        let env = own.leapp(["env", "p", "--shell", "bash"]);
        env.fails(code).prints("false;\n");
        for said in said {
            env.says(said);
        }
        own.leapp(["list"]).keeps_secrets();
    };
    fails(
        &format!("{}\necho 'no session, log in' >&2; exit 3", whole()),
        1,
        &["credential_process (", "/creds) ended with status 3: no session, log in"],
    );
    fails(&format!("{}\nkill -9 $$", whole()), 1, &["ended with status 137"]);
    fails("printf '\\033[31mred\\n' >&2; exit 1", 1, &["ended with status 1: "]);
    fails("echo TESTSECRETjunk", 1, &["is no JSON object of the form that is agreed"]);
    fails("true", 1, &["is no JSON object"]);
    fails("echo '[]'", 1, &["is no JSON object"]);
    fails(
        &whole().replace("\"Version\":1", "\"Version\":2"),
        1,
        &["is of version 2; known is version 1"],
    );
    fails(&whole().replace("\"Version\":1,", ""), 1, &["lacks \"Version\": 1"]);
    fails(&prints("\"AccessKeyId\":\"TESTSECRETid\""), 1, &["lacks SecretAccessKey"]);
    fails(&prints("\"SecretAccessKey\":\"TESTSECRETkey\""), 1, &["lacks AccessKeyId"]);
    fails(
        &prints(&format!("{KEYS},\"Expiration\":\"TESTSECRETsoon\"")),
        1,
        &["has an Expiration that is no time"],
    );
    fails("head -c 400000 /dev/zero", 1, &["credential_process ("]);
    let own = with("exit 0");
    own.config("[profile p]\ncredential_process =\n[profile q]\ncredential_process = /nowhere/at/all --secret TESTSECRETargument\n");
    own.leapp(["env", "p", "--shell", "bash"])
        .fails(5)
        .says("credential_process: profile 'p' has an empty one");
    own.leapp(["env", "q", "--shell", "bash"])
        .fails(1)
        .says("(/nowhere/at/all) ended with status 127");
}

#[test]
fn what_it_says_on_stderr_cannot_move_the_terminal() {
    let own = with("printf 'a\\033[2Jb\\rc\\007' >&2; exit 1");
    let env = own.leapp(["env", "p", "--shell", "bash"]);
    env.fails(1);
    assert!(!env.stderr.contains(['\u{1b}', '\u{7}', '\r']), "{:?}", env.stderr);
}

#[test]
fn a_program_that_hangs_is_ended_after_30_seconds_with_its_children() {
    let own = with("echo waiting for you >&2\nsleep 1000 &\necho $! > \"$HOME/pid\"\nwait");
    let env = own.leapp(["env", "p", "--shell", "bash"]);
    env.fails(6).says("timed out after 30 s: waiting for you");
    let pid = fs::read_to_string(own.world.home.path().join("pid")).unwrap();
    // Who is dead and not yet buried does not run.
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "its child still runs: {state}");
}

#[test]
fn keys_without_a_token_go_through_a_session_of_theirs() {
    let own = Profiles::new();
    let (key, secret) = (&own.key_id, &own.secret);
    let path = script(
        &own,
        "creds",
        &prints(&format!("\"AccessKeyId\":\"{key}\",\"SecretAccessKey\":\"{secret}\"")),
    );
    own.config(&format!(
        "[profile p]\ncredential_process = {}\n{}",
        path.display(),
        role("r", "Admin", "source_profile = p")
    ));
    let set = given(&own, "p");
    assert!(set["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"), "{set}");
    assert_eq!(own.world.actions(), ["GetSessionToken"]);
    given(&own, "r");
    assert_eq!(own.world.actions(), ["GetSessionToken", "AssumeRole"]);
    assert_eq!(runs(&own, "creds"), 1);
}

#[test]
fn it_runs_in_the_user_s_own_surroundings() {
    let mut own =
        with(&format!("env > \"$HOME/environment\"; pwd > \"$HOME/directory\"\n{}", whole()));
    own.credentials(BASE);
    own.world.set("MY_OWN", "kept").set("AWS_PROFILE", "mine").set("AWS_REGION", "eu-central-1");
    let program = program().to_str().unwrap();
    // From inside a session of ours.
    own.leapp(["exec", "base", "--", program, "env", "p", "--show", "--shell", "bash"]).succeeds();
    let text = fs::read_to_string(own.world.home.path().join("environment")).unwrap();
    for line in ["MY_OWN=kept", "AWS_PROFILE=mine", "AWS_REGION=eu-central-1"] {
        assert!(text.lines().any(|l| l == line), "no {line}: {text}");
    }
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LEAPP_SESSION",
        "LEAPP_STATE",
        "LEAPP_VAULT_PASSPHRASE=",
    ] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains(CANARY) && !text.contains(PASSPHRASE), "{text}");
    let directory = fs::read_to_string(own.world.home.path().join("directory")).unwrap();
    assert_eq!(directory.trim(), "/", "what stands in the user's directory is not what is meant");
}

#[test]
fn many_who_want_it_at_once_run_it_once() {
    let own = with(&format!("sleep 1\n{}", whole()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| own.leapp(["exec", "p", "--", "true"]).succeeds().code());
        }
    });
    assert_eq!(runs(&own, "creds"), 1);
}

#[test]
fn many_who_want_it_at_once_share_its_failure() {
    let own = with("sleep 1\necho 'no session' >&2\nexit 3");
    let said: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| own.leapp(["exec", "p", "--", "true"]).fails(1).stderr.clone()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(runs(&own, "creds"), 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("status 3: no session")).count(), 1);
    let shared = "the program that gives the credentials failed (as process ";
    assert_eq!(said.iter().filter(|text| text.contains(shared)).count(), 5, "{said:?}");
    // It is shared with those who waited, and not kept.
    own.leapp(["exec", "p", "--", "true"]).fails(1).says("no session");
}

#[test]
fn a_program_that_asks_leapp_for_itself_is_seen_at_once() {
    let own = Profiles::new();
    let leapp = program().display();
    // As a name that leapp does not take for a binding of its own.
    let direct = script(&own, "direct", &format!("exec {leapp} credential-process profile:direct"));
    let a = script(&own, "a", &format!("exec {leapp} credential-process b"));
    let b = script(&own, "b", &format!("exec {leapp} exec a -- true"));
    own.config(&format!(
        "[profile direct]\ncredential_process = {}\n[profile a]\ncredential_process = {}\n\
         [profile b]\ncredential_process = {}\n\
         [profile plain]\ncredential_process = {leapp} credential-process profile:plain\n{}",
        direct.display(),
        a.display(),
        b.display(),
        role("role", "Admin", "source_profile = direct"),
    ));
    own.leapp(["env", "direct", "--shell", "bash"])
        .fails(1)
        .says("its credential_process asks leapp for it again: direct -> direct");
    assert_eq!(runs(&own, "direct"), 1);
    own.leapp(["env", "plain", "--shell", "bash"]).fails(1).says("plain -> plain");
    own.leapp(["env", "role", "--shell", "bash"]).fails(1).says("direct -> direct");
    own.leapp(["env", "a", "--shell", "bash"]).fails(1).says("a -> b -> a");
    assert_eq!((runs(&own, "a"), runs(&own, "b")), (1, 1));
}

#[test]
fn a_circle_through_the_aws_cli_is_seen_too() {
    let own = Profiles::new();
    let path = script(&own, "wrapper", "exec aws configure export-credentials --profile outer");
    own.config(&format!(
        "[profile inner]\ncredential_process = {}\n\
         [profile outer]\ncredential_process = {} credential-process profile:inner\n",
        path.display(),
        program().display()
    ));
    own.leapp(["env", "inner", "--shell", "bash"]).fails(1).says("inner -> inner");
    assert_eq!(runs(&own, "wrapper"), 1);
    // What a role's source asks for is no circle.
    let other = script(
        &own,
        "other",
        &format!("exec {} credential-process profile:keys", program().display()),
    );
    own.credentials(&BASE.replace("[base]", "[keys]"));
    own.config(&format!("[profile through]\ncredential_process = {}\n", other.display()));
    assert!(given(&own, "through")["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"));
}

#[test]
fn what_ends_leapp_ends_its_program() {
    use std::process::Stdio;
    let own = with("echo $$ > \"$HOME/pid\"; exec sleep 1000");
    let mut command = own.world.command(["env", "p", "--shell", "bash"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = own.world.home.path().join("pid");
    let pid = wait_for(|| fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n')));
    let signal = nix::sys::signal::Signal::SIGTERM;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    child.wait().unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    wait_for(|| {
        let state = fs::read_to_string(&stat).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });
}

/// Looks until there is something; ten seconds at most.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not come");
}

#[test]
fn a_program_may_ask_a_person_on_the_terminal() {
    use crate::hooked::{Hooked, Kind};
    let own = with(&format!(
        "printf 'Code, please: ' > /dev/tty; read -r code < /dev/tty; [ \"$code\" = 42 ] || exit 5\n{}",
        whole()
    ));
    let world: &World = &own.world;
    let mut shell = Hooked::with(world, Kind::Bash, "", world.home.path());
    shell.send("leapp start p");
    shell.sees("Code, please: ");
    shell.send("42");
    let (said, code) = shell.end();
    assert_eq!(code, 0, "{said}");
}
