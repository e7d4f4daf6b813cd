//! Whose connection is meant, and where: a name, this directory's project, else this shell.
//!
//! Deliberately absent: any other identity in place of one that is gone.

use crate::{
    access::RegionChoice,
    cli::{
        context::{Context, variable},
        failure::{Failure, Kind, Outcome},
        handout::{Regions, region},
        known::Known,
        project,
    },
    model::{CredentialIdentifier, RegionName, Session},
    resolver::connection::Identity,
};

/// Whose connection.
pub(super) enum Chosen<'a> {
    /// Nobody's: nothing was chosen, or what was chosen is gone or cannot be used.
    Missing(Failure),
    /// A session, a profile or the like.
    Session(&'a Session),
    /// What is on in this shell; where it follows from variables that are gone by now, only they
    /// tell of it.
    Shell(Option<&'a Session>),
}

/// The identity that a name means, or without one the project's, or the shell's.
pub(super) fn choose<'a>(
    context: &Context,
    known: &'a Known,
    name: Option<&str>,
) -> Outcome<Chosen<'a>> {
    if let Some(name) = name {
        return found(known.find(name));
    }
    let here = match project::session_here(context, known) {
        Ok(None) => None,
        Ok(Some(session)) => Some(session),
        Err(failure) => return found(Err(failure)),
    };
    let shell = context.before.state().and_then(|state| state.identities.first().cloned());
    match (here, shell) {
        (Some(session), on) => {
            let other = on.filter(|on| *on != session.identifier().to_string());
            if other.is_some() {
                let name = variable("LEAPP_SESSION").unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                context.ui.note(&format!("'{name}' is on in this shell all the same"));
            }
            Ok(Chosen::Session(session))
        }
        (None, Some(identity)) => Ok(of_shell(context, known, &identity)),
        (None, None) => {
            let failure = nothing();
            Ok(Chosen::Missing(match project::here(context) {
                project::Here::Untrusted(place, ..) => failure
                    .because(format!("{} is not trusted", project::shown(&place.file)))
                    .hint("leapp trust, or: leapp status NAME"),
                _ => failure,
            }))
        }
    }
}

fn found(result: Outcome<&Session>) -> Outcome<Chosen<'_>> {
    match result {
        Ok(session) => Ok(Chosen::Session(session)),
        Err(failure) if failure.kind == Kind::Incomplete => Ok(Chosen::Missing(failure)),
        Err(failure) => Err(failure),
    }
}

fn of_shell<'a>(context: &Context, known: &'a Known, identity: &str) -> Chosen<'a> {
    let Ok(id) = CredentialIdentifier::parse(identity) else {
        let message = format!("this shell has {identity:?}, which this leapp does not know");
        return Chosen::Missing(
            Failure::new(Kind::Incomplete, message).hint("install a newer leapp"),
        );
    };
    if let Some(session) = known.catalog.by_identifier(&id) {
        return Chosen::Shell(Some(session));
    }
    // What such credentials are made from is not in the environment that they are in.
    let of_environment = matches!(
        id,
        CredentialIdentifier::Container
            | CredentialIdentifier::Environment
            | CredentialIdentifier::Instance
    );
    if of_environment {
        return Chosen::Shell(None);
    }
    if let (CredentialIdentifier::Session(_), Err(failure)) = (&id, known.readable()) {
        context.ui.note(&failure.message);
        return Chosen::Shell(None);
    }
    let name = variable("LEAPP_SESSION").unwrap_or_default().to_string_lossy().into_owned();
    let failure = match known.find(identity) {
        Err(failure) => failure.doing(format!("'{name}', which is on in this shell, is gone")),
        Ok(_) => nothing(),
    };
    Chosen::Missing(failure.hint("leapp list; to switch it off: leapp env --unset, leapp off"))
}

fn nothing() -> Failure {
    Failure::new(
        Kind::Incomplete,
        "no session is on in this shell or directory, and none was named",
    )
    .hint(
        "leapp status NAME; for this shell: eval \"$(leapp env NAME)\"; \
             for this directory: leapp pin NAME",
    )
}

/// What a connection knows a session by.
pub(super) fn identity(session: &Session) -> Identity {
    let (identifier, name) = (session.identifier().to_string(), session.name.to_string());
    Identity { identifier, name }
}

/// Where a session works here: a flag, the trusted project's file, and so on. The inner failure
/// says that it works nowhere.
pub(super) fn region_of(
    context: &Context,
    known: &Known,
    session: &Session,
    flag: Option<&RegionName>,
) -> Outcome<Result<RegionChoice, Failure>> {
    let project = flag.is_none().then(|| project::trusted_here(context)).flatten();
    let mut said = project.map(|trusted| Regions::of_project(&trusted)).unwrap_or_default();
    said.flag = flag.cloned();
    match region(context, &known.catalog, session, &said) {
        Ok(choice) => Ok(Ok(choice)),
        Err(failure) if failure.kind == Kind::Incomplete => Ok(Err(failure)),
        Err(failure) => Err(failure),
    }
}

/// What is wrong, and its nearest cause, in a line.
pub(super) fn in_a_line(failure: &Failure) -> String {
    match failure.causes.first() {
        Some(cause) => format!("{}: {cause}", failure.message),
        None => failure.message.clone(),
    }
}
