//! The project that governs the current directory, and the session that it names.

use std::path::{Path, PathBuf};

use super::{
    context::{Context, variable},
    failure::{Failure, Kind, Outcome},
    known::Known,
};
use crate::{
    access,
    activation::{
        self, Judgement, Proposal, Refused, Trusted,
        project::{self, Place},
        settings::Target,
        trust::{Store, Unreadable, Why},
    },
    model::{Catalog, CredentialIdentifier, Session},
    system::{hash, owned::Node},
};

/// What governs the current directory.
#[derive(Debug)]
pub(super) enum Here {
    /// A file that a person denied: silence.
    Denied(Place),
    /// No project file.
    Nothing,
    /// A trusted file, but not for this directory.
    Elsewhere(Place),
    /// A file that cannot be used.
    Refused(Box<Refused>),
    /// A file that a person trusted.
    Trusted(Box<Trusted>),
    /// A file that nobody has looked at yet, why, and a hash of its bytes.
    Untrusted(Place, Why, String),
}

/// The records of this home.
pub(super) fn store(context: &Context) -> Store {
    Store::new(context.home.join("trust"))
}

/// The user's home directory, canonical.
pub(super) fn home_directory() -> Option<PathBuf> {
    variable("HOME").and_then(|home| std::fs::canonicalize(home).ok())
}

/// The same as a node, which costs one look.
pub(super) fn home_node() -> Option<Node> {
    variable("HOME").and_then(|home| std::fs::metadata(home).ok()).map(|meta| Node::of(&meta))
}

/// Looks at the current directory. One that was removed has no project.
pub(super) fn here(context: &Context) -> Here {
    let Ok(from) = std::env::current_dir() else { return Here::Nothing };
    match project::find(&from, home_node()) {
        Ok(None) => Here::Nothing,
        Err(refused) => Here::Refused(refused),
        Ok(Some(found)) => {
            let (place, bytes) = (found.place().clone(), found.bytes().to_vec());
            match store(context).judge(found) {
                Ok(Judgement::Denied) => Here::Denied(place),
                Ok(Judgement::NotHere) => Here::Elsewhere(place),
                Ok(Judgement::Trusted(trusted)) => Here::Trusted(trusted),
                Ok(Judgement::Untrusted(why)) => Here::Untrusted(place, why, hash::short(&bytes)),
                Err(error) => Here::Refused(Box::new(Refused { place, problem: explain(&error) })),
            }
        }
    }
}

fn explain(error: &Unreadable) -> String {
    error.to_string()
}

/// The trusted project of the current directory, for commands that a person types.
pub(super) fn trusted_here(context: &Context) -> Option<Box<Trusted>> {
    match here(context) {
        Here::Trusted(trusted) => Some(trusted),
        _ => None,
    }
}

/// Why a trusted file does not lead to its session any more.
#[derive(Debug)]
pub(super) enum Doubt {
    /// The session has another account than the file demands.
    Account(String),
    /// The name belongs to another session now, or the session stands for somebody else.
    Another(String),
    /// The session was removed.
    Gone,
    /// The second session is not an Azure one.
    NotAzure(String),
}

/// A session that a trusted file leads to.
pub(super) struct Led<'a> {
    /// The session.
    pub(super) session: &'a Session,
    /// Its name now, where the file has an earlier one.
    pub(super) renamed: bool,
}

/// The session of a trusted file: known by the identity that was trusted, never by the name alone.
pub(super) fn led_to<'a>(catalog: &'a Catalog, trusted: &Trusted) -> Result<Led<'a>, Doubt> {
    let identity = &trusted.bound().identity;
    let proposal = trusted.proposal();
    let meant = by_target(catalog, proposal.session());
    if let Some(other) = meant.iter().find(|session| session.identifier() != *identity) {
        return Err(Doubt::Another(other.name.to_string()));
    }
    let session = catalog.by_identifier(identity).ok_or(Doubt::Gone)?;
    let now = activation::fingerprint(catalog, session).unwrap_or_default();
    if now != trusted.bound().fingerprint {
        return Err(Doubt::Another(session.name.to_string()));
    }
    guard(catalog, session, proposal.account(), proposal.azure())?;
    Ok(Led { session, renamed: meant.is_empty() })
}

/// Holds a session against what the file demands of it.
pub(super) fn guard(
    catalog: &Catalog,
    session: &Session,
    account: Option<&str>,
    azure: Option<&Target>,
) -> Result<(), Doubt> {
    if let Some(wanted) = account {
        let known = access::factory(&session.session_type).and_then(|f| f.summary(session).account);
        if known.as_deref() != Some(wanted) {
            return Err(Doubt::Account(known.unwrap_or_else(|| "one that is not known".into())));
        }
    }
    if let Some(second) = azure {
        let cloud = by_target(catalog, second)
            .first()
            .and_then(|session| access::factory(&session.session_type))
            .map(|factory| factory.managed().cloud);
        if cloud != Some("azure") {
            return Err(Doubt::NotAzure(second.text()));
        }
    }
    Ok(())
}

/// What a file names: one source, none, or a session and a profile of one name.
fn by_target<'a>(catalog: &'a Catalog, target: &Target) -> Vec<&'a Session> {
    match target {
        Target::Identifier(id) => catalog.by_identifier(id).into_iter().collect(),
        Target::Name(name) => catalog.by_name(name.as_str()),
        Target::Session(name) => catalog.workspace.by_name(name.as_str()).into_iter().collect(),
    }
}

impl Doubt {
    /// What is wrong, as a fragment, and the command that helps.
    pub(super) fn explain(&self, proposal: &Proposal) -> (String, String) {
        let name = proposal.session().text();
        match self {
            Self::Account(found) => {
                let wanted = proposal.account().unwrap_or_default();
                let message = format!("it demands account {wanted}, and '{name}' has {found}");
                (message, format!("leapp explain {name}"))
            }
            Self::Another(now) => (
                format!("session '{now}' is not what it was when this file was trusted"),
                "leapp trust".to_owned(),
            ),
            Self::Gone => match proposal.session() {
                Target::Identifier(CredentialIdentifier::External { provider, .. }) => (
                    format!("'{name}' is not in the last list of provider '{provider}'"),
                    format!("leapp provider refresh {provider}"),
                ),
                _ => (format!("session '{name}' is gone"), "leapp pin NAME".to_owned()),
            },
            Self::NotAzure(second) => {
                (format!("'{second}' is no Azure session"), format!("leapp session show {second}"))
            }
        }
    }

    pub(super) fn failure(&self, trusted: &Trusted) -> Failure {
        let (message, hint) = self.explain(trusted.proposal());
        let file = shown(&trusted.place().file);
        Failure::new(Kind::Incomplete, format!("{file}: {message}")).hint(hint)
    }
}

/// The session of the trusted project of the current directory, where no session was named.
pub(super) fn session_here<'a>(
    context: &Context,
    known: &'a Known,
) -> Outcome<Option<&'a Session>> {
    let Some(trusted) = trusted_here(context) else { return Ok(None) };
    if matches!(trusted.bound().identity, CredentialIdentifier::Session(_)) {
        known.readable()?;
    }
    let led = led_to(&known.catalog, &trusted).map_err(|doubt| doubt.failure(&trusted))?;
    context.ui.note(&format!("'{}' by {}", led.session.name, shown(&trusted.place().file)));
    Ok(Some(led.session))
}

/// A path as people write it: below their home directory with `~`.
pub(super) fn shown(path: &Path) -> String {
    let below = home_directory().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
    match below {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
