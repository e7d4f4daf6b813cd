//! A file as rows that can be put in, changed and taken out.
//!
//! Deliberately absent: whether a change is allowed, and whether it did what it should.

use std::{borrow::Cow, fmt, ops::Range};

use super::{
    super::{
        Document, FileKind, SectionKind, SyntaxError, header,
        lines::{Role, Scanner, decode, is_blank, trim},
        parse::lower,
    },
    is_same,
};

/// All lines of a file.
#[derive(Default)]
pub(super) struct Rows<'a> {
    all: Vec<Row<'a>>,
    /// How many comments went with their section.
    comments_gone: usize,
    comments_before: usize,
}

struct Row<'a> {
    text: Cow<'a, str>,
    end: &'static str,
    what: What<'a>,
}

enum What<'a> {
    Blank,
    Comment,
    Header(SectionKind, Cow<'a, str>),
    More,
    Setting(Cow<'a, str>),
}

impl Row<'_> {
    fn is_blank(&self) -> bool {
        matches!(self.what, What::Blank)
    }

    fn is_comment(&self) -> bool {
        matches!(self.what, What::Comment)
    }

    fn is_header(&self) -> bool {
        matches!(self.what, What::Header(..))
    }

    fn is_setting(&self) -> bool {
        matches!(self.what, What::Setting(_))
    }

    /// The blanks that it begins with.
    fn indent(&self) -> &str {
        let length = self.text.len().saturating_sub(self.text.trim_start_matches(is_blank).len());
        self.text.get(..length).unwrap_or("")
    }
}

impl<'a> Rows<'a> {
    pub(super) fn of(document: &'a Document) -> Result<Self, SyntaxError> {
        let file = document.kind();
        let text = decode(document.bytes())?;
        let rows = Scanner::new(text).map(|line| {
            let line = line?;
            let what = match line.role {
                Role::Blank => What::Blank,
                Role::Comment => What::Comment,
                Role::Header { name, .. } => {
                    let (kind, name) = header::read(file, name);
                    What::Header(kind, name)
                }
                Role::More(_) => What::More,
                Role::Setting { key, .. } => What::Setting(lower(key)),
            };
            Ok(Row { text: Cow::Borrowed(line.text), end: line.end, what })
        });
        let mut rows =
            Self { all: rows.collect::<Result<_, _>>()?, comments_gone: 0, comments_before: 0 };
        rows.comments_before = rows.comments();
        Ok(rows)
    }

    /// How many comments there are.
    pub(super) fn comments(&self) -> usize {
        self.all.iter().filter(|row| row.is_comment()).count()
    }

    /// How many there should be.
    pub(super) fn comments_wanted(&self) -> usize {
        self.comments_before.saturating_sub(self.comments_gone)
    }

    /// The file's content.
    pub(super) fn join(&self) -> Vec<u8> {
        let size = |row: &Row<'_>| row.text.len().saturating_add(row.end.len());
        let mut bytes = Vec::with_capacity(self.all.iter().map(size).sum());
        for row in &self.all {
            bytes.extend_from_slice(row.text.as_bytes());
            bytes.extend_from_slice(row.end.as_bytes());
        }
        bytes
    }

    /// The header of the section that counts: the last one.
    pub(super) fn section(&self, kind: SectionKind, name: &str) -> Option<usize> {
        self.all.iter().rposition(|row| match &row.what {
            What::Header(own, own_name) => is_same(kind, name, *own, own_name),
            _ => false,
        })
    }

    /// Sets a key in the section whose header is at `header`.
    pub(super) fn set(&mut self, header: usize, key: &str, value: &str) {
        match self.find(header, key) {
            Some(at) => {
                if let Some(row) = self.all.get_mut(at) {
                    let text = with_value(&row.text, value);
                    row.text = Cow::Owned(text);
                }
                self.remove_rest(at);
            }
            None => self.insert(header, key, value),
        }
    }

    /// Takes a key out of the section whose header is at `header`.
    pub(super) fn remove(&mut self, header: usize, key: &str) {
        if let Some(at) = self.find(header, key) {
            self.remove_rest(at);
            self.cut(at..at.saturating_add(1), |_| true);
        }
    }

    /// Takes out the section whose header is at `header`.
    pub(super) fn remove_section(&mut self, header: usize) {
        let mut cut = header..self.end_of_own(header);
        let row = |at: usize| self.all.get(at);
        let blank = |at: usize| row(at).is_some_and(Row::is_blank);
        let before = header.checked_sub(1).filter(|before| blank(*before));
        if cut.end == self.all.len() {
            cut.start = before.unwrap_or(header);
        } else if header == 0 || before.is_some() {
            while blank(cut.end) {
                cut.end = cut.end.saturating_add(1);
            }
        }
        let gone = self.all.get(cut.clone()).unwrap_or_default();
        let gone = gone.iter().filter(|row| row.is_comment()).count();
        self.comments_gone = self.comments_gone.saturating_add(gone);
        self.cut(cut, |_| true);
    }

    /// Adds a section with one setting at the end of the file.
    pub(super) fn append(&mut self, file: FileKind, header: &str, key: &str, value: &str) {
        let end = self.end_near(self.all.len());
        let mut last = end;
        if let Some(row) = self.all.last_mut() {
            last = std::mem::replace(&mut row.end, end);
            if !row.is_blank() {
                self.all.push(Row { text: Cow::Borrowed(""), end, what: What::Blank });
            }
        }
        let (kind, name) = header::read(file, header);
        let what = What::Header(kind, Cow::Owned(name.into_owned()));
        self.all.push(Row { text: Cow::Owned(format!("[{header}]")), end, what });
        self.all.push(new_row("", key, " = ", value, last));
    }

    /// The first row behind `header` that is no longer in its section.
    fn end_of(&self, header: usize) -> usize {
        let from = header.saturating_add(1);
        let next = self.all.iter().skip(from).position(Row::is_header);
        next.map_or(self.all.len(), |next| from.saturating_add(next))
    }

    /// The row of a key.
    fn find(&self, header: usize, key: &str) -> Option<usize> {
        (header..self.end_of(header)).find(|at| {
            self.all
                .get(*at)
                .is_some_and(|row| matches!(&row.what, What::Setting(own) if own == key))
        })
    }

    /// Adds a setting behind the last one of the section.
    fn insert(&mut self, header: usize, key: &str, value: &str) {
        let end = self.end_of(header);
        let section = self.all.get(header..end).unwrap_or_default();
        let last = section.iter().rposition(|row| !row.is_blank() && !row.is_comment());
        let at = header.saturating_add(last.unwrap_or(0));
        let model = section.iter().rev().find(|row| row.is_setting());
        // Deeper than the next header, or not deeper than the setting above it: otherwise one of the
        // two lines would continue the other.
        let indent = model.or(self.all.get(end)).map_or("", Row::indent).to_owned();
        let delimiter = model.map_or(" = ", |row| delimiter_of(&row.text));
        let end = self.end_near(at);
        let Some(above) = self.all.get_mut(at) else { return };
        let own = std::mem::replace(&mut above.end, end);
        let row = new_row(&indent, key, delimiter, value, own);
        self.all.insert(at.saturating_add(1), row);
    }

    /// How lines end at `at`: as this one does, else as the one above it does.
    fn end_near(&self, at: usize) -> &'static str {
        let above = self.all.get(..=at).unwrap_or(&self.all).iter().rev();
        above.map(|row| row.end).find(|end| !end.is_empty()).unwrap_or("\n")
    }

    /// Takes out the further lines of the setting at `at`; comments between them stay.
    fn remove_rest(&mut self, at: usize) {
        let from = at.saturating_add(1);
        let rest = self.all.iter().skip(from);
        let length = rest.take_while(|row| !row.is_setting() && !row.is_header()).count();
        self.cut(from..from.saturating_add(length), |row| matches!(row.what, What::More));
    }

    /// Where a section's own lines end. Comments right below its settings are its own, unless the next
    /// header follows right below these.
    fn end_of_own(&self, header: usize) -> usize {
        let end = self.end_of(header);
        let section = self.all.get(header..end).unwrap_or_default();
        let last = section.iter().rposition(|row| !row.is_blank() && !row.is_comment());
        let own = last.unwrap_or(0).saturating_add(1);
        let tail = section.get(own..).unwrap_or_default();
        let comments = match tail.iter().position(Row::is_blank) {
            Some(blank) => blank,
            None if end == self.all.len() => tail.len(),
            None => 0,
        };
        header.saturating_add(own).saturating_add(comments)
    }

    /// Takes those rows of a range out that are `doomed`. A file without a final line end stays one.
    fn cut(&mut self, range: Range<usize>, doomed: impl Fn(&Row<'_>) -> bool) {
        let open = self.all.last().is_some_and(|row| row.end.is_empty());
        let mut at = 0;
        self.all.retain(|row| {
            let stays = !(range.contains(&at) && doomed(row));
            at = at.saturating_add(1);
            stays
        });
        if let Some(last) = self.all.last_mut()
            && open
        {
            last.end = "";
        }
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows(..)")
    }
}

fn new_row<'a>(
    indent: &str,
    key: &str,
    delimiter: &str,
    value: &str,
    end: &'static str,
) -> Row<'a> {
    let text = format!("{indent}{key}{delimiter}{value}");
    let text = text.trim_end_matches(is_blank).to_owned();
    Row { text: Cow::Owned(text), end, what: What::Setting(Cow::Owned(key.to_owned())) }
}

/// The delimiter as the line has it, if it has a usual form.
fn delimiter_of(line: &str) -> &'static str {
    let Some((key, value)) = line.split_once('=') else { return " = " };
    let tight = !key.ends_with(is_blank) && !value.is_empty() && !value.starts_with(is_blank);
    if tight { "=" } else { " = " }
}

/// The setting's first line with another value; the spacing stays.
fn with_value(line: &str, value: &str) -> String {
    let at = line.find(['=', ':']).map_or(line.len(), |at| at.saturating_add(1));
    let (head, old) = line.split_at_checked(at).unwrap_or((line, ""));
    if value.is_empty() {
        return head.to_owned();
    }
    let bare = trim(old);
    if bare.is_empty() {
        let before = head.trim_end_matches(['=', ':']);
        let blank = before.ends_with(is_blank) || !old.is_empty();
        return format!("{head}{}{value}", if blank { " " } else { "" });
    }
    let lead = old.len().saturating_sub(old.trim_start_matches(is_blank).len());
    let tail = old.trim_end_matches(is_blank).len();
    let (lead, tail) = (old.get(..lead).unwrap_or(""), old.get(tail..).unwrap_or(""));
    format!("{head}{lead}{value}{tail}")
}
