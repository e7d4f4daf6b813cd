//! What profiles and sso-sessions consist of, secrets included, as one hash each: to tell in this
//! process whether one was changed. Never kept and never shown.

use std::collections::HashMap;

use super::{facts::content, load, validity::text};
use crate::{
    access::source::Place,
    cloud::shared_config::{Profile, SharedConfig},
    model::CredentialIdentifier,
    system::hash,
};

/// The hash of every section, usable or not, by what it would be. That of a profile covers all
/// profiles that its `source_profile` leads to, and their sso-sessions and services.
pub fn marks(place: &dyn Place) -> HashMap<CredentialIdentifier, String> {
    let shared = load(place).shared;
    let mut marks = HashMap::new();
    let mut own: HashMap<&str, String> = HashMap::new();
    for profile in shared.profiles() {
        own.insert(&profile.name, own_mark(&shared, profile));
    }
    for profile in shared.profiles() {
        let parts = chain(&shared, profile).into_iter().map(|name| own.get(name));
        let parts = parts.map(|mark| mark.map(String::as_bytes));
        marks.insert(CredentialIdentifier::Profile(profile.name.clone()), hash::long(parts));
    }
    for section in shared.sso_sessions() {
        let id = CredentialIdentifier::SsoSession(section.name.clone());
        marks.insert(id, hash_of(Some(content(section))));
    }
    marks
}

/// The profile, and those behind it.
fn chain<'s>(shared: &'s SharedConfig, profile: &'s Profile) -> Vec<&'s str> {
    let mut names = vec![profile.name.as_str()];
    let mut at = Some(profile);
    while let Some(name) = at.and_then(|profile| text(profile, "source_profile"))
        && !names.contains(&name)
    {
        names.push(name);
        at = shared.profile(name);
    }
    names
}

fn own_mark(shared: &SharedConfig, profile: &Profile) -> String {
    let mut parts = own_parts(profile);
    let sso = text(profile, "sso_session").and_then(|name| shared.sso_session(name));
    let services = text(profile, "services").and_then(|name| shared.services(name));
    parts.extend([sso, services].into_iter().map(|section| hash_of(section.map(content))));
    hash::long(parts.iter().map(|part| Some(part.as_bytes())))
}

/// Every setting in both files. Of each value only the hash leaves this function.
fn own_parts(profile: &Profile) -> Vec<String> {
    let mut keys: Vec<&str> = profile.keys().collect();
    keys.sort_unstable();
    let mut parts = Vec::new();
    for key in keys {
        parts.push(key.to_owned());
        for value in [profile.in_config(key), profile.in_credentials(key)] {
            parts.push(hash::long([value.map(|secret| secret.expose().as_bytes())]));
        }
    }
    parts
}

fn hash_of(content: Option<String>) -> String {
    hash::long([content.as_deref().map(str::as_bytes)])
}
