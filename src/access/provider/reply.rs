//! What a provider answers: one JSON object, checked into types. Members that are not known are
//! passed over. No error holds anything of the text: it may be secret.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::VERSION;
use crate::{
    model::{RegionName, Timestamp},
    secret::Secret,
};

/// No provider lists more.
const ITEMS: usize = 10_000;
/// Of bytes in an identity's id: it is part of an identifier.
const ID: usize = 256;
/// Of characters in what people read.
const WORDS: usize = 500;
/// Of bytes in a key or token.
const TOKEN: usize = 16 << 10;
/// Of bytes in what a provider wants to be told again.
const STATE: usize = 64 << 10;

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// A person must be asked something first.
    Ask(Question),
    /// Credentials.
    Credentials(Keys),
    /// What the provider is.
    Description(Description),
    /// It did not work.
    Failed(Refusal),
    /// What it can give credentials for.
    Items(Vec<Item>),
}

impl Reply {
    /// The member that carries it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ask(_) => "ask",
            Self::Credentials(_) => "credentials",
            Self::Description(_) => "description",
            Self::Failed(_) => "error",
            Self::Items(_) => "items",
        }
    }
}

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Description {
    /// Its name, for people.
    pub name: String,
    /// The versions of the protocol that it speaks.
    pub versions: Vec<u64>,
    /// What it is.
    pub about: Option<String>,
}

/// One identity that a provider can give credentials for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What it is called in requests.
    pub id: String,
    /// What people call it; the id where the provider has no other name.
    pub name: String,
    /// The account or tenant.
    pub account: Option<String>,
    /// Where it works.
    pub region: Option<RegionName>,
    /// Why it cannot be used now.
    pub unusable: Option<String>,
    /// Whether a person is needed to get its credentials.
    #[serde(default)]
    pub needs_person: bool,
}

/// A question for a person.
#[derive(Debug)]
pub struct Question {
    /// What the answer is called in the next request.
    pub id: String,
    /// The question.
    pub text: String,
    /// Whether the answer must not be seen.
    pub secret: bool,
    /// What the provider wants to be told again.
    pub state: Option<Secret>,
}

/// Keys, as the provider gave them. Without a session token they are long-term keys, which are
/// never handed out as they are.
#[derive(Debug)]
pub struct Keys {
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The token of temporary keys.
    pub session_token: Option<Secret>,
    /// When they end; known for temporary keys.
    pub expires_at: Option<Timestamp>,
    /// The account.
    pub account: Option<String>,
}

/// Why a provider did not do what it was asked, in its own words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Of what kind.
    pub kind: RefusalKind,
    /// Its words.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
}

/// The kinds of failure that a provider can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// A person must do something first, elsewhere.
    Action,
    /// None of the others, or one that this program does not know.
    Failed,
    /// Something is not configured.
    Incomplete,
    /// Access is denied.
    Refused,
    /// What stands behind the provider does not answer.
    Unreachable,
}

/// Why an answer is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// A member has a value that it cannot have.
    #[error("in its answer '{member}' {problem}")]
    Bad {
        /// Which member.
        member: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// stdout stayed empty.
    #[error("it wrote nothing to stdout")]
    Empty,
    /// A member that must be there is not.
    #[error("its answer has no '{0}'")]
    Missing(String),
    /// It is no JSON, or more than one value.
    #[error("its answer is not one JSON object: line {line}, column {column}")]
    NotJson {
        /// Where it stops being that, from 1.
        line: usize,
        /// Likewise.
        column: usize,
    },
    /// More than one answer, or none.
    #[error(
        "its answer must have exactly one of 'description', 'items', 'credentials', 'ask', 'error'"
    )]
    NotOne,
    /// A member has a value of another type.
    #[error("a member of its answer has another type than it must: line {line}, column {column}")]
    Type {
        /// Where, from 1.
        line: usize,
        /// Likewise.
        column: usize,
    },
    /// It speaks another version of the protocol.
    #[error("it answers in version {} of the protocol, and this leapp speaks version {VERSION}", listed(.0))]
    Version(Vec<u64>),
}

/// Numbers for people: `2`, `2, 3`.
fn listed(versions: &[u64]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct Head {
    version: Option<u64>,
}

#[derive(Deserialize)]
struct Body {
    description: Option<RawDescription>,
    items: Option<Vec<RawItem>>,
    credentials: Option<RawKeys>,
    ask: Option<RawQuestion>,
    error: Option<RawRefusal>,
    state: Option<Hidden>,
}

#[derive(Deserialize)]
struct RawDescription {
    name: Option<String>,
    versions: Option<Vec<u64>>,
    about: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawItem {
    id: Option<String>,
    name: Option<String>,
    account: Option<String>,
    region: Option<String>,
    unusable: Option<String>,
    needs_person: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawKeys {
    access_key_id: Option<String>,
    secret_access_key: Option<Hidden>,
    session_token: Option<Hidden>,
    expiration: Option<String>,
    account_id: Option<String>,
}

#[derive(Deserialize)]
struct RawQuestion {
    id: Option<String>,
    text: Option<String>,
    secret: Option<bool>,
}

#[derive(Deserialize)]
struct RawRefusal {
    kind: Option<String>,
    message: Option<String>,
    hint: Option<String>,
}

/// A secret as it is read: one copy, of its exact length.
struct Hidden(Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Hidden;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hidden, E> {
                Ok(Hidden(Secret::new(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Reads an answer of the protocol's version 1.
pub fn parse(bytes: &[u8]) -> Result<Reply, ReplyError> {
    match bytes.trim_ascii_start().first() {
        None => return Err(ReplyError::Empty),
        // The library would take a list for an object.
        Some(b'{') => {}
        Some(_) => return Err(ReplyError::NotJson { line: 1, column: 1 }),
    }
    let head: Head = read(bytes)?;
    let version = head.version.ok_or_else(|| missing("version"))?;
    if version != VERSION {
        return Err(ReplyError::Version(vec![version]));
    }
    let body: Body = read(bytes)?;
    let state = body.state;
    match (body.description, body.items, body.credentials, body.ask, body.error) {
        (Some(it), None, None, None, None) => it.check().map(Reply::Description),
        (None, Some(it), None, None, None) => check_items(it).map(Reply::Items),
        (None, None, Some(it), None, None) => it.check().map(Reply::Credentials),
        (None, None, None, Some(it), None) => it.check(state).map(Reply::Ask),
        (None, None, None, None, Some(it)) => it.check().map(Reply::Failed),
        _ => Err(ReplyError::NotOne),
    }
}

/// The library's own words would quote the text.
fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, ReplyError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if error.is_data() {
            ReplyError::Type { line, column }
        } else {
            ReplyError::NotJson { line, column }
        }
    })
}

fn missing(member: &str) -> ReplyError {
    ReplyError::Missing(member.to_owned())
}

fn bad(member: &str, problem: &'static str) -> ReplyError {
    ReplyError::Bad { member: member.to_owned(), problem }
}

/// Text for people: one line, no longer than it may be.
pub(super) fn clean(text: &str) -> String {
    let plain = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(WORDS).collect()
}

fn cleaned(text: Option<String>) -> Option<String> {
    text.map(|text| clean(&text)).filter(|text| !text.is_empty())
}

impl RawDescription {
    fn check(self) -> Result<Description, ReplyError> {
        let versions = self.versions.ok_or_else(|| missing("description.versions"))?;
        if !versions.contains(&VERSION) {
            return Err(ReplyError::Version(versions.into_iter().take(9).collect()));
        }
        let name = cleaned(self.name).ok_or_else(|| missing("description.name"))?;
        Ok(Description { name, versions, about: cleaned(self.about) })
    }
}

fn check_items(raw: Vec<RawItem>) -> Result<Vec<Item>, ReplyError> {
    if raw.len() > ITEMS {
        return Err(bad("items", "has more than 10000 members"));
    }
    let items = raw.into_iter().enumerate().map(|(at, item)| item.check(at));
    let items = items.collect::<Result<Vec<Item>, ReplyError>>()?;
    let mut ids = HashSet::with_capacity(items.len());
    match items.iter().position(|item| !ids.insert(&item.id)) {
        Some(at) => Err(bad(&format!("items[{at}].id"), "stands there twice")),
        None => Ok(items),
    }
}

impl RawItem {
    fn check(self, at: usize) -> Result<Item, ReplyError> {
        let place = |member: &str| format!("items[{at}].{member}");
        let id = self.id.ok_or_else(|| missing(&place("id")))?;
        check_id(&id).map_err(|problem| bad(&place("id"), problem))?;
        let region = self.region.map(|text| RegionName::parse(&text)).transpose();
        let region = region.map_err(|_| bad(&place("region"), "has not the form of a region"))?;
        let is_plain = |text: &String| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !self.account.as_ref().is_none_or(is_plain) {
            return Err(bad(&place("account"), "has not the form of an account"));
        }
        Ok(Item {
            name: cleaned(self.name).unwrap_or_else(|| id.clone()),
            id,
            account: self.account,
            region,
            unusable: cleaned(self.unusable),
            needs_person: self.needs_person.unwrap_or_default(),
        })
    }
}

fn check_id(id: &str) -> Result<(), &'static str> {
    if id.trim().is_empty() {
        return Err("is empty");
    }
    if id.len() > ID {
        return Err("has more than 256 bytes");
    }
    if id.chars().any(char::is_control) {
        return Err("has a control character");
    }
    Ok(())
}

impl RawKeys {
    fn check(self) -> Result<Keys, ReplyError> {
        let place = |member: &str| format!("credentials.{member}");
        let key_id = self.access_key_id.ok_or_else(|| missing(&place("accessKeyId")))?;
        let form = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(16..=128).contains(&key_id.len()) || !key_id.bytes().all(form) {
            return Err(bad(&place("accessKeyId"), "has not the form of an access key id"));
        }
        let secret_key = self.secret_access_key;
        let secret_key = secret_key.ok_or_else(|| missing(&place("secretAccessKey")))?.0;
        check_token(&secret_key, &place("secretAccessKey"))?;
        let session_token = self.session_token.map(|token| token.0);
        if let Some(token) = &session_token {
            check_token(token, &place("sessionToken"))?;
        }
        let expiration = self.expiration.map(|text| text.parse::<jiff::Timestamp>()).transpose();
        let expiration = expiration
            .map_err(|_| bad(&place("expiration"), "is no time such as 2030-01-02T03:04:05Z"))?;
        if session_token.is_some() && expiration.is_none() {
            return Err(missing(&place("expiration")));
        }
        let digits = |text: &String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if !self.account_id.as_ref().is_none_or(digits) {
            return Err(bad(&place("accountId"), "is not 12 digits"));
        }
        let expires_at = expiration.map(|time| Timestamp(time.as_second()));
        Ok(Keys { key_id, secret_key, session_token, expires_at, account: self.account_id })
    }
}

fn check_token(secret: &Secret, member: &str) -> Result<(), ReplyError> {
    let text = secret.expose();
    if text.is_empty() || text.len() > TOKEN {
        return Err(bad(member, "is empty, or longer than 16384 bytes"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad(member, "has a character that no key has"));
    }
    Ok(())
}

impl RawQuestion {
    fn check(self, state: Option<Hidden>) -> Result<Question, ReplyError> {
        let id = self.id.ok_or_else(|| missing("ask.id"))?;
        check_id(&id).map_err(|problem| bad("ask.id", problem))?;
        let text = cleaned(self.text).ok_or_else(|| missing("ask.text"))?;
        let state = state.map(|state| state.0);
        if state.as_ref().is_some_and(|state| state.expose().len() > STATE) {
            return Err(bad("state", "is longer than 65536 bytes"));
        }
        // What is not said to be public is secret.
        Ok(Question { id, text, secret: self.secret.unwrap_or(true), state })
    }
}

impl RawRefusal {
    fn check(self) -> Result<Refusal, ReplyError> {
        let kind = match self.kind.as_deref() {
            None => return Err(missing("error.kind")),
            Some("action") => RefusalKind::Action,
            Some("incomplete") => RefusalKind::Incomplete,
            Some("refused") => RefusalKind::Refused,
            Some("unreachable") => RefusalKind::Unreachable,
            Some(_) => RefusalKind::Failed,
        };
        let message = cleaned(self.message).ok_or_else(|| missing("error.message"))?;
        Ok(Refusal { kind, message, hint: cleaned(self.hint) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Result<Reply, ReplyError> {
        parse(text.as_bytes())
    }

    fn error(text: &str) -> String {
        let error = reply(text).unwrap_err();
        assert!(!format!("{error:?}{error}").contains("TESTSECRET"), "{error}");
        error.to_string()
    }

    #[test]
    fn every_answer_is_read_and_unknown_members_are_passed_over() {
        let text = r#"{"version":1,"x":[],"description":{"name":" A\nB ","versions":[1,2],"y":0}}"#;
        let Ok(Reply::Description(it)) = reply(text) else { panic!() };
        assert_eq!((it.name.as_str(), it.about), ("A B", None));
        let text = r#"{"version":1,"items":[{"id":"a/b c","region":"eu-west-1","account":"1"},
            {"id":"b","name":"B","unusable":"no","needsPerson":true}]}"#;
        let Ok(Reply::Items(items)) = reply(text) else { panic!() };
        assert_eq!((items[0].name.as_str(), items[1].needs_person), ("a/b c", true));
        let text = r#"{"version":1,"ask":{"id":"pin","text":"PIN?"},"state":"s"}"#;
        let Ok(Reply::Ask(question)) = reply(text) else { panic!() };
        assert!(question.secret && question.state.is_some());
        let text = r#"{"version":1,"error":{"kind":"new","message":"m","hint":"h"}}"#;
        let Ok(Reply::Failed(it)) = reply(text) else { panic!() };
        assert_eq!(it.kind, RefusalKind::Failed);
    }

    #[test]
    fn keys_are_checked() {
        let keys = |more: &str| {
            reply(&format!(
                r#"{{"version":1,"credentials":{{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"TESTSECRET\/x"{more}}}}}"#
            ))
        };
        let Ok(Reply::Credentials(long_term)) = keys("") else { panic!() };
        assert_eq!(long_term.secret_key.expose(), "TESTSECRET/x");
        assert!(long_term.session_token.is_none() && long_term.expires_at.is_none());
        let good = r#","sessionToken":"t","expiration":"2030-01-02T05:04:05+02:00","accountId":"012345678901""#;
        let Ok(Reply::Credentials(temporary)) = keys(good) else { panic!() };
        assert_eq!(temporary.expires_at.unwrap().rfc3339(), "2030-01-02T03:04:05Z");
        for (more, expected) in [
            (r#","sessionToken":"t""#, "no 'credentials.expiration'"),
            (r#","expiration":"soon""#, "'credentials.expiration' is no time"),
            (r#","accountId":"1""#, "'credentials.accountId' is not 12 digits"),
            (r#","sessionToken":"a b""#, "'credentials.sessionToken' has a character"),
            (r#","sessionToken":7"#, "another type than it must: line 1, column "),
        ] {
            let error = keys(more).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told_without_a_word_of_it() {
        for (text, expected) in [
            ("", "nothing to stdout"),
            (" \n", "nothing to stdout"),
            ("TESTSECRET", "not one JSON object: line 1, column 1"),
            (r#"{"version":1,"items":[]} {"TESTSECRET":1}"#, "not one JSON object: line 1"),
            (r#"{"version":1,"items":[]"#, "not one JSON object"),
            (r#""TESTSECRET""#, "not one JSON object: line 1, column 1"),
            ("[1]", "not one JSON object: line 1, column 1"),
            ("{}", "has no 'version'"),
            (r#"{"version":"TESTSECRET"}"#, "another type"),
            (
                r#"{"version":2,"TESTSECRET":[]}"#,
                "version 2 of the protocol, and this leapp speaks version 1",
            ),
            (r#"{"version":1,"description":{"name":"x","versions":[2,3]}}"#, "version 2, 3 of"),
            (r#"{"version":1}"#, "exactly one of"),
            (r#"{"version":1,"items":[],"ask":{"id":"a","text":"b"}}"#, "exactly one of"),
            (r#"{"version":1,"items":[{}]}"#, "no 'items[0].id'"),
            (r#"{"version":1,"items":[{"id":"\u0007"}]}"#, "'items[0].id' has a control"),
            (
                r#"{"version":1,"items":[{"id":"a"},{"id":"a"}]}"#,
                "'items[1].id' stands there twice",
            ),
            (r#"{"version":1,"items":[{"id":"a","region":"TESTSECRET"}]}"#, "'items[0].region'"),
            (r#"{"version":1,"items":[{"id":"a","account":"a b"}]}"#, "'items[0].account'"),
            (r#"{"version":1,"credentials":{"accessKeyId":"TESTSECRET"}}"#, "accessKeyId' has not"),
            (
                r#"{"version":1,"credentials":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE"}}"#,
                "no 'credentials.secretAccessKey'",
            ),
            (r#"{"version":1,"ask":{"id":"a","text":" "}}"#, "no 'ask.text'"),
            (r#"{"version":1,"error":{"kind":"x"}}"#, "no 'error.message'"),
        ] {
            assert!(error(text).contains(expected), "{text}: {}", error(text));
        }
        let long = format!(r#"{{"version":1,"items":[{{"id":"{}"}}]}}"#, "x".repeat(257));
        assert!(error(&long).contains("more than 256"));
        let many: Vec<_> = (0..10_001).map(|n| format!(r#"{{"id":"{n}"}}"#)).collect();
        let many = format!(r#"{{"version":1,"items":[{}]}}"#, many.join(","));
        assert!(error(&many).contains("more than 10000"));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(reply(&format!(r#"{{"version":1,"x":{deep}}}"#)).is_err());
    }
}
