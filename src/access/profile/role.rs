//! `role_arn`: a role that is assumed with the keys of a section, or with a parent's credentials.

use serde_json::json;

use super::facts::Facts;
use crate::{
    access::{AccessError, Call, Helpers, Hop, Issued, Request, aws},
    cloud::{
        ErrorKind, arn,
        sts::{AssumeRole, Sts},
    },
    model::duration,
};

/// What every role allows, and role chaining at most: one hour, in seconds.
pub(super) const HOUR: u32 = 3600;
/// What `AssumeRole` allows at most, in seconds.
pub(super) const LONGEST: u32 = 43_200;

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let (wanted, notes) = wanted(hop, facts);
    let code = own_code(hop, facts);
    let material = json!({
        "role_arn": wanted.role_arn,
        "session_name": wanted.session_name,
        "duration": wanted.duration,
        "external_id": wanted.external_id,
        "mfa_serial": code,
        "key_id": facts.keys.as_ref().map(|keys| &keys.key_id),
        "endpoint": facts.sts_endpoint,
    });
    let asks_person = code.is_some();
    Request { material: aws::material(hop, &material), asks_person, notes }
}

/// The device whose code goes with this very request: where keys are shared by a session of a code,
/// that session has asked for it.
pub(super) fn own_code<'f>(hop: &Hop<'_>, facts: &'f Facts) -> Option<&'f str> {
    let shared = hop.session.parent.as_ref().is_some_and(|parent| {
        matches!(parent, crate::model::CredentialIdentifier::MfaSession { .. })
    });
    facts.mfa_serial.as_deref().filter(|_| !shared)
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let (mut wanted, _) = wanted(hop, facts);
    let device = own_code(hop, facts);
    if let Some(device) = device
        && !helpers.prompt.can_ask()
    {
        return Err(AccessError::NeedsPerson(format!("an MFA code of '{device}'")));
    }
    let keys = match &facts.keys {
        Some(_) => super::keys::read(hop, helpers)?,
        None => {
            let parent = helpers.parent.and_then(aws::signing_keys);
            parent.ok_or_else(|| aws::lacking_keys(hop))?
        }
    };
    let route = super::keys::route(hop, facts)?;
    let sts = Sts::new(route, keys, helpers.clock_offset, helpers.waiting);
    let ask = |wanted: &AssumeRole| match device {
        None => Ok(sts.assume_role(wanted)?),
        Some(device) => aws::with_code(hop, device, helpers, |mfa| {
            sts.assume_role(&AssumeRole { mfa: Some(mfa.clone()), ..wanted.clone() })
        }),
    };
    let mut notes = Vec::new();
    let issued = match ask(&wanted) {
        // A code serves once, so a second try would need another one: then the failure stands.
        Err(AccessError::Cloud(error))
            if error.kind == ErrorKind::DurationTooLong
                && wanted.duration > HOUR
                && device.is_none() =>
        {
            let longer = duration::exact(wanted.duration);
            let name = &hop.session.name;
            notes.push(format!("the role of '{name}' does not allow {longer}: it lasts 1h"));
            wanted.duration = HOUR;
            ask(&wanted)?
        }
        result => result?,
    };
    let clock_offset = sts.clock_offset();
    Ok(Issued { credentials: aws::credentials(issued), clock_offset, notes })
}

fn wanted(hop: &Hop<'_>, facts: &Facts) -> (AssumeRole, Vec<String>) {
    let role_arn = facts.role_arn.clone().unwrap_or_default();
    let asked = hop.duration.or(facts.duration_seconds).unwrap_or(HOUR);
    let lifetime = asked.min(hop.limit.unwrap_or(LONGEST));
    let mut notes = Vec::new();
    if lifetime < asked {
        let (asked, lifetime) = (duration::exact(asked), duration::exact(lifetime));
        let name = &hop.session.name;
        notes.push(format!(
            "'{name}' lasts {lifetime}, not {asked}: AWS allows no more to a role behind a role"
        ));
    }
    let wanted = AssumeRole {
        role_arn,
        session_name: session_name(hop, facts),
        duration: lifetime,
        external_id: facts.external_id.clone(),
        ..AssumeRole::default()
    };
    (wanted, notes)
}

/// The profile's own name for the role session as it stands, else one that says who we are.
pub(super) fn session_name(hop: &Hop<'_>, facts: &Facts) -> String {
    let own = facts.role_session_name.clone();
    own.unwrap_or_else(|| aws::session_name(&format!("leapp-{}", hop.user)))
}

/// The partition and account of the profile's role.
pub(super) fn arn_of(facts: &Facts) -> Option<arn::Arn> {
    arn::role(facts.role_arn.as_deref()?).ok()
}

/// The one call.
pub(super) fn calls(hop: &Hop<'_>, facts: &Facts) -> Vec<Call> {
    let (wanted, _) = wanted(hop, facts);
    let own = facts.sts_endpoint.as_deref();
    vec![aws::assume_role_call(hop, own, &wanted, own_code(hop, facts))]
}
