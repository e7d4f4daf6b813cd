//! The picker: a list that is drawn on the terminal device, so that it works inside `$( )`.

use dialoguer::{FuzzySelect, console::Term, theme::SimpleTheme};

use crate::{
    output::table::visible,
    system::terminal::{Terminal, ignoring_interrupts},
};

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The person stopped.
    Cancelled,
    /// The item at this place.
    Picked(usize),
    /// There is no terminal to draw on.
    Unavailable,
}

/// Lets a person pick one of `items`.
pub fn pick(prompt: &str, items: &[String]) -> Choice {
    let Some((input, output)) = handles() else {
        return Choice::Unavailable;
    };
    let items: Vec<String> = items.iter().map(|item| visible(item)).collect();
    let term = Term::read_write_pair(input, output);
    let select = FuzzySelect::with_theme(&SimpleTheme)
        .with_prompt(prompt)
        .items(&items)
        .default(0)
        .max_length(12);
    let picked = ignoring_interrupts(|| select.interact_on_opt(&term));
    match picked {
        Ok(Some(at)) => Choice::Picked(at),
        Ok(None) | Err(_) => {
            // The library hides the cursor while it draws.
            _ = term.show_cursor();
            Choice::Cancelled
        }
    }
}

fn handles() -> Option<(std::fs::File, std::fs::File)> {
    let terminal = Terminal::open().ok()?;
    Some((terminal.duplicate().ok()?, terminal.duplicate().ok()?))
}
