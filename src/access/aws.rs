//! What the AWS session types share: checks, signing keys, one-time codes, variables.

use serde_json::Value as Json;

use super::{
    AccessError, Call, FieldError, Helpers, Hop, Issued, MfaQuestion, Outcome, PromptError, Retry,
    Verified, aws_region,
};
use crate::{
    cloud::{
        CloudError, ErrorKind, arn,
        endpoint::Service,
        partition,
        sts::{AssumeRole, Mfa, Route, SigningKeys, Sts, TemporaryKeys},
    },
    envdelta::{Managed, Value},
    model::{
        CredentialKind, Credentials, Grant, RegionName, Session,
        credentials::{KEY_ID, SECRET_KEY, SESSION_TOKEN},
        duration,
    },
};

/// How long a session of long-term keys lasts unless asked otherwise, in seconds: AWS's own default.
pub(super) const USUAL: u32 = 43_200;
/// How often a one-time code is asked for in all.
const TRIES: usize = 3;

/// The variables of AWS.
pub(super) fn managed() -> &'static Managed {
    // Held by a test of `envdelta`: the list of clouds has AWS.
    #[expect(clippy::expect_used, reason = "a constant of this program")]
    Managed::of("aws").expect("AWS is among the clouds")
}

/// Where the hop's requests go.
pub(super) fn route(hop: &Hop<'_>) -> Route {
    Route {
        region: hop.region.clone(),
        endpoint: hop.endpoint.clone(),
        ca_bundles: hop.ca_bundles.clone(),
    }
}

/// The same for a source with an endpoint of its own: the environment's comes first, and one that
/// would send keys in the clear to somebody else is refused.
pub(super) fn route_to(hop: &Hop<'_>, own: Option<&str>) -> Result<Route, AccessError> {
    Ok(Route { endpoint: address(hop.endpoint.as_deref(), own)?, ..route(hop) })
}

/// The same for a service of sign-ins: an address that is STS's alone is not for it.
pub(super) fn sign_in_route(
    hop: &Hop<'_>,
    service: Service,
    own: Option<&str>,
) -> Result<Route, AccessError> {
    Ok(Route { endpoint: address(hop.services.of(service), own)?, ..route(hop) })
}

fn address(named: Option<&str>, own: Option<&str>) -> Result<Option<String>, FieldError> {
    match (named, own) {
        (None, Some(own)) if !super::profile::is_safe(own) => Err(exposed_endpoint(own)),
        _ => Ok(named.or(own).map(str::to_owned)),
    }
}

/// An address that keys would reach in the clear.
pub(super) fn exposed_endpoint(url: &str) -> FieldError {
    let problem = format!("'{url}' is neither https nor a loopback address");
    FieldError { flag: "endpoint-url".into(), problem }
}

/// A call of STS.
pub(super) fn sts_call(
    hop: &Hop<'_>,
    own: Option<&str>,
    operation: &str,
    parameters: Vec<(&'static str, Option<String>)>,
) -> Call {
    let at = hop.endpoint.as_deref().or(own).unwrap_or(hop.region.as_str());
    Call::new("sts", operation, at, parameters)
}

/// A call of `AssumeRole`. `device` is that of a code that goes with it.
pub(super) fn assume_role_call(
    hop: &Hop<'_>,
    own: Option<&str>,
    wanted: &AssumeRole,
    device: Option<&str>,
) -> Call {
    let pairs = |pairs: &[(String, String)]| {
        let texts: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(texts.join(",")).filter(|text| !text.is_empty())
    };
    let list = |texts: &[String]| Some(texts.join(",")).filter(|text| !text.is_empty());
    sts_call(
        hop,
        own,
        "AssumeRole",
        vec![
            ("RoleArn", Some(wanted.role_arn.clone())),
            ("RoleSessionName", Some(wanted.session_name.clone())),
            ("DurationSeconds", Some(wanted.duration.to_string())),
            ("ExternalId", wanted.external_id.clone()),
            ("SerialNumber", device.map(str::to_owned)),
            ("SourceIdentity", wanted.source_identity.clone()),
            ("Tags", pairs(&wanted.tags)),
            ("TransitiveTagKeys", list(&wanted.transitive_tags)),
            ("PolicyArns", list(&wanted.policy_arns)),
            ("Policy", wanted.policy.as_ref().map(|text| format!("{} characters", text.len()))),
        ],
    )
}

/// A call of `GetSessionToken`.
pub(super) fn session_token_call(
    hop: &Hop<'_>,
    own: Option<&str>,
    seconds: u32,
    device: Option<&str>,
) -> Call {
    let parameters = vec![
        ("DurationSeconds", Some(seconds.to_string())),
        ("SerialNumber", device.map(str::to_owned)),
    ];
    sts_call(hop, own, "GetSessionToken", parameters)
}

/// A role session's name, made of what AWS takes: 2 to 64 of `[A-Za-z0-9_+=,.@-]`.
pub(super) fn session_name(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let mut name: String = text.chars().map(|c| if legal(c) { c } else { '-' }).take(64).collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

/// The part of a request that every AWS type has.
pub(super) fn material(hop: &Hop<'_>, own: &Json) -> Json {
    serde_json::json!({
        "session": hop.session.id,
        "type": hop.session.session_type,
        "region": hop.region,
        "endpoint": hop.endpoint,
        "request": own,
    })
}

/// Keys that sign, from temporary credentials.
pub(super) fn signing_keys(credentials: &Credentials) -> Option<SigningKeys> {
    Some(SigningKeys {
        key_id: credentials.value(KEY_ID)?.expose().to_owned(),
        secret_key: credentials.value(SECRET_KEY)?.clone(),
        session_token: credentials.value(SESSION_TOKEN).cloned(),
    })
}

/// The product's form of keys that STS issued.
pub(super) fn credentials(keys: TemporaryKeys) -> Credentials {
    let values = vec![
        (KEY_ID.to_owned(), crate::secret::Secret::new(keys.key_id)),
        (SECRET_KEY.to_owned(), keys.secret_key),
        (SESSION_TOKEN.to_owned(), keys.session_token),
    ];
    let grant = Grant { audience: "aws".into(), values, expires_at: keys.expires_at };
    Credentials {
        kind: CredentialKind::SessionKeys,
        grants: vec![grant],
        issued_at: keys.issued_at,
    }
}

/// The variables that hand AWS keys to a program.
pub(super) fn environment(
    outcome: &Outcome<'_>,
    account: Option<String>,
) -> Vec<(&'static str, Value)> {
    let region = outcome.region.to_string();
    let mut values = vec![
        ("AWS_REGION", Value::Public(region.clone())),
        ("AWS_DEFAULT_REGION", Value::Public(region)),
        ("AWS_CREDENTIAL_EXPIRATION", Value::Public(outcome.local_expiry.rfc3339())),
    ];
    if let Some(account) = account {
        values.push(("AWS_ACCOUNT_ID", Value::Public(account)));
    }
    let names = [
        (KEY_ID, "AWS_ACCESS_KEY_ID"),
        (SECRET_KEY, "AWS_SECRET_ACCESS_KEY"),
        (SESSION_TOKEN, "AWS_SESSION_TOKEN"),
    ];
    for (part, name) in names {
        if let Some(value) = outcome.credentials.value(part) {
            values.push((name, Value::Secret(value.clone())));
        }
    }
    values
}

/// One `sts:GetCallerIdentity`.
pub(super) fn verify(
    hop: &Hop<'_>,
    credentials: &Credentials,
    helpers: &Helpers<'_>,
) -> Result<Verified, AccessError> {
    verify_at(hop, None, credentials, helpers)
}

/// The same at an address of the source's own.
pub(super) fn verify_at(
    hop: &Hop<'_>,
    own: Option<&str>,
    credentials: &Credentials,
    helpers: &Helpers<'_>,
) -> Result<Verified, AccessError> {
    let keys = signing_keys(credentials).ok_or_else(|| lacking_keys(hop))?;
    let route = route_to(hop, own)?;
    let caller =
        Sts::new(route, keys, helpers.clock_offset, helpers.waiting).get_caller_identity()?;
    Ok(Verified { account: caller.account, principal: caller.arn })
}

/// The parent's credentials are of a kind that cannot sign.
pub(super) fn lacking_keys(hop: &Hop<'_>) -> AccessError {
    let problem = format!("the credentials of the parent of '{}' hold no keys", hop.session.name);
    FieldError { flag: "parent".into(), problem }.into()
}

/// A session of the long-term keys that `sts` signs with, with a one-time code where a device is
/// named: such keys never pass through as they are.
pub(super) fn session_of(
    hop: &Hop<'_>,
    sts: &Sts<'_>,
    device: Option<&str>,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let duration = hop.duration.unwrap_or(USUAL);
    let issued = match device {
        None => sts.get_session_token(duration, None)?,
        Some(device) => {
            with_code(hop, device, helpers, |mfa| sts.get_session_token(duration, Some(mfa)))?
        }
    };
    let clock_offset = sts.clock_offset();
    Ok(Issued { credentials: credentials(issued), clock_offset, notes: Vec::new() })
}

/// Makes a request with a one-time code, asking anew while codes are rejected.
pub(super) fn with_code(
    hop: &Hop<'_>,
    device: &str,
    helpers: &Helpers<'_>,
    request: impl Fn(&Mfa) -> Result<TemporaryKeys, CloudError>,
) -> Result<TemporaryKeys, AccessError> {
    let mut retry = None;
    for _ in 0..TRIES {
        let question = MfaQuestion { session: hop.session.name.as_str(), device, retry };
        (helpers.asking)(true);
        let answer = helpers.prompt.mfa_code(&question);
        (helpers.asking)(false);
        let typed = match answer {
            Ok(typed) => typed,
            Err(PromptError::Cancelled) => return Err(AccessError::Cancelled),
            Err(PromptError::Unavailable) => return Err(unanswered(device, retry)),
        };
        let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            retry = Some(Retry::Malformed);
            continue;
        }
        if let Err(seconds) = (helpers.claim_code)(device, &code) {
            retry = Some(Retry::Used(seconds));
            continue;
        }
        match request(&Mfa { device: device.to_owned(), code }) {
            Err(error) if error.kind == ErrorKind::MfaRejected => retry = Some(Retry::Rejected),
            result => return Ok(result?),
        }
    }
    Err(unanswered(device, retry))
}

fn unanswered(device: &str, retry: Option<Retry>) -> AccessError {
    match retry {
        None => AccessError::NeedsPerson(format!("an MFA code of '{device}'")),
        Some(Retry::Used(seconds)) => AccessError::CodeUsed { seconds },
        Some(Retry::Malformed | Retry::Rejected) => AccessError::MfaRejected,
    }
}

/// A serial number of a hardware device, or the ARN of a virtual one.
pub(super) fn check_device(text: &str) -> Result<(), String> {
    let serial = (9..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if text.starts_with("arn:") || !serial {
        return arn::mfa_device(text).map(|_| ()).map_err(|error| error.to_string());
    }
    Ok(())
}

/// Checks a lifetime against the limits of a request, in seconds.
pub(super) fn check_lifetime(text: &str, longest: u32) -> Result<(), String> {
    let seconds = duration::parse(text).map_err(|error| error.to_string())?;
    check_seconds(seconds, longest)
}

/// The same for a number.
pub(super) fn check_seconds(seconds: u32, longest: u32) -> Result<(), String> {
    if (900..=longest).contains(&seconds) {
        return Ok(());
    }
    let (given, longest) = (duration::exact(seconds), duration::exact(longest));
    Err(format!("{given} is out of range; AWS allows 15m to {longest}"))
}

/// The region of the session, if it has one, must lie in the partition of its ARNs.
pub(super) fn check_partition(session: &Session, arn: &arn::Arn) -> Result<(), FieldError> {
    let Some(region) = &session.region else {
        return Ok(());
    };
    region_fits(region, &arn.partition)
}

/// Whether a region lies in a partition.
pub(super) fn region_fits(region: &RegionName, partition: &str) -> Result<(), FieldError> {
    let fits = aws_region::fits(&partition::DATA, region, Some(partition));
    fits.map(|_| ()).map_err(|problem| FieldError { flag: "region".into(), problem })
}
