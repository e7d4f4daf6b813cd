//! `json`: for programs that build an environment themselves.

use serde::Serialize;

use super::{Form, Handout, Unprintable};
use crate::{envdelta::VarName, model::CredentialKind, secret::SecretBytes};

/// The form.
pub(super) struct Json;

#[derive(Serialize)]
struct Text<'a> {
    session: &'a str,
    identity: &'a str,
    expiration: String,
    /// In the order in which they are to be removed.
    unset: Vec<&'a str>,
    /// In the order in which they are to be set, after the removals.
    set: Ordered<'a>,
}

/// A JSON object in the order of the change.
struct Ordered<'a>(&'a Handout<'a>);

impl Serialize for Ordered<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sets = self.0.delta.sets.iter();
        serializer.collect_map(sets.map(|(name, value)| (name.as_str(), value.expose())))
    }
}

impl Form for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn prints(&self, _: CredentialKind) -> bool {
        true
    }

    fn render(&self, handout: &Handout<'_>) -> Result<SecretBytes, Unprintable> {
        let text = Text {
            session: handout.session,
            identity: handout.identity,
            expiration: handout.expires.rfc3339(),
            unset: handout.delta.removes.iter().map(VarName::as_str).collect(),
            set: Ordered(handout),
        };
        Ok(to_line(&text))
    }
}

/// One line of JSON in a buffer that has room for it from the start.
pub(super) fn to_line(value: &impl Serialize) -> SecretBytes {
    let mut buffer = Vec::with_capacity(16 << 10);
    _ = serde_json::to_writer(&mut buffer, value);
    buffer.push(b'\n');
    SecretBytes::new(buffer)
}
