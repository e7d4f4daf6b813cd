//! A role by IAM Identity Center, with a token that a login of the AWS CLI left in its cache.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html>.
//!
//! Deliberately absent: logging in.

use std::path::PathBuf;

use serde_json::json;

use super::facts::{Facts, Sso, content};
use crate::{
    access::{
        AccessError, Call, FieldError, Helpers, Hop, Issued, Request, aws,
        rewrite::{self, Cache, Current, State},
        source::Place,
    },
    cloud::{
        ErrorKind,
        endpoint::Service,
        shared_config::Named,
        sso::{Portal, Role},
        sso_cache::{self, CachedToken, TokenState},
        sso_oidc::Oidc,
        sts::Route,
    },
    model::{CredentialIdentifier, RegionName, Session, SessionName, Timestamp},
    secret::Secret,
    system::{clock, hash},
};

/// The session that an `[sso-session]` becomes: it has a token, and no keys.
pub(super) fn session(id: CredentialIdentifier, section: &Named) -> Option<Session> {
    // Named by what it is: profiles often bear the same name.
    let name = SessionName::foreign(&id.to_string()).ok()?;
    let of = |key: &str| section.get(key).unwrap_or_default().to_owned();
    let sso = Sso {
        session: Some(section.name.clone()),
        start_url: of("sso_start_url"),
        region: of("sso_region"),
        ..Sso::default()
    };
    let sections = hash::long([Some(content(section).as_bytes())]);
    let facts = Facts { sso: Some(sso), sections, ..Facts::default() };
    let mut session = Session::elsewhere(id, name, "aws-sso-session");
    session.region = RegionName::parse(&of("sso_region")).ok();
    session.fields = facts.to_fields();
    Some(session)
}

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let material = json!({
        "sso": facts.sso,
        "endpoints": [&facts.sso_endpoint, &facts.oidc_endpoint],
        "services": hop.services,
    });
    let mut notes = match hop.duration {
        // Identity Center alone decides how long its roles last.
        Some(_) => vec![format!(
            "--duration does not count for '{}': its permission set says how long it lasts",
            hop.session.name
        )],
        None => Vec::new(),
    };
    notes.extend(hop.services.notes(&["_SSO", "_SSO_OIDC"]));
    Request { material: aws::material(hop, &material), asks_person: false, notes }
}

/// The token's file. Without a home there is none: what lies in the current directory may be anybody's.
pub(super) fn path(sso: &Sso, place: &dyn Place) -> Option<PathBuf> {
    let home = PathBuf::from(place.own("HOME")?);
    Some(sso_cache::path(&home, sso.session.as_deref().unwrap_or(&sso.start_url)))
}

/// What the cached token is good for.
pub(super) fn state(sso: &Sso, place: &dyn Place) -> TokenState {
    let text = path(sso, place).and_then(|path| rewrite::read(&path));
    let token = text.as_ref().and_then(|text| sso_cache::parse(text.expose()));
    sso_cache::state(token.as_ref(), Timestamp(clock::now()))
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let sso = facts.sso.as_ref().ok_or_else(|| aws::lacking_keys(hop))?;
    let tokens = Tokens { hop, facts, sso, helpers };
    let path = path(sso, helpers.place).ok_or_else(|| tokens.needed("is not there"))?;
    let Current { item: token, notes } = rewrite::current(&tokens, &path)?;
    let portal =
        Portal::new(route(hop, sso, Service::Sso, facts.sso_endpoint.as_deref())?, helpers.waiting);
    let role = Role { account: sso.account.clone(), name: sso.role.clone() };
    let keys = portal.role_keys(&token.access_token, &role).map_err(|error| match error.kind {
        ErrorKind::LoginNeeded => login_needed(facts, sso, "is not accepted any more"),
        _ => error.into(),
    })?;
    let clock_offset = portal.clock_offset();
    Ok(Issued { credentials: aws::credentials(keys), clock_offset, notes })
}

/// The portal's or the token service's address, in the region of Identity Center.
fn route(
    hop: &Hop<'_>,
    sso: &Sso,
    service: Service,
    own: Option<&str>,
) -> Result<Route, AccessError> {
    let mut route = aws::sign_in_route(hop, service, own)?;
    route.region = RegionName::parse(&sso.region)
        .map_err(|error| FieldError { flag: "sso-region".into(), problem: error.to_string() })?;
    Ok(route)
}

/// The tokens of a login.
struct Tokens<'a> {
    hop: &'a Hop<'a>,
    facts: &'a Facts,
    sso: &'a Sso,
    helpers: &'a Helpers<'a>,
}

impl Cache for Tokens<'_> {
    type Item = CachedToken;

    fn what(&self) -> String {
        what(self.facts, self.sso)
    }

    fn parse(&self, text: &str) -> Option<CachedToken> {
        sso_cache::parse(text)
    }

    fn state(&self, token: &CachedToken, now: Timestamp) -> State {
        match sso_cache::state(Some(token), now) {
            TokenState::Absent | TokenState::Expired => State::Ended,
            TokenState::Refreshable { left } => State::Refreshable(left),
            TokenState::Valid { left } => State::Valid(left),
        }
    }

    fn refresh_token<'i>(&self, token: &'i CachedToken) -> Option<&'i Secret> {
        token.renewal.as_ref().map(|renewal| &renewal.refresh_token)
    }

    fn refresh(&self, token: &CachedToken, text: &Secret) -> Result<Secret, AccessError> {
        let renewal = token.renewal.as_ref().ok_or_else(|| self.needed("has ended"))?;
        let own = self.facts.oidc_endpoint.as_deref();
        let route = route(self.hop, self.sso, Service::SsoOidc, own)?;
        let issued = Oidc::new(route, self.helpers.waiting).refresh(renewal);
        let issued = issued.map_err(|error| match error.kind {
            ErrorKind::LoginNeeded => self.needed("cannot be refreshed any more"),
            _ => error.into(),
        })?;
        let written = sso_cache::refreshed(text.expose(), &issued, Timestamp(clock::now()));
        written.ok_or_else(|| AccessError::Changed(self.what()))
    }

    fn needed(&self, why: &str) -> AccessError {
        login_needed(self.facts, self.sso, why)
    }
}

fn what(facts: &Facts, sso: &Sso) -> String {
    match &sso.session {
        Some(session) => format!("the sign-in token of sso-session '{session}'"),
        None => format!("the sign-in token of profile '{}'", facts.profile),
    }
}

pub(super) fn login_needed(facts: &Facts, sso: &Sso, why: &str) -> AccessError {
    let quoted = shell_words::quote;
    let command = match &sso.session {
        Some(session) => format!("aws sso login --sso-session {}", quoted(session)),
        None => format!("aws sso login --profile {}", quoted(&facts.profile)),
    };
    AccessError::Elsewhere { problem: format!("{} {why}", what(facts, sso)), command }
}

/// A refresh of the token, where it ends soon, and the role's keys.
pub(super) fn calls(hop: &Hop<'_>, facts: &Facts, place: &dyn Place) -> Vec<Call> {
    let Some(sso) = &facts.sso else { return Vec::new() };
    let at = |service: Service, own: Option<&String>| {
        let named = hop.services.of(service).or(own.map(String::as_str));
        named.unwrap_or(&sso.region).to_owned()
    };
    let mut calls = Vec::new();
    if let TokenState::Refreshable { .. } = state(sso, place) {
        let at = at(Service::SsoOidc, facts.oidc_endpoint.as_ref());
        let parameters = vec![("grantType", Some("refresh_token".to_owned()))];
        calls.push(Call::new("sso-oidc", "CreateToken", at, parameters));
    }
    let at = at(Service::Sso, facts.sso_endpoint.as_ref());
    let parameters =
        vec![("accountId", Some(sso.account.clone())), ("roleName", Some(sso.role.clone()))];
    calls.push(Call::new("sso", "GetRoleCredentials", at, parameters));
    calls
}
