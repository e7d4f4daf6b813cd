//! Lines of an INI file and what each of them is, as Python's `configparser` has it.
//! See <https://docs.python.org/3/library/configparser.html>.
//!
//! Deliberately absent: what a section's name means, and whether one stands there twice.

use super::{SIZE_LIMIT, SyntaxError};

/// A line with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Without the line's end.
    pub(super) text: &'a str,
    /// `\n`, `\r\n`, `\r`, or nothing at the end of the file.
    pub(super) end: &'static str,
    /// How many blank characters it begins with.
    pub(super) indent: usize,
    /// What it is.
    pub(super) role: Role<'a>,
}

/// What a line is to the parser. Texts have no blanks around them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role<'a> {
    Blank,
    Comment,
    /// The name between the brackets, blanks included, and what follows the last bracket.
    Header {
        name: &'a str,
        rest: &'a str,
    },
    /// It continues the setting above it.
    More(&'a str),
    Setting {
        key: &'a str,
        delimiter: char,
        value: &'a str,
    },
}

/// The text of a file that is not too large.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    if bytes.len() > SIZE_LIMIT {
        let problem = format!("the file is larger than {SIZE_LIMIT} bytes");
        return Err(SyntaxError { line: 1, column: 1, problem });
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = std::str::from_utf8(good).unwrap_or_default();
        let last = Scanner::new(good).physical_lines().last();
        let (line, column) = match last {
            Some((number, text, "")) => (number, text.chars().count().saturating_add(1)),
            Some((number, _, _)) => (number.saturating_add(1), 1),
            None => (1, 1),
        };
        SyntaxError { line, column, problem: "the text is not UTF-8".into() }
    })
}

/// What Python takes for blank: Unicode's white space and four separators of ASCII.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The text without blanks around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Goes through a file and says of each line what it is.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    number: usize,
    /// The indent of the last line that was no continuation.
    indent: usize,
    in_section: bool,
    in_setting: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, number: 0, indent: 0, in_section: false, in_setting: false }
    }

    /// The lines with their ends and nothing else.
    fn physical_lines(mut self) -> impl Iterator<Item = (usize, &'a str, &'static str)> {
        std::iter::from_fn(move || self.cut().map(|(text, end)| (self.number, text, end)))
    }

    fn cut(&mut self) -> Option<(&'a str, &'static str)> {
        if self.rest.is_empty() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        let at = self.rest.bytes().position(|byte| byte == b'\n' || byte == b'\r');
        let Some((text, tail)) = at.and_then(|at| self.rest.split_at_checked(at)) else {
            return Some((std::mem::take(&mut self.rest), ""));
        };
        for end in ["\r\n", "\n", "\r"] {
            if let Some(rest) = tail.strip_prefix(end) {
                self.rest = rest;
                return Some((text, end));
            }
        }
        None
    }

    fn role(&mut self, content: &'a str, indent: usize) -> Result<Role<'a>, SyntaxError> {
        if content.is_empty() {
            return Ok(Role::Blank);
        }
        if content.starts_with(['#', ';']) {
            return Ok(Role::Comment);
        }
        if self.in_setting && indent > self.indent {
            return Ok(Role::More(content));
        }
        self.indent = indent;
        if let Some((name, rest)) = header(content) {
            (self.in_section, self.in_setting) = (true, false);
            return Ok(Role::Header { name, rest });
        }
        if !self.in_section {
            let problem = if content.starts_with('\u{feff}') {
                "the file begins with a byte order mark, which the AWS CLI refuses"
            } else {
                "text stands before the first section"
            };
            return Err(self.error(indent, problem));
        }
        let Some(at) = content.find(['=', ':']) else {
            return Err(self.error(indent, "the line has no '='"));
        };
        let (key, tail) = content.split_at_checked(at).unwrap_or((content, ""));
        let key = key.trim_end_matches(is_blank);
        if key.is_empty() {
            return Err(self.error(indent, "there is no key before the '='"));
        }
        self.in_setting = true;
        let mut value = tail.chars();
        let delimiter = value.next().unwrap_or('=');
        Ok(Role::Setting { key, delimiter, value: value.as_str().trim_start_matches(is_blank) })
    }

    fn error(&self, indent: usize, problem: &str) -> SyntaxError {
        let column = indent.saturating_add(1);
        SyntaxError { line: self.number, column, problem: problem.into() }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Result<Line<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (text, end) = self.cut()?;
        let content = text.trim_start_matches(is_blank);
        let blank = text.len().saturating_sub(content.len());
        let indent = text.get(..blank).map_or(0, |blank| blank.chars().count());
        let role = self.role(content.trim_end_matches(is_blank), indent);
        let number = self.number;
        Some(role.map(|role| Line { number, text, end, indent, role }))
    }
}

/// From the first bracket to the last; there must be something between them.
fn header(content: &str) -> Option<(&str, &str)> {
    let (name, rest) = content.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some((name, rest))
}
