//! Questions: one-time codes, secrets, passphrases, names.

use super::Ui;
use crate::{
    access::{MfaQuestion, OpenQuestion, Prompt, PromptError, Retry},
    output::table::visible,
    resolver::codes,
    secret::Secret,
    system::terminal::{Echo, ReadError, Terminal},
    vault::{Passphrase, Unlock},
};

impl Ui {
    /// Whether a person can be asked: there is a terminal, and asking is allowed.
    pub fn can_ask(&self) -> bool {
        !self.manner.no_input && Terminal::open().is_ok()
    }

    /// Asks for one line.
    pub fn ask(&self, prompt: &str, echo: Echo) -> Result<Secret, PromptError> {
        if self.manner.no_input {
            return Err(PromptError::Unavailable);
        }
        let terminal = Terminal::open().map_err(|_| PromptError::Unavailable)?;
        terminal.read_line(&visible(prompt), echo).map_err(|error| match error {
            ReadError::Cancelled => PromptError::Cancelled,
            ReadError::Io(_) => PromptError::Unavailable,
        })
    }

    /// The same, for an answer that must be one to this question: what was typed before it is
    /// thrown away.
    pub fn ask_afresh(&self, prompt: &str, echo: Echo) -> Result<Secret, PromptError> {
        if let Ok(terminal) = Terminal::open() {
            terminal.forget_input();
        }
        self.ask(prompt, echo)
    }

    /// Shows a line on the terminal device, where a question follows.
    pub fn show(&self, text: &str) {
        tell(text);
    }

    fn new_passphrase(&self) -> Option<Secret> {
        tell("A new file vault will keep the secrets. Choose a passphrase for it.");
        loop {
            let first = self.ask("New passphrase: ", Echo::Off).ok()?;
            if first.expose().chars().count() < 8 {
                tell("It needs at least 8 characters.");
                continue;
            }
            let second = self.ask("The same again: ", Echo::Off).ok()?;
            if first.expose() == second.expose() {
                return Some(first);
            }
            tell("These differ.");
        }
    }
}

/// A line on the terminal device, where the question is.
fn tell(text: &str) {
    if let Ok(terminal) = Terminal::open() {
        _ = terminal.write(&format!("{}\n", visible(text)));
    }
}

impl Prompt for Ui {
    fn mfa_code(&self, question: &MfaQuestion<'_>) -> Result<String, PromptError> {
        if let Some(code) = self.code.borrow_mut().take() {
            return Ok(code);
        }
        if !self.can_ask() {
            return Err(PromptError::Unavailable);
        }
        match question.retry {
            None => {}
            Some(Retry::Malformed) => tell("A code has six digits."),
            Some(Retry::Rejected) => tell("The code was rejected."),
            Some(Retry::Used(seconds)) => {
                tell(&format!("This code was used already; the next one appears in {seconds} s."));
            }
        }
        let (session, device, left) = (question.session, question.device, codes::until_next());
        let prompt =
            format!("MFA code for '{session}' from {device} (this one ends in {left} s): ");
        // The code is shown as it is typed: in half a minute it is no secret, and typing errors
        // cost a whole step.
        self.ask(&prompt, Echo::On).map(|code| code.expose().to_owned())
    }

    fn answer(&self, question: &OpenQuestion<'_>) -> Result<Secret, PromptError> {
        // Who asks comes first, so that the question cannot pass for one of ours.
        let prompt = format!("Provider '{}' asks: {} ", question.asker, question.text);
        self.ask(&prompt, if question.secret { Echo::Off } else { Echo::On })
    }

    fn can_ask(&self) -> bool {
        self.code.borrow().is_some() || Self::can_ask(self)
    }

    fn is_ready(&self) -> bool {
        self.code.borrow().is_some()
    }
}

impl Unlock for Ui {
    fn may_ask(&self) -> bool {
        Self::can_ask(self)
    }

    fn passphrase(&self, purpose: Passphrase) -> Option<Secret> {
        match purpose {
            Passphrase::New => self.new_passphrase(),
            Passphrase::Open => self.ask("Passphrase of the file vault: ", Echo::Off).ok(),
            Passphrase::Again => {
                self.ask("That is not it. Passphrase of the file vault: ", Echo::Off).ok()
            }
        }
    }

    fn announce(&self, text: &str) {
        self.say(text);
    }
}
