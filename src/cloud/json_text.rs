//! A JSON object as text: some members get new values, all else stays as it was, in its order.
//!
//! For files that belong to another program and hold secrets: what we do not know survives, and no
//! copy of a secret is left behind.
//!
//! Deliberately absent: which members; spaces between members, which the AWS CLI has one of.

use std::fmt;

use serde::{
    Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::secret::Secret;

/// The members of an object: names as they read, values as they are written.
pub(super) fn members(text: &str) -> Option<Vec<(String, &RawValue)>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members).ok()?;
    reader.end().ok().map(|()| members)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// The member of that name, whatever its case; of several the last one, as readers have it.
pub(super) fn member<'a>(members: &[(String, &'a RawValue)], name: &str) -> Option<&'a RawValue> {
    let mut same = members.iter().rev().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    same.next().map(|(_, value)| *value)
}

/// The text of a member; `None` when it is no text, or an empty one.
pub(super) fn string(members: &[(String, &RawValue)], name: &str) -> Option<String> {
    let text: String = serde_json::from_str(member(members, name)?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// A text as a JSON value.
pub(super) fn quoted(text: &str) -> Secret {
    let mut bytes = Vec::with_capacity(text.len().saturating_mul(6).saturating_add(2));
    // Writing to memory does not fail, and what serde_json writes is UTF-8.
    _ = serde_json::to_writer(&mut bytes, text);
    Secret::new(String::from_utf8(bytes).unwrap_or_default())
}

/// The object with these members' values, written as JSON, in place of the old ones; what was not
/// there comes at the end.
pub(super) fn with(text: &str, changes: &[(&str, Secret)]) -> Option<Secret> {
    let members = members(text)?;
    let more: usize =
        changes.iter().map(|(name, value)| name.len() + value.expose().len() + 8).sum();
    let old: usize =
        members.iter().map(|(name, value)| name.len() * 6 + value.get().len() + 8).sum();
    let mut new = String::with_capacity(old.saturating_add(more).saturating_add(2));
    let mut put = |name: &str, value: &str| {
        new.push_str(if new.is_empty() { "{" } else { ", " });
        new.push_str(quoted(name).expose());
        new.push_str(": ");
        new.push_str(value);
    };
    let changed = |name: &str| changes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    for (name, value) in &members {
        put(name, changed(name).map_or(value.get(), |(_, new)| new.expose()));
    }
    for (name, value) in changes.iter().filter(|(name, _)| member(&members, name).is_none()) {
        put(name, value.expose());
    }
    new.push_str(if new.is_empty() { "{}" } else { "}" });
    Some(Secret::new(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_what_is_not_known_survives() {
        let text = r#"{"b": 1, "StartUrl":"x", "new": {"deep":[1, 2.50]}, "q\"": null}"#;
        let changes = [("startUrl", quoted("y\n\"")), ("added", quoted("z"))];
        let new = with(text, &changes).unwrap();
        assert_eq!(
            new.expose(),
            r#"{"b": 1, "StartUrl": "y\n\"", "new": {"deep":[1, 2.50]}, "q\"": null, "added": "z"}"#
        );
        assert_eq!(with("{}", &[]).unwrap().expose(), "{}");
        for bad in ["", "[]", "{", "{} x", "\"a\"", "{\"a\":}"] {
            assert!(with(bad, &[]).is_none() && members(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_last_of_several_members_counts_and_case_does_not() {
        let text = r#"{"Token": "a", "token": "b", "empty": "", "number": 1}"#;
        let members = members(text).unwrap();
        assert_eq!(string(&members, "TOKEN").as_deref(), Some("b"));
        assert_eq!((string(&members, "empty"), string(&members, "number")), (None, None));
        assert_eq!(string(&members, "absent"), None);
    }
}
