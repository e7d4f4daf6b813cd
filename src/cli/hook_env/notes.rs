//! What a person is told at a prompt: once in a shell, until it has become untrue.

use crate::system::hash;

/// A line at a prompt.
#[derive(Clone, Debug)]
pub(super) struct Note {
    text: String,
    /// What it tells apart from a line of the same words.
    about: String,
    /// Whether it is said each time: it tells of a change.
    always: bool,
}

impl Note {
    /// A line that is said once.
    pub(super) fn once(text: impl Into<String>) -> Self {
        Self { text: text.into(), about: String::new(), always: false }
    }

    /// A line that is said once for each thing that it is about.
    pub(super) fn once_about(text: impl Into<String>, about: String) -> Self {
        Self { about, ..Self::once(text) }
    }

    /// A line that tells of a change.
    pub(super) fn news(text: impl Into<String>) -> Self {
        Self { always: true, ..Self::once(text) }
    }
}

/// How many words a shell remembers.
const REMEMBERED: usize = 32;

/// The lines that were not said yet, safe for a terminal, and what the shell remembers from now
/// on. Where credentials are on, all that was said before is past.
pub(super) fn unsaid(notes: &[Note], said: &[String], is_on: bool) -> (Vec<String>, String) {
    let mut words: Vec<String> = if is_on { Vec::new() } else { said.to_vec() };
    let mut lines = Vec::new();
    for note in notes {
        let mut word = hash::short(format!("{}\n{}", note.text, note.about).as_bytes());
        word.truncate(8);
        let known = said.contains(&word);
        if !words.contains(&word) && !note.always {
            words.push(word);
        }
        if !known || note.always {
            lines.push(crate::output::table::visible(&note.text));
        }
    }
    let skip = words.len().saturating_sub(REMEMBERED);
    (lines, words.get(skip..).unwrap_or_default().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_once_until_credentials_are_on() {
        let notes = [Note::once("a"), Note::news("b"), Note::once("\u{1b}[2J")];
        let (lines, said) = unsaid(&notes, &[], false);
        assert_eq!(lines.len(), 3);
        assert!(!lines.concat().contains('\u{1b}'));
        let said: Vec<String> = said.split(',').map(str::to_owned).collect();
        assert_eq!(unsaid(&notes, &said, false).0, ["b"]);
        assert_eq!(unsaid(&[], &said, true).1, "");
        let other = [Note::once_about("a", "other content".to_owned())];
        assert_eq!(unsaid(&other, &said, false).0, ["a"]);
    }
}
