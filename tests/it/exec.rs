//! `exec`: the command gets what leapp was started with, and leapp ends as the command does.

use std::{fs, path::Path};

use crate::support::{CANARY, World, chmod, program};

fn script(world: &World, name: &str, text: &str, mode: u32) {
    let path = world.home.path().join(name);
    fs::write(&path, text).unwrap();
    chmod(&path, mode);
}

#[test]
fn the_status_is_the_commands_own() {
    let world = World::with_role("prod", "Admin");
    for code in [0, 1, 2, 3, 5, 42, 126, 127, 130, 255] {
        let command = format!("exit {code}");
        let outcome = world.leapp(["exec", "prod", "--", "sh", "-c", &command]);
        outcome.fails(code).prints("");
        assert_eq!(outcome.stderr, "", "{outcome}");
    }
}

#[test]
fn a_signal_ends_leapp_as_it_ends_the_command() {
    use std::os::unix::process::ExitStatusExt;
    let world = World::with_role("prod", "Admin");
    for (name, signal) in [("TERM", 15), ("KILL", 9), ("INT", 2), ("HUP", 1)] {
        let command = format!("kill -{name} $$");
        let outcome = world.leapp(["exec", "prod", "--", "sh", "-c", &command]);
        assert_eq!(outcome.status.signal(), Some(signal), "{outcome}");
    }
    let text = "leapp exec prod -- sh -c 'kill -TERM $$'; echo $?";
    world.shell("dash", text).succeeds().prints("143\n");
}

#[test]
fn a_command_that_cannot_be_run_ends_as_in_a_shell() {
    let world = World::with_role("prod", "Admin");
    script(&world, "plain", "echo no", 0o644);
    script(&world, "headless", "echo \"ran $1 $AWS_ACCOUNT_ID\"\n", 0o755);
    script(&world, "orphan", "#!/nonexistent/interpreter\n", 0o755);
    fs::create_dir(world.home.path().join("folder")).unwrap();
    let run = |command: &str| world.leapp(["exec", "prod", "--", command, "it"]);
    run("no-such-command")
        .fails(127)
        .prints("")
        .says("leapp: there is no command 'no-such-command'\n");
    run("./no-such-file").fails(127).says("there is no command './no-such-file'");
    run("").fails(127);
    run("./plain").fails(126).says("'./plain' cannot be run\nleapp: caused by: ");
    run("./folder").fails(126).says("'./folder' cannot be run");
    run("./plain/below").fails(127);
    // POSIX gives a file without a head to sh, as a shell does.
    run("./headless").succeeds().prints("ran it 444455556666\n");
    let orphan = run("./orphan");
    assert!([126, 127].contains(&orphan.code()), "{orphan}");
}

/// The lookup is that of a shell: in PATH, past what cannot be run.
#[test]
fn a_command_is_looked_up_in_the_path() {
    let mut world = World::with_role("prod", "Admin");
    for (folder, mode) in [("one", 0o644), ("two", 0o755)] {
        fs::create_dir(world.home.path().join(folder)).unwrap();
        script(&world, &format!("{folder}/tool"), &format!("#!/bin/sh\necho {folder}\n"), mode);
    }
    script(&world, "only-here", "#!/bin/sh\necho here\n", 0o755);
    let home = world.home.path().to_str().unwrap().to_owned();
    world.set("PATH", format!("{home}/one:{home}/none:{home}/two"));
    world.leapp(["exec", "prod", "tool"]).succeeds().prints("two\n");
    world.leapp(["exec", "prod", "only-here"]).fails(127);
    // An empty element is the current directory.
    world.set("PATH", format!("{home}/one:"));
    world.leapp(["exec", "prod", "only-here"]).succeeds().prints("here\n");
    world.leapp(["exec", "prod", "tool"]).fails(126);
}

#[test]
fn a_broken_pipe_ends_the_command_as_it_would_without_leapp() {
    let world = World::with_role("prod", "Admin");
    let status = "leapp exec prod -- yes | head -1; echo ${PIPESTATUS[0]}";
    let outcome = world.shell("bash", status);
    outcome.succeeds().prints("y\n141\n");
    assert_eq!(outcome.stderr, "", "{outcome}");
    // Ignored it was, and ignored it stays: yes gets the error, says so, and ends with 1.
    let outcome = world.shell("bash", &format!("trap '' PIPE; {status}"));
    outcome.succeeds().prints("y\n1\n").says("yes: ");
}

/// Runs `command` as it is and under leapp, prepared by the same shell text, and compares.
fn is_the_same(world: &World, before: &str, command: &str) {
    let text = |exec: &str| format!("{before}\n{exec} sh -c '{command}'");
    let bare = world.shell("bash", &text(""));
    let ours = world.shell("bash", &text("leapp exec prod --"));
    assert_ne!(bare.succeeds().text(), "");
    ours.succeeds().prints(&bare.text());
    assert_eq!(ours.stderr, bare.stderr, "{ours}");
}

/// Prints each open descriptor with its flags, and which file it is unless it is a pipe of the test.
const DESCRIPTORS: &str = r"
import fcntl, os, stat, sys
for fd in range(256):
    try: found = os.fstat(fd)
    except OSError: continue
    pipe = stat.S_ISFIFO(found.st_mode)
    file = 'pipe' if pipe else (found.st_dev, found.st_ino)
    os.write(int(sys.argv[1]), f'{fd} {fcntl.fcntl(fd, fcntl.F_GETFL):o} {file}\n'.encode())
";

#[test]
fn the_command_gets_exactly_the_descriptors_of_leapp() {
    let world = World::with_role("prod", "Admin");
    fs::write(world.home.path().join("list.py"), DESCRIPTORS).unwrap();
    let list = format!("{} -I list.py", crate::support::python().display());
    for (redirections, open) in [
        ("", "012"),
        ("9</dev/null", "0129"),
        ("<&-", "12"),
        ("9</dev/null 7>&1 <&-", "1279"),
        ("2>&-", "01"),
        ("<&- 2>&- 5<.", "15"),
        (">&-", "02"),
        ("3<&0 4>>log >&-", "0234"),
    ] {
        let to = if redirections.contains(">&-") && !redirections.contains("2>&-") { 2 } else { 1 };
        let shown = |exec: &str| {
            let outcome = world.shell("bash", &format!("{exec} {list} {to} {redirections}"));
            let text = outcome.succeeds().text();
            if to == 2 { outcome.stderr } else { text }
        };
        let bare = shown("");
        // The test may have inherited higher ones.
        let single = bare.lines().filter(|line| line.find(' ') == Some(1));
        let found: String = single.map(|line| &line[..1]).collect();
        assert_eq!(found, open, "{redirections}: {bare}");
        for time in ["cold", "warm"] {
            assert_eq!(shown("leapp exec prod --"), bare, "{time} {redirections}");
        }
        world.leapp(["stop", "--all"]).succeeds();
    }
}

#[test]
fn the_command_gets_the_signals_limits_and_habits_of_leapp() {
    let world = World::with_role("prod", "Admin");
    let signals = "grep -E \"^(Sig|Shd)(Blk|Ign|Cgt|Q)\" /proc/$$/status | grep -v SigQ";
    let habits = "umask; nice; pwd; ulimit -a; cat /proc/$$/oom_score_adj; \
                  grep -E \"^(Seccomp|NoNewPrivs|CoreDumping|CapEff)\" /proc/$$/status";
    for before in [
        "",
        "trap '' PIPE",
        "trap '' INT HUP USR1",
        "umask 027; ulimit -c 0; ulimit -n 77; ulimit -s 4096; cd /",
        "umask 077; ulimit -S -n 55; ulimit -t 1000",
    ] {
        is_the_same(&world, before, signals);
        is_the_same(&world, before, habits);
    }
    let text = |exec: &str| format!("nice -n 5 {exec} nice");
    world.shell("bash", &text("leapp exec prod --")).succeeds().prints("5\n");
    world.shell("bash", &text("")).succeeds().prints("5\n");
}

/// A mask can only be set by a program; Python has one.
#[test]
fn a_blocked_signal_stays_blocked() {
    let world = World::with_role("prod", "Admin");
    let text = format!(
        "import os, signal\n\
         signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])\n\
         os.execv('{0}', ['{0}', 'exec', 'prod', '--', 'grep', '^SigBlk', '/proc/self/status'])\n",
        program().display()
    );
    let mut command = world.foreign(crate::support::python());
    command.args(["-I", "-c", &text]);
    let mask = (1_u64 << (10 - 1)) | (1 << (15 - 1));
    world.run(command, None).succeeds().prints(&format!("SigBlk:\t{mask:016x}\n"));
}

/// leapp hides its memory while it holds secrets; a debugger of the command is not its concern.
#[test]
fn the_command_can_be_traced_again() {
    let world = World::with_role("prod", "Admin");
    let text = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))";
    let mut command = world.command(["exec", "prod", "--"]);
    command.arg(crate::support::python()).args(["-I", "-c", text]);
    world.run(command, None).succeeds().prints("1\n");
}

#[test]
fn the_command_is_the_same_process() {
    let world = World::with_role("prod", "Admin");
    let text = "echo $$; exec leapp exec prod -- sh -c 'echo $$; echo $PPID'";
    for shell in ["dash", "bash"] {
        let outcome = world.shell(shell, text);
        let text = outcome.succeeds().text();
        let ids: Vec<&str> = text.lines().collect();
        assert_eq!(ids[0], ids[1], "{outcome}");
        assert_eq!(ids[2], std::process::id().to_string(), "{outcome}");
    }
}

#[test]
fn no_child_of_leapp_is_left_behind() {
    let world = World::with_role("prod", "Admin");
    for _ in ["cold", "warm"] {
        let outcome = world.leapp([
            "exec",
            "prod",
            "sh",
            "-c",
            "cat /proc/$$/task/$$/children; ls /proc/$$/task | wc -l",
        ]);
        let text = outcome.succeeds().text();
        let count = text.split_whitespace().last().unwrap();
        assert_eq!(count, "1", "threads: {outcome}");
        // The children of that moment are those of the shell itself: cat.
        assert!(text.split_whitespace().count() <= 2, "{outcome}");
    }
}

#[test]
fn what_stands_behind_the_command_is_the_commands_own() {
    let world = World::with_role("prod", "Admin");
    let echo = |words: &[&str]| {
        let outcome = world.leapp(["exec"].iter().chain(words));
        outcome.succeeds().text()
    };
    let show = "printf '[%s]' \"$AWS_REGION\" \"$@\"";
    assert_eq!(
        echo(&["prod", "--", "sh", "-c", show, "x", "-r", "eu-north-1", "--", "--json"]),
        "[eu-west-1][-r][eu-north-1][--][--json]"
    );
    assert_eq!(
        echo(&["prod", "sh", "-c", show, "x", "-r", "eu-north-1", "--", "-d", "--json"]),
        "[eu-west-1][-r][eu-north-1][--][-d][--json]"
    );
    assert_eq!(echo(&["prod", "-r", "eu-north-1", "--", "sh", "-c", show, "x"]), "[eu-north-1]");
    assert_eq!(echo(&["-r", "eu-north-1", "prod", "sh", "-c", show, "x"]), "[eu-north-1]");
    assert_eq!(echo(&["--region=eu-north-1", "prod", "sh", "-c", show, "x", ""]), "[eu-north-1][]");
}

#[test]
fn a_double_hyphen_is_optional_and_a_command_of_its_own_after_one() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["exec", "prod", "echo", "--"]).succeeds().prints("--\n");
    world.leapp(["exec", "prod", "--", "echo", "--", "a"]).succeeds().prints("-- a\n");
    world.leapp(["exec", "prod", "echo", "a"]).succeeds().prints("a\n");
    world.leapp(["exec", "prod", "--", "--", "a"]).fails(127).says("there is no command '--'");
    world.leapp(["exec", "prod", "--bogus", "echo"]).fails(2);
    // Behind the first word of the command nothing is leapp's, nor a session.
    world.leapp(["exec", "--", "echo", "a"]).fails(5).says("no session was named");
}

#[test]
fn a_duration_before_the_command_is_asked_for() {
    let world = World::with_role("prod", "Admin");
    let outcome = world.leapp(["exec", "prod", "-d", "20m", "echo", "-d", "30m"]);
    outcome.succeeds().prints("-d 30m\n");
    let requests = world.requests();
    assert_eq!(requests.last().unwrap()["DurationSeconds"].to_string().trim_matches('"'), "1200");
    world.leapp(["exec", "prod", "-d", "13h", "true"]).fails(2).says("--duration: 13h");
    world.leapp(["exec", "prod", "-d", "soon", "true"]).fails(2);
}

/// What a session removes, what stays as it is, and what it sets.
const REMOVED: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_EXPIRATION",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_TOKEN_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_VAULT",
    "AWSUME_PROFILE",
    "AWS_SSO_PROFILE",
];

const KEPT: &[(&str, &str)] = &[
    ("AWS_CONFIG_FILE", "/nonexistent/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"),
    ("AWS_PAGER", ""),
    ("AWS_MAX_ATTEMPTS", "7"),
    ("LEAPP_VAULT_PASSPHRASE_FILE", "/nonexistent/passphrase"),
    ("LEAPP_VAULT", "file"),
    ("ODD", "a\nb'\"$ "),
    ("AWS_LAMBDA_FUNCTION_NAME", "mine"),
];

const SETS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCOUNT_ID",
    "LEAPP_SESSION",
    "LEAPP_STATE",
];

#[test]
fn nothing_that_contradicts_the_session_reaches_the_command() {
    let mut world = World::with_role("prod", "Admin");
    for name in REMOVED {
        world.set(name, "earlier");
    }
    for (name, value) in KEPT {
        world.set(name, value);
    }
    let outcome = world.leapp(["exec", "prod", "env", "-0"]);
    let text = outcome.succeeds().text();
    let found: std::collections::BTreeMap<&str, &str> = text
        .split('\0')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    for name in REMOVED {
        assert_eq!(found.get(name), None, "{name}");
    }
    assert_eq!(found.get("LEAPP_VAULT_PASSPHRASE"), None);
    for (name, value) in KEPT {
        assert_eq!(found.get(name), Some(value), "{name}");
    }
    for name in SETS {
        assert!(found.contains_key(name), "{name}");
    }
    // Nothing else is new, and nothing stands there twice.
    let new: Vec<&&str> = found
        .keys()
        .filter(|name| !world.variables().contains_key(std::ffi::OsStr::new(name)))
        .filter(|name| !SETS.contains(name))
        .collect();
    assert_eq!(new, [&""; 0], "{outcome}");
    assert_eq!(text.matches('\0').count(), found.len());
    let state: Vec<&str> = found["LEAPP_STATE"].split(';').collect();
    assert_eq!(state[..2], ["1", "x"], "{state:?}");
    assert_eq!(state[4], found["AWS_ACCESS_KEY_ID"]);
    assert!(!found["LEAPP_STATE"].contains(CANARY));
    assert!(found["AWS_SECRET_ACCESS_KEY"].contains(CANARY));
}

#[test]
fn arguments_and_variables_that_are_no_text_pass_unchanged() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::with_role("prod", "Admin");
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe'\n");
    let mut command =
        world.command(["exec", "prod", "--", "sh", "-c", "printf '%s' \"$1$ODD\"", "x"]);
    command.arg(odd).env("ODD", odd);
    let outcome = world.run(command, None);
    outcome.succeeds();
    assert_eq!(outcome.stdout, b"\xff\xfe'\n\xff\xfe'\n");
}

/// An argument 0 that lies, or none, changes nothing.
#[test]
fn argument_0_is_not_trusted() {
    let world = World::with_role("prod", "Admin");
    for zero in ["-leapp", "", "bash", "/nonexistent/leapp"] {
        let mut command = world.foreign("bash");
        let text = format!("exec -a '{zero}' \"$0\" exec prod -- sh -c 'echo $AWS_ACCOUNT_ID'");
        command.args(["-c", &text]).arg(program());
        world.run(command, None).succeeds().prints("444455556666\n");
        // env names itself in its text; that must be a leapp, wherever it lies.
        let mut command = world.foreign("bash");
        let text = format!(
            "eval \"$(exec -a '{zero}' \"$0\" env prod --shell bash)\" && echo $AWS_ACCOUNT_ID"
        );
        command.args(["-c", &text]).arg(program()).env("PATH", "/usr/bin:/bin");
        world.run(command, None).succeeds().prints("444455556666\n");
    }
}

#[test]
fn without_a_command_there_must_be_a_terminal() {
    let mut world = World::with_role("prod", "Admin");
    world.set("SHELL", "/bin/sh");
    let hint = "leapp: hint: leapp exec NAME -- COMMAND";
    world.leapp(["exec", "prod"]).fails(2).prints("").says("there is no command to run").says(hint);
    world.leapp(["exec", "prod", "--"]).fails(2).says(hint);
    world.leapp(["exec"]).fails(2).says(hint);
    assert_eq!(world.actions(), [""; 0], "credentials were fetched for nothing");
    // On one, the user's shell is run.
    let shell = world.home.path().join("my-shell");
    script(
        &world,
        "my-shell",
        "#!/bin/sh\necho \"shell of $LEAPP_SESSION with $# arguments\"\nexit 9\n",
        0o755,
    );
    let mut command = world.foreign("script");
    command.args([
        "-q",
        "-e",
        "-c",
        &format!("SHELL={} leapp exec prod", shell.display()),
        "/dev/null",
    ]);
    command.env("SHELL", "/bin/sh").env("TERM", "dumb");
    let outcome = world.run(command, None);
    assert_eq!(outcome.code(), 9, "{outcome}");
    assert_eq!(
        outcome.text(),
        "leapp: this is a shell with the session; 'exit' leaves it\r\nshell of prod with 0 arguments\r\n"
    );
}

#[test]
fn a_failure_runs_nothing_and_prints_nothing() {
    let world = World::with_role("prod", "Admin");
    world.add_role("denied", "work", "Denied", &[]).succeeds();
    let mark = world.home.path().join("RAN");
    let touch = |name: &str| world.leapp(["exec", name, "--", "touch", mark.to_str().unwrap()]);
    touch("nope").fails(5).prints("").says("there is no session or profile \"nope\"");
    touch("denied").fails(4).prints("").says("cannot assume role 'Denied' for session 'denied'");
    let region = ["exec", "prod", "-r", "cn-north-1", "--", "touch", "RAN"];
    world.leapp(region).fails(2).prints("");
    assert!(!mark.exists());
    touch("prod").succeeds();
    assert!(Path::new(&mark).exists());
}

#[test]
fn stdin_reaches_the_command_whole() {
    let world = World::with_role("prod", "Admin");
    let text = "line one\nline two\n";
    for _ in ["cold", "warm"] {
        let outcome = world.run(world.command(["exec", "prod", "cat"]), Some(text));
        outcome.succeeds().prints(text);
    }
}
