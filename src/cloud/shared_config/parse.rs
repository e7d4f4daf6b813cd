//! From lines to sections and settings: continuation, nesting, and what may stand there once only.
//!
//! Deliberately absent: how the two files go together.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use super::{
    FileKind, Section, Setting, SyntaxError, Warning, differ, header,
    lines::{Line, Role, Scanner, is_blank, trim},
};
use crate::secret::Secret;

/// The number that stands for every `[DEFAULT]`, which may be there more than once.
const INHERITED: usize = 0;

/// A line of a value.
struct Piece<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

/// A setting that may go on in the next line.
struct Open<'a> {
    key: Cow<'a, str>,
    line: usize,
    pieces: Vec<Piece<'a>>,
}

impl Open<'_> {
    fn above(&self) -> differ::Above<'_> {
        let nests = self.pieces.first().is_some_and(|first| first.text.is_empty());
        differ::Above { key: &self.key, nests }
    }
}

/// What has been read so far.
struct Reader<'a> {
    file: FileKind,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
    /// The present section's number in `keys`.
    owner: usize,
    headers: HashMap<&'a str, usize>,
    keys: HashMap<(usize, Cow<'a, str>), usize>,
    open: Option<Open<'a>>,
    /// Bad blocks in `[DEFAULT]`: they count where a section inherits them.
    late: Vec<(Cow<'a, str>, SyntaxError)>,
}

/// The file's sections, and what is odd in it.
pub(super) fn parse(
    file: FileKind,
    text: &str,
) -> Result<(Vec<Section>, Vec<Warning>), SyntaxError> {
    let mut reader = Reader {
        file,
        sections: Vec::new(),
        warnings: Vec::new(),
        owner: INHERITED,
        headers: HashMap::new(),
        keys: HashMap::new(),
        open: None,
        late: Vec::new(),
    };
    for line in Scanner::new(text) {
        reader.take(&line?)?;
    }
    reader.close()?;
    reader.refuse_inherited()?;
    differ::sections(file, &reader.sections, &mut reader.warnings);
    reader.warnings.sort_by_key(|warning| warning.line);
    Ok((reader.sections, reader.warnings))
}

impl<'a> Reader<'a> {
    fn take(&mut self, line: &Line<'a>) -> Result<(), SyntaxError> {
        differ::line(line, self.open.as_ref().map(Open::above), &mut self.warnings);
        match line.role {
            Role::Blank => self.continue_with(line, ""),
            Role::Comment => {}
            Role::Header { name, .. } => {
                self.close()?;
                self.begin(line, name)?;
            }
            Role::More(text) => self.continue_with(line, text),
            Role::Setting { key, value, .. } => {
                self.close()?;
                self.open(line, key, value)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, line: &Line<'a>, text: &'a str) -> Result<(), SyntaxError> {
        self.owner = self.sections.len().saturating_add(1);
        if text == header::INHERITED {
            self.owner = INHERITED;
        } else if let Some(first) = self.headers.insert(text, line.number) {
            let problem = format!("section '[{text}]' stands in line {first} already");
            return Err(error_at(line, problem));
        }
        let (kind, name) = header::read(self.file, text);
        let (name, line, settings) = (name.into_owned(), line.number, Vec::new());
        self.sections.push(Section { kind, name, line, settings });
        Ok(())
    }

    fn open(&mut self, line: &Line<'a>, key: &'a str, value: &'a str) -> Result<(), SyntaxError> {
        let key = lower(key);
        match self.keys.entry((self.owner, key.clone())) {
            Entry::Occupied(first) => {
                let problem = format!("key '{key}' is set in line {} already", first.get());
                return Err(error_at(line, problem));
            }
            Entry::Vacant(place) => place.insert(line.number),
        };
        self.open = Some(Open { key, line: line.number, pieces: Vec::new() });
        self.continue_with(line, value);
        Ok(())
    }

    fn continue_with(&mut self, line: &Line<'a>, text: &'a str) {
        if let Some(open) = &mut self.open {
            let column = line.indent.saturating_add(1);
            open.pieces.push(Piece { line: line.number, column, text });
        }
    }

    /// Ends the setting that is being read.
    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        while open.pieces.len() > 1 && open.pieces.last().is_some_and(|last| last.text.is_empty()) {
            open.pieces.pop();
        }
        let nested = match open.pieces.as_slice() {
            [first, inner @ ..] if first.text.is_empty() => match block(inner) {
                Ok(nested) => nested,
                Err(error) if self.owner == INHERITED => {
                    self.late.push((open.key.clone(), error));
                    Vec::new()
                }
                Err(error) => return Err(error),
            },
            _ => Vec::new(),
        };
        let value = join(&open.pieces);
        if let Some(section) = self.sections.last_mut() {
            let (key, line) = (open.key.into_owned(), open.line);
            section.settings.push(Setting { key, value, line, nested });
        }
        Ok(())
    }

    /// A bad block in `[DEFAULT]` is an error as soon as one section inherits it.
    fn refuse_inherited(&mut self) -> Result<(), SyntaxError> {
        for (key, error) in std::mem::take(&mut self.late) {
            let heirs = self.sections.iter().enumerate();
            for (at, _) in heirs.filter(|(_, heir)| !heir.is_inherited()) {
                if !self.keys.contains_key(&(at.saturating_add(1), key.clone())) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn error_at(line: &Line<'_>, problem: String) -> SyntaxError {
    SyntaxError { line: line.number, column: line.indent.saturating_add(1), problem }
}

/// A key as it is looked up.
pub(super) fn lower(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(key.to_lowercase())
}

fn join(pieces: &[Piece<'_>]) -> Secret {
    let size = pieces.iter().map(|piece| piece.text.len().saturating_add(1)).sum();
    let mut value = String::with_capacity(size);
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            value.push('\n');
        }
        value.push_str(piece.text);
    }
    Secret::new(value)
}

/// The settings of a nested block. botocore knows only `=` here, and keeps the key's case.
fn block(pieces: &[Piece<'_>]) -> Result<Vec<(String, Secret, usize)>, SyntaxError> {
    let mut nested = Vec::new();
    for piece in pieces {
        // Python's splitlines() knows more ends of lines than its files do.
        for text in piece.text.split(ends_line).map(trim).filter(|text| !text.is_empty()) {
            let Some((key, value)) = text.split_once('=') else {
                let problem = "a line of a nested block has no '='".into();
                return Err(SyntaxError { line: piece.line, column: piece.column, problem });
            };
            let key = key.trim_end_matches(is_blank).to_owned();
            nested.push((key, Secret::new(trim(value).to_owned()), piece.line));
        }
    }
    Ok(nested)
}

fn ends_line(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::{
        super::{SIZE_LIMIT, SectionKind},
        *,
    };
    use crate::cloud::shared_config::Document;

    /// The settings of all sections, as `line key=value`, and nested ones as `line key/inner=value`.
    fn read(text: &str) -> Result<Vec<String>, String> {
        let document = Document::parse(FileKind::Config, text.as_bytes());
        let document = document.map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        for one in document.sections().iter().flat_map(|section| &section.settings) {
            if one.nested.is_empty() {
                all.push(format!("{} {}={}", one.line, one.key, one.value.expose()));
            }
            for (key, value, line) in &one.nested {
                all.push(format!("{line} {}/{key}={}", one.key, value.expose()));
            }
        }
        Ok(all)
    }

    #[test]
    fn settings_are_read_as_botocore_reads_them() {
        for (text, expected) in [
            ("", &[] as &[&str]),
            ("# c\n ; c\n\n[profile a]\n# c\n\t# c\n", &[]),
            ("[profile a]\nx = 1\ny=2\nz\t:\t3", &["2 x=1", "3 y=2", "4 z=3"]),
            ("[profile a]\r\nx = 1\r\ny = 2\rz = 3", &["2 x=1", "3 y=2", "4 z=3"]),
            ("[profile a]\nRegion = X # c\n", &["2 region=X # c"]),
            ("[profile a]\nx =\ny=\n", &["2 x=", "3 y="]),
            ("[profile a]\nx == a=b:c\n", &["2 x== a=b:c"]),
            ("[profile a]\nx = 1\n\n  2\n# c\n\t3\n\n\ny = 4", &["2 x=1\n\n2\n3", "9 y=4"]),
            ("[profile a]\n  x = 1\n  y = 2\n z = 3\n  w", &["2 x=1", "3 y=2", "4 z=3\nw"]),
            ("[profile a]\nx = 1\n  [profile b]\n", &["2 x=1\n[profile b]"]),
            ("[profile a]\nx =\n  B = 1\n\n  c=\n # c\n  c = 2", &["3 x/B=1", "5 x/c=", "7 x/c=2"]),
            ("[profile a]\nx =\n  b = 1\u{b}c = 2\n", &["3 x/b=1", "3 x/c=2"]),
            ("[DEFAULT]\nx = 1\n[profile a]\n[DEFAULT]\ny = 2\n", &["2 x=1", "5 y=2"]),
            ("[DEFAULT]\nx =\n  word\n[profile a]\nx = 1\n", &["2 x=\nword", "5 x=1"]),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_botocore_refuses_is_refused_with_its_place() {
        for (text, expected) in [
            ("x = 1\n[a]\n", "line 1, column 1: text stands before the first section"),
            ("\n  x\n", "line 2, column 3: text stands before the first section"),
            (
                "\u{feff}[a]\n",
                "line 1, column 1: the file begins with a byte order mark, which the AWS CLI refuses",
            ),
            ("[a]\nx\n", "line 2, column 1: the line has no '='"),
            ("[a]\nx = 1\n\u{e4} \n", "line 3, column 1: the line has no '='"),
            ("[]\n", "line 1, column 1: text stands before the first section"),
            ("[a]\n[]\n", "line 2, column 1: the line has no '='"),
            ("[a]\n = 1\n", "line 2, column 2: there is no key before the '='"),
            ("[a]\nx = 1\nX = 2\n", "line 3, column 1: key 'x' is set in line 2 already"),
            ("[a]\n[b]\n [a]\n", "line 3, column 2: section '[a]' stands in line 1 already"),
            ("[a]\nx =\n  word\n", "line 3, column 3: a line of a nested block has no '='"),
            (
                "[DEFAULT]\nx = 1\n[a]\n[DEFAULT]\nx = 2\n",
                "line 5, column 1: key 'x' is set in line 2 already",
            ),
            (
                "[DEFAULT]\nx =\n  word\n[a]\n",
                "line 3, column 3: a line of a nested block has no '='",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_place() {
        for (bytes, expected) in [
            (b"[a]\nx = \xc3\xa4\xff\n" as &[u8], "line 2, column 6: the text is not UTF-8"),
            (b"\xff", "line 1, column 1: the text is not UTF-8"),
            (b"[a]\r\n\xff", "line 2, column 1: the text is not UTF-8"),
        ] {
            let error = Document::parse(FileKind::Credentials, bytes).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let mut text = b"[a]\n#".to_vec();
        text.resize(SIZE_LIMIT, b'#');
        assert!(Document::parse(FileKind::Config, &text).is_ok());
        text.push(b'#');
        let error = Document::parse(FileKind::Config, &text).unwrap_err();
        assert!(error.problem.contains("larger than 16777216 bytes"), "{error}");
    }

    #[test]
    fn no_error_shows_a_value() {
        for text in
            ["TESTSECRET", "[a]\nTESTSECRET", "[a]\nx = 1\nx = TESTSECRET", "[a]\n= TESTSECRET"]
        {
            let error = Document::parse(FileKind::Config, text.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("TESTSECRET"), "{error}");
        }
        let text = b"[a]\naws_secret_access_key : TESTSECRET # x\n  s3 = TESTSECRET\n";
        let document = Document::parse(FileKind::Credentials, text).unwrap();
        assert_eq!(document.warnings().len(), 3, "{:?}", document.warnings());
        assert!(!format!("{document:?}").contains("TESTSECRET"));
    }

    #[test]
    fn a_name_goes_up_to_the_last_bracket_of_its_line() {
        for (text, name) in [
            ("[a] # ]\n", "a] # "),
            ("[[a]]\n", "[a]"),
            ("[]]\n", "]"),
            ("[profile 'a]b'] # c\n", "a]b"),
        ] {
            let document = Document::parse(FileKind::Config, text.as_bytes()).unwrap();
            assert_eq!(document.sections()[0].name, name);
        }
    }

    #[test]
    fn sections_stand_in_the_order_of_the_file() {
        let text = "[b]\n[default]\n[profile 'a b']\n[sso-session s]\n[services t]\n[DEFAULT]\n";
        let document = Document::parse(FileKind::Config, text.as_bytes()).unwrap();
        let found: Vec<_> =
            document.sections().iter().map(|one| (one.kind, &*one.name, one.line)).collect();
        let expected = [
            (SectionKind::Other, "b", 1),
            (SectionKind::Default, "default", 2),
            (SectionKind::Profile, "a b", 3),
            (SectionKind::SsoSession, "s", 4),
            (SectionKind::Services, "t", 5),
            (SectionKind::Other, "DEFAULT", 6),
        ];
        assert_eq!(found, expected);
        assert!(document.sections()[5].is_inherited());
    }
}
