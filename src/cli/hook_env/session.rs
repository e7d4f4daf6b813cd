//! The credentials of a session for a shell, out of the cache alone; what stands for them when they
//! are not there; and when to look again.

use std::path::PathBuf;

use super::{
    decision::{Decision, EXPIRED, Effect, PROTECTED, Set},
    notes::Note,
};
use crate::{
    access::AccessError,
    cli::{
        context::Context,
        failure::{Failure, Kind as FailureKind, Outcome},
        handout::{Regions, Whole, delta, factory_of, region},
        usage::typed,
    },
    envdelta::{CLOSED, EnvDelta, Kind, MANAGED, Managed, State},
    model::{Catalog, Credentials, RegionName, Session, Timestamp, duration},
    resolver::{Clocked, CredentialManager, Entry, answer::Answer, marks},
    system::{detached, files::Stamp},
};

/// How long a renewal is waited for before the hook looks again, in seconds.
const RENEWING: i64 = 60;

/// What is wanted for a shell.
pub(super) struct Wanted<'a> {
    pub(super) context: &'a Context,
    pub(super) catalog: &'a Catalog,
    pub(super) session: &'a Session,
    pub(super) kind: Kind,
    pub(super) regions: Regions,
    /// The directory that switches it on; empty for none.
    pub(super) root: Vec<u8>,
}

/// What the cache has for a shell.
pub(super) struct Found {
    /// The effect and when to look again.
    pub(super) decision: Decision,
    /// What was found, if it works.
    pub(super) working: Option<Working>,
}

/// Credentials that work.
pub(super) struct Working {
    pub(super) entry: Entry,
    /// What the person is told of the region.
    pub(super) notes: Vec<String>,
    /// The file that they came from, as it was before it was read.
    pub(super) file: Vec<(PathBuf, Option<Stamp>)>,
}

impl Wanted<'_> {
    /// Looks into the cache and decides. An error is a sentence for the person.
    pub(super) fn look(&self) -> Outcome<Found> {
        let (context, session) = (self.context, self.session);
        let choice = region(context, self.catalog, session, &self.regions)?;
        let manager = context.manager(self.catalog, context.existing_cache())?;
        let file = Answer::stamps(manager.cached_file(session)?);
        let entry = manager.cached(session)?.filter(|entry| entry.clocked.left() > 0);
        let stopped = marks::is_stopped(&context.run, session.id);
        if let Some(entry) = entry.filter(|_| !stopped) {
            let set = self.set(&entry.credentials, &entry.clocked, &choice.region)?;
            let (ask_again, notes) = self.look_again(&manager, &entry);
            let notes = notes.into_iter().chain(choice.notes.iter().map(Note::once)).collect();
            let effect = Effect::Set(Box::new(set));
            let ask_again = Some(ask_again);
            let decision = Decision { effect, ask_again, notes, ..Decision::default() };
            let working = Some(Working { entry, notes: choice.notes, file });
            return Ok(Found { decision, working });
        }
        let (ask_again, note) = self.why_not(&manager, stopped)?;
        let set = self.expired(&choice.region)?;
        let notes = vec![note];
        let effect = Effect::Set(Box::new(set));
        Ok(Found {
            decision: Decision { effect, ask_again, notes, ..Decision::default() },
            working: None,
        })
    }

    fn set(
        &self,
        credentials: &Credentials,
        clocked: &Clocked,
        region: &RegionName,
    ) -> Outcome<Set> {
        let warning = if self.session.protected { PROTECTED } else { "" };
        self.described(credentials, clocked.local_expiry(), region, warning)
    }

    /// What stands for credentials where there are none.
    pub(super) fn expired(&self, region: &RegionName) -> Outcome<Set> {
        let Self { context, session, kind, .. } = *self;
        let closed = Closed {
            kind,
            managed: factory_of(session)?.managed(),
            identity: session.identifier().to_string(),
            name: session.name.to_string(),
            region: Some(region.to_string()),
            root: self.root.clone(),
        };
        closed.set(context)
    }

    fn described(
        &self,
        credentials: &Credentials,
        local_expiry: Timestamp,
        region: &RegionName,
        warning: &'static str,
    ) -> Outcome<Set> {
        let (kind, session, root) = (self.kind, self.session, self.root.as_slice());
        let whole = Whole { kind, session, credentials, local_expiry, region, root };
        let delta = delta(self.context, &whole)?;
        Ok(Set {
            key: key_of(&delta),
            delta,
            identity: session.identifier().to_string(),
            region: region.to_string(),
            session: session.name.to_string(),
            warning,
        })
    }

    /// When to look again, while there are credentials; begins a renewal when it is time.
    fn look_again(&self, manager: &CredentialManager<'_>, entry: &Entry) -> (i64, Vec<Note>) {
        let (left, window) = (entry.clocked.left(), entry.clocked.window());
        if left >= window {
            return ((left - window).max(1), Vec::new());
        }
        let session = self.session;
        let needs_person = manager.needs_person_beyond(session).unwrap_or(true);
        if session.protected || needs_person {
            let (name, left_text) = (&session.name, duration::brief(left));
            let hint = self.command();
            let note = format!("'{name}' ends in {left_text}: {hint}");
            return (left, vec![Note::once(note)]);
        }
        if self.is_coming(manager) {
            return (left.min(RENEWING), Vec::new());
        }
        if let Some(why) = marks::failed_renewal(&self.context.run, session.id) {
            let left_text = duration::brief(left);
            let note = format!("'{}' could not be renewed, {left_text} left: {why}", session.name);
            return (left.min(RENEWING), vec![Note::once(note)]);
        }
        self.renew();
        (left.min(RENEWING), Vec::new())
    }

    /// Why there are no credentials, and when to look again.
    fn why_not(
        &self,
        manager: &CredentialManager<'_>,
        stopped: bool,
    ) -> Outcome<(Option<i64>, Note)> {
        let (name, command) = (&self.session.name, self.command());
        if stopped {
            return Ok((None, Note::once(format!("'{name}' was stopped: {command}"))));
        }
        if self.session.protected {
            return Ok((
                None,
                Note::once(format!("credentials of '{name}' have ended: {command}")),
            ));
        }
        if !self.context.has_lasting_cache() {
            let note = format!(
                "'{name}' needs a cache, and there is none here: leapp exec {}",
                typed(name.as_str())
            );
            return Ok((None, Note::once(note)));
        }
        if manager.needs_person(self.session)? {
            let what = "needs a person, and has no credentials";
            return Ok((None, Note::once(format!("'{name}' {what}: {command}"))));
        }
        if let Some(AccessError::Elsewhere { problem, command }) = manager.lacks(self.session) {
            let note = format!("'{name}' has no credentials ({problem}): {command}");
            return Ok((Some(RENEWING), Note::once(note)));
        }
        if manager.runs_program(self.session) {
            // A program of somebody else's may open a window or a browser; a person begins it.
            let note = format!("'{name}' has no credentials: {command}");
            return Ok((None, Note::once(note)));
        }
        let fetching = format!("fetching credentials of '{name}'; they are on at the next prompt");
        if self.is_coming(manager) {
            return Ok((Some(RENEWING), Note::once(fetching)));
        }
        if let Some(why) = marks::failed_renewal(&self.context.run, self.session.id) {
            let note = format!("'{name}' has no credentials ({why}): {command}");
            return Ok((Some(RENEWING), Note::once(note)));
        }
        self.renew();
        Ok((Some(RENEWING), Note::news(fetching)))
    }

    /// Whether somebody is fetching credentials already.
    fn is_coming(&self, manager: &CredentialManager<'_>) -> bool {
        manager.is_pending(self.session) || marks::is_renewing(&self.context.run, self.session.id)
    }

    /// What a person types to have credentials again.
    fn command(&self) -> String {
        let name = self.session.name.word();
        if self.session.protected {
            format!("leapp use {name}")
        } else {
            format!("leapp start {name}")
        }
    }

    /// The one process that a hook may start.
    fn renew(&self) {
        let identity = self.session.identifier().to_string();
        let words = ["renew".as_ref(), identity.as_ref()];
        if let Err(error) = detached::start_again(&words, &["LEAPP_VAULT_PASSPHRASE"]) {
            self.context.ui.debug(&format!("no renewal: {error}"));
        }
    }
}

/// A session without credentials, described without the workspace: it may be what cannot be read.
pub(super) struct Closed {
    pub(super) kind: Kind,
    pub(super) managed: &'static Managed,
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) region: Option<String>,
    pub(super) root: Vec<u8>,
}

/// The variables to close where the session's own cloud is not known.
pub(super) fn closing() -> &'static Managed {
    let [first, ..] = MANAGED;
    first
}

impl Closed {
    /// The change that leaves no credentials that work.
    pub(super) fn set(self, context: &Context) -> Outcome<Set> {
        let Self { kind, managed, identity, name, region, root } = self;
        let state = State {
            kind,
            identities: vec![identity.clone()],
            expiry: 0,
            access_key_id: CLOSED.to_owned(),
            root,
            originals: context.before.originals(|_| false),
        };
        let internal = |error: &dyn std::error::Error| {
            Failure::new(FailureKind::Failed, error.to_string())
                .doing(format!("cannot describe session '{name}' to a program"))
        };
        let state = state.format().map_err(|error| internal(&error))?;
        let delta = EnvDelta::closed(managed, &name, state, region.as_deref(), &context.before);
        let delta = delta.map_err(|error| internal(&error))?;
        Ok(Set {
            delta,
            key: CLOSED.to_owned(),
            identity,
            region: region.unwrap_or_default(),
            session: name,
            warning: EXPIRED,
        })
    }
}

/// The access key id that a change sets.
pub(super) fn key_of(delta: &EnvDelta) -> String {
    let mut keys = delta.keys();
    let name = keys.next();
    let set = delta.sets.iter().find(|(set, _)| Some(set) == name);
    set.map(|(_, value)| value.expose().to_owned()).unwrap_or_default()
}
