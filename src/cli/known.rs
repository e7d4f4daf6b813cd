//! All that can give credentials here, and which of it a name means. Never anything that is only
//! like the name.

use std::path::PathBuf;

use super::{
    context::{self, Context},
    failure::{Failure, Kind, Outcome},
};
use crate::{
    access::source::{self, Absence, Problem, Scope, SourceWarning},
    model::{
        Catalog, CredentialIdentifier, Session, Workspace,
        catalog::{ChainError, Unusable},
    },
    resolver::answer::Answer,
    system::files::Stamp,
    workspace::Opened,
};

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Every source.
    pub(super) catalog: Catalog,
    /// Whether there is a workspace.
    pub(super) has_workspace: bool,
    /// Why the workspace cannot be read; it blocks only what needs a session of it.
    unreadable: Option<Failure>,
    /// Files of the user's that cannot be read.
    pub(super) problems: Vec<Problem>,
    /// What a person should know of single sources.
    pub(super) warnings: Vec<SourceWarning>,
    /// What to say, by source, of what is not there.
    absences: Vec<(&'static str, String)>,
    /// The same of single providers.
    provider_absences: Vec<Absence>,
    /// What a person should know besides.
    pub(super) notes: Vec<String>,
    /// All files that this was made from, as they were before.
    pub(super) files: Vec<(PathBuf, Option<Stamp>)>,
}

impl Context {
    /// Looks everywhere: the workspace, the shared files, this machine. No network, no program, no
    /// question; nothing is created.
    pub(super) fn known(&self) -> Known {
        self.known_beside(self.workspace(), None)
    }

    /// What a name may mean, and all that stands behind it: a file with thousands of profiles costs
    /// little more than one. What is not found is looked for everywhere, for the sake of the hint.
    pub(super) fn known_around(&self, name: &str) -> Known {
        let known = self.known_beside(self.workspace(), Some(name));
        if known.find(name).is_ok() { known } else { self.known() }
    }

    /// The same beside a workspace that somebody else has opened.
    pub(super) fn known_beside(
        &self,
        opened: Outcome<Option<Opened>>,
        name: Option<&str>,
    ) -> Known {
        let config = context::stamp_of_config(self);
        let (opened, unreadable) = match opened {
            Ok(opened) => (opened, None),
            Err(failure) => (None, Some(failure)),
        };
        let has_workspace = opened.is_some();
        let stamp = opened.as_ref().and_then(|opened| opened.stamp);
        let mut files = vec![config, (self.home.workspace(), stamp)];
        let mut catalog = Catalog::of(opened.map(|opened| opened.workspace).unwrap_or_default());
        // Stamped first: what changes while it is read makes the stamps differ.
        files.extend(Answer::stamps(source::files(self)));
        let wanted = name.map(|name| around(&catalog.workspace, name));
        let scope = wanted.as_deref().map_or(Scope::All, Scope::Around);
        let listing = source::list_all(self, scope);
        catalog.bound = listing.bound.into_iter().collect();
        catalog.elsewhere = listing.sessions;
        catalog.unusable = listing.unusable;
        tell_apart(&mut catalog);
        // What a workspace that cannot be read holds nobody knows.
        if unreadable.is_none() {
            drop_lost_bindings(&mut catalog);
        }
        Known {
            catalog,
            has_workspace,
            unreadable,
            problems: listing.problems,
            warnings: listing.warnings,
            provider_absences: listing.absences,
            notes: listing.notes,
            absences: source::SOURCES.iter().map(|s| (s.id(), s.why_absent(self))).collect(),
            files,
        }
    }
}

/// What a name may mean outside the workspace, and what the workspace's sessions stand upon.
fn around(workspace: &Workspace, name: &str) -> Vec<CredentialIdentifier> {
    let meant = CredentialIdentifier::parse(name);
    let meant = meant.unwrap_or_else(|_| CredentialIdentifier::Profile(name.to_owned()));
    let parents = workspace.sessions.iter().filter_map(|session| session.parent.clone());
    let outside = parents.filter(|id| !matches!(id, CredentialIdentifier::Session(_)));
    std::iter::once(meant).chain(outside).collect()
}

/// Gives what shares its name with a session of the workspace a name that says what it is.
fn tell_apart(catalog: &mut Catalog) {
    let names: std::collections::HashSet<String> =
        catalog.workspace.sessions.iter().map(|s| s.name.as_str().to_ascii_lowercase()).collect();
    // What is written like an identifier would be taken for that.
    let misleads = |session: &Session| {
        let read = CredentialIdentifier::parse(session.name.as_str());
        read.is_ok_and(|id| id != session.identifier())
    };
    for session in &mut catalog.elsewhere {
        let name = session.name.as_str().to_ascii_lowercase();
        if names.contains(&name) || misleads(session) {
            let exact = crate::model::SessionName::foreign(&session.identifier().to_string());
            session.name = exact.unwrap_or_else(|_| session.name.clone());
        }
    }
}

/// Moves bindings that lead nowhere to what cannot be used.
fn drop_lost_bindings(catalog: &mut Catalog) {
    let workspace = &catalog.workspace;
    let gone: Vec<(String, uuid::Uuid)> = catalog
        .bound
        .iter()
        .filter(|(_, id)| workspace.by_id(**id).is_none())
        .map(|(name, id)| (name.clone(), *id))
        .collect();
    for (name, id) in gone {
        catalog.bound.remove(&name);
        catalog.unusable.push(Unusable {
            identifier: CredentialIdentifier::Profile(name.clone()),
            reason: format!(
                "Profile '{name}' is bound to session:{id}, which is not in the workspace"
            ),
            name,
            code: "session_not_found",
            place: None,
        });
    }
}

impl Known {
    /// The workspace; `None` where there is none.
    pub(super) fn workspace(&self) -> Option<&Workspace> {
        self.has_workspace.then_some(&self.catalog.workspace)
    }

    /// The same with a newer workspace.
    pub(super) fn with(&self, workspace: &Workspace) -> Self {
        let mut known = self.clone();
        known.catalog.workspace = workspace.clone();
        (known.has_workspace, known.unreadable) = (true, None);
        known
    }

    /// What a name means: an exact identifier, the id of a session, or a bare name that fits just
    /// one session or profile.
    pub(super) fn find(&self, name: &str) -> Outcome<&Session> {
        let wanted = name.strip_prefix("session:").unwrap_or(name);
        if wanted.len() == 36
            && let Ok(id) = uuid::Uuid::try_parse(wanted)
        {
            self.readable()?;
            return self.catalog.workspace.by_id(id).ok_or_else(|| self.unknown(name));
        }
        if wanted.len() < name.len() {
            self.readable()?;
            return self.catalog.workspace.by_name(wanted).ok_or_else(|| self.unknown(name));
        }
        if let Ok(id) = CredentialIdentifier::parse(name) {
            // A session may bear the word that a source there is one of is written with.
            let own = id.single_name().and_then(|_| self.catalog.workspace.by_name(name));
            return match own {
                Some(own) => Err(twice(name, own, &id)),
                None => self.by_identifier(&id),
            };
        }
        // What a session of an unreadable workspace is called nobody knows.
        self.readable()?;
        match self.catalog.by_name(name).as_slice() {
            [] => Err(self.unknown(name)),
            [session] => Ok(session),
            [own, other, ..] => Err(twice(name, own, &other.identifier())),
        }
    }

    /// What a name means, if that gives keys: for who writes it down for later.
    pub(super) fn find_giving(&self, name: &str) -> Outcome<&Session> {
        let session = self.find(name)?;
        if gives(session) {
            return Ok(session);
        }
        let message = format!("'{}' is a sign-in, which gives no keys", session.identifier());
        Err(Failure::new(Kind::Incomplete, message).hint("name a profile that uses it: leapp list"))
    }

    /// Why a chain does not end well, with what is known of the one that is not there.
    pub(super) fn why(&self, error: &ChainError) -> String {
        let text = error.to_string();
        let ChainError::MissingParent { id, .. } = error else { return text };
        let source = source::of(id).map(source::Source::id);
        let why = self.absences.iter().find(|(of, _)| Some(*of) == source);
        why.map_or(text.clone(), |(_, why)| format!("{text}: {why}"))
    }

    /// Everything that a person can have handed out.
    pub(super) fn choices(&self) -> Vec<&Session> {
        self.catalog.sessions().filter(|session| gives(session)).collect()
    }

    /// A session of the workspace, for who changes it.
    pub(super) fn find_own(&self, name: &str) -> Outcome<&Session> {
        let session = self.find(name)?;
        if session.is_own() {
            return Ok(session);
        }
        let message = format!("'{}' is no session of the workspace", session.identifier());
        Err(Failure::usage(message).hint("leapp keeps only what 'leapp session add' made"))
    }

    fn by_identifier(&self, id: &CredentialIdentifier) -> Outcome<&Session> {
        if let Some(session) = self.catalog.by_identifier(id) {
            return Ok(session);
        }
        let is_bound = |name: &String| self.catalog.bound.contains_key(name);
        let is_session = match id {
            CredentialIdentifier::Profile(name) => is_bound(name),
            CredentialIdentifier::Session(_) => true,
            _ => false,
        };
        if is_session {
            self.readable()?;
        }
        Err(self.absent(id))
    }

    /// Why an identifier leads to nothing.
    fn absent(&self, id: &CredentialIdentifier) -> Failure {
        if let Some(unusable) = self.catalog.unusable(id) {
            return cannot_be_used(unusable);
        }
        let name = id.single_name().map_or_else(|| id.to_string(), str::to_owned);
        let failure = Failure::new(Kind::Incomplete, format!("'{name}' is not there"));
        if let CredentialIdentifier::External { provider, .. } = id {
            let absence = self.provider_absences.iter().find(|known| known.provider == *provider);
            if let Some(absence) = absence {
                return failure.because(&absence.text).hint(&absence.command);
            }
        } else if let Some(problem) = self.problems.first() {
            let failure = failure.because(problem.to_string());
            return failure.hint("leapp list shows what can be read");
        }
        let failure = match source::of(id) {
            Some(source) => {
                let why = self.absences.iter().find(|(of, _)| *of == source.id());
                why.map_or(failure.clone(), |(_, why)| failure.because(why.clone()))
            }
            None => failure,
        };
        failure.hint("leapp list")
    }

    /// The failure of the workspace, where it has one.
    pub(super) fn readable(&self) -> Outcome<()> {
        self.unreadable.as_ref().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    fn unknown(&self, name: &str) -> Failure {
        let id = CredentialIdentifier::Profile(name.to_owned());
        if let Some(unusable) = self.catalog.unusable(&id) {
            return cannot_be_used(unusable);
        }
        let is_session = name.starts_with("session:") || uuid::Uuid::try_parse(name).is_ok();
        let what = if is_session { "session" } else { "session or profile" };
        let message = format!("there is no {what} {name:?}");
        let failure = Failure::new(Kind::Incomplete, message);
        if let Some(problem) = self.problems.first() {
            return failure.because(problem.to_string()).hint("leapp list shows what can be read");
        }
        let bound = self.catalog.bound.keys().map(String::as_str);
        let names = self.catalog.sessions().map(|session| session.name.as_str());
        let mut near: Vec<&str> = names.chain(bound).filter(|known| is_near(known, name)).collect();
        near.sort_unstable();
        near.dedup();
        near.truncate(3);
        match near.as_slice() {
            [] if self.catalog.sessions().next().is_none() => {
                failure.hint("add one: leapp session add")
            }
            [] => failure.hint("leapp list"),
            near => failure.hint(format!("leapp list; names like it: {}", near.join(", "))),
        }
    }
}

/// Whether a session gives keys to programs; some only stand behind others.
fn gives(session: &Session) -> bool {
    let source = session.source.as_ref();
    !source.is_some_and(|id| {
        matches!(id, CredentialIdentifier::MfaSession { .. } | CredentialIdentifier::SsoSession(_))
    })
}

fn twice(name: &str, own: &Session, other: &CredentialIdentifier) -> Failure {
    let message = format!("{name:?} is a session and something else");
    let (own, other) = (format!("session:{}", own.name), other.to_string());
    Failure::new(Kind::Incomplete, message).hint(format!("say which: '{own}' or '{other}'"))
}

fn cannot_be_used(unusable: &Unusable) -> Failure {
    let failure =
        Failure::new(Kind::Incomplete, format!("'{}' cannot be used", unusable.identifier))
            .because(unusable.reason.clone());
    match (&unusable.place, &unusable.identifier) {
        (Some(place), _) => failure.hint(format!("see {place}")),
        (None, CredentialIdentifier::External { provider, .. }) => {
            failure.hint(format!("leapp provider refresh {provider}"))
        }
        (None, _) => failure.hint("leapp list"),
    }
}

/// Whether a person may have meant `known`: for a hint, never for a choice.
fn is_near(known: &str, typed: &str) -> bool {
    let (known, typed) = (known.to_ascii_lowercase(), typed.to_ascii_lowercase());
    let shared = known.bytes().zip(typed.bytes()).take_while(|(a, b)| a == b).count();
    typed.len() >= 3 && (known.contains(&typed) || typed.contains(&known) || shared >= 3)
}
