//! What sessions are doing, from the cache alone: no network, no vault, no person.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    cache::{Cache, Shelf},
    entry::Entry,
    manager::CredentialManager,
};
use crate::{
    access,
    model::{CredentialIdentifier, Session, Timestamp, Workspace},
};

/// A session's status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Unexpired credentials are there.
    Active {
        /// Seconds until they end.
        left: i64,
        /// When they end, by this machine's clock.
        expires: Timestamp,
        /// When they were issued: the session's `startDateTime`.
        started: Timestamp,
    },
    /// None are there; they can be had without a person.
    Inactive,
    /// A field or parent is missing, or the type is unknown.
    Incomplete,
    /// A process is fetching them.
    Pending,
    /// None are there, and a person must answer to have them.
    NeedsPerson,
}

impl Status {
    /// The word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active { .. } => "active",
            Self::Inactive => "inactive",
            Self::Incomplete => "incomplete",
            Self::NeedsPerson => "requires-user-action",
            Self::Pending => "pending",
        }
    }
}

/// The status of one session.
pub fn of(manager: &CredentialManager<'_>, session: &Session) -> Status {
    match manager.cached(session) {
        Err(_) => return Status::Incomplete,
        Ok(Some(entry)) if entry.clocked.left() > 0 => return active(&entry),
        Ok(_) => {}
    }
    if manager.is_pending(session) {
        return Status::Pending;
    }
    match manager.needs_person(session) {
        Ok(true) => Status::NeedsPerson,
        Ok(false) => Status::Inactive,
        Err(_) => Status::Incomplete,
    }
}

/// The status of every session of the workspace, in its order.
///
/// Only sessions that have credentials in the cache are looked at closely: thousands of others cost
/// a glance.
pub fn of_all(manager: &CredentialManager<'_>, workspace: &Workspace) -> Vec<Status> {
    let kept = manager.cache().map(sessions_with_credentials).unwrap_or_default();
    let flying = std::fs::read_dir(manager.run().join("l")).is_ok_and(|mut d| d.next().is_some());
    // Whether a request is in flight takes a look at a lock for each session.
    let few = flying && workspace.sessions.len() <= FEW;
    let index = workspace.sessions.iter().map(|session| (session.id, session)).collect();
    let mut glances = Glances { manager, kept, index, known: HashMap::new() };
    let status = |session: &Session| {
        if few || glances.kept.contains(&session.id) {
            return of(manager, session);
        }
        match glances.at(session) {
            Glance::Broken => Status::Incomplete,
            Glance::Asks => Status::NeedsPerson,
            Glance::Silent => Status::Inactive,
        }
    };
    workspace.sessions.iter().map(status).collect()
}

/// How many sessions are each looked at for a request in flight.
const FEW: usize = 200;

/// What starting a session needs, by its fields and what its parents have.
#[derive(Clone, Copy, PartialEq)]
enum Glance {
    Asks,
    Broken,
    Silent,
}

/// What was seen of the sessions so far.
struct Glances<'a> {
    manager: &'a CredentialManager<'a>,
    kept: HashSet<Uuid>,
    index: HashMap<Uuid, &'a Session>,
    known: HashMap<Uuid, Glance>,
}

impl Glances<'_> {
    fn at(&mut self, session: &Session) -> Glance {
        if let Some(found) = self.known.get(&session.id) {
            return *found;
        }
        // A session that is its own ancestor is broken: that is what it finds here on its way
        // round.
        self.known.insert(session.id, Glance::Broken);
        let found = self.look(session);
        self.known.insert(session.id, found);
        found
    }

    fn look(&mut self, session: &Session) -> Glance {
        let active = |status| matches!(status, Status::Active { .. });
        if self.kept.contains(&session.id) && active(of(self.manager, session)) {
            return Glance::Silent;
        }
        match access::factory(&session.session_type) {
            None => Glance::Broken,
            Some(factory) if factory.has_parent() => {
                let parent = parent_of(session).and_then(|id| self.index.get(&id).copied());
                parent.map_or(Glance::Broken, |parent| self.at(parent))
            }
            Some(_) if session.parent.is_some() => Glance::Broken,
            Some(factory) if factory.summary(session).mfa_device.is_some() => Glance::Asks,
            Some(_) => Glance::Silent,
        }
    }
}

fn parent_of(session: &Session) -> Option<Uuid> {
    session.parent.as_ref().map(|CredentialIdentifier::Session(id)| *id)
}

fn sessions_with_credentials(cache: &Cache) -> HashSet<Uuid> {
    let names = cache.names(Shelf::Credentials).into_iter();
    names
        .filter_map(|name| Entry::from_bytes(&cache.read(Shelf::Credentials, &name)?))
        .filter(|entry| entry.clocked.left() > 0)
        .map(|entry| entry.session)
        .collect()
}

fn active(entry: &Entry) -> Status {
    Status::Active {
        left: entry.clocked.left(),
        expires: entry.clocked.local_expiry(),
        started: entry.clocked.issued_at,
    }
}
