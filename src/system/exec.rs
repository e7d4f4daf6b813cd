//! Becoming another program: same process, same descriptors, signals, limits and directory.

use std::{
    ffi::{CString, OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

/// Where a shell looks when there is no PATH.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why a command could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Found, but the system refused to run it: status 126.
    #[error("'{}' cannot be run", .0.to_string_lossy())]
    NotExecutable(OsString, #[source] std::io::Error),
    /// There is none of that name: status 127.
    #[error("there is no command '{}'", .0.to_string_lossy())]
    NotFound(OsString),
}

impl ExecError {
    /// The status that a shell would end with.
    pub fn status(&self) -> u8 {
        match self {
            Self::NotExecutable(..) => 126,
            Self::NotFound(_) => 127,
        }
    }
}

/// Replaces this process by `command`; returns only when that fails.
///
/// The command is looked up in the PATH of `environment`, as a shell would. A file that the
/// kernel does not recognise is given to `/bin/sh`, as POSIX asks of `execvp`
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/functions/exec.html>).
pub fn exec(
    command: &OsStr,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
) -> ExecError {
    let Some(envp) = environment.iter().map(|(k, v)| pair(k, v)).collect::<Option<Vec<_>>>() else {
        return not_executable(command, Errno::EINVAL);
    };
    let words = std::iter::once(command).chain(arguments.iter().map(OsString::as_os_str));
    let Some(argv) = words.map(c_string).collect::<Option<Vec<_>>>() else {
        return not_executable(command, Errno::EINVAL);
    };
    super::inherited::restore_for_exec();
    let mut refused = None;
    for path in places(command, environment) {
        let Some(program) = c_string(path.as_os_str()) else {
            continue;
        };
        let error = match nix::unistd::execve(&program, &argv, &envp) {
            Err(Errno::ENOEXEC) => run_as_script(program, &argv, &envp),
            Err(error) => error,
        };
        match error {
            Errno::ENOENT | Errno::ENOTDIR => {}
            error => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(error) => not_executable(command, error),
        None => ExecError::NotFound(command.to_owned()),
    }
}

fn not_executable(command: &OsStr, error: Errno) -> ExecError {
    ExecError::NotExecutable(command.to_owned(), error.into())
}

fn run_as_script(script: CString, argv: &[CString], envp: &[CString]) -> Errno {
    let shell = c"/bin/sh".to_owned();
    let mut words = vec![shell.clone(), script];
    words.extend(argv.iter().skip(1).cloned());
    match nix::unistd::execve(&shell, &words, envp) {
        Err(error) => error,
    }
}

/// The paths to try for `command`: itself when it has a slash, else one for each place in PATH.
fn places(command: &OsStr, environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return vec![command.into()];
    }
    if command.is_empty() {
        return Vec::new();
    }
    let path =
        environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let here = |place: &[u8]| {
        if place.is_empty() { b".".to_vec() } else { place.to_vec() }
    };
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|place| Path::new(OsStr::from_bytes(&here(place))).join(command))
        .collect()
}

fn pair(name: &OsStr, value: &OsStr) -> Option<CString> {
    let mut bytes = Vec::with_capacity(name.len() + value.len() + 2);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'=');
    bytes.extend_from_slice(value.as_bytes());
    CString::new(bytes).ok()
}

fn c_string(text: &OsStr) -> Option<CString> {
    CString::new(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_looked_up_as_a_shell_does() {
        let env = |path: &str| vec![("PATH".into(), path.into())];
        let places = |c: &str, p: &str| places(OsStr::new(c), &env(p));
        assert_eq!(places("a", "/x::/y"), [Path::new("/x/a"), Path::new("./a"), Path::new("/y/a")]);
        assert_eq!(places("./a", "/x"), [Path::new("./a")]);
        assert!(places("", "/x").is_empty());
    }

    #[test]
    fn a_missing_command_is_127_and_a_plain_file_126() {
        let none: Vec<OsString> = Vec::new();
        assert_eq!(exec(OsStr::new("/nonexistent/x"), &none, &[]).status(), 127);
        assert_eq!(exec(OsStr::new("/etc/passwd"), &none, &[]).status(), 126);
        assert_eq!(exec(OsStr::new("/etc"), &none, &[]).status(), 126);
    }
}
