//! The person at the terminal: questions on the terminal device, everything else on stderr.
//!
//! Deliberately absent: decisions. This is the only room that writes to stderr.

mod picker;
mod prompt;

use std::{
    cell::{Cell, RefCell},
    io::Write,
};

use crate::{
    output::table::{self, Style},
    system::terminal,
};

pub use picker::{Choice, pick};

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Colour {
    /// On a terminal that can show them.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// How to talk.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "three switches that are independent")]
pub struct Manner {
    /// Errors as one JSON object.
    pub json: bool,
    /// Nobody may be asked.
    pub no_input: bool,
    /// Colours.
    pub colour: Colour,
    /// `NO_COLOR` is set, or the terminal is dumb.
    pub plain: bool,
    /// What less than an error is worth saying.
    pub level: Level,
}

/// What is worth saying on stderr; `LEAPP_LOG`.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Errors alone.
    Error,
    /// What may not be as wanted.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// Each step.
    Debug,
}

/// A failure as it is told.
#[derive(Clone, Debug)]
pub struct Report {
    /// The kind, one word, for machines.
    pub kind: &'static str,
    /// What was being done and did not work; empty: nothing is told.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// A command or an action that helps.
    pub hint: Option<String>,
    /// The exit status.
    pub exit: u8,
}

/// The person.
#[derive(Debug, Default)]
pub struct Ui {
    manner: Manner,
    said: RefCell<Vec<String>>,
    /// The one-time code that was given with the command, until it is used.
    code: RefCell<Option<String>>,
    quiet: Cell<bool>,
}

impl Ui {
    /// Talks in that manner; `code` answers the first question for a one-time code.
    pub fn new(manner: Manner, code: Option<String>) -> Self {
        Self { manner, said: RefCell::default(), code: RefCell::new(code), quiet: Cell::new(false) }
    }

    /// How to talk.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Gives the one-time code that came with the command.
    pub fn give_code(&self, code: Option<String>) {
        *self.code.borrow_mut() = code;
    }

    /// From now on only errors are told.
    pub fn be_quiet(&self) {
        self.quiet.set(true);
    }

    /// Says what happened.
    pub fn say(&self, text: &str) {
        if self.tells(Level::Info) {
            line(text);
        }
    }

    /// Says, once, what the user should know. With `--json`, [`Ui::fail`] tells it in its object.
    pub fn note(&self, text: &str) {
        let mut said = self.said.borrow_mut();
        if self.tells(Level::Warn) && !said.iter().any(|earlier| earlier == text) {
            said.push(text.to_owned());
            if !self.manner.json {
                line(&format!("note: {text}"));
            }
        }
    }

    /// Says what was kept back for the object of a failure that did not happen.
    pub fn finish(&self) {
        for text in self.said.take().iter().filter(|_| self.manner.json) {
            line(&format!("note: {text}"));
        }
    }

    fn tells(&self, level: Level) -> bool {
        self.manner.level >= level && !self.quiet.get()
    }

    /// Says what takes its time; only to a person.
    pub fn waiting(&self, text: &str) {
        if terminal::stderr_is_terminal() && self.tells(Level::Info) {
            line(&format!("{text} ..."));
        }
    }

    /// Says a step, for who looks for a fault.
    pub fn debug(&self, text: &str) {
        if self.tells(Level::Debug) {
            line(&format!("debug: {text}"));
        }
    }

    /// Tells a failure.
    pub fn fail(&self, report: &Report) {
        if report.message.is_empty() {
            return;
        }
        if self.manner.json {
            let text = serde_json::json!({
                "kind": report.kind,
                "message": report.message,
                "causes": report.causes,
                "hint": report.hint,
                "notes": self.said.take(),
                "exit": report.exit,
            });
            raw(&format!("{text}\n"));
            return;
        }
        line(&report.message);
        for cause in &report.causes {
            line(&format!("caused by: {cause}"));
        }
        if let Some(hint) = &report.hint {
            line(&format!("hint: {hint}"));
        }
    }

    /// How a table for stdout is shown.
    pub fn table_style(&self) -> Style {
        let terminal = terminal::stdout_is_terminal();
        let colour = match self.manner.colour {
            Colour::Always => true,
            Colour::Auto => terminal && !self.manner.plain,
            Colour::Never => false,
        };
        let width = terminal.then(|| usize::from(dialoguer::console::Term::stdout().size().1));
        Style { header: terminal, colour, width }
    }
}

/// One line with the program's name; text from outside cannot move the cursor.
fn line(text: &str) {
    let text = table::visible(text);
    raw(&format!("leapp: {text}\n"));
}

fn raw(text: &str) {
    _ = std::io::stderr().write_all(text.as_bytes());
}
