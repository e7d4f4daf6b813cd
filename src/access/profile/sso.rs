//! A role by IAM Identity Center, with a token that a login of the AWS CLI left in its cache.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html>.
//!
//! Deliberately absent: logging in.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::facts::{Facts, Sso, content};
use crate::{
    access::{
        AccessError, Call, FieldError, Helpers, Hop, Issued, Request, aws, rewrite, source::Place,
    },
    cloud::{
        ErrorKind,
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
    let material = json!({ "sso": facts.sso, "endpoint": facts.sso_endpoint });
    let notes = match hop.duration {
        // Identity Center alone decides how long its roles last.
        Some(_) => vec![format!(
            "--duration does not count for '{}': its permission set says how long it lasts",
            hop.session.name
        )],
        None => Vec::new(),
    };
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
    let token = token(hop, facts, sso, helpers)?;
    let route = route(hop, sso, facts.sso_endpoint.as_deref(), helpers, "AWS_ENDPOINT_URL_SSO")?;
    let portal = Portal::new(route, helpers.waiting);
    let role = Role { account: sso.account.clone(), name: sso.role.clone() };
    let keys = portal.role_keys(&token, &role).map_err(|error| match error.kind {
        ErrorKind::LoginNeeded => login_needed(facts, sso, "is not accepted any more"),
        _ => error.into(),
    })?;
    let clock_offset = portal.clock_offset();
    Ok(Issued { credentials: aws::credentials(keys), clock_offset, notes: Vec::new() })
}

/// The portal's or the token service's address, in the region of Identity Center.
fn route(
    hop: &Hop<'_>,
    sso: &Sso,
    own: Option<&str>,
    helpers: &Helpers<'_>,
    variable: &str,
) -> Result<Route, AccessError> {
    let mut route = aws::route_to(hop, own)?;
    route.region = RegionName::parse(&sso.region)
        .map_err(|error| FieldError { flag: "sso-region".into(), problem: error.to_string() })?;
    if let Some(endpoint) = aws::service_endpoint(helpers.place, variable) {
        route.endpoint = Some(endpoint);
    }
    Ok(route)
}

/// A token that works, refreshed where it ends soon and that can be done without a person.
fn token(
    hop: &Hop<'_>,
    facts: &Facts,
    sso: &Sso,
    helpers: &Helpers<'_>,
) -> Result<Secret, AccessError> {
    let absent = || login_needed(facts, sso, "is not there");
    let path = path(sso, helpers.place).ok_or_else(absent)?;
    let now = || Timestamp(clock::now());
    let found = read(&path);
    if let (TokenState::Valid { .. }, Some((token, _))) =
        (sso_cache::state(found.as_ref().map(|(token, _)| token), now()), found)
    {
        return Ok(token.access_token);
    }
    let _lock = rewrite::lock(&path, helpers)?;
    // Another process may have refreshed it meanwhile.
    let Some((token, text)) = read(&path) else {
        return Err(absent());
    };
    match sso_cache::state(Some(&token), now()) {
        TokenState::Valid { .. } => return Ok(token.access_token),
        TokenState::Refreshable { .. } => {}
        TokenState::Absent | TokenState::Expired => {
            return Err(login_needed(facts, sso, "has ended"));
        }
    }
    let Some(renewal) = &token.renewal else {
        return Err(login_needed(facts, sso, "has ended"));
    };
    let own = facts.oidc_endpoint.as_deref();
    let route = route(hop, sso, own, helpers, "AWS_ENDPOINT_URL_SSO_OIDC")?;
    let issued = match Oidc::new(route, helpers.waiting).refresh(renewal) {
        Ok(issued) => issued,
        // What is left of the old one serves while the service cannot be reached.
        Err(error)
            if error.kind == ErrorKind::Unreachable && token.expires_at.since(now()) > 60 =>
        {
            return Ok(token.access_token);
        }
        Err(error) if error.kind == ErrorKind::LoginNeeded => {
            return Err(login_needed(facts, sso, "cannot be refreshed any more"));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(written) = sso_cache::refreshed(text.expose(), &issued, now()) {
        rewrite::write(&path, &written)?;
    }
    Ok(issued.access_token)
}

fn read(path: &Path) -> Option<(CachedToken, Secret)> {
    let text = rewrite::read(path)?;
    Some((sso_cache::parse(text.expose())?, text))
}

pub(super) fn login_needed(facts: &Facts, sso: &Sso, what: &str) -> AccessError {
    let quoted = shell_words::quote;
    match &sso.session {
        Some(session) => AccessError::Elsewhere {
            problem: format!("the sign-in token of sso-session '{session}' {what}"),
            command: format!("aws sso login --sso-session {}", quoted(session)),
        },
        None => AccessError::Elsewhere {
            problem: format!("the sign-in token of profile '{}' {what}", facts.profile),
            command: format!("aws sso login --profile {}", quoted(&facts.profile)),
        },
    }
}

/// A refresh of the token, where it ends soon, and the role's keys.
pub(super) fn calls(hop: &Hop<'_>, facts: &Facts, place: &dyn Place) -> Vec<Call> {
    let Some(sso) = &facts.sso else { return Vec::new() };
    let at = |variable: &str, own: Option<&String>| {
        let named = aws::service_endpoint(place, variable).or_else(|| hop.endpoint.clone());
        named.or_else(|| own.cloned()).unwrap_or_else(|| sso.region.clone())
    };
    let mut calls = Vec::new();
    if let TokenState::Refreshable { .. } = state(sso, place) {
        let at = at("AWS_ENDPOINT_URL_SSO_OIDC", facts.oidc_endpoint.as_ref());
        let parameters = vec![("grantType", Some("refresh_token".to_owned()))];
        calls.push(Call::new("sso-oidc", "CreateToken", at, parameters));
    }
    let at = at("AWS_ENDPOINT_URL_SSO", facts.sso_endpoint.as_ref());
    let parameters =
        vec![("accountId", Some(sso.account.clone())), ("roleName", Some(sso.role.clone()))];
    calls.push(Call::new("sso", "GetRoleCredentials", at, parameters));
    calls
}
