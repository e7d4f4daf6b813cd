//! An interactive shell with the hook on a terminal of its own: what the hooks' tests stand on.
//!
//! A line is typed, and then a second one that tells the first one's status and that it has ended;
//! so a prompt, and with it the hook, runs between the two.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    sync::Once,
};

use rexpect::{
    process::Signal,
    session::{PtySession, spawn_command},
};

use crate::support::{CANARY, World};

/// How long the other side may take, in milliseconds.
const PATIENCE: u64 = 25_000;

/// The shells that have a hook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Bash,
    Fish,
    Pwsh,
    Zsh,
}

impl Kind {
    /// The shell's own name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Fish => "fish",
            Self::Pwsh => "pwsh",
            Self::Zsh => "zsh",
        }
    }

    /// The line that loads the hook.
    pub(crate) fn load(self) -> &'static str {
        match self {
            Self::Bash => "eval \"$(leapp hook bash)\"",
            Self::Fish => "leapp hook fish | source",
            Self::Pwsh => "leapp hook powershell | Out-String | Invoke-Expression",
            Self::Zsh => "eval \"$(leapp hook zsh)\"",
        }
    }

    /// `leapp use NAME` and `leapp off` in this shell.
    pub(crate) fn by_hand(self, words: &str) -> String {
        if self == Self::Pwsh { format!("leapp-{words}") } else { format!("leapp {words}") }
    }

    /// A statement that exports a variable.
    pub(crate) fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("export {name}='{value}'"),
            Self::Fish => format!("set -gx {name} '{value}'"),
            Self::Pwsh => format!("$env:{name} = '{value}'"),
        }
    }

    /// A statement that removes one.
    pub(crate) fn unset(self, name: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("unset {name}"),
            Self::Fish => format!("set -e {name}"),
            Self::Pwsh => format!("Remove-Item Env:{name}"),
        }
    }

    /// Two statements on one line, the second only after the first one's success.
    pub(crate) fn and(self, first: &str, second: &str) -> String {
        if self == Self::Fish {
            format!("{first}; and {second}")
        } else {
            format!("{first} && {second}")
        }
    }
}

/// Runs a scenario in bash, zsh and fish, and in PowerShell where there is one.
pub(crate) fn everywhere(scenario: impl Fn(Kind)) {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        scenario(kind);
    }
    if has_pwsh() {
        scenario(Kind::Pwsh);
    }
}

/// Whether PowerShell is here; says loudly when it is not.
pub(crate) fn has_pwsh() -> bool {
    static SAID: Once = Once::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|place| place.join("pwsh").exists());
    if !found {
        SAID.call_once(|| {
            eprintln!("NOT RUN: the PowerShell hook's tests; there is no pwsh on PATH");
        });
    }
    found
}

/// An interactive shell.
pub(crate) struct Hooked {
    pub(crate) kind: Kind,
    session: PtySession,
    scratch: PathBuf,
    count: u32,
    transcript: String,
}

impl Hooked {
    /// With the hook, in the home directory.
    pub(crate) fn new(world: &World, kind: Kind) -> Self {
        Self::with(world, kind, kind.load(), world.home.path())
    }

    /// With a start-up file of one's own, in a directory.
    pub(crate) fn with(world: &World, kind: Kind, rc: &str, directory: &Path) -> Self {
        Self::under(world, kind, rc, directory, &[])
    }

    /// The same, started by another program that takes a command as its last words.
    pub(crate) fn under(
        world: &World,
        kind: Kind,
        rc: &str,
        directory: &Path,
        wrapper: &[&OsStr],
    ) -> Self {
        let folder =
            tempfile::Builder::new().prefix("rc-").tempdir_in(world.home.path()).unwrap().keep();
        let words: Vec<&OsStr> =
            wrapper.iter().copied().chain([OsStr::new(kind.program())]).collect();
        let mut command = world.foreign(words[0]);
        command.args(&words[1..]);
        let file = folder.join(".zshrc");
        std::fs::write(&file, format!("{}\n{rc}\n", quiet(kind))).unwrap();
        let file = file.to_str().unwrap();
        match kind {
            Kind::Bash => command.args(["--noprofile", "--rcfile", file, "-i"]),
            Kind::Fish => command.args(["--no-config", "-i", "-C", &format!("source {file}")]),
            Kind::Pwsh => command.args([
                "-NoLogo",
                "-NoProfile",
                "-NoExit",
                "-Command",
                &format!("Get-Content -Raw '{file}' | Invoke-Expression"),
            ]),
            Kind::Zsh => command.args(["-i"]).env("ZDOTDIR", &folder),
        };
        command.env("TERM", "dumb").current_dir(directory);
        let session = spawn_command(command, Some(PATIENCE)).expect("a shell on a terminal");
        let scratch = folder.join("out");
        let mut shell = Self { kind, session, scratch, count: 0, transcript: String::new() };
        shell.settle();
        shell
    }

    /// Runs a line to its end; what it printed, and what the hook said after it. No secret.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.send(line);
        self.settle()
    }

    /// Runs a line to its end: only the lines that are ours.
    #[track_caller]
    pub(crate) fn said(&mut self, line: &str) -> String {
        let printed = self.run(line);
        let ours = printed.lines().filter_map(|l| l.find("leapp: ").map(|at| &l[at..]));
        ours.collect::<Vec<_>>().join("\n")
    }

    /// The same, and its status.
    #[track_caller]
    pub(crate) fn status(&mut self, line: &str) -> (String, i32) {
        self.send(line);
        self.end()
    }

    /// Types a line and goes on at once.
    pub(crate) fn send(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    /// Types a key, for example `c` with Control.
    pub(crate) fn control(&mut self, key: char) {
        self.session.send_control(key).unwrap();
    }

    /// Types an answer once the question has come, and waits for the end of the line.
    #[track_caller]
    pub(crate) fn answer(&mut self, line: &str, question: &str, answer: &str) -> String {
        self.send(line);
        let before = self.sees(question);
        self.send(answer);
        before + &self.settle()
    }

    /// All that was printed so far, from the start on.
    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Waits for a text; what came before it.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> String {
        match self.session.exp_string(text) {
            Ok(before) => {
                let before = plain(&before);
                self.transcript.push_str(&before);
                self.transcript.push_str(text);
                before
            }
            Err(error) => panic!("{:?}: no {text:?}: {error}\n{}", self.kind, self.transcript),
        }
    }

    /// Waits until the shell has done what was typed.
    #[track_caller]
    pub(crate) fn settle(&mut self) -> String {
        self.end().0
    }

    #[track_caller]
    fn end(&mut self) -> (String, i32) {
        self.count += 1;
        let count = self.count;
        let (split, status) = match self.kind {
            Kind::Bash | Kind::Zsh => ("en\"\"d", "$?"),
            Kind::Fish => ("en\"\"d", "$status"),
            Kind::Pwsh => {
                ("en$()d", "$(if ($?) { 0 } elseif ($LASTEXITCODE) { $LASTEXITCODE } else { 1 })")
            }
        };
        self.send(&format!("echo \"{split}{count}:{status}:\""));
        let printed = self.sees(&format!("end{count}:"));
        let code = self.sees(":").trim().parse().unwrap_or(-1);
        assert!(!printed.contains(CANARY), "{:?}: a secret: {}", self.kind, self.transcript);
        (printed, code)
    }

    /// The exported variables, as a child of the shell gets them.
    #[track_caller]
    pub(crate) fn environment(&mut self) -> BTreeMap<String, OsString> {
        let file = self.scratch.display().to_string();
        // The redirection is not the shell's own: it may have `noclobber`.
        self.run(&format!("/bin/sh -c 'exec /usr/bin/env -0 > {file}'"));
        let bytes = std::fs::read(&self.scratch).unwrap();
        let pairs = bytes.split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=').unwrap();
                let name = String::from_utf8_lossy(&pair[..at]).into_owned();
                (name, OsString::from_vec(pair[at + 1..].to_vec()))
            })
            .collect()
    }

    /// One exported variable as text; `None` when a child has none.
    #[track_caller]
    pub(crate) fn exported(&mut self, name: &str) -> Option<String> {
        self.environment().get(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// The session that is on, by the key id's presence: its name, `EXPIRED` or nothing.
    #[track_caller]
    pub(crate) fn on(&mut self) -> String {
        let environment = self.environment();
        let text = |name: &str| {
            environment
                .get(name)
                .map(|value| value.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        match text("AWS_ACCESS_KEY_ID").as_str() {
            "" => String::new(),
            "LEAPP-EXPIRED" => "EXPIRED".to_owned(),
            _ => text("LEAPP_SESSION"),
        }
    }

    /// The variables that a session of ours may touch, as they are now.
    #[track_caller]
    pub(crate) fn ours(&mut self) -> BTreeMap<String, OsString> {
        let all = self.environment().into_iter();
        all.filter(|(name, _)| {
            (name.starts_with("AWS") || name.starts_with("LEAPP_S"))
                && name != "AWS_EC2_METADATA_DISABLED"
        })
        .collect()
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        _ = self.session.process_mut().kill(Signal::SIGKILL);
    }
}

/// Settings that keep the terminal's text readable: no echo of ours, a prompt that says nothing.
fn quiet(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => {
            "PS1= PS2= HISTFILE=; bind 'set enable-bracketed-paste off' 2>/dev/null; stty -echo cols 500"
        }
        Kind::Fish => {
            "function fish_prompt; end; function fish_greeting; end; function fish_title; end; \
             stty -echo cols 500"
        }
        Kind::Pwsh => "function prompt { ' ' }",
        Kind::Zsh => {
            "PROMPT= RPROMPT= PS2=; unsetopt prompt_sp prompt_cr zle; stty -echo cols 500; \
             unset HISTFILE"
        }
    }
}

/// Text without the terminal's escape sequences and carriage returns.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => {
                    while rest.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {}
                }
                Some(']') => while rest.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
                _ => {}
            },
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// A project directory below the home, with its file pinned and trusted.
pub(crate) fn project(world: &World, name: &str, session: &str) -> PathBuf {
    let directory = folder(world, name);
    let mut command = world.command(["pin", session]);
    command.current_dir(&directory);
    on_terminal(command);
    directory
}

/// A directory below the home.
pub(crate) fn folder(world: &World, name: &str) -> PathBuf {
    let directory = world.home.path().join("code").join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

/// Runs a command on a terminal of its own, to its end; what it printed.
pub(crate) fn on_terminal(command: std::process::Command) -> String {
    let mut session = spawn_command(command, Some(PATIENCE)).expect("a command on a terminal");
    plain(&session.exp_eof().expect("its end"))
}

mod own {
    use super::*;

    /// The driver itself, in each shell, without any hook.
    #[test]
    fn the_driver_tells_what_a_shell_does() {
        let world = World::new();
        for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
            let mut shell = Hooked::with(&world, kind, "", world.home.path());
            // fish draws what is typed, and its prompts, on the same terminal.
            let printed = shell.run("echo hello");
            assert!(printed.lines().any(|line| line.trim() == "hello"), "{kind:?}: {printed}");
            assert_eq!(shell.status("/bin/sh -c 'exit 7'").1, 7, "{kind:?}");
            shell.run(&kind.export("TESTVALUE", "a b"));
            assert_eq!(shell.exported("TESTVALUE").as_deref(), Some("a b"), "{kind:?}");
            shell.run(&kind.unset("TESTVALUE"));
            assert_eq!(shell.exported("TESTVALUE"), None, "{kind:?}");
            shell.send("sleep 30");
            // The interrupt throws away what was typed ahead, so that it is waited for.
            std::thread::sleep(std::time::Duration::from_millis(300));
            shell.control('c');
            std::thread::sleep(std::time::Duration::from_millis(300));
            let printed = shell.run("echo after");
            assert!(printed.lines().any(|line| line.trim() == "after"), "{kind:?}: {printed}");
        }
        _ = has_pwsh();
    }
}
