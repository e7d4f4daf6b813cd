//! The real shells are the judges of what `leapp::shell` writes.
//!
//! Deliberately absent: PowerShell, which the unit tests cover as far as text can.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may start programs, write scratch files and fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use leapp::envdelta::{EnvDelta, Inherited, Kind, MANAGED, MARKERS, Managed, State, Value};
use leapp::secret::Secret;
use leapp::shell::{Shell, by_program};
use proptest::prelude::*;

/// What no trace may show.
const CANARY: &str = "TESTCANARY";

/// The real programs, each with the options that keep the user's own files out.
const JUDGES: &[(&str, &[&str])] = &[
    ("bash", &["--norc", "--noprofile"]),
    ("zsh", &["-f"]),
    ("fish", &["--no-config"]),
    ("dash", &[]),
];

type Vars = BTreeMap<String, Vec<u8>>;

/// A shell under test, with a folder of its own for scripts and for `HOME`.
struct Judge {
    program: &'static str,
    options: &'static [&'static str],
    shell: &'static dyn Shell,
    folder: PathBuf,
}

impl Judge {
    fn all() -> Vec<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let new = |(program, options): &(&'static str, &'static [&'static str])| {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("leapp-shells-{}-{count}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir(&folder).unwrap();
            Self { program, options, shell: by_program(program).unwrap(), folder }
        };
        JUDGES.iter().map(new).collect()
    }

    fn is_fish(&self) -> bool {
        self.program == "fish"
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs a script with exactly the variables given, and PATH and HOME.
    fn run(&self, script: &[u8], vars: &Vars) -> Output {
        let path = self.write("script", script);
        Command::new(self.program)
            .args(self.options)
            .arg(path)
            .env_clear()
            // Without a locale fish itself changes what it inherits: it reads Latin-1, writes UTF-8.
            .env("LC_ALL", "C.UTF-8")
            .envs(
                vars.iter()
                    .map(|(name, value)| (name, OsStr::from_bytes(value))),
            )
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("the test needs {}: {error}", self.program))
    }

    /// The statement that evaluates a file as `eval "$(leapp env)"` would.
    fn eval(&self, file: &Path) -> String {
        let cat = format!("cat {}", file.display());
        if self.is_fish() { format!("{cat} | source") } else { format!("eval \"$({cat})\"") }
    }

    /// The statement that sets a variable for the shell alone.
    fn set_unexported(&self, name: &str, value: &[u8]) -> Vec<u8> {
        let mut script =
            if self.is_fish() { format!("set -gu {name} ") } else { format!("{name}=") }
                .into_bytes();
        script.extend(self.shell.quote(value).unwrap());
        script.push(b'\n');
        script
    }

    /// Statements that print a snapshot of `names`: `u` or `s` and the value, then what a child
    /// sees, then whatever of ours the shell holds.
    fn report(&self, names: &BTreeSet<String>) -> String {
        let mut script = String::new();
        for name in names {
            let statement = if self.is_fish() {
                format!("if set -q {name}; printf 's%s\\0' \"${name}\"; else; printf 'u\\0'; end\n")
            } else {
                format!(
                    "case \"${{{name}+s}}\" in s) printf 's%s\\0' \"${name}\";; \
                     *) printf 'u\\0';; esac\n"
                )
            };
            script.push_str(&statement);
        }
        let held = if self.is_fish() { "set --names" } else { "set" };
        script += "env -0; printf 'END\\0'\n";
        _ = writeln!(script, "{held} | grep -a -o '^__leapp_[a-z]_*' | sort -u; printf '\\0'");
        script
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // Nothing depends on it, and a second panic would hide the first.
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// What [`Judge::report`] printed.
#[derive(Debug, Eq, PartialEq)]
struct Snapshot {
    /// Every variable asked for: none if unset.
    values: BTreeMap<String, Option<Vec<u8>>>,
    exported: BTreeSet<String>,
    /// Prefixes of the names of our own variables.
    held: String,
}

impl Snapshot {
    fn read(names: &BTreeSet<String>, out: &mut &[u8]) -> Self {
        let mut values = BTreeMap::new();
        for name in names {
            let field = take(out);
            values.insert(name.clone(), field.strip_prefix(b"s").map(<[u8]>::to_vec));
        }
        let mut exported = BTreeSet::new();
        loop {
            let field = take(out);
            if field == b"END" {
                break;
            }
            let name = field.split(|b| *b == b'=').next().unwrap();
            let name = String::from_utf8_lossy(name).into_owned();
            assert!(!name.starts_with("__leapp"), "a child sees {name}");
            if names.contains(&name) {
                exported.insert(name);
            }
        }
        Self { values, exported, held: String::from_utf8(take(out).to_vec()).unwrap() }
    }
}

fn take<'a>(out: &mut &'a [u8]) -> &'a [u8] {
    let end = out.iter().position(|b| *b == 0).expect("the script ended early");
    let field = &out[..end];
    *out = &out[end + 1..];
    field
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn managed_names() -> BTreeSet<String> {
    let lists = |managed: &&Managed| [managed.sets, managed.conditional, managed.removes].concat();
    let names = MANAGED.iter().flat_map(lists).chain(MARKERS.iter().copied());
    names.map(str::to_owned).collect()
}

fn inherited(vars: &Vars) -> Inherited {
    Inherited::read(|name| vars.get(name).map(|value| OsString::from_vec(value.clone())))
}

/// A session over `vars`, complete with its state; the secrets hold the canary.
fn session(id: &str, endpoint: Option<&str>, vars: &Vars) -> EnvDelta {
    let before = inherited(vars);
    let state = State {
        kind: Kind::Env,
        identities: vec![format!("session:{id}")],
        expiry: 1_900_000_000,
        access_key_id: format!("ASIA{id}"),
        root: Vec::new(),
        originals: before.originals(|_| endpoint.is_some()),
    };
    let secret = |text: &str| Value::Secret(Secret::new(format!("{CANARY}'\\\n{text}{id}")));
    let mut values = vec![
        ("AWS_ACCESS_KEY_ID", Value::Public(state.access_key_id.clone())),
        ("AWS_SECRET_ACCESS_KEY", secret("secret")),
        ("AWS_SESSION_TOKEN", secret("token")),
        ("AWS_CREDENTIAL_EXPIRATION", Value::Public("2030-01-01T00:00:00Z".into())),
        ("AWS_REGION", Value::Public("eu-west-1".into())),
        ("LEAPP_SESSION", Value::Public(id.into())),
        ("LEAPP_STATE", Value::Public(state.format().unwrap())),
    ];
    values.extend(endpoint.map(|url| ("AWS_ENDPOINT_URL", Value::Public(url.into()))));
    EnvDelta::session(Managed::of("aws").unwrap(), values, &before).unwrap()
}

/// The environment after the change.
fn after(vars: &Vars, delta: &EnvDelta) -> Vars {
    let mut vars = vars.clone();
    for name in &delta.removes {
        vars.remove(name.as_str());
    }
    for (name, value) in &delta.sets {
        vars.insert(name.as_str().to_owned(), value.expose().as_bytes().to_vec());
    }
    vars
}

/// What a variable is before the first session.
#[derive(Clone, Debug)]
enum Start {
    Exported(Vec<u8>),
    Unexported(Vec<u8>),
    Unset,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(b"'\\\"\n\r\t $`;&|!^~*?[]{}()<>#%=-\x01\x7f\x80\xff".to_vec());
    prop::collection::vec(prop_oneof![odd, 1..=255_u8], 0..10)
}

fn starts() -> impl Strategy<Value = BTreeMap<String, Start>> {
    let start = prop_oneof![
        Just(Start::Unset),
        bytes().prop_map(Start::Exported),
        Just(Start::Exported(Vec::new())),
        bytes().prop_map(Start::Unexported),
        Just(Start::Unexported(Vec::new())),
    ];
    let names: Vec<String> = managed_names().into_iter().collect();
    prop::collection::vec(start, names.len())
        .prop_map(move |starts| names.iter().cloned().zip(starts).collect())
}

/// Options that a user may have on; each is switched on before an evaluation and off after it.
fn moods(judge: &Judge) -> &'static [(&'static str, &'static str)] {
    const STRICT: (&str, &str) = ("set -euC", "set +euC");
    const EXPORTING: (&str, &str) = ("set -a", "set +a");
    match judge.program {
        "bash" => &[
            ("", ""),
            STRICT,
            EXPORTING,
            (
                "set -euo pipefail; shopt -s expand_aliases nocasematch; IFS=AWS_; \
                 alias export='echo HIJACKED' unset='echo HIJACKED' set=false\n",
                "\\unalias -a; shopt -u nocasematch; \\unset IFS; \\set +eu",
            ),
            (
                "export() { echo HIJACKED; }; unset() { echo HIJACKED; }; AWS_VAULT() { :; }",
                "builtin unset -f export unset; AWS_VAULT",
            ),
        ],
        "zsh" => &[
            ("", ""),
            STRICT,
            EXPORTING,
            (
                "setopt sh_word_split ksh_arrays rc_quotes csh_junkie_quotes warn_create_global \
                 glob_subst glob_assign extended_glob err_return ksh_typeset",
                "setopt no_sh_word_split no_ksh_arrays no_csh_junkie_quotes no_warn_create_global \
                 no_glob_subst no_glob_assign no_extended_glob no_err_return no_ksh_typeset",
            ),
            (
                "alias export='echo HIJACKED' unset='echo HIJACKED' set=false \
                 typeset=false\n",
                "\\unalias -a",
            ),
        ],
        "dash" => &[
            ("", ""),
            STRICT,
            EXPORTING,
            ("alias export='echo HIJACKED' unset='echo HIJACKED' set=false\n", "\\unalias -a"),
        ],
        _ => &[("", "")],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_value_is_read_back_byte_for_byte(more in prop::collection::vec(bytes(), 300..302)) {
        let mut values: Vec<Vec<u8>> = [
            "", "'", "\\", "\\'", "a\\", "\n", "a\n", "\n\n'", "''", "\"", "$(echo x)", "`echo x`",
            "\\'; touch F #", "'; touch F #", "\"; touch F #", "~", "-n", "=ls", "!!", "%", "\r\n",
            "a  b", "*", "{a,b}", "$'x'", "\u{feff}", "\u{fdd0}", "\u{f600}", "\u{f6ff}", "\u{2019}",
            "\u{10ffff}", "é", "e\u{301}",
        ].map(|value| value.as_bytes().to_vec()).into();
        values.push((1..=255).collect());
        values.extend((1..=255).map(|byte| vec![byte]));
        values.extend((1..=255).map(|byte| vec![b'\'', byte, b'\\']));
        values.extend(more);
        for judge in Judge::all() {
            for (on, off) in moods(&judge) {
                let mut words = (*on).to_owned().into_bytes();
                words.push(b'\n');
                for value in &values {
                    words.extend(b"\\printf '%s\\0' ");
                    words.extend(judge.shell.quote(value).unwrap());
                    words.push(b'\n');
                }
                words.extend(off.bytes());
                words.push(b'\n');
                let locale = if values.len().is_multiple_of(2) { "C.UTF-8" } else { "C" };
                let vars = Vars::from([("LC_ALL".into(), locale.into())]);
                let output = judge.run(&words, &vars);
                let read: Vec<_> = output.stdout.split(|b| *b == 0).collect();
                prop_assert_eq!(text(&output.stderr), "", "{} {}", judge.program, on);
                prop_assert_eq!(read.len(), values.len() + 1, "{} {}", judge.program, on);
                for (value, read) in values.iter().zip(read) {
                    prop_assert_eq!(value, read, "{} {}", judge.program, on);
                }
                prop_assert!(!judge.folder.join("F").exists());
            }
        }
    }
}

/// The scripts of one round: switch on, switch on another session, go back.
struct Round {
    vars: Vars,
    script: Vec<u8>,
    inside: Vars,
}

impl Round {
    /// `endpoints` are those of the sessions, one over the other.
    fn new(
        judge: &Judge,
        starts: &BTreeMap<String, Start>,
        (on, off): (&str, &str),
        endpoints: &[Option<&str>],
    ) -> Self {
        let names = managed_names();
        let mut vars = Vars::new();
        // A hostile environment cannot make the kept originals exported ones.
        vars.insert("__leapp_o_AWS_SECRET_ACCESS_KEY".into(), b"x".to_vec());
        vars.insert("__leapp_t".into(), b"x".to_vec());
        let mut script = Vec::new();
        for (name, start) in starts {
            match start {
                Start::Exported(value) => _ = vars.insert(name.clone(), value.clone()),
                Start::Unexported(value) => script.extend(judge.set_unexported(name, value)),
                Start::Unset => {}
            }
        }
        let first = judge
            .report(&names)
            .replace("env -0", "env -0 -u __leapp_t -u __leapp_o_AWS_SECRET_ACCESS_KEY");
        script.extend(first.bytes());
        let mut inside = vars.clone();
        let mut texts = Vec::new();
        for (at, endpoint) in endpoints.iter().enumerate() {
            let delta = session(&format!("K{at}"), *endpoint, &inside);
            let applied = judge.shell.apply(&delta, &inherited(&inside)).unwrap();
            texts.push(judge.write(&format!("apply{at}"), applied.expose()));
            inside = after(&inside, &delta);
        }
        let restored = judge.shell.restore(&inherited(&inside)).unwrap();
        let restored = judge.write("restore", &restored);
        let report = judge.report(&names);
        let drop = if judge.is_fish() { "set -eg __leapp_t\n" } else { "unset __leapp_t\n" };
        script.extend(drop.bytes());
        for file in texts.iter().chain([&restored]) {
            let eval = judge.eval(file);
            // Most of the moods are those of a function, too.
            let eval = if on.is_empty() || judge.is_fish() {
                eval
            } else {
                format!("go() {{ {eval}; }}\ngo")
            };
            let line = format!("{on}\n{eval}\n{off}\n{report}");
            script.extend(line.bytes());
        }
        inside.retain(|name, _| !name.starts_with("__leapp"));
        Self { vars, script, inside }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    fn going_back_restores_the_environment_exactly(
        starts in starts(),
        endpoints in prop::collection::vec(
            prop::option::of(Just("http://127.0.0.1:4566")), 1..=3),
    ) {
        let names = managed_names();
        for judge in Judge::all() {
            for mood in moods(&judge) {
                let round = Round::new(&judge, &starts, *mood, &endpoints);
                let output = judge.run(&round.script, &round.vars);
                let context = format!("{} {} {}", judge.program, mood.0, text(&output.stdout));
                prop_assert_eq!(text(&output.stderr), "", "{}", context);
                prop_assert!(output.status.success(), "{}", context);
                prop_assert!(!context.replace(mood.0, "").contains("HIJACKED"), "{}", context);
                let mut out = output.stdout.as_slice();
                let mut before = Snapshot::read(&names, &mut out);
                for _ in 1..endpoints.len() {
                    Snapshot::read(&names, &mut out);
                }
                let during = Snapshot::read(&names, &mut out);
                for name in &names {
                    let expected = round.inside.get(name);
                    if name == "AWS_ENDPOINT_URL" && expected.is_none() {
                        continue; // left alone: it may be set and not exported
                    }
                    prop_assert_eq!(during.values[name].as_ref(), expected, "{} {}", name, context);
                    prop_assert_eq!(during.exported.contains(name), expected.is_some());
                }
                before.held = String::new();
                prop_assert_eq!(Snapshot::read(&names, &mut out), before, "{}", context);
                prop_assert!(out.is_empty());
            }
        }
    }
}

/// Every variable exported, with values that the state can carry.
fn recordable() -> Vars {
    [
        ("AWS_PROFILE", "my profile"),
        ("AWS_DEFAULT_PROFILE", ""),
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", "https://vpce.example"),
        ("AWS_SECRET_ACCESS_KEY", "TESTCANARY-own"),
        ("AWS_ROLE_ARN", "arn:x"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into()
}

/// A nested shell has no kept originals.
#[test]
fn a_shell_without_kept_originals_goes_back_to_those_of_the_state() {
    for judge in Judge::all() {
        for endpoint in [None, Some("http://127.0.0.1:4566")] {
            let inside = after(&recordable(), &session("K", endpoint, &recordable()));
            let restored = judge.shell.restore(&inherited(&inside)).unwrap();
            let file = judge.write("restore", &restored);
            let names = managed_names();
            let script = format!("{}\n{}", judge.eval(&file), judge.report(&names));
            let output = judge.run(script.as_bytes(), &inside);
            assert_eq!(text(&output.stderr), "", "{}", judge.program);
            let found = Snapshot::read(&names, &mut output.stdout.as_slice());
            let mut expected = recordable();
            expected.remove("AWS_SECRET_ACCESS_KEY");
            expected.remove("AWS_ROLE_ARN");
            for name in &names {
                let program = judge.program;
                assert_eq!(found.values[name].as_ref(), expected.get(name), "{program} {name}");
                assert_eq!(found.exported.contains(name), expected.contains_key(name), "{name}");
            }
        }
    }
}

#[test]
fn credentials_that_are_not_ours_any_more_stay() {
    for judge in Judge::all() {
        let start = recordable();
        let delta = session("K", None, &start);
        let applied = judge.shell.apply(&delta, &inherited(&start)).unwrap();
        let applied = judge.write("apply", applied.expose());
        let mut inside = after(&start, &delta);
        inside.insert("AWS_ACCESS_KEY_ID".into(), b"AKIAMINE".to_vec());
        let restored = judge.shell.restore(&inherited(&inside)).unwrap();
        let restored = judge.write("restore", &restored);
        let mine = if judge.is_fish() { "set -gx AWS_ACCESS_KEY_ID" } else { "AWS_ACCESS_KEY_ID=" };
        let names = managed_names();
        let script = format!(
            "{}\n{mine} AKIAMINE\n{}\n{}",
            judge.eval(&applied),
            judge.eval(&restored),
            judge.report(&names)
        )
        .replace("= AKIAMINE", "=AKIAMINE");
        let output = judge.run(script.as_bytes(), &start);
        let found = Snapshot::read(&names, &mut output.stdout.as_slice());
        inside.retain(|name, _| !MARKERS.contains(&name.as_str()));
        for name in &names {
            assert_eq!(found.values[name].as_ref(), inside.get(name), "{} {name}", judge.program);
        }
        assert_eq!(found.held, "", "{}", judge.program);
    }
}

/// A program that stands in for leapp: prints a file, ends with a status.
fn stand_in(judge: &Judge, content: &[u8], status: u8) -> Vec<u8> {
    let answer = judge.write("answer", content);
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = \"it's \\$HOME\" ] || exit 9\ncat '{}'\nexit {status}\n",
        answer.display()
    );
    let path = judge.write("le app", script.as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let argv: [&[u8]; 2] = [path.as_os_str().as_bytes(), b"it's $HOME"];
    judge.shell.deferred(&argv).unwrap()
}

/// Lines that evaluate `file` with tracing on, in each way that this shell has.
fn traced_ways(judge: &Judge, file: &Path) -> Vec<(String, &'static str)> {
    if judge.is_fish() {
        let on = "set -g fish_trace 1\n";
        vec![
            (format!("{on}cat {} | source", file.display()), "$status"),
            (format!("{on}eval (cat {})", file.display()), "$status"),
        ]
    } else {
        vec![
            (format!("set -x\n{}", judge.eval(file)), "$?"),
            (format!("set -xv\n{}", judge.eval(file)), "$?"),
            (format!("go() {{ {}\n}}\nset -x\ngo", judge.eval(file)), "$?"),
        ]
    }
}

#[test]
fn tracing_shows_no_secret_and_is_on_again_afterwards() {
    for judge in Judge::all() {
        let mut start = recordable();
        start.insert("AWS_ACCESS_KEY_ID".into(), b"AKIAOLD".to_vec());
        let delta = session("K", None, &start);
        let applied = judge.shell.apply(&delta, &inherited(&start)).unwrap();
        let guarded = stand_in(&judge, applied.expose(), 0);
        assert!(!text(&guarded).contains(CANARY));
        let guarded = judge.write("guarded", &guarded);
        let restored = judge.shell.restore(&inherited(&after(&start, &delta))).unwrap();
        let restored = judge.write("restored", &restored);
        for (line, status) in traced_ways(&judge, &guarded) {
            let back = judge.eval(&restored);
            let report = "sh -c 'echo \"$AWS_ACCESS_KEY_ID ${AWS_SECRET_ACCESS_KEY#TEST}\"'";
            let script = format!(
                "{line}\necho status={status}\n: on-again-1\n{report}\n\
                 {back}\necho status={status}\n: on-again-2\n{report}\n"
            );
            let output = judge.run(script.as_bytes(), &start);
            let (shown, program) = (text(&output.stderr), judge.program);
            assert!(!shown.contains(CANARY), "{program}: {line}\n{shown}");
            for again in ["on-again-1", "on-again-2"] {
                // -v shows the line, -x the command: both are in the trace if both are on.
                let times = if line.contains("-xv") { 2 } else { 1 };
                assert!(shown.matches(again).count() >= times, "{program}: {line}\n{shown}");
            }
            assert_eq!(
                text(&output.stdout),
                "status=0\nASIAK CANARY'\\\nsecretK\nstatus=0\nAKIAOLD CANARY-own\n",
                "{program}: {line}\n{shown}"
            );
        }
    }
}

#[test]
fn what_the_program_printed_before_it_failed_is_not_evaluated() {
    for judge in Judge::all() {
        let marker = if judge.is_fish() { "set -gx GOT 1; true;" } else { "export GOT=1; true;" };
        for (content, status, expected) in [
            (marker, 3, "failed\n"),
            ("", 3, "failed\n"),
            ("false;\n", 0, "failed\n"),
            (marker, 0, "went on\ngot 1\n"),
            ("", 0, "went on\n"),
        ] {
            let guarded = stand_in(&judge, content.as_bytes(), status);
            let guarded = judge.write("guarded", &guarded);
            for (line, _) in traced_ways(&judge, &guarded) {
                let script = if judge.is_fish() {
                    format!("{line}\nand echo went on; or echo failed\n: on-again\n")
                } else {
                    format!("{line} && echo went on || echo failed\n: on-again\n")
                };
                let script = script + "sh -c 'echo ${GOT:+got $GOT}' | grep got\n";
                let output = judge.run(script.as_bytes(), &Vars::new());
                let context =
                    format!("{} {content:?} {line}\n{}", judge.program, text(&output.stderr));
                assert_eq!(text(&output.stdout), expected, "{context}");
                assert!(text(&output.stderr).contains("on-again"), "{context}");
            }
        }
    }
}

/// `eval "$(leapp env prod)"` in a script that stops at errors.
#[test]
fn a_failure_stops_what_depends_on_it() {
    for judge in Judge::all() {
        let failing = judge.write("failing", judge.shell.failing().as_bytes());
        let guarded = judge.write("guarded", &stand_in(&judge, b"", 1));
        for file in [failing, guarded] {
            let eval = judge.eval(&file);
            let script = if judge.is_fish() {
                let cat = file.display();
                format!("{eval}; and echo REACHED\neval (cat {cat}); and echo REACHED\necho end\n")
            } else {
                format!("{eval} && echo REACHED\necho end\nset -e\n{eval}\necho REACHED\n")
            };
            let output = judge.run(script.as_bytes(), &Vars::new());
            assert_eq!(text(&output.stdout), "end\n", "{}", judge.program);
        }
    }
}

/// A variable that the user made read-only is in the way: no credentials, and no success.
#[test]
fn a_change_that_cannot_be_made_in_full_leaves_no_key_id() {
    for judge in Judge::all().into_iter().filter(|judge| !judge.is_fish()) {
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"] {
            let start = Vars::from([("AWS_ACCESS_KEY_ID".into(), b"AKIAOLD".to_vec())]);
            let delta = session("K", None, &start);
            let applied = judge.shell.apply(&delta, &inherited(&start)).unwrap();
            let applied = judge.write("apply", applied.expose());
            let script = format!(
                "trap 'sh -c \"echo key=\\$AWS_ACCESS_KEY_ID\"' EXIT\nreadonly {name}=x\n\
                 {} && echo REACHED\n",
                judge.eval(&applied)
            );
            let output = judge.run(script.as_bytes(), &start);
            assert_eq!(text(&output.stdout), "key=\n", "{} {name}", judge.program);
        }
    }
}

#[test]
fn fish_refuses_what_a_universal_variable_would_outrank() {
    for mut judge in Judge::all().into_iter().filter(Judge::is_fish) {
        judge.options = &[]; // without its configuration fish has no universal variables
        let start = Vars::new();
        let applied = judge.shell.apply(&session("K", None, &start), &inherited(&start)).unwrap();
        let applied = judge.write("apply", applied.expose());
        let script = format!(
            "set -Ux AWS_PROFILE other\n{eval}; and echo REACHED\nset -q AWS_ACCESS_KEY_ID; and echo BAD\n\
             set -eU AWS_PROFILE\n{eval}; and echo on\n",
            eval = judge.eval(&applied)
        );
        let output = judge.run(script.as_bytes(), &start);
        assert_eq!(text(&output.stdout), "on\n");
        assert!(text(&output.stderr).contains("hint: set -eU AWS_PROFILE\n"));
    }
}

/// A list stays a list, in a variable that fish itself would not split.
#[test]
fn fish_gives_back_lists() {
    for judge in Judge::all().into_iter().filter(Judge::is_fish) {
        let start = Vars::new();
        let delta = session("K", None, &start);
        let applied = judge.shell.apply(&delta, &inherited(&start)).unwrap();
        let applied = judge.write("apply", applied.expose());
        let restored = judge.shell.restore(&inherited(&after(&start, &delta))).unwrap();
        let restored = judge.write("restore", &restored);
        let script = format!(
            "set -g AWS_VAULT a 'b c'\nset -g AWS_PROFILE\n{}\n{}\n\
             count $AWS_VAULT\ncount $AWS_PROFILE\nset -q AWS_PROFILE; and echo set\n",
            judge.eval(&applied),
            judge.eval(&restored)
        );
        let output = judge.run(script.as_bytes(), &start);
        assert_eq!(text(&output.stdout), "2\n0\nset\n");
    }
}

#[test]
fn the_line_to_type_works() {
    for judge in Judge::all() {
        let line = judge.shell.eval_line(&["printf", "%s", "echo 'it works';"]).unwrap();
        let output = judge.run(line.as_bytes(), &Vars::new());
        assert_eq!(text(&output.stdout), "it works\n", "{}: {line}", judge.program);
    }
}
