//! Questions on a real terminal: one-time codes, secrets, fields, the picker.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use rexpect::process::Signal;
use rexpect::session::{PtySession, spawn_command};
use serde_json::json;

use crate::support::{CANARY, World};

/// How long the other side may take, in milliseconds.
const PATIENCE: u64 = 30_000;

/// A bash on a terminal of its own, with usual settings and a prompt that nothing else prints.
struct Shell {
    session: PtySession,
}

impl Shell {
    fn new(world: &World) -> Self {
        let mut command: Command = world.foreign("bash");
        command.args(["--norc", "--noprofile", "--noediting"]);
        command.env("PS1", "").env("PS2", "").env("TERM", "xterm");
        let mut session = spawn_command(command, Some(PATIENCE)).expect("bash on a terminal");
        // The library turned echoing off.
        session.send_line("bind 'set enable-bracketed-paste off' 2> /dev/null; stty sane -echo; echo rea\"\"dy").unwrap();
        session.exp_string("ready").unwrap();
        session.exp_string("\n").unwrap();
        Self { session }
    }

    /// Types a command line; the next [`Shell::status`] tells its end.
    fn line(&mut self, text: &str) {
        self.session.send_line(&format!("{text}; echo \"sta\"\"tus=$?;\"")).unwrap();
    }

    /// Types an answer.
    fn answer(&mut self, text: &str) {
        self.session.send_line(text).unwrap();
    }

    /// Waits for a text; what came before it.
    #[track_caller]
    fn sees(&mut self, text: &str) -> String {
        self.session.exp_string(text).unwrap_or_else(|error| panic!("no {text:?}: {error}"))
    }

    /// Waits for the end of the command; what it printed and its status.
    #[track_caller]
    fn status(&mut self) -> (String, i32) {
        let before = self.sees("status=");
        let code = self.sees(";");
        self.sees("\n");
        (before, code.parse().unwrap())
    }

    /// Runs a command to its end: what it printed.
    #[track_caller]
    fn run(&mut self, text: &str) -> String {
        self.line(text);
        self.status().0
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // An interactive bash ignores the signal that the library would send it.
        _ = self.session.process_mut().kill(Signal::SIGKILL);
    }
}

const PROMPT: &str = "MFA code for 'work' from arn:aws:iam::111122223333:mfa/";

/// Credentials of `work` and `prod` that are asked for at a terminal. Waits for a new time step
/// where this one is nearly over, so that the emulator's step does not change between two codes.
fn at_a_step() {
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        let second =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        if second % 30 < 20 || Instant::now() > end {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_code_is_asked_on_the_terminal_while_stdout_is_a_pipe() {
    let world = World::with_mfa();
    let mut shell = Shell::new(&world);
    shell.line("stty echo; out=$(leapp env prod --shell bash); code=$?; stty -echo; echo \"got ${#out} $code\"");
    shell.sees(PROMPT);
    let rest = shell.sees(": ");
    let seconds: u32 =
        rest.split_once("ends in ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{rest}");
    // Spaces do not count, and what is typed appears.
    shell.answer(" 123 456 ");
    shell.sees("123 456");
    let (rest, _) = shell.status();
    let length: usize =
        rest.split_once("got ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(length > 500 && rest.contains(" 0"), "{rest}");
    assert!(!rest.contains(CANARY), "{rest}");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
    // It took, and it is asked for no second time.
    let said = shell.run("eval \"$(leapp env prod --shell bash)\" && echo \"in $AWS_ACCOUNT_ID\"");
    assert!(said.contains("in 444455556666") && !said.contains("MFA"), "{said}");
    assert_eq!(world.actions().len(), 2);
}

#[test]
fn a_rejected_code_is_asked_again_three_times_in_all() {
    at_a_step();
    let world = World::with_mfa();
    let mut shell = Shell::new(&world);
    shell.line("leapp start prod");
    shell.sees(PROMPT);
    shell.answer("000001");
    shell.sees("The code was rejected.");
    shell.sees(PROMPT);
    shell.answer("000002");
    shell.sees("rejected");
    shell.sees(PROMPT);
    shell.answer("000003");
    let (said, status) = shell.status();
    assert_eq!(status, 3, "{said}");
    assert!(said.contains("the MFA code was rejected"), "{said}");
    assert!(!said.contains(PROMPT), "{said}");
    assert_eq!(world.actions(), ["GetSessionToken"; 3]);
    // And a good one after a bad one.
    shell.line("leapp start prod");
    shell.sees(PROMPT);
    shell.answer("000004");
    shell.sees("rejected");
    shell.sees(PROMPT);
    shell.answer("654321");
    assert_eq!(shell.status().1, 0);
}

#[test]
fn what_is_no_code_costs_no_request() {
    let world = World::with_mfa();
    let mut shell = Shell::new(&world);
    shell.line("leapp start prod");
    shell.sees(PROMPT);
    shell.answer("12345");
    shell.sees("six digits");
    shell.sees(PROMPT);
    shell.answer("123456");
    assert_eq!(shell.status().1, 0);
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn ctrl_c_cancels_and_puts_the_terminal_back() {
    let world = World::with_mfa();
    let mut shell = Shell::new(&world);
    let before = shell.run("stty -a");
    for key in ['c', '\\', 'd'] {
        shell.line("leapp env prod --shell bash > out");
        shell.sees(PROMPT);
        shell.sees("s): ");
        shell.session.send_control(key).unwrap();
        let (said, status) = shell.status();
        assert_eq!(status, 130, "{key}: {said}");
        assert_eq!(shell.run("stty -a"), before, "{key}");
        assert!(shell.run("cat out").contains("false"), "eval must fail");
    }
    assert_eq!(world.actions(), [""; 0]);
}

#[test]
fn a_program_that_is_killed_at_a_hidden_prompt_was_asking_a_terminal_that_still_works() {
    let world = World::new();
    let mut shell = Shell::new(&world);
    shell.run("stty echo");
    let before = shell.run("stty -a");
    let key = world.user["access_key_id"].as_str().unwrap();
    shell.line(&format!("leapp session add aws-iam-user work --access-key-id {key} --region us-east-1 --mfa-device ''"));
    shell.sees("(hidden): ");
    shell.session.send_control('c').unwrap();
    let (said, status) = shell.status();
    assert_eq!(status, 130, "{said}");
    let after = shell.run("stty -a");
    assert!(after.contains(&before[before.find("speed").unwrap()..]), "{before}\n{after}");
    assert!(!world.leapp_home().join("Leapp-lock.json").exists());
}

#[test]
fn a_code_can_be_given_as_an_argument_or_on_stdin() {
    at_a_step();
    let world = World::with_mfa();
    world.leapp(["start", "work"]).fails(3).says("MFA").says("leapp start work");
    world.leapp(["start", "work", "--mfa-code", "12345"]).fails(2).says("six digits");
    world.leapp(["start", "work", "--mfa-code", "abcdef"]).fails(2);
    assert_eq!(world.actions(), [""; 0]);
    world.leapp(["start", "work", "--mfa-code", "123 456"]).succeeds();
    // The step's code is used up, which is known without a request.
    let again = world.leapp(["rotate", "work", "--mfa-code", "123456"]);
    again.fails(3).says("used already");
    let seconds: u32 = again
        .stderr
        .split_once("appears in ")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&seconds), "{again}");
    assert_eq!(world.actions(), ["GetSessionToken"]);
    let rotate = world.command(["rotate", "work", "--mfa-code", "-"]);
    world.run(rotate, Some("654321\n")).succeeds();
    assert_eq!(world.actions(), ["GetSessionToken"; 2]);
}

#[test]
fn a_rejected_code_that_was_an_argument_is_not_tried_again() {
    let world = World::with_mfa();
    world.leapp(["start", "work", "--mfa-code", "000001"]).fails(3).says("rejected");
    assert_eq!(world.actions(), ["GetSessionToken"]);
}

#[test]
fn one_code_serves_every_role_behind_the_user() {
    let world = World::with_mfa();
    for (name, role) in [("short", "Short"), ("only", "MfaOnly")] {
        world.add_role(name, "work", role, &[]).succeeds();
    }
    world.add_role("deep", "prod", "Deploy", &[]).succeeds();
    world.leapp(["start", "prod", "--mfa-code", "123456"]).succeeds();
    for name in ["short", "only", "deep", "work"] {
        world.leapp(["start", name]).succeeds();
    }
    let actions = world.actions();
    assert_eq!(actions.iter().filter(|a| *a == "GetSessionToken").count(), 1, "{actions:?}");
    assert_eq!(actions.len(), 5, "{actions:?}");
    assert_eq!(world.requests()[0]["TokenCode"], json!(true));
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let world = World::with_mfa();
    for words in [
        &["start", "prod"][..],
        &["exec", "prod", "--", "true"],
        &["credential-process", "prod"],
        &["rotate", "prod"],
    ] {
        world.leapp(words).fails(3).prints("").says("MFA");
    }
    world.leapp(["env", "prod", "--shell", "bash"]).fails(3);
    world.leapp(["env", "--shell", "bash"]).fails(5).says("no session was named");
    world.leapp(["start"]).fails(5);
    world.leapp(["session", "add", "aws-iam-user"]).fails(3);
    world.leapp(["session", "add"]).fails(3).says("type");
    let key = world.user["access_key_id"].as_str().unwrap();
    let words = ["session", "add", "aws-iam-user", "more", "--access-key-id", key];
    world.leapp(words).fails(3).says("--secret-access-key-stdin");
    world.leapp(["session", "remove", "prod"]).fails(3).says("--yes");
    assert_eq!(world.actions(), [""; 0]);
}

#[test]
fn no_input_asks_nobody_even_on_a_terminal() {
    let world = World::with_mfa();
    let mut shell = Shell::new(&world);
    for line in [
        "leapp start prod --no-input",
        "LEAPP_NO_INPUT=1 leapp start prod",
        "leapp session add aws-iam-user --no-input",
    ] {
        shell.line(line);
        let (said, status) = shell.status();
        assert_eq!(status, 3, "{line}: {said}");
        assert!(!said.contains(PROMPT), "{said}");
    }
    shell.line("leapp start --no-input");
    assert_eq!(shell.status().1, 5);
    // A program that has only this way out asks nobody either.
    shell.line("leapp credential-process prod | cat; (exit ${PIPESTATUS[0]})");
    assert_eq!(shell.status().1, 3);
}

#[test]
fn session_add_asks_for_what_is_missing_and_hides_the_secret() {
    let world = World::new();
    let (key, secret) = (&world.user["access_key_id"], &world.user["secret_access_key"]);
    let (key, secret) = (key.as_str().unwrap(), secret.as_str().unwrap());
    let mut shell = Shell::new(&world);
    shell.line("stty echo; leapp session add aws-iam-user; code=$?; stty -echo; (exit $code)");
    shell.sees("Name");
    shell.sees(": ");
    shell.answer("work");
    let mut seen = String::new();
    let mut asked = Vec::new();
    // Each question in turn, until the secret's.
    for _ in 0..8 {
        let question = shell.sees(": ");
        seen.push_str(&question);
        let label = question.lines().last().unwrap_or_default().to_owned();
        asked.push(label.clone());
        if label.contains("(hidden)") {
            shell.answer(secret);
            break;
        }
        shell.answer(if label.to_lowercase().contains("access key id") { key } else { "" });
    }
    let (said, status) = shell.status();
    seen.push_str(&said);
    assert_eq!(status, 0, "{asked:?} {seen}");
    assert!(asked.iter().any(|label| label.to_lowercase().contains("access key id")), "{asked:?}");
    assert!(seen.contains(key), "what is no secret appears: {seen}");
    assert!(!seen.contains(CANARY) && !seen.contains(secret), "the secret appeared");
    world.leapp(["start", "work"]).succeeds();
}

#[test]
fn a_passphrase_is_asked_for_and_asked_again_and_never_shown() {
    let mut world = World::new();
    world.unset("LEAPP_VAULT_PASSPHRASE");
    let key = world.user["access_key_id"].as_str().unwrap().to_owned();
    let mut shell = Shell::new(&world);
    shell.run("stty echo");
    let add = "leapp session add aws-iam-user work --secret-access-key-stdin --region us-east-1 --mfa-device ''";
    let secret = world.user["secret_access_key"].as_str().unwrap();
    std::fs::write(world.home.path().join("secret"), secret).unwrap();
    shell.line(&format!("{add} --access-key-id {key} < secret"));
    let mut seen = String::new();
    seen.push_str(&shell.sees("New passphrase: "));
    shell.answer("short");
    seen.push_str(&shell.sees("at least 8"));
    seen.push_str(&shell.sees("New passphrase: "));
    shell.answer("TESTSECRET one");
    seen.push_str(&shell.sees("The same again: "));
    shell.answer("TESTSECRET two");
    seen.push_str(&shell.sees("These differ."));
    seen.push_str(&shell.sees("New passphrase: "));
    shell.answer("TESTSECRET one");
    seen.push_str(&shell.sees("The same again: "));
    shell.answer("TESTSECRET one");
    let (said, status) = shell.status();
    assert_eq!(status, 0, "{said}");
    seen.push_str(&said);
    shell.run("leapp lock");
    shell.line("leapp start work");
    seen.push_str(&shell.sees("Passphrase of the file vault: "));
    shell.answer("TESTSECRET wrong");
    seen.push_str(&shell.sees("That is not it."));
    shell.answer("TESTSECRET one");
    let (said, status) = shell.status();
    assert_eq!(status, 0, "{said}");
    seen.push_str(&said);
    assert!(!seen.contains(CANARY), "{seen}");
    // Open for the next hour.
    shell.line("LEAPP_CACHE=off leapp start work");
    assert_eq!(shell.status().1, 0);
}

#[test]
fn a_picker_draws_on_the_terminal_while_stdout_is_a_pipe() {
    let world = World::with_role("prod", "Admin");
    world.add_role("other", "work", "Short", &[]).succeeds();
    let mut shell = Shell::new(&world);
    let before = shell.run("stty -a");
    shell.line("eval \"$(leapp env --shell bash)\"; echo \"on ${LEAPP_SESSION-none}.\"");
    shell.sees("Session");
    shell.sees("work");
    shell.session.send("prod").unwrap();
    shell.session.flush().unwrap();
    shell.sees("prod");
    shell.answer("");
    let (said, _) = shell.status();
    assert!(said.contains("on prod."), "{said}");
    assert_eq!(shell.run("stty -a"), before);
    // What was used last comes first.
    shell.line("leapp env --unset --shell bash > unset; . ./unset; eval \"$(leapp env --shell bash)\"; echo \"on ${LEAPP_SESSION-none}.\"");
    shell.sees("Session");
    shell.sees("prod");
    shell.answer("");
    assert!(shell.status().0.contains("on prod."));
}

#[test]
fn a_picker_offers_first_what_was_used_in_this_directory() {
    let world = World::with_role("prod", "Admin");
    world.add_role("other", "work", "Short", &[]).succeeds();
    let mut shell = Shell::new(&world);
    shell.run("mkdir shop new; (cd shop; leapp exec other -- true); leapp exec prod -- true");
    // In its own directory, though another was used later; at home, though another was used later;
    // in a directory where none was used, the one that was used last anywhere.
    for (directory, first) in [("shop", "other"), (".", "prod"), ("new", "prod")] {
        shell.line(&format!(
            "cd {directory}; eval \"$(leapp env --shell bash)\"; echo \"on ${{LEAPP_SESSION-none}}.\"; cd ~"
        ));
        shell.sees("Session");
        shell.sees("work");
        shell.answer("");
        let (said, _) = shell.status();
        assert!(said.contains(&format!("on {first}.")), "{directory}: {said}");
        shell.run("leapp env --unset --shell bash > unset; . ./unset");
    }
}

#[test]
fn a_picker_that_is_left_picks_nothing() {
    let world = World::with_role("prod", "Admin");
    let mut shell = Shell::new(&world);
    let before = shell.run("stty -a");
    for key in ["\u{1b}", "\u{3}"] {
        // In a shell of its own: one that sees a child die of SIGINT drops the rest of the line.
        shell.line("bash -c 'leapp start | cat; exit ${PIPESTATUS[0]}'");
        let mut drawn = shell.sees("Session");
        drawn.push_str(&shell.sees("work"));
        shell.session.send(key).unwrap();
        shell.session.flush().unwrap();
        let (said, status) = shell.status();
        assert_eq!(status, 130, "{key:?}: {said}");
        assert_eq!(shell.run("stty -a"), before);
        let hidden = format!("{drawn}{said}").matches("\u{1b}[?25l").count();
        let shown = said.matches("\u{1b}[?25h").count();
        assert!(shown > 0 && shown >= hidden, "the cursor stays hidden: {said:?}");
    }
    assert_eq!(world.actions(), [""; 0]);
}

#[test]
fn secrets_are_not_printed_on_a_terminal_unless_that_is_asked_for() {
    let world = World::with_role("prod", "Admin");
    let mut shell = Shell::new(&world);
    for line in [
        "leapp env prod --shell bash",
        "leapp env prod --format json",
        "leapp credential-process prod",
    ] {
        shell.line(line);
        let (said, status) = shell.status();
        assert_ne!(status, 0, "{line}: {said}");
        assert!(!said.contains(CANARY), "{line}");
        assert!(said.contains("stdout is a terminal"), "{said}");
    }
    shell.line("leapp env prod --shell bash --show");
    let (said, status) = shell.status();
    assert!(status == 0 && said.contains(CANARY), "{said}");
}
