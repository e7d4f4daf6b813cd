//! `web_identity_token_file`: a role that trusts whoever issued the token in that file.

use serde_json::json;

use super::facts::Facts;
use crate::{
    access::{AccessError, Call, FieldError, Helpers, Hop, Issued, Request, aws, source},
    cloud::web_identity::{Wanted, WebIdentity},
    secret::Secret,
    system::files,
};

/// No token is larger, in bytes.
const LIMIT: u64 = 64 << 10;

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let material = json!({
        "role_arn": facts.role_arn,
        "session_name": super::role::session_name(hop, facts),
        "duration": hop.duration.or(facts.duration_seconds),
        "file": facts.web_identity_token_file,
        "endpoint": facts.sts_endpoint,
    });
    Request { material: aws::material(hop, &material), asks_person: false, notes: Vec::new() }
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let token = token(facts, helpers)?;
    let wanted = Wanted {
        role_arn: facts.role_arn.clone().unwrap_or_default(),
        session_name: super::role::session_name(hop, facts),
        duration: hop.duration.or(facts.duration_seconds),
    };
    let sts = WebIdentity::new(super::keys::route(hop, facts)?, helpers.waiting);
    let keys = sts.role_keys(&token, &wanted)?;
    let clock_offset = sts.clock_offset();
    Ok(Issued { credentials: aws::credentials(keys), clock_offset, notes: Vec::new() })
}

/// The token as it stands in the file now; whoever issues it replaces it from time to time.
fn token(facts: &Facts, helpers: &Helpers<'_>) -> Result<Secret, AccessError> {
    let named = facts.web_identity_token_file.as_deref().unwrap_or_default();
    let path = source::expand(helpers.place, named);
    let refuse = |problem: &str| FieldError {
        flag: "web-identity-token-file".into(),
        problem: format!("'{}' {problem}", path.display()),
    };
    let read = files::read_users(&path, LIMIT).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        refuse(&format!("cannot be read: {}", cause.unwrap_or_default()))
    })?;
    let bytes = read.ok_or_else(|| refuse("does not exist"))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is no text"))?;
    let token = Secret::new(text.trim().to_owned());
    drop(Secret::new(text));
    if token.expose().is_empty() {
        return Err(refuse("is empty").into());
    }
    Ok(token)
}

/// The one call.
pub(super) fn calls(hop: &Hop<'_>, facts: &Facts) -> Vec<Call> {
    let seconds = hop.duration.or(facts.duration_seconds);
    let parameters = vec![
        ("RoleArn", facts.role_arn.clone()),
        ("RoleSessionName", Some(super::role::session_name(hop, facts))),
        ("DurationSeconds", seconds.map(|seconds| seconds.to_string())),
        ("WebIdentityToken", facts.web_identity_token_file.as_ref().map(|f| format!("of {f}"))),
    ];
    let own = facts.sts_endpoint.as_deref();
    vec![aws::sts_call(hop, own, "AssumeRoleWithWebIdentity", parameters)]
}
