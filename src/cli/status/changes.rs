//! What there is and what it consists of, and how that differs from what there was.

use std::collections::{BTreeMap, HashMap};

use crate::{
    access::{profile, source::Place},
    cli::known::Known,
    model::{CredentialIdentifier, Session},
    system::hash,
};

/// Every usable identity, each with what it consists of.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    identities: BTreeMap<String, Mark>,
}

/// One identity.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Mark {
    /// What lists call it.
    name: String,
    /// A hash of all that it consists of, those behind it and secrets included. Never shown.
    content: String,
}

/// How an identity differs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// It is there now, and can be used.
    Added,
    /// It, or one behind it, was changed.
    Modified,
    /// It is gone, or cannot be used any more.
    Removed,
}

/// A change, and of what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Changed {
    pub(super) change: Change,
    pub(super) identifier: String,
    pub(super) name: String,
}

impl Change {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }
}

impl Snapshot {
    /// What is there now.
    pub(super) fn of(place: &dyn Place, known: &Known) -> Self {
        let contents = profile::marks(place);
        let catalog = &known.catalog;
        let mut own = HashMap::new();
        for session in catalog.sessions() {
            own.insert(session.id, own_content(session, &contents));
        }
        let whole = |session: &Session| {
            // Whose chain does not end well cannot be used.
            let chain = catalog.chain(session).ok()?;
            let parts = chain.iter().map(|hop| own.get(&hop.id).map(String::as_bytes));
            Some(hash::long(parts))
        };
        let mut identities = BTreeMap::new();
        for session in catalog.sessions().filter(|session| !is_inner(session)) {
            if let Some(content) = whole(session) {
                let mark = Mark { name: session.name.to_string(), content };
                identities.insert(session.identifier().to_string(), mark);
            }
        }
        for (name, id) in &catalog.bound {
            let id = catalog.workspace.by_id(*id);
            if let Some(content) = id.and_then(whole) {
                let identifier = CredentialIdentifier::Profile(name.clone());
                let own = contents.get(&identifier).map(String::as_bytes);
                let content = hash::long([own, Some(content.as_bytes())]);
                identities.insert(identifier.to_string(), Mark { name: name.clone(), content });
            }
        }
        Self { identities }
    }

    /// What the identity consists of; `None` for one that is not there or cannot be used.
    pub(super) fn content(&self, identifier: &str) -> Option<&str> {
        self.identities.get(identifier).map(|mark| mark.content.as_str())
    }

    /// How this differs from what there was.
    pub(super) fn since(&self, before: &Self) -> Vec<Changed> {
        let changed = |change, identifier: &String, mark: &Mark| Changed {
            change,
            identifier: identifier.clone(),
            name: mark.name.clone(),
        };
        let now = self.identities.iter().filter_map(|(id, mark)| match before.identities.get(id) {
            None => Some(changed(Change::Added, id, mark)),
            Some(earlier) if earlier != mark => Some(changed(Change::Modified, id, mark)),
            Some(_) => None,
        });
        let gone = before.identities.iter().filter(|(id, _)| !self.identities.contains_key(*id));
        now.chain(gone.map(|(id, mark)| changed(Change::Removed, id, mark))).collect()
    }
}

/// Nobody names it: it stands behind roles that share a code.
fn is_inner(session: &Session) -> bool {
    matches!(session.source, Some(CredentialIdentifier::MfaSession { .. }))
}

/// What a session consists of by itself.
fn own_content(session: &Session, contents: &HashMap<CredentialIdentifier, String>) -> String {
    let parent = session.parent.as_ref().map(ToString::to_string);
    let fields = serde_json::Value::from(session.fields.to_map()).to_string();
    let parts = [
        Some(session.session_type.as_bytes()),
        Some(session.name.as_str().as_bytes()),
        session.region.as_ref().map(|region| region.as_str().as_bytes()),
        parent.as_deref().map(str::as_bytes),
        Some(fields.as_bytes()),
        session.protected.then_some(b"protected".as_slice()),
        contents.get(&session.identifier()).map(String::as_bytes),
    ];
    hash::long(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(identities: &[(&str, &str)]) -> Snapshot {
        let mark = |content: &str| Mark { name: "n".to_owned(), content: content.to_owned() };
        let identities = identities.iter().map(|(id, text)| ((*id).to_owned(), mark(text)));
        Snapshot { identities: identities.collect() }
    }

    #[test]
    fn a_difference_is_told_by_identifier_and_content() {
        let before = snapshot(&[("profile:a", "1"), ("profile:b", "1"), ("profile:c", "1")]);
        let now = snapshot(&[("profile:a", "1"), ("profile:b", "2"), ("profile:d", "1")]);
        let told = |now: &Snapshot, before: &Snapshot| -> Vec<String> {
            let changes = now.since(before).into_iter();
            changes.map(|c| format!("{} {}", c.change.as_str(), c.identifier)).collect()
        };
        let expected = ["modified profile:b", "added profile:d", "removed profile:c"];
        assert_eq!(told(&now, &before), expected);
        assert!(told(&now, &now).is_empty());
        assert_eq!(now.content("profile:b"), Some("2"));
        assert_eq!(now.content("profile:c"), None);
    }
}
