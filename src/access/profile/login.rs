//! `login_session`: keys of a console session that `aws login` began, out of that command's cache.
//! See <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>.
//!
//! Deliberately absent: logging in; that is the AWS CLI's.

use std::path::PathBuf;

use serde_json::json;

use super::facts::Facts;
use crate::{
    access::{
        AccessError, Call, Helpers, Hop, Issued, Request, aws, rewrite,
        source::{self, Place},
    },
    cloud::{
        login_cache::{self, LoginSession, LoginState},
        sign_in::SignIn,
        sts::TemporaryKeys,
    },
    model::Timestamp,
    secret::Secret,
    system::clock,
};

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let material = json!({ "login_session": facts.login_session });
    Request { material: aws::material(hop, &material), asks_person: false, notes: Vec::new() }
}

/// The cache file of the profile's session. Without a home there is none: what lies in the current
/// directory may be anybody's.
pub(super) fn path(facts: &Facts, place: &dyn Place) -> Option<PathBuf> {
    let usual = || Some(login_cache::default_directory(&PathBuf::from(place.own("HOME")?)));
    let directory = match source::text(place, "AWS_LOGIN_CACHE_DIRECTORY") {
        Some(named) => Some(source::expand(place, &named)),
        None => usual(),
    }?;
    Some(login_cache::path(&directory, facts.login_session.as_deref().unwrap_or_default()))
}

/// What the cached session is good for.
pub(super) fn state(facts: &Facts, place: &dyn Place) -> LoginState {
    let text = path(facts, place).and_then(|path| rewrite::read(&path));
    let session = text.as_ref().and_then(|text| login_cache::parse(text.expose()));
    login_cache::state(session.as_ref(), Timestamp(clock::now()))
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let path = path(facts, helpers.place).ok_or_else(|| ended(facts))?;
    let lock = rewrite::lock(&path, helpers)?;
    let text = rewrite::read(&path);
    let found = text.as_ref().and_then(|text| login_cache::parse(text.expose()));
    let now = Timestamp(clock::now());
    let session = match (login_cache::state(found.as_ref(), now), found, text) {
        (LoginState::Valid { .. }, Some(session), _) => session,
        (LoginState::Refreshable { .. }, Some(session), Some(text)) => {
            match refresh(hop, &session, &text, &path, helpers) {
                Ok(session) => session,
                // What is left of the old ones serves while the service cannot be reached.
                Err(AccessError::Cloud(error))
                    if error.kind == crate::cloud::ErrorKind::Unreachable
                        && session.expires_at.since(now) > 60 =>
                {
                    session
                }
                Err(AccessError::Cloud(error))
                    if error.kind == crate::cloud::ErrorKind::LoginNeeded =>
                {
                    return Err(ended(facts));
                }
                Err(error) => return Err(error),
            }
        }
        _ => return Err(ended(facts)),
    };
    drop(lock);
    let keys = TemporaryKeys {
        key_id: session.key_id,
        secret_key: session.secret_key,
        session_token: session.session_token,
        expires_at: session.expires_at,
        issued_at: now,
    };
    Ok(Issued { credentials: aws::credentials(keys), clock_offset: 0, notes: Vec::new() })
}

fn refresh(
    hop: &Hop<'_>,
    session: &LoginSession,
    text: &Secret,
    path: &std::path::Path,
    helpers: &Helpers<'_>,
) -> Result<LoginSession, AccessError> {
    let renewal = session.renewal.as_ref().ok_or(AccessError::Cancelled)?;
    let mut route = aws::route_to(hop, None)?;
    if let Some(region) =
        session.region.as_deref().and_then(|r| crate::model::RegionName::parse(r).ok())
    {
        route.region = region;
    }
    route.endpoint = aws::service_endpoint(helpers.place, "AWS_ENDPOINT_URL_SIGNIN");
    let sign_in = SignIn::new(route, helpers.clock_offset, helpers.waiting);
    let issued = sign_in.refresh(renewal)?;
    let now = Timestamp(clock::now());
    let written = login_cache::refreshed(text.expose(), &issued, now);
    let written = written.ok_or_else(|| AccessError::Changed(hop.session.name.to_string()))?;
    rewrite::write(path, &written)?;
    login_cache::parse(written.expose())
        .ok_or_else(|| AccessError::Changed(hop.session.name.to_string()))
}

pub(super) fn ended(facts: &Facts) -> AccessError {
    AccessError::Elsewhere {
        problem: format!("the console login of profile '{}' has ended", facts.profile),
        command: format!("aws login --profile {}", shell_words::quote(&facts.profile)),
    }
}

/// A refresh, where the cached keys end soon.
pub(super) fn calls(facts: &Facts, place: &dyn Place) -> Vec<Call> {
    match state(facts, place) {
        LoginState::Refreshable { .. } => {
            let session = facts.login_session.clone();
            vec![Call::new("signin", "CreateOAuth2Token", "", vec![("login_session", session)])]
        }
        _ => Vec::new(),
    }
}
