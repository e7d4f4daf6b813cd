//! A session: everything that is needed to ask a cloud for temporary credentials, but no secret.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use super::{CredentialIdentifier, RegionName, SessionName};

/// One session of the workspace.
///
/// `status` and `startDateTime` are not stored: they follow from the cached credentials, and a
/// workspace that is written on every start would be at risk on every start.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Session {
    /// The id; never changes.
    pub id: Uuid,
    /// The name that commands take.
    pub name: SessionName,
    /// `cloudProvider-accessMethod`. A word that no factory knows is kept and reported.
    #[serde(rename = "type")]
    pub session_type: String,
    /// Free text beside the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where the session works: an AWS region or an Azure location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// Whose credentials this session is started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CredentialIdentifier>,
    /// The fields of its type, unread: only the session in use is parsed.
    #[serde(default)]
    pub fields: Fields,
    /// Whether a person must name the session before it is handed out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// Members of other names, which a newer program may have written.
    #[serde(flatten)]
    pub unknown: HashMap<String, Value>,
    /// The id of a source that is not in the workspace; `None` for the workspace's own sessions.
    #[serde(skip)]
    pub source: Option<CredentialIdentifier>,
}

impl Session {
    /// The deterministic identifier.
    pub fn identifier(&self) -> CredentialIdentifier {
        self.source.clone().unwrap_or(CredentialIdentifier::Session(self.id))
    }

    /// Whether the workspace keeps it; if not, it was found elsewhere.
    pub fn is_own(&self) -> bool {
        self.source.is_none()
    }

    /// A session for a source outside the workspace. Its id follows from the identifier, so that
    /// what is kept by id (credentials, marks, leases) is found again by every process.
    pub fn elsewhere(source: CredentialIdentifier, name: SessionName, session_type: &str) -> Self {
        Self {
            id: source.uuid(),
            name,
            session_type: session_type.to_owned(),
            display_name: None,
            region: None,
            parent: None,
            fields: Fields::default(),
            protected: false,
            unknown: HashMap::new(),
            source: Some(source),
        }
    }
}

/// The fields of a session's type as a JSON object. Fields that this program does not know stay.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Fields(Box<RawValue>);

impl Fields {
    /// Fields from a JSON object.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        let text = serde_json::to_string(map).unwrap_or_else(|_| "{}".into());
        RawValue::from_string(text).map(Self).unwrap_or_default()
    }

    /// Fields of a type's own shape, which serializes as an object.
    pub fn of<T: Serialize>(shape: &T) -> Self {
        let text = serde_json::to_string(shape).unwrap_or_else(|_| "{}".into());
        RawValue::from_string(text).map(Self).unwrap_or_default()
    }

    /// The fields in a type's own shape, straight from the text; a default where they have another.
    pub fn read<'a, T: Deserialize<'a> + Default>(&'a self) -> T {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// The object; empty when the text is no object.
    pub fn to_map(&self) -> Map<String, Value> {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.to_map() == other.to_map()
    }
}
