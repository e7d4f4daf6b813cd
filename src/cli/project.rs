//! The project that governs the current directory, and the session that it names.

use std::path::{Path, PathBuf};

use super::{
    context::{Context, variable},
    failure::{Failure, Kind, Outcome},
};
use crate::{
    access,
    activation::{
        self, Judgement, Proposal, Refused, Trusted,
        project::{self, Place},
        settings::Target,
        trust::{Store, Unreadable, Why},
    },
    model::{CredentialIdentifier, Session, Workspace},
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
pub(super) fn led_to<'a>(workspace: &'a Workspace, trusted: &Trusted) -> Result<Led<'a>, Doubt> {
    let CredentialIdentifier::Session(id) = &trusted.bound().identity;
    let proposal = trusted.proposal();
    let named = by_target(workspace, proposal.session());
    if let Some(other) = named.filter(|session| session.id != *id) {
        return Err(Doubt::Another(other.name.to_string()));
    }
    let session = workspace.by_id(*id).ok_or(Doubt::Gone)?;
    let now = activation::fingerprint(workspace, session).unwrap_or_default();
    if now != trusted.bound().fingerprint {
        return Err(Doubt::Another(session.name.to_string()));
    }
    guard(workspace, session, proposal.account(), proposal.azure())?;
    Ok(Led { session, renamed: named.is_none() })
}

/// Holds a session against what the file demands of it.
pub(super) fn guard(
    workspace: &Workspace,
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
        let cloud = by_target(workspace, second)
            .and_then(|session| access::factory(&session.session_type))
            .map(|factory| factory.managed().cloud);
        if cloud != Some("azure") {
            return Err(Doubt::NotAzure(second.text()));
        }
    }
    Ok(())
}

/// The session that a file names.
pub(super) fn by_target<'a>(workspace: &'a Workspace, target: &Target) -> Option<&'a Session> {
    match target {
        Target::Identifier(CredentialIdentifier::Session(id)) => workspace.by_id(*id),
        Target::Name(name) => workspace.by_name(name.as_str()),
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
                (message, format!("leapp session show {name}"))
            }
            Self::Another(now) => (
                format!("session '{now}' is not what it was when this file was trusted"),
                "leapp trust".to_owned(),
            ),
            Self::Gone => (format!("session '{name}' is gone"), "leapp pin NAME".to_owned()),
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
    workspace: Option<&'a Workspace>,
) -> Outcome<Option<&'a Session>> {
    let (Some(trusted), Some(workspace)) = (trusted_here(context), workspace) else {
        return Ok(None);
    };
    let led = led_to(workspace, &trusted).map_err(|doubt| doubt.failure(&trusted))?;
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
