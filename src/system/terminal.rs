//! The terminal device: questions and answers that work while stdin and stdout are pipes.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::unix::fs::OpenOptionsExt,
};

use nix::{
    fcntl::OFlag,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
    sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr},
};

use zeroize::Zeroizing;

use super::signals::Signals;
use crate::secret::Secret;

/// Whether what is typed appears on the terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Echo {
    /// Nothing appears.
    Off,
    /// As usual.
    On,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Ctrl-C, Ctrl-\ or end of file.
    #[error("cancelled")]
    Cancelled,
    /// The terminal failed.
    #[error("the terminal cannot be read")]
    Io(#[from] io::Error),
}

/// The controlling terminal.
#[derive(Debug)]
pub struct Terminal {
    device: File,
}

impl Terminal {
    /// Opens the controlling terminal; an error when the process has none.
    pub fn open() -> io::Result<Self> {
        let flags = (OFlag::O_CLOEXEC | OFlag::O_NOCTTY).bits();
        let device =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        Ok(Self { device })
    }

    /// Writes text.
    pub fn write(&self, text: &str) -> io::Result<()> {
        (&self.device).write_all(text.as_bytes())
    }

    /// A second handle to the device.
    pub fn duplicate(&self) -> io::Result<File> {
        self.device.try_clone()
    }

    /// Throws away what was typed and not read.
    pub fn forget_input(&self) {
        _ = nix::sys::termios::tcflush(&self.device, nix::sys::termios::FlushArg::TCIFLUSH);
    }

    /// Asks with `prompt` and reads one line, without its line end.
    ///
    /// While it waits, Ctrl-C ends the line instead of the process, so that the terminal's
    /// settings are always put back before anything else happens.
    pub fn read_line(&self, prompt: &str, echo: Echo) -> Result<Secret, ReadError> {
        let signals = Signals::catch();
        let settings = Settings::change(&self.device, echo)?;
        self.write(prompt)?;
        // One read is one line, and Ctrl-C ends a line too: reading on to a newline would hang.
        let mut buffer = Zeroizing::new([0; 4096]);
        let length = (&self.device).read(buffer.as_mut());
        drop(settings);
        // A signal that came meanwhile ends us only now, with the terminal as it was.
        drop(signals);
        let line = buffer.get(..length?).unwrap_or_default();
        let ended = line.last() == Some(&b'\n');
        if !ended || echo == Echo::Off {
            self.write("\n")?;
        }
        if !ended {
            return Err(ReadError::Cancelled);
        }
        let text = std::str::from_utf8(line).map_err(io::Error::other)?;
        Ok(Secret::new(text.trim_end_matches('\n').to_owned()))
    }
}

/// Runs `act` with SIGINT ignored: a library that turns Ctrl-C into the signal would end the process
/// before the terminal is put back.
pub fn ignoring_interrupts<T>(act: impl FnOnce() -> T) -> T {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let before = set_interrupt(&ignore);
    let result = act();
    if let Ok(before) = before {
        _ = set_interrupt(&before);
    }
    result
}

#[expect(unsafe_code, reason = "changing a signal's disposition has no safe form")]
fn set_interrupt(action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: no function of ours becomes a handler: the signal is ignored, or has what it had.
    unsafe { sigaction(Signal::SIGINT, action) }
}

/// Whether stdin is a terminal.
pub fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Whether stdout is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether stderr is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Changed settings of a terminal; dropping puts the old ones back.
struct Settings<'a> {
    device: &'a File,
    before: Termios,
}

/// Ctrl-C and Ctrl-\ as bytes.
const INTERRUPT: u8 = 0x03;
const QUIT: u8 = 0x1c;

impl<'a> Settings<'a> {
    fn change(device: &'a File, echo: Echo) -> io::Result<Self> {
        let before = tcgetattr(device)?;
        let mut settings = before.clone();
        settings.local_flags.remove(LocalFlags::ISIG);
        settings.local_flags.insert(LocalFlags::ICANON);
        for (place, byte) in
            [(SpecialCharacterIndices::VEOL, INTERRUPT), (SpecialCharacterIndices::VEOL2, QUIT)]
        {
            if let Some(slot) = settings.control_chars.get_mut(place as usize) {
                *slot = byte;
            }
        }
        let action = match echo {
            Echo::Off => {
                settings.local_flags.remove(LocalFlags::ECHO);
                SetArg::TCSAFLUSH
            }
            Echo::On => SetArg::TCSADRAIN,
        };
        tcsetattr(device, action, &settings)?;
        Ok(Self { device, before })
    }
}

impl Drop for Settings<'_> {
    fn drop(&mut self) {
        _ = tcsetattr(self.device, SetArg::TCSADRAIN, &self.before);
    }
}

/// Tells this terminal, in this login, from others: its device number and the session's leader.
pub fn identity() -> Option<String> {
    use std::os::fd::AsFd;
    let (stderr, stdin, stdout) = (io::stderr(), io::stdin(), io::stdout());
    let device = [stderr.as_fd(), stdin.as_fd(), stdout.as_fd()]
        .into_iter()
        .filter(IsTerminal::is_terminal)
        .find_map(|descriptor| nix::sys::stat::fstat(descriptor).ok())?;
    let leader = nix::unistd::getsid(None).ok()?;
    Some(format!("{}-{leader}", device.st_rdev))
}
