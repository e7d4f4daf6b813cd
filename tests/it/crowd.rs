//! Many processes that want the same credentials: one asks, the others take what it got.

use std::{
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rexpect::session::spawn_command;
use serde_json::{Value as Json, json};

use crate::support::{CANARY, World};

/// How many at once.
const CROWD: usize = 64;

/// Starts the program without waiting for it.
fn start(world: &World, words: &[&str]) -> Child {
    // A session of its own: no terminal to ask on.
    let mut command: Command = world.foreign("setsid");
    command.arg("--wait").arg("leapp").args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Starts the whole crowd and waits for it.
fn crowd(world: &World, words: &[&str]) -> Vec<Output> {
    let children: Vec<Child> = (0..CROWD).map(|_| start(world, words)).collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

/// Waits, for a minute at most.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_crowd_on_a_cold_cache_makes_one_request_a_hop() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["lock"]).succeeds();
    let outputs = crowd(&world, &["credential-process", "prod"]);
    let mut keys = Vec::new();
    for output in &outputs {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(!said.contains(CANARY));
        let json: Json = serde_json::from_slice(&output.stdout).unwrap();
        keys.push(json["AccessKeyId"].as_str().unwrap().to_owned());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1, "everybody has the same");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
    // Each hand-out has its whole line in the log.
    let log = std::fs::read_to_string(world.leapp_home().join("audit.jsonl")).unwrap();
    let lines: Vec<Json> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), CROWD);
}

#[test]
fn a_crowd_that_wants_different_roles_shares_the_user() {
    let world = World::with_role("one", "Admin");
    world.add_role("two", "work", "Short", &[]).succeeds();
    let names = ["one", "two"];
    let children: Vec<Child> =
        (0..16).map(|at| start(&world, &["credential-process", names[at % 2]])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut actions = world.actions();
    actions.sort();
    assert_eq!(actions, ["AssumeRole", "AssumeRole", "GetSessionToken"]);
}

#[test]
fn a_crowd_shares_the_failure_of_its_leader() {
    let world = World::with_role("denied", "Denied");
    // The parent's credentials are there, so that all of the crowd meet at the role; the answer
    // takes its time, so that all of them are there when it comes.
    world.leapp(["start", "work"]).succeeds();
    let slow = json!({ "action": "AssumeRole", "kind": "slow", "seconds": 5, "times": 1 });
    world.control("fault", slow);
    for output in crowd(&world, &["credential-process", "denied"]) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("AccessDenied") && output.stdout.is_empty(), "{said}");
    }
    // Late ones, on a busy machine, ask for themselves.
    let requests = world.actions().len() - 1;
    assert!((1..=4).contains(&requests), "{requests} requests for {CROWD} processes");
    // A failure is not kept: who comes later asks anew.
    world.leapp(["credential-process", "denied"]).fails(4);
    assert_eq!(world.actions().len(), requests + 2);
}

#[test]
fn who_may_not_ask_never_waits_behind_one_who_asks() {
    let world = World::with_mfa();
    let mut command = world.foreign("sh");
    command.args(["-c", "echo \"pid $$.\"; exec leapp start prod"]);
    let mut leader = spawn_command(command, Some(30_000)).unwrap();
    leader.exp_string("pid ").unwrap();
    let pid = leader.exp_string(".").unwrap();
    leader.exp_string("MFA code for 'work'").unwrap();
    for name in ["prod", "work"] {
        let follower = world.leapp(["credential-process", name]);
        follower.fails(3).prints("").says(&format!("process {pid} is asking"));
    }
    world.leapp(["exec", "prod", "--", "true"]).fails(3).says(&pid);
    let status = world.leapp(["status", "prod", "--json"]);
    assert!(status.text().contains("pending"), "{status}");
    // One that may ask waits, and takes the leader's.
    let mut command = world.foreign(crate::support::program());
    command.args(["start", "prod"]);
    let mut second = spawn_command(command, Some(30_000)).unwrap();
    second.exp_string(&format!("waiting for process {pid}")).unwrap();
    leader.send_line("123456").unwrap();
    leader.exp_string("is active").unwrap();
    second.exp_string("is active").unwrap();
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
    world.leapp(["credential-process", "prod"]).succeeds();
}

#[test]
fn a_leader_that_leaves_its_question_is_replaced() {
    let world = World::with_mfa();
    let mut command = world.foreign(crate::support::program());
    command.args(["start", "prod"]);
    let mut leader = spawn_command(command, Some(30_000)).unwrap();
    leader.exp_string("MFA code for 'work'").unwrap();
    leader.send_control('c').unwrap();
    leader.exp_eof().unwrap();
    world.leapp(["credential-process", "prod"]).fails(3).says("MFA");
    world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
}

#[test]
fn a_leader_that_is_killed_is_replaced_by_one_who_waited() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["start", "work"]).succeeds();
    world.control(
        "fault",
        json!({ "action": "AssumeRole", "kind": "slow", "seconds": 30, "times": 1 }),
    );
    let mut command = world.foreign(crate::support::program());
    command.args(["credential-process", "prod"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut leader = command.spawn().unwrap();
    wait_until("the leader's request hangs", || world.actions().len() == 2);
    let followers: Vec<Child> =
        (0..8).map(|_| start(&world, &["credential-process", "prod"])).collect();
    wait_until("the session is pending", || {
        world.leapp(["status", "prod", "--json"]).text().contains("pending")
    });
    leader.kill().unwrap();
    leader.wait().unwrap();
    for follower in followers {
        let output = follower.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
    let status = world.leapp(["status", "prod", "--json"]);
    assert!(status.text().contains("active"), "{status}");
}

#[test]
fn a_crowd_of_writers_loses_no_change() {
    let world = World::with_user();
    let arn = "arn:aws:iam::444455556666:role/Admin";
    let children: Vec<Child> = (0..24)
        .map(|at| {
            let name = format!("role-{at}");
            let words = [
                "session",
                "add",
                "aws-iam-role-chained",
                &name,
                "--parent",
                "work",
                "--role-arn",
                arn,
            ];
            start(&world, &words)
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.leapp(["list", "--json"]).json().as_array().unwrap().len(), 25);
    // Of two that want the same name, one gets it.
    let twins: Vec<Child> = (0..8)
        .map(|_| {
            let words = [
                "session",
                "add",
                "aws-iam-role-chained",
                "twin",
                "--parent",
                "work",
                "--role-arn",
                arn,
            ];
            start(&world, &words)
        })
        .collect();
    let outputs = twins.into_iter().map(|child| child.wait_with_output().unwrap());
    assert_eq!(outputs.filter(|output| output.status.success()).count(), 1);
    assert_eq!(world.leapp(["list", "--json"]).json().as_array().unwrap().len(), 26);
}
