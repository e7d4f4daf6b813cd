//! The content of a project file: a closed schema, read once.

use serde::Deserialize;

use crate::model::{CredentialIdentifier, RegionName, SessionName};

/// What a project file asks for. It has been read, and not been trusted: for showing to a person
/// and for writing a trust record, never for acting upon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proposal {
    pub(super) session: Target,
    pub(super) region: Option<RegionName>,
    pub(super) azure: Option<Target>,
    pub(super) account: Option<String>,
}

/// Which session is meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum Target {
    /// By its id.
    Identifier(CredentialIdentifier),
    /// By its name: a session of the workspace or a profile.
    Name(SessionName),
    /// A session of the workspace, by its name.
    Session(SessionName),
}

impl Target {
    /// As it can be given to a command.
    pub fn text(&self) -> String {
        match self {
            Self::Identifier(id) => id.to_string(),
            Self::Name(name) => name.to_string(),
            Self::Session(name) => format!("session:{name}"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(id) = CredentialIdentifier::parse(&text) {
            return Ok(Self::Identifier(id));
        }
        let (form, name): (fn(SessionName) -> Self, &str) = match text.strip_prefix("session:") {
            Some(name) => (Self::Session, name),
            None => (Self::Name, &text),
        };
        SessionName::parse(name)
            .map(form)
            .map_err(|error| format!("{text:?} names no session: {error}"))
    }
}

/// The file's own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    session: Target,
    region: Option<RegionName>,
    azure: Option<Target>,
    account: Option<Account>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Account(String);

impl TryFrom<String> for Account {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(Self(text)) } else { Err(format!("{text:?} is no account of 12 digits")) }
    }
}

/// Why a project file's content is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct SettingsError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
}

impl Proposal {
    /// What a text asks for that is about to become a project file.
    pub fn of(text: &str) -> Result<Self, SettingsError> {
        Self::parse(text.as_bytes())
    }

    /// Reads `session`, `region`, `azure` and `account`; anything else is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SettingsError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or(bytes));
            at(&before, before.len(), "it is not UTF-8".to_owned())
        })?;
        let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if let Some((place, _)) = text.char_indices().find(|(_, c)| is_odd(*c)) {
            return Err(at(text, place, "a control character".to_owned()));
        }
        let read: Written = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or(0, |span| span.start);
            let problem = error.message().lines().next().unwrap_or_default().to_owned();
            at(text, place, problem)
        })?;
        let Written { session, region, azure, account } = read;
        Ok(Self { session, region, azure, account: account.map(|account| account.0) })
    }

    /// The session that it asks for.
    pub fn session(&self) -> &Target {
        &self.session
    }

    /// The region that it asks for.
    pub fn region(&self) -> Option<&RegionName> {
        self.region.as_ref()
    }

    /// The second, Azure session that it asks for.
    pub fn azure(&self) -> Option<&Target> {
        self.azure.as_ref()
    }

    /// The account that the session must have.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// A file's content with another session, and another region where one is given. All else stays
    /// as it is, comments too. `None` where that cannot be done line by line.
    pub fn edit(text: &str, session: &str, region: Option<&RegionName>) -> Option<String> {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let region = region.map(ToString::to_string);
        for (key, value) in [("session", Some(session)), ("region", region.as_deref())] {
            let Some(value) = value else { continue };
            match lines
                .iter_mut()
                .find_map(|line| with_value(line, key, value).map(|new| (line, new)))
            {
                Some((line, new)) => *line = new,
                None => {
                    if let Some(last) = lines.last_mut().filter(|line| !line.ends_with('\n')) {
                        last.push('\n');
                    }
                    lines.push(format!("{key} = {}\n", quoted(value)));
                }
            }
        }
        let (new, old) = (lines.concat(), Self::parse(text.as_bytes()).ok()?);
        let read = Self::parse(new.as_bytes()).ok()?;
        let region = region.or_else(|| old.region.as_ref().map(ToString::to_string));
        let as_wanted = read.session.text() == session
            && read.region.as_ref().map(ToString::to_string) == region
            && (&read.account, &read.azure) == (&old.account, &old.azure);
        as_wanted.then_some(new)
    }

    /// A file's content that asks for a session and a region.
    pub fn write(session: &str, region: Option<&RegionName>) -> String {
        let region = region.map_or_else(String::new, |region| format!("region = \"{region}\"\n"));
        format!("session = {}\n{region}", quoted(session))
    }
}

/// A TOML string. Names from elsewhere may hold quotes; control characters none.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The line `key = "..."` with another value, its comment and line end kept.
fn with_value(line: &str, key: &str, value: &str) -> Option<String> {
    let after_key = line.trim_start().strip_prefix(key)?.trim_start();
    let after = after_key.strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (old, rest) = after.get(1..)?.split_once(quote)?;
    // Where the string ends is not told by its first quote.
    if old.contains('\\') {
        return None;
    }
    let before = line.get(..line.len() - after.len())?;
    Some(format!("{before}{}{rest}", quoted(value)))
}

fn at(text: &str, place: usize, problem: String) -> SettingsError {
    let before = text.get(..place).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    SettingsError { line, column, problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> String {
        Proposal::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_schema_is_closed_and_says_where() {
        let good = "session = \"dev\" # mine\nregion = \"eu-west-1\"\naccount = \"123456789012\"\n";
        let read = Proposal::parse(good.as_bytes()).unwrap();
        assert_eq!(read.session().text(), "dev");
        assert_eq!(read.region().unwrap().as_str(), "eu-west-1");
        assert_eq!(read.account(), Some("123456789012"));
        assert!(
            problem("session = \"dev\"\n  role = \"x\"\n").starts_with("line 2, column 3: unknown")
        );
        assert!(
            problem("session = \"dev\"\nsession = \"b\"\n").contains("line 2, column 1: duplicate")
        );
        assert!(problem("region = \"eu-west-1\"\n").contains("session"));
        for bad in [
            "session = \"a b\"",
            "session = \"$(id)\"",
            "session = 7",
            "session = \"a\\u001b\"",
            "session = \"a\"\naccount = \"12\"",
            "session = \"a\"\nregion = \"EU\"",
            "[a]\nsession = \"a\"",
            "session = \"a\"\u{0}",
            "session = \"a\" # \u{1b}[2J",
        ] {
            assert!(Proposal::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Proposal::parse(b"session = \"a\" # \xff").is_err());
    }

    #[test]
    fn what_pin_writes_is_read_back() {
        let region = RegionName::parse("eu-west-1").unwrap();
        for region in [None, Some(&region)] {
            let text = Proposal::write("shop.dev-1", region);
            let read = Proposal::parse(text.as_bytes()).unwrap();
            assert_eq!((read.session().text().as_str(), read.region()), ("shop.dev-1", region));
        }
    }

    #[test]
    fn pin_changes_values_and_nothing_else() {
        let edit = |text: &str, region: Option<&str>| {
            let region = region.map(|r| RegionName::parse(r).unwrap());
            Proposal::edit(text, "new", region.as_ref())
        };
        let text = "# ours\n  session='old'  # keep\r\naccount = \"123456789012\"\n";
        let expected = "# ours\n  session=\"new\"  # keep\r\naccount = \"123456789012\"\n";
        assert_eq!(edit(text, None).unwrap(), expected);
        let with_region = format!("{expected}region = \"eu-west-1\"\n");
        assert_eq!(edit(text, Some("eu-west-1")).unwrap(), with_region);
        assert_eq!(edit("session = \"\"\"old\"\"\"\n", None), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Proposal::parse(&bytes);
        }

        #[test]
        fn what_is_accepted_is_plain(text in "(session|region|azure|account|x)? ?= ?\"[a-z0-9$;. -]{0,14}\"\n?") {
            if let Ok(read) = Proposal::parse(text.as_bytes()) {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
                prop_assert!(read.session().text().bytes().all(plain));
            }
        }
    }
}
