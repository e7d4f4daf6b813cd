//! The way to the cloud when it is bad, and when credentials are renewed.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::{Value as Json, json};

use crate::support::{Outcome, World, aws, chmod};

const HOUR: i64 = 3600;

/// A port of this machine where nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Moves this machine's clock and the server's together.
fn travel(world: &mut World, seconds: i64) {
    world.set("LEAPP_TEST_CLOCK", seconds.to_string());
    world.control("clock", json!({ "offset": seconds }));
}

fn handed_out(world: &World, name: &str, more: &[&str]) -> Outcome {
    let words = ["env", name, "--format", "json"];
    world.leapp(words.iter().chain(more))
}

fn key_id(outcome: &Outcome) -> String {
    let json = outcome.succeeds().json();
    let key = find(&json, "AWS_ACCESS_KEY_ID").unwrap_or_else(|| panic!("{outcome}"));
    key.as_str().unwrap().to_owned()
}

fn find<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    match json {
        Json::Object(map) => map.get(name).or_else(|| map.values().find_map(|v| find(v, name))),
        _ => None,
    }
}

fn count(world: &World, action: &str) -> usize {
    world.actions().iter().filter(|name| *name == action).count()
}

#[test]
fn an_sts_that_is_down_is_status_6() {
    let mut world = World::with_role("prod", "Admin");
    world.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", closed_port()));
    for words in
        [&["start", "prod"][..], &["credential-process", "prod"], &["exec", "prod", "--", "true"]]
    {
        world.leapp(words).fails(6).prints("").says("cannot be reached").says("hint: ");
    }
    world.leapp(["env", "prod", "--shell", "bash"]).fails(6).says("cannot assume role 'Admin'");
    // A failure is shared with those who waited, not kept.
    world.set("AWS_ENDPOINT_URL", aws().url());
    world.leapp(["start", "prod"]).succeeds();
}

#[test]
fn an_sts_that_is_slow_is_given_up() {
    let world = World::with_user();
    world.control("fault", json!({ "action": "*", "kind": "slow", "seconds": 90, "times": null }));
    let mut command = world.foreign("timeout");
    command.args(["--signal=KILL", "60", "leapp", "start", "work"]);
    world.run(command, None).fails(6).says("did not answer in time");
    let tries = world.actions().len();
    assert!((1..=3).contains(&tries), "{tries} tries");
}

#[test]
fn a_refusal_is_status_4_and_is_asked_once() {
    let world = World::with_role("prod", "Admin");
    let fault = json!({ "action": "AssumeRole", "kind": "status", "status": 403,
        "code": "AccessDenied", "message": "not \u{9b}31mauthorized", "times": null });
    world.control("fault", fault);
    let said = world.leapp(["start", "prod"]);
    said.fails(4).says("AccessDenied").says("cannot assume role 'Admin' for session 'prod'");
    assert!(!said.stderr.contains('\u{9b}'), "an escape sequence from outside: {said}");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
    let json = world.leapp(["start", "prod", "--json"]);
    json.fails(4);
    let error: Json = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["kind"], &error["exit"]), (&json!("invalid"), &json!(4)));
    world.add_role("denied", "work", "Denied", &[]).succeeds();
    world.add_role("none", "work", "Nonexistent", &[]).succeeds();
    world.leapp(["start", "denied"]).fails(4);
    world.leapp(["start", "none"]).fails(4);
}

#[test]
fn a_throttled_request_is_tried_again_and_given_up_after_three() {
    let world = World::with_user();
    world.control("fault", json!({ "action": "GetSessionToken", "kind": "throttle", "times": 2 }));
    world.leapp(["start", "work"]).succeeds();
    assert_eq!(world.actions().len(), 3);
    world.control(
        "fault",
        json!({ "action": "GetSessionToken", "kind": "throttle", "times": null }),
    );
    world.leapp(["rotate", "work"]).fails(6).says("hint: ");
    assert_eq!(world.actions().len(), 6);
}

#[test]
fn a_broken_answer_is_status_6() {
    for kind in ["garbage", "drop"] {
        let world = World::with_user();
        world.control("fault", json!({ "action": "*", "kind": kind, "times": null }));
        world.leapp(["start", "work"]).fails(6);
        assert!(!world.actions().is_empty());
        world.leapp(["list"]).succeeds();
    }
    for status in [500, 503, 429] {
        let world = World::with_user();
        let fault = json!({ "action": "*", "kind": "status", "status": status, "code": "Odd",
            "message": "odd", "times": null });
        world.control("fault", fault);
        world.leapp(["start", "work"]).fails(6);
    }
}

#[test]
fn a_parent_token_that_the_server_calls_expired_is_fetched_again_once() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["start", "prod"]).succeeds();
    world.control("expire", json!({}));
    world.leapp(["rotate", "prod"]).succeeds();
    let expected = ["GetSessionToken", "AssumeRole", "AssumeRole", "GetSessionToken", "AssumeRole"];
    assert_eq!(world.actions(), expected);
    // Where the new one is refused too, it ends.
    world.control("fault", json!({ "action": "AssumeRole", "kind": "expired", "times": null }));
    world.leapp(["rotate", "prod"]).fails(4).says("Expired");
    assert!(count(&world, "AssumeRole") <= 5, "{:?}", world.actions());
}

#[test]
fn a_clock_that_is_off_by_an_hour_either_way_is_told_and_made_up_for() {
    for offset in [HOUR, -HOUR] {
        let world = World::with_role("prod", "Admin");
        world.control("clock", json!({ "offset": offset }));
        let outcome = handed_out(&world, "prod", &[]);
        let direction = if offset > 0 { "behind" } else { "ahead of" };
        outcome.succeeds().says("clock is").says(direction).says("1h");
        let json = outcome.json();
        let expiry = find(&json, "AWS_CREDENTIAL_EXPIRATION").unwrap().as_str().unwrap();
        let expiry: jiff::Timestamp = expiry.parse().unwrap();
        let left = expiry.as_second() - jiff::Timestamp::now().as_second();
        assert!((HOUR - 120..=HOUR + 5).contains(&left), "{left} s by the local clock");
        let requests = world.actions().len();
        // It holds for what comes out of the cache, too.
        let again = handed_out(&world, "prod", &[]);
        assert_eq!(
            find(&again.json(), "AWS_CREDENTIAL_EXPIRATION"),
            find(&json, "AWS_CREDENTIAL_EXPIRATION")
        );
        let status = world.leapp(["status", "prod", "--json"]).succeeds().json();
        assert!(
            find(&status, "secondsLeft").is_none_or(|s| s.as_i64().unwrap() > HOUR - 120),
            "{status}"
        );
        assert_eq!(world.actions().len(), requests);
    }
}

#[test]
fn an_endpoint_that_is_not_loopback_is_ignored_and_named() {
    // What leapp would ask goes through this proxy, which notes the host and lets nothing through.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let note = Arc::clone(&asked);
    std::thread::spawn(move || {
        while let Ok((mut guest, _)) = proxy.accept() {
            note.lock().unwrap().push(first_line(&mut guest));
            _ = guest.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let mut world = World::with_user();
    world.set("HTTPS_PROXY", &address).set("HTTP_PROXY", &address);
    for url in [
        "https://sts.invalid",
        "http://sts.invalid",
        "http://localhost:1",
        "http://127.0.0.1@sts.invalid",
    ] {
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
            world.unset("AWS_ENDPOINT_URL").unset("AWS_ENDPOINT_URL_STS");
            world.set(name, url);
            world.leapp(["start", "work"]).fails(6).says(&format!("{name} is ignored"));
        }
    }
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() >= 8, "{asked:?}");
    for line in asked {
        assert!(line.starts_with("CONNECT sts.us-east-1.amazonaws.com:443 "), "{line}");
    }
}

fn first_line(guest: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while text.len() < 4096 && !text.ends_with(b"\r\n\r\n") {
        match guest.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn another_endpoint_is_used_only_when_the_settings_say_so() {
    let mut world = World::with_user();
    let config = world.leapp_home().join("config.toml");
    fs::write(&config, "endpoint_env = true\n").unwrap();
    chmod(&config, 0o600);
    let port = closed_port();
    world.set("AWS_ENDPOINT_URL", "https://sts.invalid");
    world.set("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    let said = world.leapp(["start", "work"]);
    said.fails(6);
    assert!(!said.stderr.contains("ignored"), "{said}");
}

#[test]
fn a_bad_bundle_of_certificates_is_named() {
    let mut world = World::with_user();
    world.set("AWS_ENDPOINT_URL", format!("https://127.0.0.1:{}", closed_port()));
    let bundle = world.home.path().join("bundle.pem");
    world.set("AWS_CA_BUNDLE", &bundle);
    world.leapp(["start", "work"]).fails(6).says("CA bundle").says("bundle.pem");
    for content in ["", "no certificate"] {
        fs::write(&bundle, content).unwrap();
        world.leapp(["start", "work"]).fails(6).says("bundle.pem").says("no certificate");
    }
}

#[test]
fn a_bundle_with_a_damaged_certificate_is_named() {
    let mut world = World::with_user();
    let url = format!("https://127.0.0.1:{}", closed_port());
    world.set("AWS_ENDPOINT_URL", url);
    let bundle = world.home.path().join("bundle.pem");
    world.set("AWS_CA_BUNDLE", &bundle);
    let contents = [
        "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n",
    ];
    for content in contents {
        fs::write(&bundle, content).unwrap();
        let said = world.leapp(["start", "work"]);
        said.fails(6).says("bundle.pem");
        assert!(!said.stderr.contains("panicked"), "{said}");
    }
}

#[test]
fn credentials_are_renewed_within_the_window_when_nobody_is_needed() {
    let mut world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    travel(&mut world, HOUR - 16 * 60);
    assert_eq!(key_id(&handed_out(&world, "prod", &[])), first, "16 minutes are left");
    travel(&mut world, HOUR - 14 * 60);
    let second = handed_out(&world, "prod", &[]);
    assert_ne!(key_id(&second), first);
    assert!(!second.stderr.contains("could not be renewed"), "{second}");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
}

#[test]
fn a_renewal_that_fails_hands_out_the_old_ones_until_the_last_minute() {
    let mut world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    let fault = json!({ "action": "AssumeRole", "kind": "status", "status": 403,
        "code": "AccessDenied", "message": "no", "times": null });
    world.control("fault", fault);
    travel(&mut world, HOUR - 10 * 60);
    let old = handed_out(&world, "prod", &[]);
    assert_eq!(key_id(&old), first);
    old.says("'prod' could not be renewed").says("AccessDenied").says("left");
    // A minimum forbids the old ones.
    handed_out(&world, "prod", &["--min-ttl", "5m"]).fails(4);
    travel(&mut world, HOUR - 30);
    handed_out(&world, "prod", &[]).fails(4);
    assert_eq!(count(&world, "AssumeRole"), 4);
}

#[test]
fn where_a_person_is_needed_the_old_ones_do_until_the_last_minute() {
    let mut world = World::new();
    let device = world.user["mfa_serial"].as_str().unwrap().to_owned();
    world.add_user(&["--mfa-device", &device, "--duration", "1h"]).succeeds();
    world.control("mfa", json!({ "codes": ["123456"] }));
    let first = key_id(&handed_out(&world, "work", &["--mfa-code", "123456"]));
    travel(&mut world, HOUR - 10 * 60);
    let old = handed_out(&world, "work", &[]);
    assert_eq!(key_id(&old), first);
    old.says("could not be renewed").says("left");
    handed_out(&world, "work", &["--min-ttl", "20m"]).fails(3).says("MFA");
    travel(&mut world, HOUR - 30);
    handed_out(&world, "work", &[]).fails(3).says("leapp start work");
    world.leapp(["credential-process", "work"]).fails(3).prints("");
    assert_eq!(world.actions(), ["GetSessionToken"], "nobody was asked");
}

#[test]
fn a_minimum_is_met_by_new_credentials_or_not_at_all() {
    let mut world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    assert_eq!(key_id(&handed_out(&world, "prod", &["--min-ttl", "50m"])), first);
    travel(&mut world, 20 * 60);
    assert_eq!(key_id(&handed_out(&world, "prod", &["--min-ttl", "30m"])), first);
    let second = key_id(&handed_out(&world, "prod", &["--min-ttl", "50m"]));
    assert_ne!(second, first);
    handed_out(&world, "prod", &["--min-ttl", "2h"]).fails(1).says("2h").says("prod");
    world.leapp(["credential-process", "prod", "--min-ttl", "2h"]).fails(1).prints("");
    // Longer ones can be had where the role allows it.
    handed_out(&world, "prod", &["--min-ttl", "2h", "--duration", "3h"]).succeeds();
}

#[test]
fn expired_credentials_are_never_handed_out() {
    let mut world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    travel(&mut world, HOUR + 1);
    assert_ne!(key_id(&handed_out(&world, "prod", &[])), first);
    travel(&mut world, 30 * HOUR);
    handed_out(&world, "prod", &[]).succeeds();
    let expected = ["GetSessionToken", "AssumeRole", "AssumeRole", "GetSessionToken", "AssumeRole"];
    assert_eq!(world.actions(), expected);
    world.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", closed_port()));
    world.leapp(["env", "prod", "--shell", "bash"]).fails(6);
}

#[test]
fn rotate_renews_the_last_hop_only() {
    let world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    world.leapp(["rotate", "prod"]).succeeds().says("new credentials");
    assert_ne!(key_id(&handed_out(&world, "prod", &[])), first);
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
}

#[test]
fn stop_forgets_that_session_and_with_parents_the_ones_behind_it() {
    let world = World::with_role("prod", "Admin");
    world.add_role("other", "work", "Admin", &["--role-session-name", "other"]).succeeds();
    for name in ["prod", "other"] {
        handed_out(&world, name, &[]).succeeds();
    }
    world.leapp(["stop", "prod"]).succeeds().says("stopped 'prod'").says("stay valid until");
    for name in ["prod", "other"] {
        handed_out(&world, name, &[]).succeeds();
    }
    let roles = |n| vec!["AssumeRole".to_owned(); n];
    assert_eq!(world.actions()[1..], roles(3), "the parent's and the other's were kept");
    world.leapp(["stop", "prod", "--with-parents"]).succeeds().says("'work'");
    handed_out(&world, "other", &[]).succeeds();
    assert_eq!(world.actions().len(), 4, "the other's own were kept");
    handed_out(&world, "prod", &[]).succeeds();
    assert_eq!(world.actions()[4..], ["GetSessionToken", "AssumeRole"]);
    world.leapp(["stop", "--all"]).succeeds();
    world.leapp(["stop", "--all"]).succeeds().says("no session was active");
    handed_out(&world, "other", &[]).succeeds();
    assert_eq!(world.actions()[6..], ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn an_unrelated_edit_costs_no_request_and_a_relevant_one_does() {
    let world = World::with_role("prod", "Admin");
    let first = key_id(&handed_out(&world, "prod", &[]));
    world.add_role("unrelated", "work", "Short", &[]).succeeds();
    world.leapp(["session", "edit", "unrelated", "--region", "eu-west-2"]).succeeds();
    world.leapp(["session", "edit", "prod", "--display-name", "Production"]).succeeds();
    world.leapp(["region", "set", "eu-west-3"]).succeeds();
    world.leapp(["session", "remove", "unrelated", "--yes"]).succeeds();
    assert_eq!(key_id(&handed_out(&world, "prod", &[])), first);
    assert_eq!(world.actions().len(), 2);
    // The new name of a session is no reason for a request, and its old one is nobody's.
    world.leapp(["session", "edit", "prod", "--name", "live"]).succeeds();
    handed_out(&world, "prod", &[]).fails(5);
    assert_eq!(key_id(&handed_out(&world, "live", &[])), first);
    assert_eq!(world.actions().len(), 2);
    let edits: [&[&str]; 4] = [
        &["--duration", "30m"],
        &["--role-session-name", "another"],
        &["--tag", "team=blue"],
        &["--role-arn", "arn:aws:iam::444455556666:role/Short"],
    ];
    for (at, flags) in edits.into_iter().enumerate() {
        world.leapp(["session", "edit", "live"].iter().chain(flags)).succeeds();
        handed_out(&world, "live", &[]).succeeds();
        handed_out(&world, "live", &[]).succeeds();
        assert_eq!(world.actions().len(), 3 + at, "{flags:?}");
    }
}

#[test]
fn one_token_of_the_user_serves_roles_in_different_regions() {
    let world = World::with_role("one", "Admin");
    world.add_role("two", "work", "Short", &["--region", "us-west-2"]).fails(2);
    let arn = "arn:aws:iam::444455556666:role/Short";
    let words =
        ["session", "add", "aws-iam-role-chained", "two", "--parent", "work", "--role-arn", arn];
    world.leapp(words.iter().chain(&["--region", "us-west-2"])).succeeds();
    let region = |outcome: &Outcome| {
        find(&outcome.json(), "AWS_REGION").unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(region(&handed_out(&world, "one", &[])), "eu-west-1");
    assert_eq!(region(&handed_out(&world, "two", &[])), "us-west-2");
    assert_eq!(region(&handed_out(&world, "two", &["--region", "ap-south-1"])), "ap-south-1");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
}

#[test]
fn the_regions_of_the_callers_shell_cost_no_request() {
    let mut world = World::with_role("prod", "Admin");
    handed_out(&world, "prod", &[]).succeeds();
    for region in ["us-west-1", "ap-south-1"] {
        world.set("AWS_REGION", region);
        handed_out(&world, "prod", &[]).succeeds();
        handed_out(&world, "work", &[]).succeeds();
    }
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn a_role_behind_a_role_lasts_an_hour_at_most_and_that_is_said() {
    let world = World::with_role("first", "Admin");
    world.add_role("second", "first", "Deploy", &["--duration", "2h"]).succeeds();
    let outcome = handed_out(&world, "second", &[]);
    outcome.succeeds().says("'second' lasts 1h, not 2h");
    let requests = world.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[2]["DurationSeconds"].to_string().trim_matches('"'), "3600");
    // A longer one behind a user is what it says.
    handed_out(&world, "first", &["--duration", "2h"]).succeeds();
    let requests = world.requests();
    assert_eq!(requests[3]["DurationSeconds"].to_string().trim_matches('"'), "7200");
}

#[test]
fn a_role_that_allows_less_than_was_asked_lasts_an_hour_and_that_is_said() {
    let world = World::with_role("short", "Short");
    let outcome = handed_out(&world, "short", &["--duration", "2h"]);
    outcome.succeeds().says("does not allow 2h").says("1h");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
    // Once found out, it is not tried again each time.
    handed_out(&world, "short", &["--duration", "2h"]).succeeds();
    assert_eq!(world.actions().len(), 3);
    handed_out(&world, "short", &["--duration", "13h"]).fails(2).says("--duration");
    handed_out(&world, "short", &["--duration", "5m"]).fails(2).says("--duration");
}

#[test]
fn without_a_cache_every_command_asks_anew_and_works() {
    let mut world = World::with_role("prod", "Admin");
    world.set("LEAPP_CACHE", "off");
    handed_out(&world, "prod", &[]).succeeds();
    handed_out(&world, "prod", &[]).succeeds();
    assert_eq!(world.actions().len(), 4);
}
