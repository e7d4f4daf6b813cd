//! Everything that can give credentials: the workspace's sessions, and what was found elsewhere.
//!
//! Deliberately absent: finding it. Who looked is in [`Catalog::elsewhere`] already.

use std::collections::HashMap;

use uuid::Uuid;

use super::{CredentialIdentifier, RegionName, Session, Workspace};

/// Every identifier that is known, usable or not.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The workspace; an empty one where there is none.
    pub workspace: Workspace,
    /// Sources outside the workspace: profiles, the machine's role and their like.
    pub elsewhere: Vec<Session>,
    /// What was found and cannot be used, and why.
    pub unusable: Vec<Unusable>,
    /// Profiles that only call us for a session of the workspace: they *are* that session.
    pub bound: HashMap<String, Uuid>,
}

/// A source that lacks something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unusable {
    /// What it would be.
    pub identifier: CredentialIdentifier,
    /// Its name, as lists show it.
    pub name: String,
    /// A word for machines: `missing_property`.
    pub code: &'static str,
    /// Why it cannot be used, as a sentence.
    pub reason: String,
    /// The file and line where that is to be mended.
    pub place: Option<String>,
}

impl Catalog {
    /// The workspace alone.
    pub fn of(workspace: Workspace) -> Self {
        Self { workspace, ..Self::default() }
    }

    /// Every usable source: the workspace's sessions in their order, then the others.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.workspace.sessions.iter().chain(&self.elsewhere)
    }

    /// The source of that UUID.
    pub fn by_id(&self, id: Uuid) -> Option<&Session> {
        self.sessions().find(|session| session.id == id)
    }

    /// The source of that identifier. A profile that is bound to a session is that session.
    pub fn by_identifier(&self, id: &CredentialIdentifier) -> Option<&Session> {
        if let CredentialIdentifier::Profile(name) = id
            && let Some(session) = self.bound.get(name)
        {
            return self.workspace.by_id(*session);
        }
        self.by_id(id.uuid())
    }

    /// The unusable source of that identifier.
    pub fn unusable(&self, id: &CredentialIdentifier) -> Option<&Unusable> {
        self.unusable.iter().find(|unusable| unusable.identifier == *id)
    }

    /// What a bare name may mean: a session, without regard to case, and a profile, exactly.
    /// One that is both by a binding is one.
    pub fn by_name(&self, name: &str) -> Vec<&Session> {
        let own = self.workspace.by_name(name);
        let profile = self.by_identifier(&CredentialIdentifier::Profile(name.to_owned()));
        let other = profile.filter(|profile| own.is_none_or(|own| own.id != profile.id));
        own.into_iter().chain(other).collect()
    }

    /// The sources whose parent is `id`, directly.
    pub fn children(&self, id: &CredentialIdentifier) -> Vec<&Session> {
        self.sessions().filter(|session| session.parent.as_ref() == Some(id)).collect()
    }

    /// The chain from `session` up to the one without a parent: `session` first.
    pub fn chain<'a>(&'a self, session: &'a Session) -> Result<Vec<&'a Session>, ChainError> {
        let mut chain = vec![session];
        let mut hop = session;
        while let Some(id) = &hop.parent {
            let parent = self.by_identifier(id).ok_or_else(|| self.missing(hop, id))?;
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

    fn missing(&self, child: &Session, id: &CredentialIdentifier) -> ChainError {
        let child = child.name.to_string();
        match self.unusable(id) {
            Some(parent) => ChainError::UnusableParent { child, reason: parent.reason.clone() },
            None => ChainError::MissingParent { child, id: id.clone() },
        }
    }

    /// Where `session` works when neither a flag nor the environment says it.
    pub fn home_region<'a>(&'a self, session: &'a Session) -> Option<&'a RegionName> {
        self.workspace.home_region(session)
    }
}

/// Why a chain of parents does not end well.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// A session is its own ancestor.
    #[error("its parents form a cycle: {0}")]
    Cycle(String),
    /// A parent is nowhere.
    #[error("the parent of '{child}', {}, is not there", .id.single_name().map_or_else(|| .id.to_string(), str::to_owned))]
    MissingParent {
        /// The name of the session whose parent is missing.
        child: String,
        /// The parent's id.
        id: CredentialIdentifier,
    },
    /// A parent lacks something.
    #[error("the parent of '{child}' cannot be used: {reason}")]
    UnusableParent {
        /// The name of the session with that parent.
        child: String,
        /// What its parent lacks.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SessionName, session::Fields};

    fn session(id: u128, name: &str, parent: Option<u128>) -> Session {
        Session {
            id: Uuid::from_u128(id),
            name: SessionName::parse(name).unwrap(),
            session_type: "test".into(),
            display_name: None,
            region: None,
            parent: parent.map(|p| CredentialIdentifier::Session(Uuid::from_u128(p))),
            fields: Fields::default(),
            protected: false,
            unknown: HashMap::new(),
            source: None,
        }
    }

    fn profile(name: &str) -> Session {
        let id = CredentialIdentifier::Profile(name.to_owned());
        Session::elsewhere(id, SessionName::foreign(name).unwrap(), "test")
    }

    fn catalog(sessions: Vec<Session>) -> Catalog {
        Catalog::of(Workspace { sessions, ..Workspace::default() })
    }

    #[test]
    fn a_chain_goes_up_to_its_root_and_a_cycle_is_named() {
        let mut catalog = catalog(vec![
            session(1, "a", None),
            session(2, "b", Some(1)),
            session(3, "c", Some(2)),
        ]);
        let names = |c: &Catalog| -> Vec<String> {
            let first = c.workspace.by_name("C").unwrap();
            c.chain(first).unwrap().iter().map(|s| s.name.to_string()).collect()
        };
        assert_eq!(names(&catalog), ["c", "b", "a"]);
        catalog.elsewhere.push(profile("base"));
        catalog.workspace.sessions[0].parent = Some(CredentialIdentifier::Profile("base".into()));
        assert_eq!(names(&catalog), ["c", "b", "a", "base"]);
        catalog.workspace.sessions[0].parent =
            Some(CredentialIdentifier::Session(Uuid::from_u128(3)));
        let error = catalog.chain(&catalog.workspace.sessions[2]).unwrap_err();
        assert_eq!(error, ChainError::Cycle("c -> b -> a -> c".into()));
        catalog.workspace.sessions[0].parent =
            Some(CredentialIdentifier::Session(Uuid::from_u128(9)));
        assert!(matches!(
            catalog.chain(&catalog.workspace.sessions[2]),
            Err(ChainError::MissingParent { .. })
        ));
    }

    #[test]
    fn a_name_that_fits_twice_has_two_meanings_unless_it_is_bound() {
        let mut catalog = catalog(vec![session(1, "prod", None)]);
        catalog.elsewhere.push(profile("prod"));
        assert_eq!(catalog.by_name("prod").len(), 2);
        assert_eq!(catalog.by_name("PROD").len(), 1, "a profile's name is exact");
        catalog.elsewhere.clear();
        catalog.bound.insert("prod".into(), Uuid::from_u128(1));
        assert_eq!(catalog.by_name("prod").len(), 1);
        catalog.bound.insert("other".into(), Uuid::from_u128(1));
        assert_eq!(catalog.by_name("other")[0].name.as_str(), "prod");
        assert!(catalog.by_name("nobody").is_empty());
    }
}
