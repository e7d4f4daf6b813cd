//! What a profile's session keeps of its sections: all that its request depends on, and no secret.

use serde::{Deserialize, Serialize};

use super::validity::{InFile, Kind, Plan, Source, makings, of_file, own_keys, text};
use crate::{
    cloud::{
        endpoint,
        partition::DATA,
        shared_config::{Named, Profile, SharedConfig},
    },
    model::{CredentialIdentifier, RegionName, Session, SessionName, session::Fields},
    secret::Secret,
    system::hash,
};

/// The fields of a profile's session.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Facts {
    /// The profile's own name.
    pub(super) profile: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mfa_serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_session_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) web_identity_token_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<Process>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login_session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sso: Option<Sso>,
    /// The keys that sign the request, where they stand in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Keys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    /// Where requests to STS go instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sts_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sso_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) oidc_endpoint: Option<String>,
    /// `endpoint_url`: programs get it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) endpoint_url: Option<String>,
    /// Services with endpoints of their own, which programs cannot get by variables of ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) service_endpoints: Vec<String>,
    /// A `region` that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bad_region: Option<String>,
    /// Whether a long-term key lies in its section, used or not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) long_term: bool,
    /// A hash over the sections that the profile is made of, secrets aside.
    pub(super) sections: String,
}

/// A program that gives keys. Its arguments are read when it is run: they may hold a secret, against
/// all advice.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Process {
    /// The command's first word.
    pub(super) program: String,
    /// A hash of the whole command.
    pub(super) command: String,
    /// The variables that it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) variables: Vec<String>,
}

/// Keys in a file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Keys {
    /// In which profile's section.
    pub(super) of: String,
    pub(super) key_id: String,
    /// Whether a session token makes them temporary.
    pub(super) temporary: bool,
    /// When they end, where a tool has written that beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    /// Of temporary keys, which nobody checks before they are kept: a few bits that differ when a
    /// mistake in them is mended. Far too few to tell what they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edition: Option<String>,
}

/// A role by IAM Identity Center.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Sso {
    /// The sso-session; none in the legacy form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    pub(super) start_url: String,
    pub(super) region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) account: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) role: String,
}

/// Under which keys tools write when temporary keys end.
const EXPIRY_KEYS: &[&str] =
    &["x_security_token_expires", "aws_session_expiration", "aws_expiration", "expiration"];

impl Facts {
    /// The fields of a session that a profile was made into.
    pub(super) fn of(session: &Session) -> Self {
        session.fields.read()
    }

    pub(super) fn to_fields(&self) -> Fields {
        Fields::of(self)
    }

    fn read(shared: &SharedConfig, profile: &Profile, plan: &Plan) -> Self {
        let own = |key: &str| text(profile, key).map(str::to_owned);
        let role = matches!(plan.kind, Kind::Role | Kind::WebIdentity);
        let endpoint = |service: &str| service_endpoint(shared, profile, service);
        let mut facts = Self {
            profile: profile.name.clone(),
            role_arn: own("role_arn").filter(|_| role),
            mfa_serial: own("mfa_serial"),
            external_id: own("external_id"),
            role_session_name: own("role_session_name"),
            // As the CLI has it, what is no number is none.
            duration_seconds: own("duration_seconds").and_then(|text| text.trim().parse().ok()),
            account: own("aws_account_id"),
            sts_endpoint: endpoint("sts"),
            sso_endpoint: endpoint("sso"),
            oidc_endpoint: endpoint("sso_oidc"),
            endpoint_url: own("endpoint_url").filter(|_| !ignores_endpoints(profile)),
            service_endpoints: service_names(shared, profile),
            bad_region: own("region").filter(|_| region_of(profile).is_none()),
            long_term: super::long_term_key(profile).is_some(),
            sections: sections(shared, profile),
            ..Self::default()
        };
        match plan.kind {
            Kind::Keys(file) => facts.keys = keys_of(profile, file),
            Kind::Login => facts.login_session = own("login_session"),
            Kind::Process => {
                facts.process = profile.get("credential_process").map(super::process::describe);
            }
            Kind::Role => {}
            Kind::Sso => facts.sso = Some(sso_of(shared, profile)),
            Kind::WebIdentity => facts.web_identity_token_file = own("web_identity_token_file"),
        }
        facts
    }
}

/// The session that a usable profile becomes, and the session of its one-time code where it shares
/// one with others.
pub(super) fn sessions(
    shared: &SharedConfig,
    profile: &Profile,
    plan: &Plan,
    source: Option<&Plan>,
) -> Vec<Session> {
    let Ok(name) = SessionName::foreign(&profile.name) else { return Vec::new() };
    let mut facts = Facts::read(shared, profile, plan);
    let mut parent = None;
    let mut shared_code = None;
    match (&plan.source, source) {
        (Some(Source::Container), _) => parent = Some(CredentialIdentifier::Container),
        (Some(Source::Environment), _) => parent = Some(CredentialIdentifier::Environment),
        (Some(Source::Instance), _) => parent = Some(CredentialIdentifier::Instance),
        (Some(Source::Profile(base)), source) => {
            let file = if *base == profile.name {
                own_keys(profile)
            } else {
                match source.map(|plan| plan.kind) {
                    Some(Kind::Keys(file)) => Some(file),
                    _ => None,
                }
            };
            let section = shared.profile(base);
            facts.keys = file.and_then(|file| keys_of(section?, file));
            // No session of its own stands for the section, so this one speaks for it too.
            if let (Some(section), true) = (section, facts.keys.is_some() && *base != profile.name)
            {
                let both = [facts.sections, sections(shared, section)];
                facts.sections = hash::long(both.iter().map(|part| Some(part.as_bytes())));
            }
            match (&facts.keys, &facts.mfa_serial) {
                (Some(keys), Some(device)) if !keys.temporary => {
                    let (id, session) = code_session(shared, base, keys, device);
                    (parent, shared_code) = (Some(id), Some(session));
                    facts.keys = None;
                }
                (Some(_), _) => {}
                (None, _) => parent = Some(CredentialIdentifier::Profile(base.clone())),
            }
        }
        (None, _) => {}
    }
    let id = CredentialIdentifier::Profile(profile.name.clone());
    let mut session = Session::elsewhere(id, name, type_of(plan.kind));
    session.region = region_of(profile);
    session.parent = parent;
    session.fields = facts.to_fields();
    std::iter::once(session).chain(shared_code).collect()
}

/// One code serves every role behind the same keys and device.
fn code_session(
    shared: &SharedConfig,
    base: &str,
    keys: &Keys,
    device: &str,
) -> (CredentialIdentifier, Session) {
    let (profile, device) = (base.to_owned(), device.to_owned());
    let id = CredentialIdentifier::MfaSession { profile, device: device.clone() };
    let name = SessionName::foreign(base).unwrap_or_else(|_| unnamed());
    let mut session = Session::elsewhere(id.clone(), name, "aws-profile-mfa");
    let base = shared.profile(base);
    let facts = Facts {
        profile: base.map(|base| base.name.clone()).unwrap_or_default(),
        mfa_serial: Some(device),
        keys: Some(keys.clone()),
        sts_endpoint: base.and_then(|base| service_endpoint(shared, base, "sts")),
        sections: base.map(|base| sections(shared, base)).unwrap_or_default(),
        ..Facts::default()
    };
    session.region = base.and_then(region_of);
    session.fields = facts.to_fields();
    (id, session)
}

#[expect(clippy::expect_used, reason = "a constant of this program")]
fn unnamed() -> SessionName {
    SessionName::foreign("profile").expect("a name")
}

/// The session type of a kind.
pub(super) fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Keys(_) => "aws-profile-keys",
        Kind::Login => "aws-profile-login",
        Kind::Process => "aws-profile-process",
        Kind::Role => "aws-profile-role",
        Kind::Sso => "aws-profile-sso",
        Kind::WebIdentity => "aws-profile-web-identity",
    }
}

/// The profile's own region, if it is one.
fn region_of(profile: &Profile) -> Option<RegionName> {
    let region = RegionName::parse(text(profile, "region")?).ok()?;
    DATA.of_region(&region).map(|_| region)
}

fn keys_of(profile: &Profile, file: InFile) -> Option<Keys> {
    let key_id = of_file(profile, file, "aws_access_key_id")?.expose().to_owned();
    // Of their own file: the other one may speak of keys that do not count.
    let expires = EXPIRY_KEYS.iter().find_map(|key| of_file(profile, file, key));
    let expires = expires.map(|text| text.expose().trim()).filter(|text| !text.is_empty());
    let token = token_of(profile, file);
    Some(Keys {
        of: profile.name.clone(),
        key_id,
        temporary: token.is_some(),
        expires: expires.map(str::to_owned),
        edition: token.map(|token| edition(profile, file, token)),
    })
}

fn edition(profile: &Profile, file: InFile, token: &Secret) -> String {
    let key = of_file(profile, file, "aws_secret_access_key").map(Secret::expose);
    let parts = [key.unwrap_or_default(), token.expose()];
    let mut hash = hash::long(parts.iter().map(|part| Some(part.as_bytes())));
    hash.truncate(8);
    hash
}

/// The session token beside the keys; botocore takes the older name first.
pub(super) fn token_of(profile: &Profile, file: InFile) -> Option<&Secret> {
    let of = |key: &str| of_file(profile, file, key).filter(|token| !token.expose().is_empty());
    of("aws_security_token").or_else(|| of("aws_session_token"))
}

fn sso_of(shared: &SharedConfig, profile: &Profile) -> Sso {
    let own = |key: &str| text(profile, key).map(str::to_owned).unwrap_or_default();
    let session = text(profile, "sso_session");
    let section = session.and_then(|name| shared.sso_session(name));
    let of = |key: &str| {
        let theirs = section.and_then(|section| section.get(key)).map(str::to_owned);
        theirs.unwrap_or_else(|| own(key))
    };
    Sso {
        session: session.map(str::to_owned),
        start_url: of("sso_start_url"),
        region: of("sso_region"),
        account: own("sso_account_id"),
        role: own("sso_role_name"),
    }
}

fn ignores_endpoints(profile: &Profile) -> bool {
    text(profile, "ignore_configured_endpoint_urls").is_some_and(|t| t.eq_ignore_ascii_case("true"))
}

/// Where one service is: its own entry in the profile's `services`, else `endpoint_url`.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
fn service_endpoint(shared: &SharedConfig, profile: &Profile, service: &str) -> Option<String> {
    if ignores_endpoints(profile) {
        return None;
    }
    let section = text(profile, "services").and_then(|name| shared.services(name));
    let own = section.and_then(|section| section.nested(service, "endpoint_url"));
    own.filter(|url| !url.is_empty()).or_else(|| text(profile, "endpoint_url")).map(str::to_owned)
}

fn service_names(shared: &SharedConfig, profile: &Profile) -> Vec<String> {
    if ignores_endpoints(profile) {
        return Vec::new();
    }
    let section = text(profile, "services").and_then(|name| shared.services(name));
    let names = section.into_iter().flat_map(Named::keys);
    names
        .filter(|service| section.is_some_and(|s| s.nested(service, "endpoint_url").is_some()))
        .map(str::to_owned)
        .collect()
}

/// Whether our own requests may go to an address that a file of the user's names.
pub(in crate::access) fn is_safe(url: &str) -> bool {
    let named = endpoint::host(url);
    let tls = url.starts_with("https://") && named.is_some();
    tls || endpoint::is_loopback(url) || named == Some(endpoint::Host::Name("localhost"))
}

/// What a person who trusts the profile relies upon: every setting of its own section, of its
/// sso-session and of its services. Of temporary keys, which change by the hour, nothing.
fn sections(shared: &SharedConfig, profile: &Profile) -> String {
    let temporary = ["aws_session_token", "aws_security_token"];
    let is_temporary = temporary.iter().any(|key| profile.secret(key).is_some());
    let changing = |key: &str| {
        temporary.contains(&key)
            || key == "aws_secret_access_key"
            || (is_temporary && (key == "aws_access_key_id" || EXPIRY_KEYS.contains(&key)))
    };
    let mut keys: Vec<&str> = profile.keys().filter(|key| !changing(key)).collect();
    keys.sort_unstable();
    // A zero byte stands in no name and no value.
    let mut whole = format!("{}\n", profile.name.escape_default());
    for key in keys {
        whole.push_str(key);
        whole.push('\0');
        whole.push_str(profile.get(key).unwrap_or_default());
        whole.push('\0');
    }
    // Which account they are of, temporary keys tell by their id, and that is to stay.
    if let Some(account) =
        profile.get("aws_access_key_id").filter(|_| is_temporary).and_then(account_of)
    {
        whole.push_str(&format!("account {account}\0"));
    }
    let sso = text(profile, "sso_session").and_then(|name| shared.sso_session(name));
    let services = text(profile, "services").and_then(|name| shared.services(name));
    for section in [sso, services].into_iter().flatten() {
        whole.push_str(&format!("\0[{}]\0{}", section.name, content(section)));
    }
    let mut digest = hash::full(whole.as_bytes());
    digest.truncate(32);
    digest
}

/// The account that an access key's id has in it: the first 48 bits of the base32 text behind its
/// prefix, without the first and the last seven. Ids from before 2019 have something else there, which
/// is as good for telling that a key was replaced by somebody else's.
fn account_of(key_id: &str) -> Option<u64> {
    let digits = key_id.as_bytes().get(4..14)?;
    let mut bits = 0_u64;
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u64::from(value);
    }
    Some((bits >> 2 & 0x7fff_ffff_ff80) >> 7)
}

/// Every setting of a section that holds no secrets, as one text.
pub(super) fn content(section: &Named) -> String {
    let mut lines: Vec<String> = section
        .keys()
        .filter_map(|key| {
            let value = section.value(key)?;
            let inner: Vec<String> = value
                .nested()
                .iter()
                .map(|(key, text, _)| format!("{key}={}", text.expose()))
                .collect();
            Some(format!("{key}={}{{{}}}", value.text().unwrap_or_default(), inner.join(",")))
        })
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// What is worth knowing of a profile that works.
pub(super) fn warnings(profile: &Profile, plan: &Plan, source: Option<&Plan>) -> Vec<String> {
    let mut warnings = Vec::new();
    let makings = makings(profile);
    if makings.len() > 1 {
        let taken = in_words(plan.kind);
        warnings.push(format!(
            "it mixes {}: like the AWS CLI, leapp takes {taken}; other SDKs may not",
            makings.join(" and ")
        ));
    }
    if plan.source == Some(Source::Profile(profile.name.clone()))
        && let Some(source) = source.filter(|source| !matches!(source.kind, Kind::Keys(_)))
    {
        warnings.push(format!(
            "it is its own source: leapp takes the keys beside the role, the AWS CLI {}",
            in_words(source.kind)
        ));
    }
    if plan.kind == Kind::Role
        && let Some(source) = text(profile, "credential_source")
        && !["Ec2InstanceMetadata", "EcsContainer", "Environment"].contains(&source)
    {
        warnings.push(format!("the AWS CLI refuses credential_source = {source} for its spelling"));
    }
    if let Some(text) = text(profile, "duration_seconds")
        && text.trim().parse::<u32>().is_err()
    {
        warnings.push(format!(
            "duration_seconds = {text:?} is no number of seconds, and does not count"
        ));
    }
    warnings
}

fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Keys(_) => "the keys",
        Kind::Login => "'aws login'",
        Kind::Process => "the process",
        Kind::Role => "the role",
        Kind::Sso => "IAM Identity Center",
        Kind::WebIdentity => "the web identity",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_key_tells_its_account() {
        // An example of AWS's own and its account, and what is no id.
        assert_eq!(account_of("ASIAQNZGKIQY56JQ7WML"), Some(29_608_264_753));
        assert_eq!(account_of("ASIA"), None);
        assert_eq!(account_of("ASIA1111111111111111"), None);
    }
}
