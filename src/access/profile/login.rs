//! `login_session`: keys of a console session that `aws login` began, out of that command's cache.
//! See <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>.
//!
//! Deliberately absent: logging in; that is the AWS CLI's.

use std::path::PathBuf;

use serde_json::json;

use super::facts::Facts;
use crate::{
    access::{
        AccessError, Call, Helpers, Hop, Issued, Request, aws,
        rewrite::{self, Cache, Current, State},
        source::{self, Place},
    },
    cloud::{
        ErrorKind,
        endpoint::Service,
        login_cache::{self, LoginSession, LoginState},
        sign_in::SignIn,
        sts::TemporaryKeys,
    },
    model::{RegionName, Timestamp},
    secret::Secret,
    system::clock,
};

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let material = json!({
        "login_session": facts.login_session,
        "services": hop.services,
        "cache": hop.login_cache,
    });
    let mut notes = match hop.duration {
        // The keys are the login's own.
        Some(_) => vec![format!(
            "--duration does not count for '{}': 'aws login' says how long its keys last",
            hop.session.name
        )],
        None => Vec::new(),
    };
    notes.extend(hop.services.notes(&["_SIGNIN"]));
    Request { material: aws::material(hop, &material), asks_person: false, notes }
}

/// The cache file of the profile's session. Without a home there is none: what lies in the current
/// directory may be anybody's.
pub(super) fn path(facts: &Facts, place: &dyn Place) -> Option<PathBuf> {
    let usual = || Some(login_cache::default_directory(&PathBuf::from(place.own("HOME")?)));
    let directory = match source::text(place, "AWS_LOGIN_CACHE_DIRECTORY") {
        Some(named) => Some(source::expand(place, &named)).filter(|path| !path.starts_with("~")),
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
    let Current { item, notes } = rewrite::current(&Logins { hop, facts, helpers }, &path)?;
    let keys = TemporaryKeys {
        key_id: item.key_id,
        secret_key: item.secret_key,
        session_token: item.session_token,
        expires_at: item.expires_at,
        issued_at: Timestamp(clock::now()),
    };
    Ok(Issued { credentials: aws::credentials(keys), clock_offset: 0, notes })
}

/// The keys of a login.
struct Logins<'a> {
    hop: &'a Hop<'a>,
    facts: &'a Facts,
    helpers: &'a Helpers<'a>,
}

impl Cache for Logins<'_> {
    type Item = LoginSession;

    fn what(&self) -> String {
        format!("the console login of profile '{}'", self.facts.profile)
    }

    fn parse(&self, text: &str) -> Option<LoginSession> {
        login_cache::parse(text)
    }

    fn state(&self, session: &LoginSession, now: Timestamp) -> State {
        match login_cache::state(Some(session), now) {
            LoginState::Absent | LoginState::Expired => State::Ended,
            LoginState::Refreshable { left } => State::Refreshable(left),
            LoginState::Valid { left } => State::Valid(left),
        }
    }

    fn refresh_token<'i>(&self, session: &'i LoginSession) -> Option<&'i Secret> {
        session.renewal.as_ref().map(|renewal| &renewal.refresh_token)
    }

    fn refresh(&self, session: &LoginSession, text: &Secret) -> Result<Secret, AccessError> {
        let renewal = session.renewal.as_ref().ok_or_else(|| ended(self.facts))?;
        let mut route = aws::sign_in_route(self.hop, Service::SignIn, None)?;
        if let Some(region) = session.region.as_deref().and_then(|r| RegionName::parse(r).ok()) {
            route.region = region;
        }
        let sign_in = SignIn::new(route, self.helpers.clock_offset, self.helpers.waiting);
        let issued = sign_in.refresh(renewal).map_err(|error| match error.kind {
            ErrorKind::LoginNeeded => ended(self.facts),
            _ => error.into(),
        })?;
        let written = login_cache::refreshed(text.expose(), &issued, Timestamp(clock::now()));
        written.ok_or_else(|| AccessError::Changed(self.what()))
    }

    fn needed(&self, why: &str) -> AccessError {
        match why {
            // None that counts: to a user it is the same.
            "is not there" => ended(self.facts),
            _ => lacking(self.facts, why),
        }
    }
}

pub(super) fn ended(facts: &Facts) -> AccessError {
    lacking(facts, "has ended")
}

fn lacking(facts: &Facts, why: &str) -> AccessError {
    AccessError::Elsewhere {
        problem: format!("the console login of profile '{}' {why}", facts.profile),
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
