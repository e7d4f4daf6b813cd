//! Where the values of a profile stand, line by line.

use super::{facts::Facts, load};
use crate::{
    access::{explain::Origin, source::Place},
    cloud::shared_config::{Named, Profile, Value},
    model::Session,
};

/// What is never shown, whatever file it stands in.
const HIDDEN: &[&str] =
    &["aws_secret_access_key", "aws_session_token", "aws_security_token", "credential_process"];

/// Every setting of the profile, of the section that its keys stand in, of its sso-session and of
/// its services.
pub(super) fn of(session: &Session, place: &dyn Place) -> Vec<Origin> {
    let shared = load(place).shared;
    let facts = Facts::of(session);
    let mut found = Vec::new();
    let profile = shared.profile(&facts.profile);
    if let Some(profile) = profile {
        of_profile(profile, "", &mut found);
    }
    if let Some(base) = facts.keys.as_ref().filter(|keys| keys.of != facts.profile)
        && let Some(profile) = shared.profile(&base.of)
    {
        of_profile(profile, &format!("{}: ", base.of), &mut found);
    }
    let session = facts.sso.and_then(|sso| sso.session);
    if let Some(section) = session.as_deref().and_then(|name| shared.sso_session(name)) {
        of_section(section, &format!("sso-session {}: ", section.name), &mut found);
    }
    let services = profile.and_then(|profile| profile.get("services"));
    if let Some(section) = services.and_then(|name| shared.services(name)) {
        of_section(section, &format!("services {}: ", section.name), &mut found);
    }
    found
}

fn of_profile(profile: &Profile, of: &str, found: &mut Vec<Origin>) {
    for key in profile.keys() {
        let Some(value) = profile.value(key) else { continue };
        found.push(origin(&format!("{of}{key}"), key, &value));
        // Where both files have it, the credentials file counts.
        let config = profile.config_value(key);
        if let (Some(other), true) = (config, profile.credentials_value(key).is_some()) {
            let mut overruled = origin(&format!("{of}{key}"), key, &other);
            overruled.place.push_str(", overruled");
            found.push(overruled);
        }
    }
}

fn of_section(section: &Named, of: &str, found: &mut Vec<Origin>) {
    for key in section.keys() {
        let Some(value) = section.value(key) else { continue };
        if value.nested().is_empty() {
            found.push(origin(&format!("{of}{key}"), key, &value));
        }
        for (inner, text, line) in value.nested() {
            found.push(Origin {
                name: format!("{of}{key}.{inner}"),
                value: Some(text.expose().to_owned()),
                place: format!("{}:{line}", value.file.display()),
            });
        }
    }
}

fn origin(name: &str, key: &str, value: &Value<'_>) -> Origin {
    let shown = value.text().filter(|_| !HIDDEN.contains(&key)).map(str::to_owned);
    let inherited = if value.inherited { ", by [DEFAULT]" } else { "" };
    Origin {
        name: name.to_owned(),
        value: shown,
        place: format!("{}:{}{inherited}", value.file.display(), value.line),
    }
}
