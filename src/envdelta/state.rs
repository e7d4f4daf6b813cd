//! The text of `LEAPP_STATE`: whose credentials these are, until when, and what was there before.
//!
//! Deliberately absent: evaluation. The text comes from the environment, which anybody may have
//! written; it is parsed strictly, and what does not fit is no state at all.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The variables whose originals the state carries, in the order in which it does.
pub const ORIGINALS: [&str; 5] =
    ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"];

/// The text stays shorter than this, because some programs copy the environment into small buffers.
const LIMIT: usize = 1024;

/// A longer original is not worth its place: it is recorded as unset.
const ORIGINAL_LIMIT: usize = 200;

/// How the credentials came into the environment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// By the directory: `d`.
    Directory,
    /// By `leapp env`: `e`.
    Env,
    /// By `leapp exec`: `x`.
    Exec,
    /// By `leapp use`: `u`.
    Use,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Directory, Self::Env, Self::Exec, Self::Use];

    const fn letter(self) -> &'static str {
        match self {
            Self::Directory => "d",
            Self::Env => "e",
            Self::Exec => "x",
            Self::Use => "u",
        }
    }
}

/// What a variable was before the first session of ours.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Original {
    /// Written `=` and base64url.
    Set(String),
    /// Written `-`. Also what could not be recorded.
    Unset,
    /// Written `.`: no session of ours changed it, so that going back leaves it alone.
    #[default]
    Untouched,
}

impl Original {
    /// The original to record for `name`; what does not fit its grammar is recorded as unset.
    fn of(name: &str, value: Option<&OsStr>) -> Self {
        match value.and_then(OsStr::to_str) {
            Some(text) if fits(name, text) => Self::Set(text.to_owned()),
            _ => Self::Unset,
        }
    }

    fn parse(name: &str, text: &str) -> Option<Self> {
        match (text, text.strip_prefix('=')) {
            (".", _) => Some(Self::Untouched),
            ("-", _) => Some(Self::Unset),
            (_, Some(encoded)) => {
                let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
                // Decodable but unfit text is dropped and not an error: the rest of the state
                // still says truly what is to be removed.
                let text = String::from_utf8(bytes).ok().filter(|text| fits(name, text));
                Some(text.map_or(Self::Unset, Self::Set))
            }
            _ => None,
        }
    }

    fn format(&self) -> String {
        match self {
            Self::Set(text) => format!("={}", URL_SAFE_NO_PAD.encode(text)),
            Self::Unset => "-".to_owned(),
            Self::Untouched => ".".to_owned(),
        }
    }
}

/// The originals of [`ORIGINALS`], in that order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Originals([Original; 5]);

impl Originals {
    /// Records `value(name)` for each name that `touched` says a session changes.
    ///
    /// A value that is over 200 bytes long or does not fit the grammar of its variable is recorded
    /// as unset. That matters only to a shell that was started inside the session: the shell that
    /// switched the session on keeps the true original in a variable.
    pub fn record<'a>(
        touched: impl Fn(&str) -> bool,
        value: impl Fn(&str) -> Option<&'a OsStr>,
    ) -> Self {
        Self(ORIGINALS.map(|name| {
            if touched(name) { Original::of(name, value(name)) } else { Original::Untouched }
        }))
    }

    /// The original of `name`; untouched for a name that is none of the five.
    pub fn original(&self, name: &str) -> &Original {
        let found = ORIGINALS.iter().zip(&self.0).find(|(known, _)| **known == name);
        found.map_or(&Original::Untouched, |(_, original)| original)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(',');
        let mut originals = Self::default();
        for (name, original) in ORIGINALS.iter().zip(&mut originals.0) {
            *original = Original::parse(name, fields.next()?)?;
        }
        fields.next().is_none().then_some(originals)
    }
}

/// What `LEAPP_STATE` says. Nothing in it is secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// How the credentials came here.
    pub kind: Kind,
    /// Whose they are: one credential identifier, or an AWS and an Azure one.
    pub identities: Vec<String>,
    /// When they end, in seconds since 1970.
    pub expiry: u64,
    /// The ownership tag: the state speaks only of an environment with this access key id.
    pub access_key_id: String,
    /// The directory that switched them on; empty where none did.
    pub root: Vec<u8>,
    /// What was there before.
    pub originals: Originals,
}

impl State {
    /// Reads `1;kind;identity[,identity];expiry;access-key-id;b64(root);originals`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() >= LIMIT {
            return None;
        }
        let fields: Vec<&str> = text.split(';').collect();
        let &["1", kind, identities, expiry, access_key_id, root, originals] = fields.as_slice()
        else {
            return None;
        };
        let state = Self {
            kind: Kind::ALL.into_iter().find(|known| known.letter() == kind)?,
            identities: identities.split(',').map(unescape).collect::<Option<_>>()?,
            expiry: expiry.parse().ok().filter(|number: &u64| number.to_string() == expiry)?,
            access_key_id: access_key_id.to_owned(),
            root: URL_SAFE_NO_PAD.decode(root).ok()?,
            originals: Originals::parse(originals)?,
        };
        state.check().ok().map(|()| state)
    }

    /// Writes what [`State::parse`] reads.
    pub fn format(&self) -> Result<String, StateError> {
        self.check()?;
        let identities: Vec<String> = self.identities.iter().map(|id| escape(id)).collect();
        let text = format!(
            "1;{};{};{};{};{};{}",
            self.kind.letter(),
            identities.join(","),
            self.expiry,
            self.access_key_id,
            URL_SAFE_NO_PAD.encode(&self.root),
            self.originals.0.each_ref().map(Original::format).join(","),
        );
        if text.len() < LIMIT { Ok(text) } else { Err(StateError::TooLong) }
    }

    /// Whether this state speaks of the environment whose access key id is `current`.
    pub fn owns(&self, current: Option<&str>) -> bool {
        current == Some(self.access_key_id.as_str())
    }

    fn check(&self) -> Result<(), StateError> {
        let is_identity = |id: &String| !id.is_empty() && !id.chars().any(char::is_control);
        let is_key_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !matches!(self.identities.len(), 1 | 2) || !self.identities.iter().all(is_identity) {
            Err(StateError::Unfit("identity"))
        } else if self.access_key_id.is_empty()
            || self.access_key_id.len() > 128
            || !self.access_key_id.bytes().all(is_key_byte)
        {
            Err(StateError::Unfit("access key id"))
        } else if self.root.contains(&0) {
            Err(StateError::Unfit("root"))
        } else {
            Ok(())
        }
    }
}

/// Why a state cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StateError {
    /// It would not stay under 1 KiB; a very long root or profile name is the cause.
    TooLong,
    /// The named field holds what it cannot hold.
    Unfit(&'static str),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the state would not stay under {LIMIT} bytes"),
            Self::Unfit(field) => write!(f, "the state cannot hold this {field}"),
        }
    }
}

impl Error for StateError {}

/// Whether `text` may be an original of `name`. The empty text always may.
fn fits(name: &str, text: &str) -> bool {
    if text.len() > ORIGINAL_LIMIT {
        return false;
    }
    match name {
        "AWS_REGION" | "AWS_DEFAULT_REGION" => {
            let is_region_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            text.len() <= 32 && text.bytes().all(is_region_byte)
        }
        "AWS_ENDPOINT_URL" => text.is_empty() || is_plain_url(text),
        _ => !text.contains(|c: char| c.is_control() || matches!(c, '[' | ']')),
    }
}

/// An http(s) URL without a user part, a query or a fragment: those may hold secrets, and the
/// state must not.
fn is_plain_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_url_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]%!$&'()*+,;=".contains(&b);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_url_byte))
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'@' | b'/' | b'+')
}

/// Profile names may hold anything; here every byte that is not plain becomes `%` and two digits.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Undoes [`escape`]; only what `escape` itself would write is accepted.
fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|plain| escape(plain) == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> State {
        State {
            kind: Kind::Env,
            identities: vec!["session:6b2f".into()],
            expiry: 1_900_000_000,
            access_key_id: "ASIAEXAMPLE".into(),
            root: b"/home/u/\xff;,".to_vec(),
            originals: Originals([
                Original::Set("my prof;ile, ü".into()),
                Original::Unset,
                Original::Set("eu-west-1".into()),
                Original::Set(String::new()),
                Original::Untouched,
            ]),
        }
    }

    #[test]
    fn the_text_is_as_documented() {
        let text = state().format().unwrap();
        assert_eq!(
            text,
            "1;e;session:6b2f;1900000000;ASIAEXAMPLE;L2hvbWUvdS__Oyw;\
             =bXkgcHJvZjtpbGUsIMO8,-,=ZXUtd2VzdC0x,=,."
        );
        assert_eq!(State::parse(&text), Some(state()));
    }

    #[test]
    fn hostile_and_broken_texts_are_no_state() {
        let good = state().format().unwrap();
        let mut bad: Vec<String> = vec![
            String::new(),
            ";".repeat(6),
            format!("{good};"),
            format!("{good},-"),
            format!("{good} "),
            format!("{good}\n"),
            good.replace("1;e", "2;e"),
            good.replace(";e;", ";E;"),
            good.replace(";e;", ";;"),
            good.replace("190", "+190"),
            good.replace("190", "0190"),
            good.replace("1900000000", "-1"),
            good.replace("1900000000", "99999999999999999999"),
            good.replace("session:6b2f", ""),
            good.replace("session:6b2f", "a,"),
            good.replace("session:6b2f", "a,b,c"),
            good.replace("session:6b2f", "a b"),
            good.replace("session:6b2f", "$(id)"),
            good.replace("session:6b2f", "%61"),
            good.replace("session:6b2f", "%2"),
            good.replace("session:6b2f", "%2b"),
            good.replace("session:6b2f", "%0A"),
            good.replace("session:6b2f", "%FF"),
            good.replace("ASIAEXAMPLE", ""),
            good.replace("ASIAEXAMPLE", "A'B"),
            good.replace("L2hvbWUvdS__Oyw", "L2hvbWUvdS__Oyw="),
            good.replace("L2hvbWUvdS__Oyw", "L2hvbWUvdS//Oyw"),
            good.replace("L2hvbWUvdS__Oyw", "AA"),
            good.replace(",-,", ",,"),
            good.replace(",-,", ",x,"),
            good.replace(",-,", ",=+,"),
        ];
        bad.push(good.replace("session:6b2f", &"a".repeat(LIMIT)));
        for text in bad {
            assert_ne!(text, good);
            assert_eq!(State::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn an_original_outside_its_grammar_is_not_restored() {
        for (at, text) in [
            (0, "a\nb"),
            (0, "[x]"),
            (2, "$(id)"),
            (2, "eu west"),
            (3, "EU"),
            (4, "file:///x"),
            (4, "https://u:p@host/"),
            (4, "https://host/?key=1"),
            (4, "http://"),
            (1, "x".repeat(201).as_str()),
        ] {
            let mut hostile = state();
            *hostile.originals.0.get_mut(at).unwrap() = Original::Set(text.to_owned());
            let read = State::parse(&hostile.format().unwrap()).unwrap();
            assert_eq!(read.originals.0.get(at), Some(&Original::Unset), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_when_writing() {
        let long = State { root: vec![b'a'; 800], ..state() };
        assert_eq!(long.format(), Err(StateError::TooLong));
        let unfit = State { access_key_id: "a;b".into(), ..state() };
        assert_eq!(unfit.format(), Err(StateError::Unfit("access key id")));
        let none = State { identities: Vec::new(), ..state() };
        assert_eq!(none.format(), Err(StateError::Unfit("identity")));
    }

    #[test]
    fn a_state_owns_only_its_own_access_key_id() {
        assert!(state().owns(Some("ASIAEXAMPLE")));
        assert!(!state().owns(Some("ASIAEXAMPL")));
        assert!(!state().owns(Some("")));
        assert!(!state().owns(None));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            identities in prop::collection::vec("[^\\p{Cc}]{1,20}", 1..=2),
            expiry: u64,
            key in "[A-Za-z0-9_-]{1,32}",
            root in prop::collection::vec(1..=255_u8, 0..60),
            profile in proptest::option::of("[a-z ,;=.$']{0,20}"),
        ) {
            let text = profile.map(std::ffi::OsString::from);
            let originals = Originals::record(|name| name == "AWS_PROFILE", |_| text.as_deref());
            let state = State {
                kind: Kind::Directory, identities, expiry, access_key_id: key, root, originals,
            };
            let written = state.format().unwrap();
            prop_assert!(written.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert_eq!(State::parse(&written), Some(state));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[1;deux,=.%A-Fa-f0-9\\PC-]{0,80}") {
            let _ = State::parse(&text);
        }
    }
}
