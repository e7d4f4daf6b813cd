//! What the tests stand on: a home of its own for each, and one AWS emulator for all, in which each
//! test is a user of its own.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value as Json, json};

/// The word that no output, file or argument may show: it is part of every secret of the tests.
pub(crate) const CANARY: &str = "TESTSECRET";
/// The passphrase of every file vault; a secret too.
pub(crate) const PASSPHRASE: &str = "TESTSECRET passphrase";
/// The account of the roles.
pub(crate) const ROLES: &str = "444455556666";

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_leapp"))
}

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that has moto and boto3; `scripts/setup-tests` makes it.
pub(crate) fn python() -> PathBuf {
    let path = repository().join("target/tools/venv/bin/python");
    assert!(path.exists(), "run scripts/setup-tests first: {} is missing", path.display());
    path
}

/// The AWS emulator; `tests/aws/emulator.py` documents it.
pub(crate) struct Emulator {
    port: u16,
    _server: Child,
}

/// The emulator, started once.
pub(crate) fn aws() -> &'static Emulator {
    static EMULATOR: OnceLock<Emulator> = OnceLock::new();
    EMULATOR.get_or_init(|| Emulator::start(&[]))
}

impl Emulator {
    fn start(wrapper: &[&str]) -> Self {
        let mut words: Vec<OsString> = wrapper.iter().map(OsString::from).collect();
        words.push(python().into());
        words.push(repository().join("tests/aws/emulator.py").into());
        words.push("--until-eof".into());
        let mut server = Command::new(&words[0])
            .args(&words[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the emulator starts");
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line).expect("the emulator's ready line");
        let port = u16::try_from(ready["port"].as_u64().unwrap()).unwrap();
        Self { port, _server: server }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A call of its control interface.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /_control/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.0 200"), "{answer}");
        serde_json::from_str(body).expect("a JSON answer")
    }
}

/// A home of its own, a user of its own at the emulator, and nothing else of this machine's.
pub(crate) struct World {
    pub(crate) home: tempfile::TempDir,
    /// The emulator's ready-line fields of this test's user.
    pub(crate) user: Json,
    variables: BTreeMap<OsString, OsString>,
}

impl World {
    /// An empty home with a file vault; no session yet.
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("leapp-test-").tempdir().unwrap();
        let user = aws().control("POST", "user", &json!({ "name": unique("user") }));
        let run = home.path().join("xdg-run");
        std::fs::create_dir(&run).unwrap();
        chmod(&run, 0o700);
        let path =
            format!("{}:/usr/local/bin:/usr/bin:/bin", program().parent().unwrap().display());
        let variables = [
            ("HOME", home.path().as_os_str()),
            ("XDG_RUNTIME_DIR", run.as_os_str()),
            ("PATH", OsStr::new(&path)),
            ("LANG", OsStr::new("C.UTF-8")),
            ("LEAPP_VAULT", OsStr::new("file")),
            ("LEAPP_VAULT_PASSPHRASE", OsStr::new(PASSPHRASE)),
            ("AWS_ENDPOINT_URL", OsStr::new(&aws().url())),
            ("AWS_EC2_METADATA_DISABLED", OsStr::new("true")),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value.to_owned()))
        .collect();
        Self { home, user, variables }
    }

    /// With the session `work`: the test's own user, without MFA.
    pub(crate) fn with_user() -> Self {
        let world = Self::new();
        world.add_user(&[]).succeeds();
        world
    }

    /// With `work`, and the role `role` of account 444455556666 behind it as session `name`.
    pub(crate) fn with_role(name: &str, role: &str) -> Self {
        let world = Self::with_user();
        world.add_role(name, "work", role, &[]).succeeds();
        world
    }

    /// With `work` that needs MFA, and the role `Admin` behind it as session `prod`. `123456` and
    /// `654321` are good codes.
    pub(crate) fn with_mfa() -> Self {
        let world = Self::new();
        let device = world.user["mfa_serial"].as_str().unwrap().to_owned();
        world.add_user(&["--mfa-device", &device]).succeeds();
        world.add_role("prod", "work", "Admin", &[]).succeeds();
        world.control("mfa", json!({ "codes": ["123456", "654321"] }));
        world
    }

    /// The emulator's user of this world: key id, secret access key, MFA device.
    pub(crate) fn keys(&self) -> (String, String, String) {
        let of = |name: &str| self.user[name].as_str().unwrap().to_owned();
        (of("access_key_id"), of("secret_access_key"), of("mfa_serial"))
    }

    /// Sets a variable for all that follows.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.variables.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Removes a variable for all that follows.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// The variables that programs are started with.
    pub(crate) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }

    /// `~/.Leapp`.
    pub(crate) fn leapp_home(&self) -> PathBuf {
        self.home.path().join(".Leapp")
    }

    /// The run-time directory of this home.
    pub(crate) fn run_directory(&self) -> PathBuf {
        let top = self.home.path().join("xdg-run/leapp");
        std::fs::read_dir(top).unwrap().next().unwrap().unwrap().path()
    }

    /// Adds `work`, the test's own user.
    pub(crate) fn add_user(&self, more: &[&str]) -> Outcome {
        let key = self.user["access_key_id"].as_str().unwrap();
        let mut words = vec!["session", "add", "aws-iam-user", "work", "--access-key-id", key];
        words.extend(["--secret-access-key-stdin", "--region", "us-east-1"]);
        words.extend(more);
        self.run(self.command(words), Some(self.user["secret_access_key"].as_str().unwrap()))
    }

    /// Adds a role behind a session.
    pub(crate) fn add_role(&self, name: &str, parent: &str, role: &str, more: &[&str]) -> Outcome {
        let arn = format!("arn:aws:iam::{ROLES}:role/{role}");
        let mut words = vec!["session", "add", "aws-iam-role-chained", name, "--parent", parent];
        words.extend(["--role-arn", &arn, "--region", "eu-west-1"]);
        words.extend(more);
        self.leapp(words)
    }

    /// The program with these arguments, not started yet.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.foreign(program());
        command.args(words);
        command
    }

    /// Another program in the same surroundings, not started yet.
    pub(crate) fn foreign(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.home.path());
        command
    }

    /// Runs the program without stdin and without a terminal.
    pub(crate) fn leapp<I: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = I>) -> Outcome {
        self.run(self.command(words), None)
    }

    /// Runs a command to its end, in a session without a terminal.
    #[expect(clippy::unused_self, reason = "a command of this world is run in it")]
    pub(crate) fn run(&self, mut command: Command, stdin: Option<&str>) -> Outcome {
        run(&mut command, stdin)
    }

    /// Runs shell text in a real shell: `sh`, `bash`, `zsh`, `fish`, `dash`.
    pub(crate) fn shell(&self, shell: &str, text: &str) -> Outcome {
        let mut command = self.foreign(shell);
        match shell {
            "bash" => command.args(["--norc", "--noprofile"]),
            "zsh" => command.arg("-f"),
            "fish" => command.arg("--no-config"),
            _ => &mut command,
        };
        self.run(
            {
                command.args(["-c", text]);
                command
            },
            None,
        )
    }

    /// A call of the emulator's control interface that concerns this test's user alone.
    pub(crate) fn control(&self, path: &str, body: Json) -> Json {
        let mut body = body;
        body["user"] = self.user["access_key_id"].clone();
        aws().control("POST", path, &body)
    }

    /// The requests of this test's user so far.
    pub(crate) fn requests(&self) -> Vec<Json> {
        let path = format!("requests?user={}", self.user["access_key_id"].as_str().unwrap());
        aws().control("GET", &path, &Json::Null)["requests"].as_array().unwrap().clone()
    }

    /// The names of these requests.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.requests().iter().map(|r| r["action"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The kernel keeps few keys for a user; a test's own must not outlive it.
        _ = self.command(["lock"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, stdin: Option<&str>) -> Outcome {
    let shown = format!("{command:?}").replace(PASSPHRASE, "...");
    let input = if stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    without_terminal(command);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    if let Some(text) = stdin {
        _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    }
    let output = child.wait_with_output().unwrap();
    Outcome {
        shown,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status,
    }
}

/// Takes the controlling terminal away, if the tests have one: they must not ask a person.
fn without_terminal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: setsid and close_range are safe between fork and exec, and touch no memory.
    #[expect(unsafe_code, reason = "nothing else runs a function between fork and exec")]
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            // What other tests have open at this moment is not for this program; terminals are born inheritable.
            libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed());
            Ok(())
        });
    }
}

/// What became of a command: streams and status as one text.
#[must_use]
pub(crate) struct Outcome {
    shown: String,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) status: std::process::ExitStatus,
}

impl Outcome {
    /// stdout as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The exit status; 128+n for a signal.
    pub(crate) fn code(&self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap())
    }

    /// Status 0, and no secret on stderr.
    #[track_caller]
    pub(crate) fn succeeds(&self) -> &Self {
        assert_eq!(self.code(), 0, "{self}");
        self.keeps_secrets()
    }

    /// That status, and no secret on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32) -> &Self {
        assert_eq!(self.code(), code, "{self}");
        self.keeps_secrets()
    }

    /// This and nothing else on stdout.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Self {
        assert_eq!(self.text(), text, "{self}");
        self
    }

    /// stdout has this somewhere.
    #[track_caller]
    pub(crate) fn prints_part(&self, text: &str) -> &Self {
        assert!(self.text().contains(text), "no {text:?} in: {self}");
        self
    }

    /// stderr has this somewhere.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in: {self}");
        self
    }

    /// No secret on stderr.
    #[track_caller]
    pub(crate) fn keeps_secrets(&self) -> &Self {
        assert!(!self.stderr.contains(CANARY), "a secret on stderr: {}", self.shown);
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        write!(f, "{}\nstatus {code}\n{}\n[stderr]\n{}", self.shown, self.text(), self.stderr)
    }
}

/// Sets the permission bits of a path.
pub(crate) fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A name that no other test has.
pub(crate) fn unique(word: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{word}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Every file below a directory.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
