//! Programs of third parties: the example speaks the protocol, those that misbehave do no harm, and
//! what the command line makes of them.

use std::{
    cell::RefCell,
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use leapp::{
    access::{
        MfaQuestion, NoPrompt, OpenQuestion, Prompt, PromptError,
        provider::{
            FailureKind, Keys, Problem, Provider, ProviderError, ProviderName, ReplyError,
            Settings, Wanted, environment,
        },
    },
    secret::{Secret, SecretBytes},
    system::{
        child::{self, ChildError, Command, Group, Limits, Program},
        executable::{Executable, ExecutableError},
    },
};
use serde_json::json;

use crate::support::{CANARY, Outcome, World, chmod, repository, run};

/// A directory in which nobody else can change anything, however deep. `/tmp` is none.
pub(crate) fn guarded() -> tempfile::TempDir {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let places = [Some(env!("CARGO_TARGET_TMPDIR").into()), set("XDG_RUNTIME_DIR"), set("HOME")];
    let places = places.into_iter().flatten().chain(["/root".into(), "/run".into()]);
    let mut made = places.filter_map(|place: PathBuf| {
        let made = tempfile::Builder::new().prefix("leapp-test-").tempdir_in(place).ok()?;
        let probe = made.path().join("probe");
        symlink("/bin/sh", &probe).ok()?;
        let good = Executable::open(&probe).is_ok();
        fs::remove_file(probe).ok()?;
        good.then_some(made)
    });
    made.next().expect("a directory of the user's that nobody else can write on the way to")
}

/// A program in a directory; for most, the text of a shell script.
///
/// Another process writes it: what this one has open for writing, a child of another test could
/// have too, and the kernel runs no such file.
pub(crate) fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    let mut writer = std::process::Command::new("/bin/sh");
    writer.args(["-c", "cat > \"$1\"", "sh"]).arg(&path);
    run(&mut writer, Some(text)).succeeds();
    chmod(&path, 0o755);
    path
}

pub(crate) fn script(directory: &Path, text: &str) -> PathBuf {
    program(directory, "provider", &format!("#!/bin/sh\n{text}\n"))
}

/// The example, where it may be run, and a file of identities for it.
pub(crate) fn example(directory: &Path) -> PathBuf {
    let text = fs::read_to_string(repository().join("examples/provider-file.py")).unwrap();
    program(directory, "provider-file.py", &text)
}

pub(crate) fn identities(directory: &Path) -> PathBuf {
    let keys = json!({
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "secretAccessKey": "TESTSECRET/key",
        "sessionToken": "TESTSECRET/token",
        "expiration": "2099-01-02T03:04:05Z",
        "accountId": "111122223333",
    });
    let long =
        json!({ "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "TESTSECRET/long" });
    let ask = "PIN?";
    let all = json!({ "identities": [
        { "id": "reader", "name": "Reader", "account": "111122223333", "region": "eu-west-1", "credentials": keys },
        { "id": "prod/admin", "name": "Admin", "question": ask, "answer": "TESTSECRET-2468", "credentials": keys },
        { "id": "long", "credentials": long },
        { "id": "none", "name": "Nothing" },
    ]});
    let path = directory.join("identities.json");
    fs::write(&path, all.to_string()).unwrap();
    path
}

fn settings(command: &Path, arguments: &[&Path]) -> Settings {
    Settings {
        name: ProviderName::parse("corp").unwrap(),
        command: command.to_owned(),
        arguments: arguments.iter().map(OsString::from).collect(),
        timeout: Duration::from_secs(20),
    }
}

fn surroundings() -> Vec<(OsString, OsString)> {
    environment(&|name| (name == "PATH").then(|| "/usr/bin:/bin".into()))
}

fn list(settings: &Settings) -> Result<Vec<leapp::access::provider::Item>, ProviderError> {
    Provider::new(settings, &surroundings()).list()
}

fn keys(settings: &Settings, id: &str, prompt: &dyn Prompt) -> Result<Keys, ProviderError> {
    let wanted = Wanted { id, region: None, duration: Some(900) };
    Provider::new(settings, &surroundings()).credentials(wanted, prompt, &|_| ())
}

/// Someone who gives these answers, one after the other, and then stops.
struct Person {
    answers: RefCell<Vec<&'static str>>,
    asked: RefCell<Vec<String>>,
}

impl Person {
    fn who_says(answers: &[&'static str]) -> Self {
        let answers = answers.iter().rev().copied().collect();
        Self { answers: RefCell::new(answers), asked: RefCell::default() }
    }
}

impl Prompt for Person {
    fn mfa_code(&self, _: &MfaQuestion<'_>) -> Result<String, PromptError> {
        Err(PromptError::Unavailable)
    }

    fn answer(&self, question: &OpenQuestion<'_>) -> Result<Secret, PromptError> {
        let OpenQuestion { asker, text, secret } = question;
        self.asked.borrow_mut().push(format!("{asker}|{text}|{secret}"));
        let answer = self.answers.borrow_mut().pop().ok_or(PromptError::Cancelled)?;
        Ok(Secret::new(answer.to_owned()))
    }

    fn can_ask(&self) -> bool {
        true
    }
}

/// The error as a person reads it, and all that it holds.
fn whole(error: &ProviderError) -> String {
    use std::error::Error;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert!(!format!("{error:?}{text}").contains(CANARY), "a secret in: {error:?}");
    text
}

#[test]
fn the_example_describes_lists_and_gives_credentials() {
    let top = guarded();
    let (program, file) = (example(top.path()), identities(top.path()));
    let settings = settings(&program, &[&file]);
    let description = Provider::new(&settings, &surroundings()).describe().unwrap();
    assert_eq!((description.name.as_str(), description.versions), ("Example", vec![1]));
    let items = list(&settings).unwrap();
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["reader", "prod/admin", "long", "none"]);
    assert_eq!(items[0].region.as_ref().unwrap().as_str(), "eu-west-1");
    assert!(items[1].needs_person && items[3].unusable.is_some());
    let temporary = keys(&settings, "reader", &NoPrompt).unwrap();
    assert_eq!(temporary.secret_key.expose(), "TESTSECRET/key");
    assert_eq!(temporary.session_token.unwrap().expose(), "TESTSECRET/token");
    assert_eq!(temporary.expires_at.unwrap().rfc3339(), "2099-01-02T03:04:05Z");
    let long = keys(&settings, "long", &NoPrompt).unwrap();
    assert!(long.session_token.is_none() && long.expires_at.is_none());
}

#[test]
fn the_example_works_as_it_is_shipped() {
    let top = guarded();
    let settings = settings(&example(top.path()), &[]);
    assert_eq!(list(&settings).unwrap().len(), 2);
    assert!(keys(&settings, "reader", &NoPrompt).unwrap().session_token.is_some());
    assert!(keys(&settings, "admin", &Person::who_says(&["2468"])).is_ok());
}

#[test]
fn a_question_reaches_a_person_until_the_answer_is_right() {
    let top = guarded();
    let settings = settings(&example(top.path()), &[&identities(top.path())]);
    let person = Person::who_says(&["TESTSECRET-1", "TESTSECRET-2468"]);
    assert!(keys(&settings, "prod/admin", &person).is_ok());
    let expected = ["corp|PIN?|true", "corp|That is not it. PIN?|true"];
    assert_eq!(*person.asked.borrow(), expected);
    let person = Person::who_says(&["TESTSECRET-1", "TESTSECRET-2", "TESTSECRET-3"]);
    let error = keys(&settings, "prod/admin", &person).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    assert!(whole(&error).ends_with("three wrong answers"));
    let error = keys(&settings, "prod/admin", &Person::who_says(&[])).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Cancelled);
    let error = keys(&settings, "prod/admin", &NoPrompt).unwrap_err();
    assert_eq!(
        (error.kind(), error.hint().unwrap().as_str()),
        (FailureKind::Action, "try again on a terminal")
    );
    let error = keys(&settings, "nothing", &NoPrompt).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Incomplete);
}

const ASKS: &str = r#"echo '{"version":1,"ask":{"id":"a","text":"again?","secret":false}}'"#;

#[test]
fn nobody_is_asked_for_ever_or_where_nobody_is() {
    let top = guarded();
    let settings = settings(&script(top.path(), ASKS), &[]);
    let person = Person::who_says(&["1", "2", "3", "4", "5", "6", "7"]);
    let error = keys(&settings, "x", &person).unwrap_err();
    assert!(matches!(error.problem, Problem::TooManyQuestions(5)), "{error:?}");
    assert_eq!(*person.asked.borrow(), ["corp|again?|false"; 5]);
    let error = keys(&settings, "x", &NoPrompt).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Action);
    assert!(whole(&error).contains("'corp' gave no credentials for 'x': it asks \"again?\""));
}

/// A shell script, the kind of failure, and what is told.
const MISBEHAVING: &[(&str, FailureKind, &str)] = &[
    (
        "sleep 60 & echo on my way >&2; wait",
        FailureKind::Unreachable,
        "did not end within 3 s: on my way",
    ),
    ("while :; do echo TESTSECRET; done", FailureKind::Failed, "more than 1048576 bytes"),
    ("while :; do echo noise >&2; done", FailureKind::Unreachable, "did not end within 3 s: noise"),
    ("echo TESTSECRET", FailureKind::Failed, "not one JSON object: line 1, column 1"),
    (r#"echo '{"version":1,"credentials":'"#, FailureKind::Failed, "not one JSON object"),
    (":", FailureKind::Failed, "wrote nothing to stdout"),
    (
        r#"echo '{"version":1,"credentials":{"accessKeyId":"TESTSECRET"}}'"#,
        FailureKind::Failed,
        "'credentials.accessKeyId' has not the form",
    ),
    (
        r#"echo '{"version":1,"items":[]}'"#,
        FailureKind::Failed,
        "answered with 'items', which it was not",
    ),
    (
        "echo TESTSECRET; echo first >&2; printf 'the \\033[31mlast\\n\\n' >&2; exit 3",
        FailureKind::Failed,
        "ended with status 3: the  [31mlast",
    ),
    ("echo TESTSECRET; kill -9 $$", FailureKind::Failed, "was ended by signal 9"),
    (
        r#"echo '{"version":7,"new":1}'"#,
        FailureKind::Failed,
        "in version 7 of the protocol, and this leapp speaks version 1",
    ),
    (
        r#"echo '{"version":1,"error":{"kind":"unreachable","message":"no way"}}'; exit 1"#,
        FailureKind::Unreachable,
        ": no way",
    ),
    (
        r#"echo '{"version":1,"credentials":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"TESTSECRET","sessionToken":"TESTSECRET","expiration":"2001-01-01T00:00:00Z"}}'"#,
        FailureKind::Failed,
        "expired already",
    ),
];

#[test]
fn whatever_a_provider_does_is_a_clear_error_without_a_secret() {
    let top = guarded();
    for (text, kind, expected) in MISBEHAVING {
        let mut settings = settings(&script(top.path(), text), &[]);
        let slow = expected.contains("within 3 s");
        settings.timeout = Duration::from_secs(if slow { 3 } else { 60 });
        let error = keys(&settings, "x", &NoPrompt).unwrap_err();
        assert!(whole(&error).contains(expected), "{text}: {}", whole(&error));
        assert_eq!(error.kind(), *kind, "{text}");
    }
}

#[test]
fn a_newer_protocol_is_told_with_both_versions() {
    let top = guarded();
    let text = r#"echo '{"version":1,"description":{"name":"New","versions":[2,3]}}'"#;
    let settings = settings(&script(top.path(), text), &[]);
    let error = Provider::new(&settings, &surroundings()).describe().unwrap_err();
    assert!(matches!(&error.problem, Problem::Reply(ReplyError::Version(all)) if *all == [2, 3]));
    assert_eq!(error.hint().unwrap(), "install a newer leapp");
}

#[test]
fn a_program_that_others_could_change_is_not_run() {
    let top = guarded();
    let inner = top.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let mark = top.path().join("mark");
    let path = script(&inner, &format!("touch '{}'; {ASKS}", mark.display()));
    let refused = |path: &Path| match list(&settings(path, &[])).unwrap_err() {
        error @ ProviderError { problem: Problem::Executable(_), .. } => {
            assert_eq!(error.kind(), FailureKind::Incomplete);
            (whole(&error), error.hint().unwrap_or_default())
        }
        error => panic!("{error:?}"),
    };
    for mode in [0o775, 0o757, 0o777] {
        chmod(&path, mode);
        let (text, hint) = refused(&path);
        assert!(text.contains(&format!("mode {mode:04o}: others can change it")), "{text}");
        assert_eq!(hint, format!("chmod go-w '{}'", path.display()));
    }
    chmod(&path, 0o755);
    for mode in [0o775, 0o757, 0o1777] {
        chmod(&inner, mode);
        assert!(refused(&path).0.contains(&format!("inner' has mode {mode:04o}")));
    }
    chmod(&inner, 0o755);
    chmod(&path, 0o644);
    assert!(refused(&path).1.starts_with("chmod u+x"));
    chmod(&path, 0o755);
    assert!(refused(&inner).0.contains("is no regular file"));
    assert!(refused(Path::new("bin/x")).0.contains("no absolute path"));
    assert!(refused(&inner.join("none")).0.contains("cannot open"));
    // A link is as good as the directory that it stands in, and as what it leads to.
    let (link, open) = (top.path().join("link"), top.path().join("open"));
    symlink("inner/provider", &link).unwrap();
    assert!(matches!(list(&settings(&link, &[])).unwrap_err().problem, Problem::Unasked("ask")));
    assert!(mark.exists());
    fs::remove_file(&mark).unwrap();
    fs::create_dir(&open).unwrap();
    symlink(&path, open.join("link")).unwrap();
    chmod(&open, 0o777);
    assert!(refused(&open.join("link")).0.contains("open' has mode 0777"));
    symlink("circle", top.path().join("circle")).unwrap();
    assert!(refused(&top.path().join("circle")).0.contains("cannot open"));
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        assert!(refused(&path).0.contains("belongs to user id 12345"));
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        std::os::unix::fs::lchown(&link, Some(12_345), None).unwrap();
        assert!(refused(&link).0.contains("link' belongs to user id 12345"));
    }
    assert!(!mark.exists(), "it was run");
}

#[test]
fn the_file_that_was_judged_is_the_one_that_runs() {
    let top = guarded();
    let start = |program: &Executable, argument: &str| {
        let command = Command {
            program: Program::Checked(program),
            arguments: &["-c".into(), argument.into()],
            environment: &[],
            directory: Path::new("/"),
            input: &SecretBytes::default(),
            group: Group::Own,
        };
        child::run(&command, Limits { time: Duration::from_secs(20), stdout: 100, stderr: 100 })
    };
    // A script that was exchanged is not run.
    let path = script(top.path(), "echo old");
    let judged = Executable::open(&path).unwrap();
    assert_eq!(start(&judged, "").unwrap().stdout.expose(), b"old\n");
    fs::remove_file(&path).unwrap();
    script(top.path(), "echo new");
    assert!(matches!(start(&judged, ""), Err(ChildError::Replaced(_))));
    // Machine code runs as it was opened, whatever stands there now.
    let path = top.path().join("sh");
    run(std::process::Command::new("/bin/cp").args(["-L", "/bin/sh"]).arg(&path), None).succeeds();
    let judged = Executable::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let finished = start(&judged, "echo $0").unwrap();
    assert_eq!(finished.stdout.expose(), format!("{}\n", path.display()).as_bytes());
    assert!(matches!(Executable::open(&path), Err(ExecutableError::Io { .. })));
}

#[test]
fn a_provider_sees_what_it_needs_and_nothing_else() {
    let top = guarded();
    let seen = top.path().join("seen");
    let text = "cat /proc/$$/environ > \"$1\"; { pwd; ls /proc/self/fd | wc -l; cat; } >> \"$1\"";
    let mut world = World::new();
    configure(&world, &script(top.path(), text), &[&seen]);
    let passed = [
        ("HTTP_PROXY", "http://p:1"),
        ("HTTPS_PROXY", "http://p:2"),
        ("NO_PROXY", "x"),
        ("ALL_PROXY", "y"),
        ("http_proxy", "http://p:3"),
        ("https_proxy", "http://p:4"),
        ("no_proxy", "z"),
        ("all_proxy", "w"),
        ("AWS_CA_BUNDLE", "/ca/1"),
        ("SSL_CERT_FILE", "/ca/2"),
        ("SSL_CERT_DIR", "/ca/3"),
        ("REQUESTS_CA_BUNDLE", "/ca/4"),
        ("CURL_CA_BUNDLE", "/ca/5"),
        ("NODE_EXTRA_CA_CERTS", "/ca/6"),
    ];
    for (name, value) in passed {
        world.set(name, value);
    }
    for name in ["AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD_", "LEAPP_STATE", "LC_ALL"] {
        world.set(name, "TESTSECRET");
    }
    world.leapp(["provider", "refresh", "corp"]).fails(1).says("wrote nothing to stdout");
    let text = fs::read_to_string(&seen).unwrap();
    let (variables, rest) = text.rsplit_once('\0').unwrap();
    let mut variables: Vec<&str> = variables.split('\0').collect();
    variables.sort_unstable();
    let own = |name: &str| {
        let value = &world.variables()[std::ffi::OsStr::new(name)];
        format!("{name}={}", value.to_str().unwrap())
    };
    let mut expected: Vec<String> =
        passed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    expected.extend(["PATH", "HOME", "LANG"].map(own));
    expected.sort_unstable();
    assert_eq!(variables, expected);
    let client = concat!("leapp/", env!("CARGO_PKG_VERSION"));
    let request = format!(r#"{{"version":1,"request":"describe","client":"{client}"}}"#);
    // The fourth descriptor is the directory that is listed.
    assert_eq!(rest.lines().collect::<Vec<_>>(), ["/", "4", &request]);
}

/// Writes the settings of one provider, `corp`.
pub(crate) fn configure(world: &World, command: &Path, arguments: &[&Path]) {
    let words: Vec<String> =
        arguments.iter().map(|a| format!("{:?}", a.to_str().unwrap())).collect();
    let text = format!(
        "[providers.corp]\ncommand = {:?}\nargs = [{}]\n",
        command.to_str().unwrap(),
        words.join(", ")
    );
    write_settings(world, &text);
}

pub(crate) fn write_settings(world: &World, text: &str) {
    let home = world.leapp_home();
    if !home.exists() {
        fs::create_dir(&home).unwrap();
        chmod(&home, 0o700);
    }
    fs::write(home.join("config.toml"), text).unwrap();
    chmod(&home.join("config.toml"), 0o600);
}

fn rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let text = outcome.succeeds().text();
    let cells = |line: &str| {
        line.split("  ").map(|cell| cell.trim().to_owned()).filter(|c| !c.is_empty()).collect()
    };
    text.lines().map(cells).collect()
}

#[test]
fn what_a_provider_has_is_asked_once_and_listed_from_then_on() {
    let top = guarded();
    let (program, file) = (example(top.path()), identities(top.path()));
    let world = World::new();
    configure(&world, &program, &[&file]);
    let never = world.leapp(["provider", "list"]);
    assert_eq!(rows(&never), [["corp", "-", "-", "-", "run: leapp provider refresh corp"]]);
    assert!(!world.leapp_home().join("providers").exists(), "a list made a file");
    let first = world.leapp(["provider", "refresh"]);
    first.succeeds().prints("").says("provider 'corp' has 4 (1 unusable) identities (4 added)");
    first.says("+ ext:corp:prod/admin");
    world.leapp(["provider", "refresh", "corp"]).succeeds().says("(no change)");
    let path = world.leapp_home().join("providers/corp.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&path).unwrap().contains(CANARY));
    // From here on the provider is gone, and nothing but a refresh finds out.
    let mut all: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    all["identities"].as_array_mut().unwrap().remove(2);
    all["identities"][0]["name"] = "Renamed".into();
    fs::write(&file, all.to_string()).unwrap();
    let changed = world.leapp(["--json", "provider", "refresh"]);
    let changed = changed.succeeds().json();
    assert_eq!(changed[0]["removed"], json!(["long"]));
    assert_eq!((&changed[0]["changed"], &changed[0]["added"]), (&json!(["reader"]), &json!([])));
    fs::remove_file(&file).unwrap();
    let listed = rows(&world.leapp(["provider", "list"]));
    assert_eq!(listed[0][..3], ["corp", "Example", "3 (1 unusable)"]);
    assert!(listed[0][3].ends_with(" ago") && listed[0][4] == "ok", "{listed:?}");
    let failed = world.leapp(["provider", "refresh", "corp"]);
    failed.fails(5).says("provider 'corp' gave no list").says("cannot be read (FileNotFoundError)");
    let listed = rows(&world.leapp(["provider", "list"]));
    assert_eq!(listed[0][2], "3 (1 unusable)");
    assert_eq!(listed[0][4], "failed: the file cannot be read (FileNotFoundError)");
    let listed = world.leapp(["provider", "list", "--json"]).json();
    assert_eq!(listed[0]["identities"][0]["id"], "prod/admin");
    assert_eq!(listed[0]["description"]["versions"], json!([1]));
    assert!(listed[0]["failure"]["message"].is_string() && listed[0]["listedAt"].is_string());
    // Another command line may be another program.
    configure(&world, &program, &[]);
    assert_eq!(world.leapp(["provider", "list", "--json"]).json()[0]["identities"], json!(null));
}

#[test]
fn one_provider_that_fails_keeps_no_other_from_listing() {
    let top = guarded();
    let good = example(top.path());
    let bad = script(top.path(), "echo broken >&2; exit 9");
    let world = World::new();
    write_settings(
        &world,
        &format!(
            "[providers.b]\ncommand = '{}'\n[providers.c]\ncommand = '{}'\n",
            bad.display(),
            good.display()
        ),
    );
    let outcome = world.leapp(["provider", "refresh"]);
    outcome
        .fails(1)
        .says("note: provider 'b' gave no description of itself: it ended with status 9: broken");
    outcome.says("provider 'c' has 2 identities (2 added)").says("1 of 2 providers did not");
    let listed = rows(&world.leapp(["provider", "list"]));
    assert_eq!(listed[0][4], "failed: it ended with status 9: broken");
    assert_eq!(listed[1][2], "2");
    world.leapp(["list"]).succeeds();
    world.leapp(["provider", "refresh", "d"]).fails(5).says("there is no provider \"d\"");
}

#[test]
fn without_providers_there_is_a_way_to_them() {
    let world = World::new();
    world.leapp(["provider", "list"]).succeeds().prints("").says("no providers are configured");
    world.leapp(["provider", "list", "--json"]).succeeds().prints("[]\n");
    world.leapp(["provider", "refresh"]).fails(5).says("hint: docs/providers.md");
    assert!(!world.leapp_home().exists());
}

/// Whether a process of that number still runs.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupt_ends_the_provider_too() {
    let top = guarded();
    let pids = top.path().join("pids");
    let text = "sleep 300 & echo $$ $! > \"$1.new\"; mv \"$1.new\" \"$1\"; wait";
    let world = World::new();
    configure(&world, &script(top.path(), text), &[&pids]);
    for signal in [nix::sys::signal::Signal::SIGINT, nix::sys::signal::Signal::SIGKILL] {
        let mut command = world.command(["provider", "refresh", "corp"]);
        let waiting = std::thread::spawn(move || run(&mut command, None));
        wait_until("the provider did not start", || pids.exists());
        let text = fs::read_to_string(&pids).unwrap();
        fs::remove_file(&pids).unwrap();
        let all: Vec<u32> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let stat = fs::read_to_string(format!("/proc/{}/stat", all[0])).unwrap();
        let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(parent), signal).unwrap();
        assert_eq!(waiting.join().unwrap().code(), 128 + signal as i32);
        wait_until("the provider still runs", || !runs(all[0]));
        if signal == nix::sys::signal::Signal::SIGINT {
            wait_until("what it started still runs", || !runs(all[1]));
        } else {
            _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(all[1].cast_signed()), signal);
        }
    }
}

#[test]
fn the_names_of_providers_are_completed() {
    let top = guarded();
    let world = World::new();
    configure(&world, &example(top.path()), &[]);
    let offered =
        || world.leapp(["complete", "--at", "3", "--", "leapp", "provider", "refresh", "c"]);
    offered().succeeds().prints("corp\n");
    world.leapp(["provider", "refresh"]).succeeds();
    offered().succeeds().prints("corp\tExample\n");
}

#[test]
fn the_page_has_every_member_and_limit() {
    let page = fs::read_to_string(repository().join("docs/providers.md")).unwrap();
    for word in [
        "accessKeyId",
        "secretAccessKey",
        "sessionToken",
        "expiration",
        "accountId",
        "needsPerson",
        "unusable",
        "canAsk",
        "answers",
        "state",
        "duration",
        "10,000",
        "256",
        "1 MiB",
        "questions before",
        "NODE_EXTRA_CA_CERTS",
        "action",
        "refused",
        "incomplete",
        "unreachable",
        "failed",
    ] {
        assert!(page.contains(word), "{word}");
    }
}
