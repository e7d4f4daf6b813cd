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

    /// The chain from `session` up to the one without a parent: `session` first.
    pub fn chain<'a>(&'a self, session: &'a Session) -> Result<Vec<&'a Session>, ChainError> {
        let mut chain = vec![session];
        let mut hop = session;
        while let Some(CredentialIdentifier::Session(id)) = &hop.parent {
            let parent = self.by_id(*id).ok_or_else(|| ChainError::MissingParent {
                child: hop.name.to_string(),
                id: *id,
            })?;
            if chain.iter().any(|seen| seen.id == parent.id) {
                chain.push(parent);
                let names: Vec<_> = chain.iter().map(|s| s.name.as_str()).collect();
                return Err(ChainError::Cycle(names.join(" -> ")));
            }
            chain.push(parent);
            hop = parent;
        }
        Ok(chain)
    }

    /// Where `session` works when neither a flag nor the environment says it.
    pub fn home_region<'a>(&'a self, session: &'a Session) -> Option<&'a RegionName> {
        session.region.as_ref().or(self.default_region.as_ref())
    }
}

/// Why a chain of parents does not end well.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// A session is its own ancestor.
    #[error("its parents form a cycle: {0}")]
    Cycle(String),
    /// A parent is not in the workspace.
    #[error("the parent of '{child}', session:{id}, is not in the workspace")]
    MissingParent {
        /// The name of the session whose parent is missing.
        child: String,
        /// The parent's id.
        id: Uuid,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SessionName;

    fn session(id: u128, name: &str, parent: Option<u128>) -> Session {
        Session {
            id: Uuid::from_u128(id),
            name: SessionName::parse(name).unwrap(),
            session_type: "test".into(),
            display_name: None,
            region: None,
            parent: parent.map(|p| CredentialIdentifier::Session(Uuid::from_u128(p))),
            fields: crate::model::session::Fields::default(),
            protected: false,
            unknown: HashMap::new(),
        }
    }

    #[test]
    fn a_chain_goes_up_to_its_root_and_a_cycle_is_named() {
        let mut workspace = Workspace {
            sessions: vec![
                session(1, "a", None),
                session(2, "b", Some(1)),
                session(3, "c", Some(2)),
            ],
            ..Workspace::default()
        };
        let names = |w: &Workspace| -> Vec<String> {
            w.chain(w.by_name("C").unwrap()).unwrap().iter().map(|s| s.name.to_string()).collect()
        };
        assert_eq!(names(&workspace), ["c", "b", "a"]);
        workspace.sessions[0].parent = Some(CredentialIdentifier::Session(Uuid::from_u128(3)));
        let error = workspace.chain(&workspace.sessions[2]).unwrap_err();
        assert_eq!(error, ChainError::Cycle("c -> b -> a -> c".into()));
        workspace.sessions[0].parent = Some(CredentialIdentifier::Session(Uuid::from_u128(9)));
        assert!(matches!(
            workspace.chain(&workspace.sessions[2]),
            Err(ChainError::MissingParent { .. })
        ));
    }

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
