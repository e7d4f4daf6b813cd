//! `leapp status --watch` with real files: what comes, changes and goes, and what becomes of the
//! connection that is watched.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{fs::symlink, process::ExitStatusExt},
    path::PathBuf,
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use serde_json::{Value as Json, json};

use crate::{
    crowd::wait_until,
    profiles::Profiles,
    status::{BASE, DEV},
    support::{CANARY, World},
};

/// How long a line may take to come. Nothing is said of how long it does take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running watch, and the lines that it prints.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(world: &World, words: &[&str]) -> Self {
        let mut command = world.command(["status", "--watch"]);
        command.args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line");
        assert!(!line.contains(CANARY), "a secret");
        line
    }

    /// The next event that is no state on the way to another.
    fn event(&self) -> Json {
        loop {
            let event: Json = serde_json::from_str(&self.line()).unwrap();
            assert!(event["time"].is_string(), "{event}");
            if event["state"] != "validating" {
                return event;
            }
        }
    }

    /// The next events, each as a word and what it is about, are these.
    #[track_caller]
    fn tells(&self, expected: &[(&str, &str)]) -> Json {
        let mut last = Json::Null;
        for expected in expected {
            last = self.event();
            let word = last["event"].as_str().unwrap();
            let about = if word == "state" { "state" } else { "identifier" };
            assert_eq!((word, last[about].as_str().unwrap_or_default()), *expected, "{last}");
        }
        last
    }

    /// Ends it by the signal of Ctrl-C: what it said on stderr, and its status as a shell counts.
    fn end(mut self) -> (String, i32) {
        let id = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        (said, status.code().unwrap_or_else(|| 128 + status.signal().unwrap()))
    }

    /// What the process did so far: how often it gave up the processor, and how long it had it.
    fn effort(&self) -> String {
        let of =
            |file: &str| fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        let status = of("status");
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        format!("{}\n{}", switches.collect::<Vec<_>>().join("\n"), of("schedstat"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A file beside the real one that takes its place, as editors do it.
fn replace(own: &Profiles, name: &str, text: &str) {
    own.aside(name, text);
    let aws = own.world.home.path().join(".aws");
    fs::rename(aws.join(format!("{name}.new")), aws.join(name)).unwrap();
}

#[test]
fn profiles_that_come_change_and_go_are_told() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    let watch = Watch::start(&own.world, &["dev", "--json"]);
    watch.tells(&[("state", "inactive")]);
    let other =
        "[profile other]\nrole_arn = arn:aws:iam::ROLES:role/Short\nsource_profile = base\n";
    own.config(&format!("{DEV}{other}"));
    watch.tells(&[("added", "profile:other")]);
    // It stays usable, and is another one.
    own.config(&format!("{DEV}{}", other.replace("Short", "Admin")));
    watch.tells(&[("modified", "profile:other")]);
    // One that cannot be used any more is gone, and one that can be again is new.
    own.config(&format!("{DEV}{}", other.replace("= base", "= nobody")));
    watch.tells(&[("removed", "profile:other")]);
    replace(&own, "config", &format!("{DEV}{other}"));
    watch.tells(&[("added", "profile:other")]);
    // What is in use is looked at anew.
    replace(&own, "config", &DEV.replace("eu-west-1", "eu-north-1"));
    let state = watch.tells(&[
        ("modified", "profile:dev"),
        ("removed", "profile:other"),
        ("state", "inactive"),
    ]);
    assert_eq!(state["region"], "eu-north-1");
    // It is gone: nothing takes its place, not even what looks like it.
    own.config(&DEV.replace("profile dev", "default"));
    let state = watch.tells(&[
        ("added", "profile:default"),
        ("removed", "profile:dev"),
        ("state", "incomplete"),
    ]);
    assert_eq!((&state["missing"], &state["identifier"]), (&json!(["identity"]), &Json::Null));
    own.config(DEV);
    watch.tells(&[("added", "profile:dev"), ("removed", "profile:default"), ("state", "inactive")]);
    let (said, code) = watch.end();
    assert_eq!((said.as_str(), code), ("", 130));
    assert!(own.world.requests().is_empty(), "nobody was asked");
}

#[test]
fn a_change_behind_what_is_in_use_is_one_of_it() {
    let own = Profiles::new();
    let chain = format!(
        "{DEV}[profile far]\nrole_arn = arn:aws:iam::ROLES:role/Short\nsource_profile = dev\n"
    );
    own.credentials(BASE).config(&chain);
    let watch = Watch::start(&own.world, &["far", "--json"]);
    watch.tells(&[("state", "inactive")]);
    // The key is another one: by the secret alone it could not be told from outside.
    own.credentials(&BASE.replace("SECRET", "SECRETx"));
    let all =
        [("modified", "profile:base"), ("modified", "profile:dev"), ("modified", "profile:far")];
    watch.tells(&all);
    watch.tells(&[("state", "inactive")]);
    own.config(&chain.replace("role/Admin", "role/Other"));
    watch.tells(&all[1..]);
    watch.tells(&[("state", "inactive")]);
    // All that stands on it goes with it.
    own.credentials("");
    watch.tells(&[
        ("removed", "profile:base"),
        ("removed", "profile:dev"),
        ("removed", "profile:far"),
    ]);
    let state = watch.tells(&[("state", "incomplete")]);
    assert!(state["error"].as_str().unwrap().contains("profile:far"), "{state}");
}

#[test]
fn an_edited_sso_session_is_looked_at_anew() {
    let own = Profiles::new();
    let text = "[sso-session work]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
                [profile sso]\nsso_session = work\nsso_account_id = ROLES\nsso_role_name = Admin\nregion = eu-west-1\n";
    own.config(text);
    let watch = Watch::start(&own.world, &["sso", "--json"]);
    let state = watch.tells(&[("state", "requires-user-action")]);
    assert_eq!(state["command"], "aws sso login --sso-session work");
    own.config(&text.replace("example.aws", "other.aws"));
    watch.tells(&[
        ("modified", "profile:sso"),
        ("modified", "sso-session:work"),
        ("state", "requires-user-action"),
    ]);
    own.config(&text.replace("sso_region = us-east-1\n", ""));
    watch.tells(&[
        ("removed", "profile:sso"),
        ("removed", "sso-session:work"),
        ("state", "incomplete"),
    ]);
}

#[test]
fn what_cannot_be_read_changes_nothing_and_is_told_once() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    let watch = Watch::start(&own.world, &["dev", "--json"]);
    watch.tells(&[("state", "inactive")]);
    own.config(&format!("{DEV}[profile open\n"));
    let problem = watch.event();
    assert_eq!((&problem["event"], &problem["line"]), (&json!("problem"), &json!(5)), "{problem}");
    assert!(problem["column"].is_number());
    assert!(problem["message"].as_str().unwrap().contains("/.aws/config:5:"), "{problem}");
    // The same fault is not told again, and what else changed waits for its end.
    own.config(&format!("{}[profile open\n", DEV.replace("eu-west-1", "eu-north-1")));
    own.config(&DEV.replace("eu-west-1", "eu-south-1"));
    let state = watch.tells(&[("modified", "profile:dev"), ("state", "inactive")]);
    assert_eq!(state["region"], "eu-south-1");
}

#[test]
fn files_that_are_not_there_yet_are_waited_for() {
    let own = Profiles::new();
    let watch = Watch::start(&own.world, &["dev", "--json"]);
    let state = watch.tells(&[("state", "incomplete")]);
    assert_eq!(state["name"], "dev");
    own.config(DEV);
    // Without its source it is no profile that can be used.
    own.credentials(BASE);
    loop {
        let event = watch.event();
        if event["state"] == "inactive" {
            break;
        }
        let known = ["profile:base", "profile:dev"].map(Json::from);
        assert!(event["event"] == "state" || known.contains(&event["identifier"]), "{event}");
    }
    fs::remove_dir_all(own.world.home.path().join(".aws")).unwrap();
    while watch.event()["state"] != "incomplete" {}
}

#[test]
fn a_file_behind_a_link_is_watched_where_it_lies() {
    let mut own = Profiles::new();
    let dotfiles = own.world.home.path().join("dotfiles");
    own.credentials(BASE).config(DEV);
    fs::rename(own.world.home.path().join(".aws"), &dotfiles).unwrap();
    symlink("dotfiles", own.world.home.path().join(".aws")).unwrap();
    let elsewhere: PathBuf = own.world.home.path().join("elsewhere.ini");
    symlink("dotfiles/config", &elsewhere).unwrap();
    own.world.set("AWS_CONFIG_FILE", &elsewhere);
    let watch = Watch::start(&own.world, &["dev", "--json"]);
    watch.tells(&[("state", "inactive")]);
    replace(&own, "config", &DEV.replace("eu-west-1", "eu-north-1"));
    watch.tells(&[("modified", "profile:dev"), ("state", "inactive")]);
}

#[test]
fn sessions_of_the_workspace_are_watched_too() {
    let world = World::with_role("prod", "Admin");
    let id = |name: &str| {
        world.leapp(["session", "show", name, "--json"]).json()["identifier"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (prod, watch) = (id("prod"), Watch::start(&world, &["prod", "--json"]));
    watch.tells(&[("state", "inactive")]);
    world.add_role("dev", "work", "Short", &[]).succeeds();
    watch.tells(&[("added", &id("dev"))]);
    world.leapp(["session", "edit", "work", "--region", "eu-west-2"]).succeeds();
    let mut told = [watch.event(), watch.event(), watch.event()].map(|event| {
        assert_eq!(event["event"], "modified", "{event}");
        event["name"].as_str().unwrap().to_owned()
    });
    told.sort();
    assert_eq!(told, ["dev", "prod", "work"]);
    watch.tells(&[("state", "inactive")]);
    world.leapp(["session", "remove", "prod", "--yes"]).succeeds();
    watch.tells(&[("removed", &prod), ("state", "incomplete")]);
    // One of the same name is another one.
    world.add_role("prod", "work", "Admin", &[]).succeeds();
    watch.tells(&[("added", &id("prod"))]);
}

#[test]
fn what_changes_during_a_slow_check_is_seen_and_the_late_answer_is_not() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    own.leapp(["exec", "dev", "--", "true"]).succeeds();
    let fault = json!({ "action": "GetCallerIdentity", "kind": "slow", "seconds": 4, "times": 1 });
    own.world.control("fault", fault);
    let watch = Watch::start(&own.world, &["dev", "--check", "--json"]);
    wait_until("the check hangs", || {
        own.world.actions().last().is_some_and(|action| action == "GetCallerIdentity")
    });
    own.config(&DEV.replace("eu-west-1", "eu-north-1"));
    let state = watch.tells(&[("modified", "profile:dev"), ("state", "valid")]);
    assert_eq!((&state["region"], &state["checked"]), (&json!("eu-north-1"), &json!(true)));
    // The answer for the former region comes now; the next event is of something else.
    std::thread::sleep(Duration::from_secs(5));
    own.config("");
    watch.tells(&[("removed", "profile:dev"), ("state", "incomplete")]);
}

#[test]
fn a_watch_asks_nobody() {
    let own = Profiles::new();
    let coded = DEV.replace("profile dev", "profile coded") + "mfa_serial = DEVICE\n";
    own.credentials(BASE).config(&coded);
    for words in [&["coded", "--json"][..], &["coded", "--check", "--json"]] {
        let watch = Watch::start(&own.world, words);
        let state = watch.tells(&[("state", "requires-user-action")]);
        assert_eq!(
            (&state["action"], &state["command"]),
            (&json!("mfa"), &json!("leapp start coded"))
        );
    }
    assert!(own.world.requests().is_empty());
}

#[test]
fn it_is_told_to_people_a_line_each() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    let watch = Watch::start(&own.world, &["dev"]);
    let ends = |text: &str| {
        let line = watch.line();
        let (time, rest) = line.split_once("  ").unwrap();
        assert_eq!((time.len(), rest), (8, text), "{line}");
    };
    ends("state     dev@eu-west-1  inactive");
    own.config("");
    ends("removed   profile:dev");
    assert!(watch.line().contains("state     no credentials selected: 'profile:dev' is not there"));
}

#[test]
fn a_watch_that_nothing_wakes_sleeps() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    let watch = Watch::start(&own.world, &["dev", "--json"]);
    watch.tells(&[("state", "inactive")]);
    let mut before = watch.effort();
    wait_until("it has come to rest", || {
        std::thread::sleep(Duration::from_millis(500));
        let now = watch.effort();
        let rests = now == before;
        before = now;
        rests
    });
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(watch.effort(), before, "it did something while nothing happened");
    // What others of the same directory do wakes nobody either.
    fs::write(own.world.home.path().join(".aws/other"), "x").unwrap();
    own.config("");
    watch.tells(&[("removed", "profile:dev")]);
}

#[test]
fn a_watch_that_nobody_reads_ends_quietly() {
    let own = Profiles::new();
    own.credentials(BASE).config(DEV);
    let mut command = own.world.command(["status", "--watch", "dev"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stderr, output.status.code()), (Vec::new(), Some(1)));
}
