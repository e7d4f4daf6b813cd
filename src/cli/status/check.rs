//! The deep check: the cloud is asked, with credentials that are fetched if need be.

use super::look::{start, unusable};
use crate::{
    access::AccessError,
    cli::{
        context::Context,
        failure::{Failure, Kind},
        handout::{confirm, explain},
    },
    cloud::ErrorKind,
    model::{RegionName, Session},
    resolver::{
        CredentialManager, ResolveError, Want,
        connection::{Answer, Caller, Need, Reason, State},
    },
    vault::VaultError,
};

/// One `GetCallerIdentity` in that region, afresh. The failure says what a person is told besides.
pub(super) fn check(
    context: &Context,
    manager: &CredentialManager<'_>,
    session: &Session,
    region: &RegionName,
) -> (Answer, Option<Failure>) {
    if let Err(failure) = confirm(context, session) {
        return (of_failure(&failure, session, Some(Need::Confirm)), Some(failure));
    }
    let resolved = match manager.resolve(session, Want::default()) {
        Ok(resolved) => resolved,
        Err(error) => {
            let need = need(&error);
            let failure = explain(error.into(), session);
            return (of_failure(&failure, session, need), Some(failure));
        }
    };
    match manager.verify(session, &resolved, region) {
        Ok(verified) => {
            let clocked = &resolved.clocked;
            let state = State::Valid {
                expires: clocked.local_expiry(),
                left: clocked.left(),
                started: Some(clocked.issued_at),
                caller: Some(Caller { account: verified.account, arn: verified.principal }),
            };
            (Answer::Is(state), None)
        }
        Err(error) => {
            let need = need(&error);
            let name = &session.name;
            let failure =
                Failure::from(error).doing(format!("the credentials of '{name}' do not work"));
            let failure = match failure.kind {
                Kind::Invalid => failure.hint(format!("leapp rotate {name}")),
                _ => failure,
            };
            (of_failure(&failure, session, need), Some(failure))
        }
    }
}

/// What a person can do about an error.
fn need(error: &ResolveError) -> Option<Need> {
    match error {
        ResolveError::Access(AccessError::Elsewhere { .. }) => Some(Need::Login),
        ResolveError::Access(AccessError::Cloud(error)) => match error.kind {
            ErrorKind::LoginNeeded => Some(Need::Login),
            ErrorKind::MfaRejected => Some(Need::Mfa),
            _ => None,
        },
        ResolveError::Access(AccessError::Vault(VaultError::Locked(_))) => Some(Need::Unlock),
        _ => None,
    }
}

/// The answer that a failure is.
pub(super) fn of_failure(failure: &Failure, session: &Session, need: Option<Need>) -> Answer {
    let cause = failure.in_a_line();
    let reason = match failure.kind {
        Kind::Cancelled => return Answer::Cancelled,
        Kind::Incomplete | Kind::Usage => return Answer::Is(unusable(Some(cause))),
        Kind::NeedsAction => {
            let need = need.unwrap_or(Need::Mfa);
            // A hint of a login is the other tool's own command.
            let hint = failure.hint.clone().filter(|_| need == Need::Login);
            let command = hint.unwrap_or_else(|| start(session));
            return Answer::Is(State::RequiresUserAction { need, command, cause: Some(cause) });
        }
        Kind::Failed => Reason::Failed,
        Kind::Invalid => Reason::Refused,
        Kind::Storage => Reason::Storage,
        Kind::Unreachable => Reason::Unreachable,
    };
    Answer::Is(State::Invalid { reason, cause })
}
