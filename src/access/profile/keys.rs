//! Keys in a file: temporary ones as they are, long-term ones for a session of theirs.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    facts::{Facts, token_of},
    validity::{self, InFile},
};
use crate::{
    access::{AccessError, Call, Helpers, Hop, Issued, Request, aws},
    cloud::{
        shared_config::Profile,
        sts::{SigningKeys, Sts, TemporaryKeys},
        times,
    },
    model::Timestamp,
    secret::Secret,
    system::clock,
};

/// Temporary keys whose end nobody has written down are looked at again after this, in seconds.
const PRESUMED: i64 = 12 * 3600;
/// The same where their end is written down in a way that nobody can read: there is one.
const PRESUMED_OF_UNREADABLE: i64 = 3600;

/// When temporary keys end by what was written down, and what the user should know of that. `whose`
/// names them.
pub(in crate::access) fn end(
    written: Option<&str>,
    now: i64,
    whose: &str,
) -> (Timestamp, Vec<String>) {
    let (left, note) = match written.map(|text| (text, times::parse_loosely(text))) {
        Some((_, Some(end))) => return (end, Vec::new()),
        Some((text, None)) => (
            PRESUMED_OF_UNREADABLE,
            format!("the end of {whose}, {text:?}, is no time; 1h is presumed"),
        ),
        None => (PRESUMED, format!("nobody has written down when {whose} end; 12h are presumed")),
    };
    (Timestamp(now.saturating_add(left)), vec![note])
}

fn whose(hop: &Hop<'_>) -> String {
    format!("the keys of '{}'", hop.session.name)
}

/// What stands in a section: the form of a vault's item, from a plain file.
#[derive(Deserialize, Serialize)]
struct Item {
    key_id: String,
    secret_key: String,
    token: Option<String>,
}

/// The keys of a profile's own section, as one secret.
pub(super) fn item(profile: &Profile) -> Option<Secret> {
    let file = validity::own_keys(profile)?;
    let of = |key: &str| validity::of_file(profile, file, key).map(|s| s.expose().to_owned());
    let item = Item {
        key_id: of("aws_access_key_id")?,
        secret_key: of("aws_secret_access_key")?,
        token: token(profile, file),
    };
    let text = serde_json::to_string(&item).unwrap_or_default();
    drop(Secret::new(item.secret_key));
    drop(item.token.map(Secret::new));
    Some(Secret::new(text))
}

fn token(profile: &Profile, file: InFile) -> Option<String> {
    token_of(profile, file).map(|token| token.expose().to_owned())
}

/// The keys that a hop's request is signed with, read from the file again.
pub(super) fn read(hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<SigningKeys, AccessError> {
    let name = hop.session.name.to_string();
    let facts = Facts::of(hop.session);
    // Where nothing is there any more, somebody has just taken it away.
    let item = (helpers.secret)()?.ok_or_else(|| AccessError::Changed(name.clone()))?;
    let item: Item = serde_json::from_str(item.expose())
        .map_err(|_| AccessError::SecretUnusable(name.clone()))?;
    let keys = SigningKeys {
        key_id: item.key_id,
        secret_key: Secret::new(item.secret_key),
        session_token: item.token.map(Secret::new),
    };
    // The file may have changed since it was looked at: then this request is another one.
    if facts.keys.is_none_or(|known| known.key_id != keys.key_id) {
        return Err(AccessError::Changed(name));
    }
    Ok(keys)
}

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let keys = facts.keys.clone().unwrap_or_default();
    if keys.temporary {
        let material = json!({
            "key_id": keys.key_id,
            "expires": keys.expires,
            "edition": keys.edition,
        });
        let (_, mut notes) = end(keys.expires.as_deref(), clock::now(), &whose(hop));
        if hop.duration.is_some() {
            notes.push(format!(
                "--duration does not count for '{}': its keys are temporary already",
                hop.session.name
            ));
        }
        return Request { material: aws::material(hop, &material), asks_person: false, notes };
    }
    let duration = hop.duration.unwrap_or(aws::USUAL);
    let material = json!({
        "key_id": keys.key_id,
        "duration": duration,
        "mfa_serial": facts.mfa_serial,
        "endpoint": facts.sts_endpoint,
    });
    Request {
        material: aws::material(hop, &material),
        asks_person: facts.mfa_serial.is_some(),
        notes: Vec::new(),
    }
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    if let Some(device) = facts.mfa_serial.as_ref().filter(|_| !is_temporary(facts))
        && !helpers.prompt.can_ask()
    {
        return Err(AccessError::NeedsPerson(format!("an MFA code of '{device}'")));
    }
    let keys = read(hop, helpers)?;
    match keys {
        SigningKeys { key_id, secret_key, session_token: Some(session_token) } => {
            let now = clock::now();
            let expires = facts.keys.as_ref().and_then(|keys| keys.expires.as_deref());
            let (expires_at, _) = end(expires, now, &whose(hop));
            let keys = TemporaryKeys {
                key_id,
                secret_key,
                session_token,
                expires_at,
                issued_at: Timestamp(now),
            };
            ended(hop, &keys)?;
            Ok(Issued { credentials: aws::credentials(keys), clock_offset: 0, notes: Vec::new() })
        }
        keys => session_of(hop, facts, keys, helpers),
    }
}

/// Keys that a file says have ended are of no use to anybody.
fn ended(hop: &Hop<'_>, keys: &TemporaryKeys) -> Result<(), AccessError> {
    if keys.expires_at.0 > clock::now() {
        return Ok(());
    }
    let name = &hop.session.name;
    Err(AccessError::Elsewhere {
        problem: format!("the temporary keys of '{name}' have ended"),
        command: "renew them with the tool that wrote them".into(),
    })
}

/// A session of long-term keys, with a one-time code where the profile names a device.
pub(super) fn session_of(
    hop: &Hop<'_>,
    facts: &Facts,
    keys: SigningKeys,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let sts = Sts::new(route(hop, facts)?, keys, helpers.clock_offset, helpers.waiting);
    aws::session_of(hop, &sts, facts.mfa_serial.as_deref(), helpers)
}

fn is_temporary(facts: &Facts) -> bool {
    facts.keys.as_ref().is_some_and(|keys| keys.temporary)
}

/// Where requests to STS go: the environment's loopback address, else the profile's own.
pub(super) fn route(hop: &Hop<'_>, facts: &Facts) -> Result<crate::cloud::sts::Route, AccessError> {
    aws::route_to(hop, facts.sts_endpoint.as_deref())
}

/// The calls that keys need: none where they are temporary already.
pub(super) fn calls(hop: &Hop<'_>, facts: &Facts) -> Vec<Call> {
    if is_temporary(facts) {
        return Vec::new();
    }
    let (seconds, own) = (hop.duration.unwrap_or(aws::USUAL), facts.sts_endpoint.as_deref());
    vec![aws::session_token_call(hop, own, seconds, facts.mfa_serial.as_deref())]
}
