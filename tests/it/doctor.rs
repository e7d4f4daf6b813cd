//! `leapp doctor`: every finding when there is cause for it and not otherwise, and nothing changed.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value as Json;

use crate::support::{CANARY, Outcome, World, chmod, files_below};

/// A cause, and the finding that it must lead to.
struct Case {
    name: &'static str,
    /// Whether a workspace with a user is there.
    user: bool,
    /// What the hook tells, if one calls.
    hook: Option<&'static str>,
    arrange: fn(&mut World),
    level: &'static str,
    subject: &'static str,
    text: &'static str,
    command: &'static str,
}

/// A hook in order; what a shell tells is tested with the shells themselves.
const GOOD: &str = "bash;version=5.2;text=TEXT;loads=1;owner=;prompt=__leapp_prompt x \
                    __leapp_prompt;precmd=;cd=ours;moved=;";

const fn case(name: &'static str) -> Case {
    Case {
        name,
        user: false,
        hook: None,
        arrange: |_| (),
        level: "warning",
        subject: "",
        text: "",
        command: "",
    }
}

/// What a hook tells, and the finding.
const fn hook(
    told: &'static str,
    level: &'static str,
    text: &'static str,
    command: &'static str,
) -> Case {
    Case { hook: Some(told), level, subject: "hook", text, command, ..case(told) }
}

const HOOKS: &[Case] = &[
    hook(GOOD, "ok", "loaded in bash 5.2, in PROMPT_COMMAND", ""),
    hook("zsh;loads=1", "problem", "does not understand", "exec"),
    hook(
        "bash;version=5;text=TEXT;loads=1;owner=;prompt=starship_precmd;precmd=;cd=ours;moved=;",
        "problem",
        "lost: it is not in PROMPT_COMMAND",
        "leapp hook bash",
    ),
    Case {
        subject: "hook order",
        ..hook(
            "bash;version=5;text=TEXT;loads=1;owner=;prompt=star __leapp_prompt;cd=ours;moved=;",
            "warning",
            "'star' runs before the hook in PROMPT_COMMAND",
            "leapp hook bash",
        )
    },
    Case {
        subject: "hook order",
        ..hook(
            "bash;text=TEXT;loads=1;owner=;prompt=__leapp_prompt promise _direnv_hook;cd=ours;moved=;",
            "info",
            "direnv's hook runs after ours",
            "declare -p PROMPT_COMMAND",
        )
    },
    hook(
        "bash;version=5;text=TEXT;loads=1;owner=;prompt=__bp_precmd_invoke_cmd;\
         precmd=__leapp_prompt;cd=ours;moved=;",
        "ok",
        "in precmd_functions",
        "",
    ),
    hook(
        "bash;version=5;text=TEXT;loads=1;owner=;prompt=;precmd=__leapp_prompt;cd=ours;moved=;",
        "problem",
        "lost",
        "leapp hook bash",
    ),
    hook(
        "bash;version=5;text=TEXT;loads=1;owner=;prompt=;precmd=;ble=1;cd=ours;moved=;",
        "ok",
        "ble.sh runs it",
        "",
    ),
    hook(
        "bash;text=0123;loads=1;owner=;prompt=__leapp_prompt;cd=ours;moved=;",
        "warning",
        "of another version of leapp",
        "exec bash",
    ),
    hook(
        "bash;text=TEXT;loads=3;owner=;prompt=__leapp_prompt;cd=ours;moved=;",
        "info",
        "loaded 3 times",
        "grep -n 'leapp hook' ~/.bashrc",
    ),
    Case {
        subject: "cd",
        ..hook(
            "bash;text=TEXT;loads=1;owner=;prompt=__leapp_prompt;cd=other;moved=;",
            "warning",
            "another tool's function stands in place of 'cd'",
            "type cd",
        )
    },
    Case {
        subject: "cd",
        ..hook(
            "bash;text=TEXT;loads=1;owner=;prompt=__leapp_prompt;cd=none;moved=;",
            "warning",
            "'cd' is not the hook's function",
            "type cd",
        )
    },
    hook(
        "bash;text=TEXT;loads=1;owner=g;prompt=__leapp_prompt;cd=ours;moved=;",
        "info",
        "other credentials have replaced the session's",
        "leapp off",
    ),
    hook(
        "bash;text=TEXT;loads=1;owner=o;prompt=__leapp_prompt;cd=ours;moved=;",
        "info",
        "'leapp off' holds",
        "leapp off",
    ),
    hook(
        "bash;text=TEXT;loads=1;owner=x;prompt=__leapp_prompt;cd=ours;moved=;",
        "info",
        "belongs to 'leapp exec'",
        "leapp off",
    ),
    hook(
        "bash;text=TEXT;loads=1;owner=;prompt=__leapp_prompt;cd=ours;moved=LEAPP_HOME XX ;",
        "warning",
        "this has changed: LEAPP_HOME",
        "exec bash",
    ),
    hook(
        "zsh;version=5.9;text=TEXT;loads=1;owner=;precmd=x;chpwd=__leapp_chpwd;moved=;",
        "problem",
        "lost: it is not in precmd_functions",
        "leapp hook zsh",
    ),
    hook(
        "zsh;text=TEXT;loads=1;owner=;precmd=__leapp_precmd;chpwd=x;moved=;",
        "warning",
        "not in chpwd_functions any more",
        "leapp hook zsh",
    ),
    Case {
        subject: "hook order",
        ..hook(
            "zsh;text=TEXT;loads=1;owner=;precmd=__leapp_precmd;chpwd=x __leapp_chpwd;moved=;",
            "warning",
            "'x' runs before the hook in chpwd_functions",
            "leapp hook zsh",
        )
    },
    Case {
        subject: "fish",
        ..hook(
            "fish;version=3.6.0;text=TEXT;loads=1;owner=;universal=AWS_PROFILE PATH;moved=;",
            "warning",
            "AWS_PROFILE is an exported universal variable",
            "set -eU AWS_PROFILE",
        )
    },
    Case {
        subject: "hook order",
        ..hook(
            "powershell;text=TEXT;loads=1;owner=;prompt=other;cd=ours;moved=;",
            "warning",
            "has replaced 'prompt'",
            "leapp hook powershell",
        )
    },
    hook(
        "powershell;text=TEXT;loads=1;owner=;prompt=other;cd=none;moved=;",
        "problem",
        "lost: another tool has replaced 'prompt'",
        "leapp hook powershell",
    ),
    Case {
        subject: "cd",
        ..hook(
            "powershell;text=TEXT;loads=1;owner=;prompt=ours;cd=none;moved=;",
            "warning",
            "does not tell of a change of location",
            "PowerShell 7",
        )
    },
];

/// A state of a session that ends in 2096.
const STATE: &str = "1;d;session:a;4000000000;ASIAX;;.,.,.,.,.";

/// With a session on.
fn on(world: &mut World) {
    world.set("LEAPP_SESSION", "prod").set("LEAPP_STATE", STATE);
    world.set("AWS_ACCESS_KEY_ID", "ASIAX").set("AWS_SECRET_ACCESS_KEY", CANARY);
    world.set("AWS_SESSION_TOKEN", CANARY);
}

fn keys(world: &mut World, token: bool) {
    world.set("AWS_ACCESS_KEY_ID", "AKIAX").set("AWS_SECRET_ACCESS_KEY", CANARY);
    if token {
        world.set("AWS_SESSION_TOKEN", CANARY);
    }
}

const SHELL: &[Case] = &[
    Case {
        level: "info",
        subject: "hook",
        text: "is not loaded in this shell",
        command: "leapp hook bash",
        // Called by no shell, the user's own counts.
        arrange: |world| _ = world.set("SHELL", "/bin/bash"),
        ..case("no hook")
    },
    Case {
        level: "info",
        subject: "hook",
        text: "LEAPP_HOOK=0",
        command: "unset LEAPP_HOOK",
        arrange: |world| _ = world.set("LEAPP_HOOK", "0"),
        ..case("hook forbidden")
    },
    Case {
        subject: "state",
        text: "LEAPP_SESSION is 'prod', but no session is on here",
        command: "unset LEAPP_SESSION",
        arrange: |world| _ = world.set("LEAPP_SESSION", "prod"),
        ..case("a name alone")
    },
    Case {
        subject: "state",
        text: "none that leapp wrote",
        command: "unset LEAPP_SESSION LEAPP_STATE",
        arrange: |world| _ = world.set("LEAPP_STATE", "1;d;$(reboot)"),
        ..case("a state of nobody's")
    },
    Case {
        subject: "state",
        text: "speaks of another access key",
        command: "unset LEAPP_SESSION LEAPP_STATE",
        arrange: |world| {
            on(world);
            keys(world, true);
        },
        ..case("a state of other keys")
    },
    Case {
        subject: "state",
        text: "have ended",
        command: "leapp off",
        arrange: |world| {
            on(world);
            world.set("LEAPP_STATE", STATE.replace("4000000000", "1000000000"));
        },
        ..case("a state that is over")
    },
    Case {
        subject: "state",
        text: "by '/gone/it is', which is gone",
        command: "leapp off",
        arrange: |world| {
            on(world);
            // base64url of the path
            world.set("LEAPP_STATE", STATE.replace(";;", ";L2dvbmUvaXQgaXM;"));
        },
        ..case("a root that is gone")
    },
    Case {
        level: "ok",
        subject: "state",
        text: "session 'prod' is on, by its directory",
        arrange: on,
        ..case("a session that is on")
    },
    Case {
        subject: "environment",
        text: "preferred to it by some programs: AWS_PROFILE",
        command: "unset AWS_PROFILE",
        arrange: |world| {
            on(world);
            world.set("AWS_PROFILE", "x");
        },
        ..case("a profile beside a session")
    },
    Case {
        subject: "environment",
        text: "AWS_VAULT is set",
        command: "unset AWS_VAULT",
        arrange: |world| {
            on(world);
            world.set("AWS_VAULT", "x");
        },
        ..case("aws-vault beside a session")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "granted has assumed a role",
        command: "unset GRANTED_SSO",
        arrange: |world| _ = world.set("GRANTED_SSO", "true"),
        ..case("granted")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "awsume has switched",
        arrange: |world| _ = world.set("AWSUME_PROFILE", "x"),
        ..case("awsume")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "aws-sso-cli has switched",
        arrange: |world| _ = world.set("AWS_SSO_PROFILE", "x"),
        ..case("aws-sso")
    },
    Case {
        subject: "environment",
        text: "a long-lived access key is exported",
        command: "leapp session add aws-iam-user NAME",
        arrange: |world| keys(world, false),
        ..case("static keys")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "temporary credentials that are not leapp's",
        command: "unset AWS_ACCESS_KEY_ID",
        arrange: |world| keys(world, true),
        ..case("temporary keys")
    },
    Case {
        subject: "environment",
        text: "half an access key",
        command: "unset AWS_ACCESS_KEY_ID",
        arrange: |world| _ = world.set("AWS_SECRET_ACCESS_KEY", CANARY),
        ..case("half a key")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        command: "unset AWS_CONTAINER_CREDENTIALS_FULL_URI",
        arrange: |world| _ = world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1"),
        ..case("a container's credentials")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "direnv has changed this environment too",
        command: "direnv status",
        arrange: |world| _ = world.set("DIRENV_DIR", "-/x"),
        ..case("direnv")
    },
    Case {
        level: "info",
        subject: "environment",
        text: "AWS_ENDPOINT_URL is ignored",
        arrange: |world| _ = world.set("AWS_ENDPOINT_URL", "https://example.com"),
        ..case("a foreign endpoint")
    },
    Case {
        level: "ok",
        subject: "environment",
        text: "no other tool's variables",
        arrange: |world| _ = world.unset("LEAPP_VAULT_PASSPHRASE"),
        ..case("a passphrase that is not exported")
    },
];

const NETWORK: &[Case] = &[
    Case {
        subject: "proxy",
        text: "HTTPS_PROXY has no scheme",
        command: "export HTTPS_PROXY=\"http://HOST:PORT\"",
        arrange: |world| _ = world.set("HTTPS_PROXY", "proxy:8080"),
        ..case("a proxy without a scheme")
    },
    Case {
        level: "info",
        subject: "proxy",
        text: "https_proxy holds a user or a password",
        command: "unset https_proxy",
        arrange: |world| _ = world.set("https_proxy", "http://ann:TESTSECRET@proxy:8080/"),
        ..case("a proxy with a password")
    },
    Case {
        subject: "proxy",
        text: "HTTPS_PROXY and https_proxy differ",
        command: "unset https_proxy",
        arrange: |world| {
            world.set("https_proxy", "http://a:1").set("HTTPS_PROXY", "http://b:1");
        },
        ..case("two proxies")
    },
    Case {
        subject: "proxy",
        text: "NO_PROXY lacks",
        command: "127.0.0.1,localhost",
        arrange: |world| _ = world.set("HTTPS_PROXY", "http://a:1").set("NO_PROXY", "localhost"),
        ..case("a proxy for this machine")
    },
    Case {
        level: "ok",
        subject: "proxy",
        text: "set: HTTPS_PROXY",
        arrange: |world| {
            world.set("HTTPS_PROXY", "http://a:1").set("no_proxy", "localhost, 127.0.0.1");
        },
        ..case("a proxy in order")
    },
    Case {
        level: "problem",
        subject: "certificates",
        text: "AWS_CA_BUNDLE: the CA bundle '/no/such' does not exist",
        command: "unset AWS_CA_BUNDLE",
        arrange: |world| _ = world.set("AWS_CA_BUNDLE", "/no/such"),
        ..case("no CA bundle")
    },
    Case {
        level: "problem",
        subject: "certificates",
        text: "SSL_CERT_FILE: '/no/such' does not exist",
        command: "unset SSL_CERT_FILE",
        arrange: |world| _ = world.set("SSL_CERT_FILE", "/no/such"),
        ..case("no certificates")
    },
    Case {
        level: "problem",
        subject: "certificates",
        text: "SSL_CERT_DIR: '/no/such' is no directory",
        command: "unset SSL_CERT_DIR",
        arrange: |world| _ = world.set("SSL_CERT_DIR", "/no/such"),
        ..case("no directory of certificates")
    },
    Case {
        level: "problem",
        subject: "clock",
        text: "before this program was made",
        command: "set-ntp true",
        arrange: |world| _ = world.set("LEAPP_TEST_CLOCK", "-90000000"),
        ..case("a clock that is years behind")
    },
    Case {
        user: true,
        subject: "clock",
        text: "it was 3600 s behind the cloud's",
        command: "set-ntp true",
        arrange: |world| {
            world.set("LEAPP_TEST_CLOCK", "-3600");
            world.leapp(["start", "work"]).succeeds();
            world.unset("LEAPP_TEST_CLOCK");
        },
        ..case("a clock that was off")
    },
];

const STORAGE: &[Case] = &[
    Case {
        level: "info",
        subject: "workspace",
        text: "there is none yet",
        command: "leapp session add",
        ..case("no workspace")
    },
    Case {
        user: true,
        level: "ok",
        subject: "workspace",
        text: "sessions: 1; opened by the machine",
        ..case("a workspace")
    },
    Case {
        level: "problem",
        subject: "workspace",
        text: "was written by the Leapp desktop app",
        command: "LEAPP_HOME",
        arrange: |world| file(world, "Leapp-lock.json", "U2FsdGVkX1abc", 0o644),
        ..case("the desktop app's workspace")
    },
    Case {
        user: true,
        level: "problem",
        subject: "workspace",
        text: "is damaged",
        command: "leapp workspace restore",
        arrange: |world| file(world, "Leapp-lock.json", "{}", 0o600),
        ..case("a damaged workspace")
    },
    Case {
        user: true,
        level: "problem",
        subject: "permissions",
        text: "so it is not used: '",
        command: "chmod -R go= ",
        arrange: |world| chmod(&world.leapp_home().join("Leapp-lock.json"), 0o644),
        ..case("a workspace that others can read")
    },
    Case {
        user: true,
        subject: "permissions",
        text: "others have access: '",
        command: "chmod -R go= ",
        arrange: |world| chmod(&world.leapp_home(), 0o755),
        ..case("a home that others can read")
    },
    Case {
        user: true,
        level: "problem",
        subject: "permissions",
        text: "a symbolic link where",
        command: "ls -l ",
        arrange: |world| symlink("/tmp", world.leapp_home().join("trust")).unwrap(),
        ..case("a link in the home")
    },
    Case {
        user: true,
        level: "problem",
        subject: "home",
        text: "inside the git work tree",
        command: "LEAPP_HOME",
        arrange: |world| {
            fs::create_dir(world.home.path().join(".git")).unwrap();
            let home = world.leapp_home();
            world.set("LEAPP_HOME", home);
        },
        ..case("a home in a repository")
    },
    Case {
        user: true,
        level: "problem",
        subject: "settings",
        text: "config.toml:1:1: unknown field",
        command: "the settings are",
        arrange: |world| file(world, "config.toml", "colour = 1\n", 0o600),
        ..case("a setting that is none")
    },
    Case {
        level: "problem",
        subject: "vault",
        text: "LEAPP_VAULT is 'sytsem'",
        command: "unset LEAPP_VAULT",
        arrange: |world| _ = world.set("LEAPP_VAULT", "sytsem"),
        ..case("a vault that does not exist")
    },
    Case {
        user: true,
        level: "problem",
        subject: "vault",
        text: "are in the file vault, but LEAPP_VAULT is 'system'",
        command: "unset LEAPP_VAULT",
        arrange: |world| _ = world.set("LEAPP_VAULT", "system"),
        ..case("another vault")
    },
    Case {
        user: true,
        level: "info",
        subject: "vault",
        text: "the file vault, by the workspace; it is locked now",
        command: "leapp start NAME",
        arrange: |world| _ = world.leapp(["lock"]).succeeds(),
        ..case("a locked vault")
    },
    Case {
        user: true,
        level: "problem",
        subject: "vault",
        text: "is missing",
        command: "leapp session edit",
        arrange: |world| fs::remove_dir_all(world.leapp_home().join("vault")).unwrap(),
        ..case("a vault that is gone")
    },
    Case {
        level: "info",
        subject: "cache key",
        text: "LEAPP_CACHE=off",
        command: "unset LEAPP_CACHE",
        arrange: |world| _ = world.set("LEAPP_CACHE", "off"),
        ..case("no cache by choice")
    },
    Case {
        subject: "run directory",
        text: "has mode 0755 and not 0700",
        command: "chmod 700 ",
        arrange: |world| chmod(&world.home.path().join("xdg-run"), 0o755),
        ..case("a run-time directory for all")
    },
    Case {
        subject: "run directory",
        text: "does not exist",
        command: "unset XDG_RUNTIME_DIR",
        arrange: |world| _ = world.set("XDG_RUNTIME_DIR", "/no/such"),
        ..case("no run-time directory")
    },
    Case {
        user: true,
        subject: "run directory",
        text: "has mode 0750: others can look in",
        command: "chmod 700 ",
        arrange: |world| {
            world.leapp(["start", "work"]).succeeds();
            chmod(&world.run_directory(), 0o750);
        },
        ..case("a run directory that others can read")
    },
];

const PROGRAMS: &[Case] = &[
    Case {
        subject: "program",
        text: "there is no leapp in PATH",
        command: "export PATH=",
        arrange: |world| _ = world.set("PATH", "/usr/bin:/bin"),
        ..case("not in PATH")
    },
    Case {
        subject: "program",
        text: "the first leapp in PATH is '",
        command: "export PATH=",
        arrange: |world| another(world, |own, other| format!("{other}:{own}")),
        ..case("another one first")
    },
    Case {
        level: "info",
        subject: "program",
        text: "another leapp behind it",
        command: "--version",
        arrange: |world| another(world, |own, other| format!("{own}:{other}")),
        ..case("another one behind")
    },
    Case {
        user: true,
        subject: "project",
        text: "was never trusted",
        command: "leapp trust",
        arrange: |world| project(world, 0o644),
        ..case("a project file of nobody's")
    },
    Case {
        user: true,
        level: "problem",
        subject: "project",
        text: "everybody can write it",
        command: "chmod go-w",
        arrange: |world| project(world, 0o666),
        ..case("a project file that all can write")
    },
    Case {
        user: true,
        level: "info",
        subject: "project",
        text: "is denied",
        command: "leapp trust",
        arrange: |world| {
            project(world, 0o644);
            let path = world.home.path().join("shop");
            world.leapp([Path::new("deny"), &path]).succeeds();
        },
        ..case("a project file that was denied")
    },
    Case {
        user: true,
        level: "info",
        subject: "trust",
        text: "that are gone, or stand in another directory now: 1",
        command: "leapp trust --prune",
        arrange: |world| trusted(world, "gone"),
        ..case("a record of a file that is gone")
    },
    Case {
        user: true,
        subject: "trust",
        text: "cannot be read, so that their files are not trusted: 1",
        command: "leapp trust",
        arrange: |world| {
            fs::create_dir_all(world.leapp_home().join("trust")).unwrap();
            file(world, "trust/x", "{}", 0o600);
        },
        ..case("a damaged record")
    },
];

fn file(world: &World, name: &str, text: &str, mode: u32) {
    let home = world.leapp_home();
    fs::create_dir_all(&home).unwrap();
    chmod(&home, 0o700);
    fs::write(home.join(name), text).unwrap();
    chmod(&home.join(name), mode);
}

/// A second program of our name.
fn another(world: &mut World, path: fn(&str, &str) -> String) {
    let directory = world.home.path().join("bin");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("leapp"), "#!/bin/sh\n").unwrap();
    chmod(&directory.join("leapp"), 0o755);
    let own = crate::support::program().parent().unwrap().to_str().unwrap().to_owned();
    world.set("PATH", path(&own, directory.to_str().unwrap()));
}

/// A project in `shop`, where the doctor is then called.
fn project(world: &World, mode: u32) {
    let directory = world.home.path().join("shop");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join(".leapp.toml"), "session = \"work\"\n").unwrap();
    chmod(&directory.join(".leapp.toml"), mode);
}

/// A record, written as `leapp trust` writes it, of a file in a directory that does not exist.
fn trusted(world: &World, directory: &str) {
    use base64::Engine as _;
    let encode = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    let path = world.home.path().join(directory).join(".leapp.toml");
    let record = serde_json::json!({
        "version": 1,
        "path": encode(path.to_str().unwrap()),
        "created": "2026-01-01T00:00:00Z",
        "decision": { "trusted": {
            "content": "x",
            "bytes": encode("x"),
            "identity": "session:00000000-0000-4000-8000-000000000000",
            "fingerprint": "x",
            "directory": { "inode": 1, "birth_ns": 1, "owner": 0 },
            "scope": "tree",
        }},
    });
    fs::create_dir_all(world.leapp_home().join("trust")).unwrap();
    file(world, "trust/x", &record.to_string(), 0o600);
}

/// Calls the doctor, in `shop` where there is one.
fn doctor(world: &World, told: Option<&str>, more: &[&str]) -> Outcome {
    let told = told.map(|told| format!("--hook={}", told.replace("TEXT", &number(world, told))));
    let mut command = world.command(["doctor"]);
    command.args(told).args(more);
    let shop = world.home.path().join("shop");
    if shop.is_dir() {
        command.current_dir(shop);
    }
    world.run(command, None)
}

/// The number that the hook's text has, from the text.
fn number(world: &World, told: &str) -> String {
    let shell = told.split(';').next().unwrap();
    let text = world.leapp(["hook", shell]).succeeds().text();
    text.split("text=").nth(1).unwrap().split(';').next().unwrap().to_owned()
}

fn findings(outcome: &Outcome) -> Vec<Json> {
    outcome.keeps_secrets();
    assert!(!outcome.text().contains(CANARY), "a secret: {outcome}");
    outcome.json().as_array().unwrap().clone()
}

fn has(findings: &[Json], case: &Case) -> bool {
    findings.iter().any(|finding| {
        finding["level"] == case.level
            && finding["subject"] == case.subject
            && finding["text"].as_str().unwrap().contains(case.text)
            && finding["command"].as_str().unwrap_or_default().contains(case.command)
    })
}

/// Each cause leads to its finding, which is not there without the cause, and to the status that it
/// deserves; the words for people say the same.
fn hold(cases: &[Case]) {
    for case in cases {
        let mut world = if case.user { World::with_user() } else { World::new() };
        world.set("SHELL", "/bin/bash");
        let before = findings(&doctor(&world, None, &["--json"]));
        (case.arrange)(&mut world);
        let outcome = doctor(&world, case.hook, &["--json"]);
        let after = findings(&outcome);
        assert!(has(&after, case), "{}: {outcome}", case.name);
        let is_usual = matches!(case.name, "no hook" | "no workspace" | "a workspace");
        assert!(is_usual || !has(&before, case), "{}: there without a cause", case.name);
        let is_bad = after.iter().any(|finding| finding["level"] == "problem");
        assert_eq!(outcome.code(), i32::from(is_bad), "{}: {outcome}", case.name);
        assert!(case.level != "problem" || is_bad);
        let spoken = doctor(&world, case.hook, &[]);
        assert!(spoken.text().contains(case.text), "{}: {spoken}", case.name);
        assert!(!spoken.keeps_secrets().text().contains(CANARY), "a secret: {spoken}");
    }
}

#[test]
fn the_doctor_judges_what_a_hook_tells() {
    hold(HOOKS);
}

#[test]
fn the_doctor_sees_what_a_shell_inherited() {
    hold(SHELL);
}

#[test]
fn the_doctor_sees_the_way_to_the_network() {
    hold(NETWORK);
}

#[test]
fn the_doctor_sees_workspace_vault_cache_and_permissions() {
    hold(STORAGE);
}

#[test]
fn the_doctor_sees_programs_projects_and_records() {
    hold(PROGRAMS);
}

#[test]
fn in_json_a_finding_has_four_members_and_in_words_a_line() {
    let world = World::with_user();
    let all = findings(&doctor(&world, None, &["--json"]));
    for finding in &all {
        let members: Vec<_> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["command", "level", "subject", "text"]);
        let level = finding["level"].as_str().unwrap();
        assert!(["ok", "info", "warning", "problem"].contains(&level), "{finding}");
        assert!(finding["command"].is_null() || finding["command"].is_string());
    }
    let outcome = doctor(&world, None, &[]);
    let text = outcome.succeeds().text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(lines.len(), all.len(), "{text}");
    for line in lines {
        let mark = line.split_whitespace().next().unwrap();
        assert!(["ok", "note", "warn", "FAIL"].contains(&mark), "{line}");
    }
    outcome.says("leapp: ");
}

#[test]
fn what_a_hook_tells_cannot_move_the_cursor() {
    let world = World::new();
    let told = "bash;version=\u{1b}[2J;text=x;loads=1;owner=;prompt=\u{1b}[31mx __leapp_prompt;";
    let text = doctor(&world, Some(told), &[]).text();
    assert!(text.contains("runs before the hook") && !text.contains('\u{1b}'), "{text:?}");
}

/// What is below a home, with modes.
fn look(directory: &Path) -> Vec<(PathBuf, u32)> {
    use std::os::unix::fs::MetadataExt;
    let mut all = vec![(directory.to_owned(), fs::metadata(directory).unwrap().mode())];
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(look(&entry.path()));
        } else {
            all.push((entry.path(), entry.metadata().unwrap().mode()));
        }
    }
    all.sort();
    all
}

#[test]
fn the_doctor_changes_nothing() {
    let empty = World::new();
    let full = World::with_user();
    full.leapp(["start", "work"]).succeeds();
    full.leapp(["lock"]).succeeds();
    for path in [full.leapp_home(), full.leapp_home().join("vault")] {
        chmod(&path, 0o755);
    }
    for world in [&empty, &full] {
        let before = look(world.home.path());
        for more in [&[][..], &["--json"]] {
            doctor(world, None, more).succeeds();
        }
        assert_eq!(look(world.home.path()), before);
    }
    assert!(files_below(empty.home.path()).is_empty());
    // The passphrase is there, and still the vault was not unlocked.
    let locked = doctor(&full, None, &[]).text();
    assert!(locked.contains("it is locked now"), "{locked}");
    assert!(full.actions().len() < 2, "{:?}", full.actions());
}

#[test]
fn the_doctor_starts_no_program_and_makes_no_connection() {
    let world = World::with_user();
    let mut command = world.foreign("strace");
    command.args(["-f", "-qq", "-e", "trace=execve,execveat,connect,fork,vfork"]);
    command.arg(crate::support::program()).arg("doctor");
    let outcome = world.run(command, None);
    let calls = outcome.succeeds().stderr.lines().filter(|line| line.contains("exec"));
    assert_eq!(calls.count(), 1, "{outcome}");
    assert!(!outcome.stderr.contains("connect(") && !outcome.stderr.contains("fork("), "{outcome}");
}

/// A program of that name, which the kernel keeps, with a session in its environment.
struct Running(Child);

impl Running {
    fn start(world: &World, name: &str, state: &str) -> Self {
        let path = world.home.path().join(name);
        fs::copy("/bin/sleep", &path).unwrap();
        let mut command = Command::new(&path);
        command.arg("60").env_clear().stdout(Stdio::null()).stderr(Stdio::null());
        command.env("LEAPP_SESSION", "held").env("LEAPP_STATE", state);
        Self(command.env("AWS_SECRET_ACCESS_KEY", CANARY).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn the_doctor_finds_who_holds_a_session() {
    let mut world = World::new();
    world.set("SHELL", "/bin/bash");
    let over = STATE.replace("4000000000", "1000000000");
    for (name, state, level, text, command) in [
        ("tmux: server", STATE, "warning", "the tmux server", "set-environment -gr LEAPP_STATE"),
        ("screen", STATE, "warning", "the screen server", "screen -X unsetenv LEAPP_SESSION"),
        ("zellij", STATE, "warning", "the zellij server", "zellij kill-all-sessions"),
        ("rubymine", STATE, "info", "rubymine", "env -u LEAPP_SESSION -u LEAPP_STATE"),
        ("datagrip", &over, "warning", "credentials have ended", "-u AWS_SECRET_ACCESS_KEY"),
    ] {
        let held = |all: &[Json]| {
            let case = Case { level, subject: "processes", text, command, ..HELD };
            let about = |f: &&Json| f["text"].as_str().unwrap().contains("session 'held'");
            has(&all.iter().filter(about).cloned().collect::<Vec<_>>(), &case)
        };
        let running = Running::start(&world, name, state);
        let all = findings(&doctor(&world, None, &["--json"]));
        assert!(held(&all), "{name}: {all:#?}");
        let pid = running.0.id();
        if name == "tmux: server" {
            world.set("TMUX", format!("/tmp/tmux-0/default,{pid},0"));
            let inside = doctor(&world, None, &[]).text();
            assert!(inside.contains("which this shell runs in"), "{inside}");
            let option =
                "tmux set-option -ga update-environment \" LEAPP_SESSION LEAPP_STATE AWS_A";
            assert!(inside.contains(option), "{inside}");
        }
        drop(running);
        let all = findings(&doctor(&world, None, &["--json"]));
        let of_it = |f: &Json| f["text"].as_str().unwrap().contains(&format!("process {pid})"));
        assert!(!all.iter().any(of_it), "{name}: {all:#?}");
    }
}

const HELD: Case = case("held");

/// What the shells tell, by the shells: loaded and first, then behind another, then lost.
#[test]
fn the_hooks_tell_the_truth() {
    let first = "precmd_functions=(other $precmd_functions); other() { :; }";
    let texts = [
        ("bash", "PROMPT_COMMAND=\"other;$PROMPT_COMMAND\"; other() { :; }", "PROMPT_COMMAND=()"),
        ("zsh", first, "precmd_functions=()"),
    ];
    for (shell, behind, lost) in texts {
        let world = World::new();
        let script = [
            &format!("eval \"$(leapp hook {shell})\""),
            "leapp doctor --json",
            behind,
            "leapp doctor --json",
            "cd() { builtin cd \"$@\"; }; export LEAPP_HOME=/no/such",
            "leapp doctor --json",
            lost,
            "leapp doctor --json",
        ];
        let all = in_shell(&world, shell, &script.join("\n"));
        let loaded = format!("loaded in {shell} ");
        let told = |at: usize, text: &str| {
            all[at].iter().any(|f: &Json| f["text"].as_str().unwrap().contains(text))
        };
        assert!(told(0, &loaded) && !told(0, "runs before the hook"), "{shell}: {all:#?}");
        assert!(!told(0, "another version") && !told(0, "has changed"), "{shell}: {all:#?}");
        assert!(told(1, "'other' runs before the hook"), "{shell}: {all:#?}");
        assert!(told(2, "this has changed: LEAPP_HOME"), "{shell}: {all:#?}");
        assert_eq!(told(2, "in place of 'cd'"), shell == "bash", "{shell}: {all:#?}");
        assert!(told(3, "lost: "), "{shell}: {all:#?}");
    }
    let world = World::new();
    let script = "leapp hook fish | source\nset -Ux AWS_PROFILE x\nleapp doctor --json";
    let all = in_shell(&world, "fish", script);
    let texts: Vec<_> = all[0].iter().map(|f| f["text"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.starts_with("loaded in fish ")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.starts_with("AWS_PROFILE is an exp")), "{texts:#?}");
    assert!(!texts.iter().any(|text| text.contains("another version")), "{texts:#?}");
}

/// The answers that an interactive shell without a terminal gets.
fn in_shell(world: &World, shell: &str, script: &str) -> Vec<Vec<Json>> {
    let mut command = world.foreign(shell);
    match shell {
        "bash" => command.args(["--norc", "--noprofile", "-i"]),
        "zsh" => command.args(["-f", "-i"]),
        // With its settings, which hold the universal variables; they are this world's.
        _ => command.arg("-i"),
    };
    command.env("TERM", "dumb");
    let outcome = world.run(command, Some(&format!("{script}\n")));
    let text = outcome.text();
    let lines = text.lines().filter_map(|line| line.find("[{").map(|at| &line[at..]));
    let parsed = lines.map(|line| {
        let end = line.rfind(']').unwrap();
        serde_json::from_str(&line[..=end]).unwrap_or_else(|error| panic!("{error}: {outcome}"))
    });
    let all: Vec<Vec<Json>> = parsed.collect();
    assert!(!all.is_empty(), "{outcome}");
    all
}

/// Runs a line on a terminal of its own and gives what that terminal showed.
fn on_a_terminal(world: &World, line: &str) -> String {
    let mut command = world.foreign("script");
    command.args(["-q", "-e", "-c", line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "dumb");
    world.run(command, None).text().replace("\r\n", "\n")
}

#[test]
fn a_person_is_warned_of_a_missing_hook_and_a_script_is_told() {
    let world = World::new();
    let text = on_a_terminal(&world, "bash -c 'leapp doctor; true'");
    assert!(text.contains("warn  hook ") && text.contains("~/.bashrc"), "{text}");
    let text = world.shell("bash", "leapp doctor; true").text();
    assert!(text.contains("note  hook ") && text.contains("~/.bashrc"), "{text}");
    let text = world.shell("dash", "leapp doctor; true").text();
    assert!(text.contains("this shell has none") && text.contains("leapp exec NAME"), "{text}");
}

#[test]
fn the_doctor_follows_a_trusted_file_to_its_session() {
    let world = World::with_role("prod", "Admin");
    let shop = world.home.path().join("shop");
    fs::create_dir_all(shop.join("below")).unwrap();
    let says = |level: &str, text: &str, command: &str| {
        let outcome = doctor(&world, None, &["--json"]);
        let wanted = Case {
            level: Box::leak(level.into()),
            subject: "project",
            text: Box::leak(text.into()),
            command: Box::leak(command.into()),
            ..HELD
        };
        assert!(has(&findings(&outcome), &wanted), "{text}: {outcome}");
        assert_eq!(outcome.code(), i32::from(level == "problem"), "{outcome}");
    };
    let shown = on_a_terminal(&world, "cd shop && leapp pin prod");
    says("ok", "shop/.leapp.toml is trusted and names 'prod'", "");
    let arn = "arn:aws:iam::444455556666:role/Other";
    world.leapp(["session", "edit", "prod", "--role-arn", arn]).succeeds();
    says("problem", "is not what it was when this file was trusted", "leapp trust");
    world
        .leapp(["session", "edit", "prod", "--role-arn", &arn.replace("Other", "Admin")])
        .succeeds();
    says("ok", "is trusted and names 'prod'", "");
    fs::write(shop.join(".leapp.toml"), "session = \"work\"\n").unwrap();
    says("warning", "has changed since it was trusted", "leapp trust");
    fs::remove_file(shop.join(".leapp.toml")).unwrap();
    says("ok", "no project file governs this directory", "");
    on_a_terminal(&world, "cd shop && leapp pin --here prod");
    let mut command = world.command(["doctor"]);
    command.current_dir(shop.join("below"));
    let text = world.run(command, None).text();
    assert!(text.contains("is trusted for its own directory alone"), "{shown}{text}");
}

#[test]
fn a_kernel_that_keeps_no_key_is_named() {
    let world = World::with_user();
    let mut command = world.foreign("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=keyctl,add_key,request_key"]);
    command.args(["-e", "inject=keyctl,add_key,request_key:error=EPERM"]);
    command.arg(crate::support::program()).args(["doctor", "--json"]);
    let all = findings(&world.run(command, None));
    let text = "none: the kernel keyring cannot be used";
    let wanted = Case { subject: "cache key", text, command: "leapp start NAME", ..HELD };
    assert!(has(&all, &wanted), "{all:#?}");
    world.leapp(["start", "work"]).succeeds();
    let all = findings(&doctor(&world, None, &["--json"]));
    let text = "in the kernel's keyring; credentials that it seals: 1";
    assert!(has(&all, &Case { level: "ok", subject: "cache key", text, ..HELD }), "{all:#?}");
    let text = "the file vault, by the workspace; it is unlocked now";
    assert!(has(&all, &Case { level: "ok", subject: "vault", text, ..HELD }), "{all:#?}");
    let text = "agreed with the cloud's";
    assert!(has(&all, &Case { level: "ok", subject: "clock", text, ..HELD }), "{all:#?}");
}

#[test]
fn files_of_another_user_and_machines_without_an_id_are_named() {
    let world = World::with_user();
    let path = world.leapp_home().join("audit.jsonl");
    fs::write(&path, "").unwrap();
    chmod(&path, 0o600);
    if std::os::unix::fs::chown(&path, Some(12345), None).is_err() {
        eprintln!("SKIPPED: giving a file away and mounting over /etc/machine-id need root");
        return;
    }
    let outcome = doctor(&world, None, &["--json"]);
    let case = case("foreign");
    let (text, command) = ("of another user: '", "sudo chown -R ");
    let wanted = Case { level: "problem", subject: "permissions", text, command, ..case };
    assert!(has(&findings(&outcome), &wanted), "{outcome}");
    assert_eq!(outcome.code(), 1);
    fs::remove_file(&path).unwrap();
    let mount = "for f in /etc/machine-id /var/lib/dbus/machine-id; do \
                 ! test -e $f || mount --bind /dev/null $f || exit 99; done; ";
    let without = |text: &str| {
        let mut command = world.foreign("unshare");
        command.args(["--mount", "sh", "-c", &format!("{mount}{text}")]);
        world.run(command, None)
    };
    if without("true").code() != 0 {
        eprintln!("SKIPPED: mounting over /etc/machine-id is not allowed here");
        return;
    }
    let before = look(&world.leapp_home());
    // The vault is open and holds a key of the workspace too; to use it would make a file.
    let text = without("leapp doctor").succeeds().text();
    assert!(text.contains("this machine's id has changed, so only the vault"), "{text}");
    assert_eq!(look(&world.leapp_home()), before, "something was made");
    world.leapp(["lock"]).succeeds();
    let text = without("leapp doctor").fails(1).text();
    assert!(text.contains("this machine has no id"), "{text}");
    assert!(text.contains("was sealed on another machine"), "{text}");
    assert_eq!(look(&world.leapp_home()), before, "something was made");
}

#[test]
fn the_desktop_apps_file_is_one_problem_and_not_two() {
    let world = World::new();
    file(&world, "Leapp-lock.json", "U2FsdGVkX1abc", 0o644);
    let all = findings(&doctor(&world, None, &["--json"]));
    let problems: Vec<_> = all.iter().filter(|f| f["level"] == "problem").collect();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(all.iter().any(|f| f["subject"] == "permissions" && f["level"] == "ok"), "{all:#?}");
}
