//! What a provider is asked: one JSON object, in a buffer that is wiped.

use serde::{Serialize, Serializer};

use super::VERSION;
use crate::{
    model::RegionName,
    secret::{Secret, SecretBytes},
};

/// The longest that a byte of text becomes in JSON: `\u0000`.
const ESCAPED: usize = 6;

/// A question to a provider.
#[derive(Debug)]
pub(super) enum Request<'a> {
    Credentials(Credentials<'a>),
    Describe,
    List,
}

/// A question for credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credentials<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a RegionName>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<u32>,
    /// Whether a question would reach a person.
    pub(super) can_ask: bool,
    pub(super) answers: &'a [Answer],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<Told<'a>>,
}

/// A secret that the provider knows, or is to know.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Told<'a>(#[serde(serialize_with = "told")] pub(super) &'a Secret);

/// What a person answered to an earlier question.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) id: String,
    #[serde(serialize_with = "told")]
    pub(super) text: Secret,
}

#[derive(Serialize)]
struct Envelope<'a> {
    version: u64,
    request: &'static str,
    client: &'static str,
    #[serde(flatten)]
    more: Option<&'a Credentials<'a>>,
}

fn told<S: Serializer>(text: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.expose())
}

impl Request<'_> {
    /// The protocol's word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Credentials(_) => "credentials",
            Self::Describe => "describe",
            Self::List => "list",
        }
    }

    /// The text for stdin, one line.
    pub(super) fn text(&self) -> SecretBytes {
        let more = match self {
            Self::Credentials(wanted) => Some(wanted),
            Self::Describe | Self::List => None,
        };
        let client = concat!("leapp/", env!("CARGO_PKG_VERSION"));
        let envelope = Envelope { version: VERSION, request: self.word(), client, more };
        // Room for all at once: a buffer that grows leaves copies behind.
        let room = 1024 + more.map_or(0, |wanted| wanted.length() * ESCAPED);
        let mut buffer = Vec::with_capacity(room);
        _ = serde_json::to_writer(&mut buffer, &envelope);
        buffer.push(b'\n');
        SecretBytes::new(buffer)
    }
}

impl Credentials<'_> {
    fn length(&self) -> usize {
        let answers = self.answers.iter();
        let answers: usize = answers.map(|a| a.id.len() + a.text.expose().len() + 32).sum();
        self.id.len() + answers + self.state.map_or(0, |state| state.0.expose().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(request: &Request<'_>) -> serde_json::Value {
        serde_json::from_slice(request.text().expose()).unwrap()
    }

    #[test]
    fn a_request_has_what_is_known_and_nothing_else() {
        let client = concat!("leapp/", env!("CARGO_PKG_VERSION"));
        let plain = serde_json::json!({"version": 1, "request": "list", "client": client});
        assert_eq!(json(&Request::List), plain);
        let region = RegionName::parse("eu-west-1").unwrap();
        let state = Secret::new("TESTSECRET".into());
        let answers = [Answer { id: "pin".into(), text: Secret::new("a\"b\u{1}".into()) }];
        let request = Request::Credentials(Credentials {
            id: "x",
            region: Some(&region),
            duration: Some(900),
            can_ask: true,
            answers: &answers,
            state: Some(Told(&state)),
        });
        let expected = serde_json::json!({
            "version": 1, "request": "credentials", "client": client, "id": "x",
            "region": "eu-west-1", "duration": 900, "canAsk": true,
            "answers": [{"id": "pin", "text": "a\"b\u{1}"}], "state": "TESTSECRET",
        });
        assert_eq!(json(&request), expected);
        assert!(!format!("{request:?}").contains("TESTSECRET"));
    }
}
