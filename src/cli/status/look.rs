//! The state of a connection by the cache alone: no network, no vault, no person.

use crate::{
    access::{self, AccessError},
    model::{Session, Timestamp},
    resolver::{
        CredentialManager,
        connection::{Missing, Need, State},
        status::{self, Status},
    },
    system::clock,
};

/// Looks.
pub(super) fn look(manager: &CredentialManager<'_>, session: &Session) -> State {
    match status::of(manager, session) {
        Status::Active { left, expires, started } => {
            State::Valid { expires, left, started: Some(started), caller: None }
        }
        Status::Inactive => signed_in(manager, session).unwrap_or(State::Inactive),
        Status::Pending => State::Pending,
        Status::Incomplete => {
            let why = manager.cached(session).err().map(|error| error.to_string());
            unusable(why.or_else(|| manager.needs_person(session).err().map(|e| e.to_string())))
        }
        Status::NeedsLogin => match manager.lacks(session) {
            Some(AccessError::Elsewhere { problem, command }) => {
                State::RequiresUserAction { need: Need::Login, command, cause: Some(problem) }
            }
            // It was logged in to a moment ago.
            _ => State::Inactive,
        },
        Status::NeedsPerson => {
            State::RequiresUserAction { need: Need::Mfa, command: start(session), cause: None }
        }
    }
}

/// The state of a sign-in, which has an end and no credentials of its own.
fn signed_in(manager: &CredentialManager<'_>, session: &Session) -> Option<State> {
    let factory = access::factory(&session.session_type)?;
    let left = factory.signed_in(session, manager.place())?;
    let expires = Timestamp(clock::now().saturating_add(left));
    Some(State::Valid { expires, left, started: None, caller: None })
}

/// The command that asks for what a session needs.
pub(super) fn start(session: &Session) -> String {
    format!("leapp start {}", shell_words::quote(session.name.as_str()))
}

/// The state of an identity that is there and lacks something.
pub(super) fn unusable(cause: Option<String>) -> State {
    State::Incomplete { missing: Missing { identity: true, region: false }, cause }
}
