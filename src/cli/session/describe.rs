//! A session in words and as JSON.

use serde_json::{Map, Value as Json, json};

use crate::{
    access::{self, Summary},
    model::{Catalog, Session},
};

/// What is known of a session without asking anybody.
pub(in crate::cli) fn summary_of(session: &Session) -> Summary {
    access::factory(&session.session_type).map(|f| f.summary(session)).unwrap_or_default()
}

/// A session as JSON, without secrets: it has none.
pub(in crate::cli) fn as_json(catalog: &Catalog, session: &Session) -> Json {
    let parent = catalog.chain(session).ok().and_then(|chain| chain.get(1).copied());
    with_parent(session, parent.map(|parent| parent.name.to_string()))
}

/// The same, with the name of the parent, which many sessions at once need not look for.
pub(in crate::cli) fn with_parent(session: &Session, parent_name: Option<String>) -> Json {
    let summary = summary_of(session);
    let parent = session.parent.as_ref().map(ToString::to_string);
    json!({
        "id": session.id,
        "identifier": session.identifier().to_string(),
        "name": session.name,
        "displayName": session.display_name,
        "type": session.session_type,
        "region": session.region,
        "account": summary.account,
        "role": summary.role,
        "parent": parent,
        "parentName": parent_name,
        "protected": session.protected,
        "fields": shown_fields(session),
    })
}

/// The fields, without what only we need to tell whether something changed.
pub(in crate::cli) fn shown_fields(session: &Session) -> Map<String, Json> {
    let mut fields = session.fields.to_map();
    if !session.is_own() {
        fields.remove("sections");
        for part in ["process", "keys"] {
            if let Some(Json::Object(part)) = fields.get_mut(part) {
                part.remove("command");
                part.remove("edition");
            }
        }
    }
    fields
}

/// A session in one line.
pub(super) fn in_words(session: &Session) -> String {
    let summary = summary_of(session);
    let region = session.region.as_ref().map(ToString::to_string);
    let parts = [Some(session.session_type.clone()), summary.account, summary.role, region];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("'{}' ({})", session.name, parts.join(", "))
}
