//! Another program, run to its end: what it is given, what it may take, and what became of it.
//!
//! Its environment is built by the caller, whole. It holds no descriptor of ours but its three
//! streams. Deliberately absent: a search for the program, and a thread.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, AsRawFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::Signal,
};
use zeroize::Zeroizing;

use super::{
    detached,
    executable::{Executable, Form},
    owned::Node,
    process::{self, Process},
    signals::Signals,
};
use crate::secret::SecretBytes;

/// How long a program that was asked to end may take.
const GRACE: Duration = Duration::from_millis(500);
/// The longest wait between two looks at clock, signals and child.
const STEP: Duration = Duration::from_millis(50);
/// How much is read at once.
const PIECE: usize = 16 << 10;

/// What is run, and with what.
#[derive(Debug)]
pub struct Command<'a> {
    /// The program.
    pub program: Program<'a>,
    /// Its arguments, without its name.
    pub arguments: &'a [OsString],
    /// All of its environment.
    pub environment: &'a [(OsString, OsString)],
    /// Its working directory.
    pub directory: &'a Path,
    /// What it reads on stdin.
    pub input: &'a SecretBytes,
    /// Where it belongs.
    pub group: Group,
}

/// Which program.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// One that was opened and judged: this very file is run.
    Checked(&'a Executable),
    /// Whatever stands at that path.
    Path(&'a Path),
}

/// To which group of processes a program belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// A session of its own: it has no terminal.
    Own,
    /// Ours: it can ask at the terminal, and Ctrl-C reaches it.
    Shared,
}

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until its end.
    pub time: Duration,
    /// Of bytes on stdout; more is an error.
    pub stdout: usize,
    /// Of bytes on stderr; the last ones are kept.
    pub stderr: usize,
}

/// What became of a program that ended by itself.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// All that it wrote to stdout.
    pub stdout: SecretBytes,
    /// The last of what it wrote to stderr.
    pub stderr: Vec<u8>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// By itself, with that status.
    Code(i32),
    /// By that signal.
    Signal(i32),
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// Why a program did not come to its own end. What it wrote to stdout is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// We were to end, and took it along.
    #[error("interrupted by signal {0}")]
    Interrupted(i32),
    /// Its streams failed.
    #[error("the program cannot be talked to")]
    Io(#[source] io::Error),
    /// Another file stands in its place since it was judged.
    #[error("'{}' was replaced at this moment", .0.display())]
    Replaced(PathBuf),
    /// The system refused to run it.
    #[error("the program cannot be started")]
    Start(#[source] io::Error),
    /// It took longer than it may, and was ended with all that it had started.
    #[error("no end after {} s", after.as_secs())]
    TimedOut {
        /// What it had.
        after: Duration,
        /// The last of what it wrote to stderr.
        stderr: Vec<u8>,
    },
    /// It wrote more than it may, and was ended.
    #[error("more than {limit} bytes of output")]
    TooMuch {
        /// What it could have written.
        limit: usize,
        /// The last of what it wrote to stderr.
        stderr: Vec<u8>,
    },
}

/// Runs a program to its end, or ends it.
///
/// Something that it leaves running in the background is not waited for. If a signal that ends us
/// comes, the program is ended first.
pub fn run(command: &Command<'_>, limits: Limits) -> Result<Finished, ChildError> {
    let signals = Signals::catch();
    let mut child = start(command)?;
    let mut pipes = match Pipes::of(&mut child, command.input.expose(), limits) {
        Ok(pipes) => pipes,
        Err(error) => {
            end(&mut child, command.group);
            return Err(ChildError::Io(error));
        }
    };
    match follow(&child, &mut pipes, limits, &signals) {
        Ok(()) => {}
        Err(stop) => {
            end(&mut child, command.group);
            let stderr = pipes.last_of_stderr();
            return Err(match stop {
                Stop::Failed(error) => ChildError::Io(error),
                Stop::Interrupted(signal) => ChildError::Interrupted(signal),
                Stop::TimedOut => ChildError::TimedOut { after: limits.time, stderr },
                Stop::TooMuch => ChildError::TooMuch { limit: limits.stdout, stderr },
            });
        }
    }
    let status = child.wait().map_err(ChildError::Io)?;
    let stderr = pipes.last_of_stderr();
    Ok(Finished { end: status.into(), stdout: pipes.stdout, stderr })
}

#[expect(clippy::disallowed_methods, reason = "an absolute path, nothing is searched for")]
#[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
fn start(command: &Command<'_>) -> Result<Child, ChildError> {
    let (program, name, recheck) = match command.program {
        Program::Path(path) => (path.to_owned(), path, None),
        Program::Checked(found) => {
            let (program, recheck) = way_to(found);
            (program, found.path(), recheck)
        }
    };
    let mut child = std::process::Command::new(program);
    child.arg0(name).args(command.arguments).current_dir(command.directory);
    child.env_clear().envs(command.environment.iter().map(|(name, value)| (name, value)));
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let group = command.group;
    // SAFETY: async-signal-safe calls alone; what they read was made before the fork.
    unsafe {
        child.pre_exec(move || {
            if group == Group::Own {
                nix::unistd::setsid()?;
            }
            end_with_parent();
            detached::close_all();
            match &recheck {
                Some(Recheck { path, node }) if !is_still(path, *node) => Err(Errno::ESTALE.into()),
                _ => Ok(()),
            }
        });
    }
    child.spawn().map_err(|error| match error.raw_os_error() {
        Some(libc::ESTALE) => ChildError::Replaced(name.to_owned()),
        _ => ChildError::Start(error),
    })
}

/// A file that must stand at its path still.
struct Recheck {
    path: std::ffi::CString,
    node: Node,
}

/// By which path the kernel is given a judged program, and what is looked at once more before.
///
/// Machine code is loaded through the opened descriptor. A script cannot be: its interpreter opens
/// it by a path, and many need the real one to find what lies beside them. So a script is run by
/// its path, right after a look whether the judged file still stands there. What could happen
/// between that look and the interpreter's own: the user or root replaces it. Nobody else can,
/// because nobody else can write to any directory on the way.
fn way_to(found: &Executable) -> (PathBuf, Option<Recheck>) {
    let opened = PathBuf::from(format!("/proc/self/fd/{}", found.file().as_raw_fd()));
    if found.form() == Form::Image && opened.exists() {
        return (opened, None);
    }
    let path = std::os::unix::ffi::OsStrExt::as_bytes(found.path().as_os_str());
    // A path with a null byte was not opened.
    let path = std::ffi::CString::new(path).unwrap_or_default();
    (found.path().to_owned(), Some(Recheck { path, node: found.node() }))
}

fn is_still(path: &std::ffi::CStr, node: Node) -> bool {
    nix::sys::stat::lstat(path).is_ok_and(|stat| Node::of_stat(&stat) == node)
}

/// Whatever ends us ends the program too.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        _ = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM);
    }
}

/// Why a program is ended.
enum Stop {
    Failed(io::Error),
    Interrupted(i32),
    TimedOut,
    TooMuch,
}

fn follow(
    child: &Child,
    pipes: &mut Pipes<'_>,
    limits: Limits,
    signals: &Signals,
) -> Result<(), Stop> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(signal) = signals.caught() {
            return Err(Stop::Interrupted(signal));
        }
        // Looked at first: what it wrote before its end is in the pipes, and is read now.
        let ended = has_ended(child);
        let finished = pipes.transfer(limits, ended)?;
        if ended && finished {
            return Ok(());
        }
        let left = limits.time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(Stop::TimedOut);
        }
        if pipes.is_silent() {
            // It lets go of its streams a moment before its end.
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(STEP);
        } else {
            pipes.wait(STEP.min(left)).map_err(Stop::Failed)?;
        }
    }
}

/// Whether a child has ended; it stays there to be waited for.
#[expect(unsafe_code, reason = "the call has no safe form on every system")]
fn has_ended(child: &Child) -> bool {
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: zeros are a value of this plain structure.
    let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: writes to the structure that it is given, and nothing else.
    let result = unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut found, flags) };
    // SAFETY: the field is there for every answer of waitid.
    result == 0 && unsafe { found.si_pid() } != 0
}

/// Ends a program and what it has started, first politely.
fn end(child: &mut Child, group: Group) {
    let tree = match group {
        Group::Own => Vec::new(),
        Group::Shared => process::descendants(child.id()),
    };
    send(child, &tree, group, Signal::SIGTERM);
    await_end(child);
    send(child, &tree, group, Signal::SIGKILL);
    // One that became another user cannot be killed by us, and is not waited for.
    if await_end(child) {
        _ = child.wait();
    }
}

fn await_end(child: &Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < GRACE {
        if has_ended(child) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    has_ended(child)
}

/// Nobody has waited for the child yet, so its number is its own.
fn send(child: &Child, tree: &[Process], group: Group, signal: Signal) {
    use nix::{
        sys::signal::{kill, killpg},
        unistd::Pid,
    };
    let Ok(pid) = i32::try_from(child.id()).map(Pid::from_raw) else { return };
    match group {
        Group::Own => _ = killpg(pid, signal),
        Group::Shared => {
            _ = kill(pid, signal);
            for process in tree.iter().filter(|process| process.is_alive()) {
                _ = i32::try_from(process.id).map(|id| kill(Pid::from_raw(id), signal));
            }
        }
    }
}

/// The three streams, none of which keeps us waiting.
struct Pipes<'a> {
    input: &'a [u8],
    to: Option<ChildStdin>,
    from: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    stdout: SecretBytes,
    stderr: Vec<u8>,
    stderr_limit: usize,
}

impl<'a> Pipes<'a> {
    fn of(child: &mut Child, input: &'a [u8], limits: Limits) -> io::Result<Self> {
        let (to, from, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        to.as_ref().map_or(Ok(()), unblock)?;
        from.as_ref().map_or(Ok(()), unblock)?;
        errors.as_ref().map_or(Ok(()), unblock)?;
        let stdout = SecretBytes::with_capacity(PIECE);
        let stderr_limit = limits.stderr;
        Ok(Self { input, to, from, errors, stdout, stderr: Vec::new(), stderr_limit })
    }

    /// Moves what can be moved. Tells whether nothing more is to be had now.
    fn transfer(&mut self, limits: Limits, ended: bool) -> Result<bool, Stop> {
        self.feed(ended);
        let mut piece = Zeroizing::new([0_u8; PIECE]);
        let more = match self.from.as_mut().map(|pipe| pipe.read(&mut *piece)) {
            None => false,
            Some(Ok(0)) => {
                self.from = None;
                false
            }
            Some(Ok(length)) => {
                let bytes = piece.get(..length).unwrap_or_default();
                if self.stdout.expose().len().saturating_add(length) > limits.stdout {
                    return Err(Stop::TooMuch);
                }
                self.stdout.extend(bytes);
                true
            }
            Some(Err(error)) if is_for_later(&error) => false,
            Some(Err(error)) => return Err(Stop::Failed(error)),
        };
        let more_errors = match self.errors.as_mut().map(|pipe| pipe.read(&mut *piece)) {
            None => false,
            Some(Ok(0)) => {
                self.errors = None;
                false
            }
            Some(Ok(length)) => {
                self.stderr.extend(piece.get(..length).unwrap_or_default());
                if self.stderr.len() > self.stderr_limit.saturating_mul(2).max(PIECE) {
                    self.stderr = self.last_of_stderr();
                }
                true
            }
            Some(Err(error)) if is_for_later(&error) => false,
            Some(Err(error)) => return Err(Stop::Failed(error)),
        };
        Ok(!more && !more_errors)
    }

    /// Gives it what it has room for. A program that reads nothing is none that failed.
    fn feed(&mut self, ended: bool) {
        let Some(pipe) = self.to.as_mut() else { return };
        while !self.input.is_empty() && !ended {
            match pipe.write(self.input) {
                Ok(written) => self.input = self.input.get(written..).unwrap_or_default(),
                Err(error) if is_for_later(&error) => return,
                Err(_) => break,
            }
        }
        self.to = None;
    }

    /// Whether it has closed both of its streams.
    fn is_silent(&self) -> bool {
        self.from.is_none() && self.errors.is_none()
    }

    fn wait(&self, time: Duration) -> io::Result<()> {
        let to = self.to.as_ref().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
        let from = self.from.as_ref().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        let errors = self.errors.as_ref().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        let mut all: Vec<PollFd<'_>> = [to, from, errors].into_iter().flatten().collect();
        // Rounded up, so that the last millisecond is no busy loop.
        let time = PollTimeout::try_from(time + Duration::from_millis(1));
        match poll(&mut all, time.unwrap_or(PollTimeout::ZERO)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn last_of_stderr(&mut self) -> Vec<u8> {
        let cut = self.stderr.len().saturating_sub(self.stderr_limit);
        self.stderr.split_off(cut)
    }
}

fn unblock(pipe: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), stdout: 1 << 20, stderr: 1000 };

    fn sh(text: &str, input: &str, group: Group, limits: Limits) -> Result<Finished, ChildError> {
        let command = Command {
            program: Program::Path(Path::new("/bin/sh")),
            arguments: &["-c".into(), text.into()],
            environment: &[("PATH".into(), "/usr/bin:/bin".into())],
            directory: Path::new("/"),
            input: &SecretBytes::new(input.into()),
            group,
        };
        run(&command, limits)
    }

    fn own(text: &str, input: &str) -> Finished {
        sh(text, input, Group::Own, LIMITS).unwrap()
    }

    #[test]
    fn a_program_gets_its_input_and_its_output_comes_back_whole() {
        let long = "x".repeat(300_000);
        let finished = own("cat", &long);
        assert_eq!((finished.end, finished.stdout.expose()), (End::Code(0), long.as_bytes()));
        let finished = own("echo one; echo two >&2; exit 7", &long);
        assert_eq!((finished.end, finished.stdout.expose()), (End::Code(7), &b"one\n"[..]));
        assert_eq!(finished.stderr, b"two\n");
        assert_eq!(own("kill -9 $$", "").end, End::Signal(9));
    }

    #[test]
    fn the_last_of_stderr_is_kept() {
        let text = "i=0; while [ $i -lt 9000 ]; do echo line $i >&2; i=$((i+1)); done";
        let stderr = own(text, "").stderr;
        assert!(stderr.len() == 1000 && stderr.ends_with(b"line 8999\n"));
    }

    #[test]
    fn too_much_output_ends_a_program() {
        let limits = Limits { stdout: 5000, ..LIMITS };
        let error = sh("while :; do echo TESTSECRET; done", "", Group::Own, limits).unwrap_err();
        assert!(matches!(error, ChildError::TooMuch { limit: 5000, .. }), "{error}");
        assert!(!format!("{error:?}").contains("TESTSECRET"));
    }

    #[test]
    fn the_time_limit_ends_all_that_was_started() {
        let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
        for group in [Group::Own, Group::Shared] {
            let top = tempfile::tempdir().unwrap();
            let pid = top.path().join("pid");
            let text = format!(
                "trap '' TERM; (trap '' TERM; sleep 61 & echo $! > {}; wait) & echo why >&2; wait; sleep 62",
                pid.display()
            );
            let error = sh(&text, "", group, limits).unwrap_err();
            let ChildError::TimedOut { stderr, .. } = error else { panic!("{error}") };
            assert_eq!(stderr, b"why\n");
            let pid: u32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
            let gone = || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.map_or(true, |stat| stat.contains(") Z "))
            };
            let begun = Instant::now();
            while !gone() && begun.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(STEP);
            }
            assert!(gone(), "{group:?}: something still runs");
        }
    }

    #[test]
    fn what_stays_in_the_background_is_not_waited_for() {
        let finished = own("sleep 30 & echo $!", "");
        let text = std::str::from_utf8(finished.stdout.expose()).unwrap();
        let pid: i32 = text.trim().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_program_of_its_own_has_no_terminal_and_no_descriptor_of_ours() {
        // One that programs inherit.
        let open = nix::unistd::dup(io::stdin()).unwrap();
        let finished = own("ps -o sid= -p $$; echo $$; ls /proc/$$/fd", "");
        drop(open);
        let text = String::from_utf8(finished.stdout.expose().to_vec()).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words[0], words[1], "{text}");
        assert_eq!(words[2..], ["0", "1", "2"], "{text}");
        let shared = sh("ps -o pgid= -p $$; echo $$", "", Group::Shared, LIMITS).unwrap();
        let text = String::from_utf8(shared.stdout.expose().to_vec()).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_ne!(words[0], words[1], "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_cannot_be_started() {
        let command = Command {
            program: Program::Path(Path::new("/nonexistent/x")),
            arguments: &[],
            environment: &[],
            directory: Path::new("/"),
            input: &SecretBytes::default(),
            group: Group::Own,
        };
        assert!(matches!(run(&command, LIMITS), Err(ChildError::Start(_))));
    }
}
