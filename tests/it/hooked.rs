//! An interactive shell with the hook on a terminal of its own: what the hooks' tests stand on.
//!
//! A line is typed, and then a second one that tells the first one's status and that it has ended;
//! so a prompt, and with it the hook, runs between the two.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
    time::Duration,
};

use crate::support::{CANARY, World};
use crate::terminal::Terminal;

/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(25);

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

    /// A word of the shell's that stands for these very bytes; PowerShell takes text alone.
    pub(crate) fn quoted(self, bytes: &[u8]) -> Vec<u8> {
        let mut word = b"'".to_vec();
        for byte in bytes {
            match (self, *byte) {
                (Self::Bash | Self::Zsh, b'\'') => word.extend(b"'\\''"),
                (Self::Fish, b'\'' | b'\\') => word.extend([b'\\', *byte]),
                (Self::Pwsh, b'\'') => word.extend(b"''"),
                (_, byte) => word.push(byte),
            }
        }
        word.push(b'\'');
        word
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

/// The shells that are here.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::Bash, Kind::Zsh, Kind::Fish];
    if has_pwsh() {
        kinds.push(Kind::Pwsh);
    }
    kinds
}

/// Runs a scenario in bash, zsh and fish, and in PowerShell where there is one.
pub(crate) fn everywhere(scenario: impl Fn(Kind)) {
    kinds().into_iter().for_each(scenario);
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

/// Whether this is root, whom alone some things can be done to; says loudly when it is not.
pub(crate) fn is_root() -> bool {
    static SAID: Once = Once::new();
    let root = nix::unistd::geteuid().is_root();
    if !root {
        SAID.call_once(|| {
            eprintln!("NOT RUN: the hooks' tests with other users; this is not root");
        });
    }
    root
}

/// An interactive shell.
pub(crate) struct Hooked {
    pub(crate) kind: Kind,
    session: Terminal,
    scratch: PathBuf,
    count: u32,
    transcript: String,
    raw: String,
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
        let folder = scratch(world);
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
        command.current_dir(directory);
        Self::start(world, kind, command)
    }

    /// A shell that was made ready elsewhere; what it loads should be `quiet`.
    pub(crate) fn start(world: &World, kind: Kind, mut command: Command) -> Self {
        command.env("TERM", "dumb");
        Self::started(kind, command, scratch(world).join("out"))
    }

    /// Started by a command of one's own, whose start-up files begin with what `quiet` says.
    pub(crate) fn started(kind: Kind, command: Command, scratch: PathBuf) -> Self {
        let session = Terminal::start(command, PATIENCE);
        let (transcript, raw) = (String::new(), String::new());
        let mut shell = Self { kind, session, scratch, count: 0, transcript, raw };
        shell.settle();
        shell
    }

    /// The hook's variables for prompts: the session and the warning.
    #[track_caller]
    pub(crate) fn shown(&mut self) -> (String, String) {
        let printed = self.run("echo \"<$leapp_session,$leapp_warning>\"");
        let mut inner = printed.split('>').filter_map(|part| part.rsplit_once('<'));
        // fish draws what is typed, too; what it printed comes last.
        let (_, pair) = inner.next_back().unwrap_or_else(|| panic!("{:?}: {printed}", self.kind));
        let (name, warning) = pair.split_once(',').unwrap();
        (name.to_owned(), warning.to_owned())
    }

    /// With the start-up files of `at_home`, in a directory.
    pub(crate) fn of_home(world: &World, kind: Kind, directory: &Path) -> Self {
        let mut command = world.foreign(kind.program());
        command.arg("-i").current_dir(directory);
        Self::start(world, kind, command)
    }

    /// Runs a line after which the terminal belongs to another shell; what was said.
    #[track_caller]
    pub(crate) fn becomes(&mut self, line: &str, kind: Kind) -> String {
        self.send(line);
        self.kind = kind;
        self.settle()
    }

    /// Runs a line to its end; what it printed, and what the hook said after it. No secret.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.raw.clear();
        self.send(line);
        self.settle()
    }

    /// What the terminal got while the last line was run, with all escape sequences.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
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

    /// How often a text has come so far, at any prompt.
    pub(crate) fn heard(&self, text: &str) -> usize {
        self.transcript.matches(text).count()
    }

    /// Runs text that no terminal could take, secrets too, as the shell's own input; what it printed.
    #[track_caller]
    pub(crate) fn source(&mut self, text: impl AsRef<[u8]>) -> String {
        let file = self.scratch.with_extension("ps1");
        std::fs::write(&file, text).unwrap();
        let verb = if self.kind == Kind::Pwsh { "." } else { "source" };
        self.run(&format!("{verb} {}", file.display()))
    }

    /// Changes to a directory whose name may have any bytes; what was said.
    #[track_caller]
    pub(crate) fn enter(&mut self, path: &Path) -> String {
        let verb = if self.kind == Kind::Pwsh { "Set-Location -LiteralPath " } else { "cd -- " };
        let word = self.kind.quoted(path.as_os_str().as_bytes());
        self.source([verb.as_bytes(), &word, b"\n"].concat())
    }

    /// How these variables stand in the shell itself: unset, exported or not, with each byte.
    #[track_caller]
    pub(crate) fn declared(&mut self, names: &[&str]) -> Vec<String> {
        let (words, file) = (names.join(" "), self.scratch.display().to_string());
        let line = match self.kind {
            Kind::Bash => format!("LC_ALL=C \\builtin declare -p {words} > {file} 2>&1"),
            Kind::Fish => format!("set --show {words} > {file}"),
            Kind::Pwsh => format!("/usr/bin/env > {file}"),
            Kind::Zsh => format!("LC_ALL=C \\builtin typeset -p {words} > {file} 2>&1"),
        };
        self.run(&line);
        let text = std::fs::read(&self.scratch).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if self.kind == Kind::Pwsh {
            lines.retain(|line| names.iter().any(|name| line.starts_with(&format!("{name}="))));
        }
        lines
    }

    /// Types a line and goes on at once.
    pub(crate) fn send(&mut self, line: &str) {
        self.session.send(&format!("{line}\n"));
    }

    /// Types keys without the end of a line, for example a tab.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.session.send(keys);
    }

    /// Types a key, for example `c` with Control.
    pub(crate) fn control(&mut self, key: char) {
        self.session.control(key);
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
        match self.session.until(text) {
            Ok(before) => {
                self.raw.push_str(&before);
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

    /// The same, with all that the terminal got: escape sequences too.
    #[track_caller]
    pub(crate) fn settle_raw(&mut self) -> String {
        self.count += 1;
        let count = self.count;
        let split = if self.kind == Kind::Pwsh { "en$()d" } else { "en\"\"d" };
        self.send(&format!("echo \"{split}{count}:\""));
        self.sees_raw(&format!("end{count}:"))
    }

    /// Waits for a text; what came before it, escape sequences too.
    #[track_caller]
    pub(crate) fn sees_raw(&mut self, text: &str) -> String {
        match self.session.until(text) {
            // The driver takes each byte for a character.
            Ok(before) => {
                let bytes: Vec<u8> =
                    before.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Err(error) => panic!("{:?}: no {text:?}: {error}\n{}", self.kind, self.transcript),
        }
    }

    #[track_caller]
    pub(crate) fn end(&mut self) -> (String, i32) {
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

/// A program that is such a shell with the hook, for `$SHELL`.
pub(crate) fn as_program(world: &World, kind: Kind) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder =
        tempfile::Builder::new().prefix("sh-").tempdir_in(world.home.path()).unwrap().keep();
    let (file, program) = (folder.join(".zshrc"), folder.join("shell"));
    std::fs::write(&file, format!("{}\n{}\n", quiet(kind), kind.load())).unwrap();
    let (file, folder) = (file.display(), folder.display());
    let line = match kind {
        Kind::Bash => format!("exec bash --noprofile --rcfile {file} -i"),
        Kind::Fish => format!("exec fish --no-config -i -C 'source {file}'"),
        Kind::Pwsh => format!(
            "exec pwsh -NoLogo -NoProfile -NoExit -Command \"Get-Content -Raw '{file}' | Invoke-Expression\""
        ),
        Kind::Zsh => format!("ZDOTDIR={folder} exec zsh -i"),
    };
    std::fs::write(&program, format!("#!/bin/sh\n{line}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    program
}

/// A folder of its own below the home.
pub(crate) fn scratch(world: &World) -> PathBuf {
    tempfile::Builder::new().prefix("rc-").tempdir_in(world.home.path()).unwrap().keep()
}

/// Settings that keep the terminal's text readable: no echo of ours, a prompt that says nothing.
pub(crate) fn quiet(kind: Kind) -> &'static str {
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

/// Start-up files in the home for every shell, with the hook; they export `RC_READ`.
pub(crate) fn at_home(world: &World) {
    let home = world.home.path();
    let file = |name: &str, text: String| {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (kind, name) in [(Kind::Bash, ".bashrc"), (Kind::Zsh, ".zshrc")] {
        let quiet = quiet(kind);
        let quiet = format!("case $- in *i*) {{ {quiet}; }} 2>/dev/null;; esac");
        file(name, format!("export RC_READ=1\n{quiet}\n{}\n", kind.load()));
    }
    // The system's own files for login shells set PATH anew.
    let path = world.variables()[OsStr::new("PATH")].to_str().unwrap();
    file(".bash_profile", format!("export PATH='{path}'\n. ~/.bashrc\n"));
    file(".zprofile", format!("export PATH='{path}'\n"));
    let quiet_fish = format!("if isatty stdin\n{}\nend", quiet(Kind::Fish));
    let load = Kind::Fish.load();
    file(".config/fish/config.fish", format!("set -gx RC_READ 1\n{quiet_fish}\n{load}\n"));
    // Where this is missing, fish goes through all manual pages in the background, and fills the home.
    std::fs::create_dir_all(home.join(".local/share/fish/generated_completions")).unwrap();
    let (quiet_pwsh, load) = (quiet(Kind::Pwsh), Kind::Pwsh.load());
    let text = format!("$env:RC_READ = '1'\n{quiet_pwsh}\n{load}\n");
    file(".config/powershell/profile.ps1", text);
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
                Some('(') => _ = rest.next(),
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

/// Where the projects are, canonical.
pub(crate) fn code(world: &World) -> PathBuf {
    folder(world, "")
}

/// A directory below the home.
pub(crate) fn folder(world: &World, name: &str) -> PathBuf {
    let directory = world.home.path().join("code").join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

/// Runs a command on a terminal of its own, to its end; what it printed.
pub(crate) fn on_terminal(command: Command) -> String {
    plain(&Terminal::start(command, PATIENCE).until_the_end())
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
            std::thread::sleep(Duration::from_millis(300));
            shell.control('c');
            std::thread::sleep(Duration::from_millis(300));
            let printed = shell.run("echo after");
            assert!(printed.lines().any(|line| line.trim() == "after"), "{kind:?}: {printed}");
        }
        _ = has_pwsh();
    }
}
