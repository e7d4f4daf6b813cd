//! The content of the workspace file: sessions and defaults. No secret of any kind.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{CredentialIdentifier, RegionName, Session};

/// What the workspace file holds once it is opened.
///
/// `idpUrls`, `profiles` and `integrations` belong to the format; this program keeps what stands
/// there. So it does with the members in `unknown`, which a newer program may have written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Every session, in the order of their adding.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// Where AWS calls go when nothing else says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_region: Option<RegionName>,
    /// The same for Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_location: Option<RegionName>,
    /// Which vault keeps the secrets: recorded when the first one is stored, never probed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// Identity provider URLs.
    #[serde(default)]
    pub idp_urls: Vec<Value>,
    /// Named profiles.
    #[serde(default)]
    pub profiles: Vec<Value>,
    /// Integrations.
    #[serde(default)]
    pub integrations: Vec<Value>,
    /// Members of other names.
    #[serde(flatten)]
    pub unknown: HashMap<String, Value>,
}

impl Workspace {
    /// The session of that name, without regard to case.
    pub fn by_name(&self, name: &str) -> Option<&Session> {
        self.sessions.iter().find(|session| session.name.is(name))
    }

    /// The session of that id.
    pub fn by_id(&self, id: Uuid) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The sessions whose parent is `id`, directly.
    pub fn children(&self, id: Uuid) -> Vec<&Session> {
        let wanted = Some(CredentialIdentifier::Session(id));
        self.sessions.iter().filter(|session| session.parent == wanted).collect()
    }

    /// Where `session` works when neither a flag nor the environment says it.
    pub fn home_region<'a>(&'a self, session: &'a Session) -> Option<&'a RegionName> {
        session.region.as_ref().or(self.default_region.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_program_wrote_survives() {
        let text = r#"{"sessions":[{"id":"00000000-0000-0000-0000-000000000001","name":"a",
            "type":"gcp-user","fields":{"x":[1]},"colour":"red"}],"profiles":[{"id":"p"}],"fresh":{"k":1}}"#;
        let workspace: Workspace = serde_json::from_str(text).unwrap();
        let again = serde_json::to_value(&workspace).unwrap();
        assert_eq!(again["sessions"][0]["type"], "gcp-user");
        assert_eq!(again["sessions"][0]["fields"]["x"][0], 1);
        assert_eq!(again["sessions"][0]["colour"], "red");
        assert_eq!(again["profiles"][0]["id"], "p");
        assert_eq!(again["fresh"]["k"], 1);
    }
}
