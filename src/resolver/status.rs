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
    model::{Catalog, CredentialIdentifier, Session, Timestamp},
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
    /// None are there, and a person must log in elsewhere to have them.
    NeedsLogin,
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
            Self::NeedsLogin | Self::NeedsPerson => "requires-user-action",
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
    match (manager.needs_person(session), manager.lacks(session)) {
        (Err(_), _) => Status::Incomplete,
        (Ok(true), _) => Status::NeedsPerson,
        (Ok(false), Some(_)) => Status::NeedsLogin,
        (Ok(false), None) => Status::Inactive,
    }
}

/// The status of every usable source, in the order of [`Catalog::sessions`].
///
/// Only sessions that have credentials in the cache are looked at closely: thousands of others cost
/// a glance.
pub fn of_all(manager: &CredentialManager<'_>, catalog: &Catalog) -> Vec<Status> {
    let kept = manager.cache().map(sessions_with_credentials).unwrap_or_default();
    let flying = std::fs::read_dir(manager.run().join("l")).is_ok_and(|mut d| d.next().is_some());
    // Whether a request is in flight takes a look at a lock for each session.
    let few = flying && catalog.sessions().count() <= FEW;
    let index = catalog.sessions().map(|session| (session.id, session)).collect();
    let mut glances = Glances { manager, kept, index, known: HashMap::new() };
    let status = |session: &Session| {
        if few || glances.kept.contains(&session.id) {
            return of(manager, session);
        }
        match glances.at(session) {
            Glance::Broken => Status::Incomplete,
            Glance::Asks => Status::NeedsPerson,
            Glance::Lacks => Status::NeedsLogin,
            Glance::Silent => Status::Inactive,
        }
    };
    catalog.sessions().map(status).collect()
}

/// How many sessions are each looked at for a request in flight.
const FEW: usize = 200;

/// What starting a session needs, by its fields and what its parents have.
#[derive(Clone, Copy, PartialEq)]
enum Glance {
    Asks,
    Broken,
    Lacks,
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
            Some(factory) if factory.takes_parent(session) != session.parent.is_some() => {
                Glance::Broken
            }
            Some(factory) if factory.asks(session) => Glance::Asks,
            Some(factory) if factory.lacks(session, self.manager.place()).is_some() => {
                Glance::Lacks
            }
            Some(_) => {
                let parent = session.parent.as_ref().map(CredentialIdentifier::uuid);
                match parent.map(|id| self.index.get(&id).copied()) {
                    None => Glance::Silent,
                    Some(None) => Glance::Broken,
                    Some(Some(parent)) => self.at(parent),
                }
            }
        }
    }
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
