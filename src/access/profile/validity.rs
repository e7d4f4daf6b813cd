//! What a profile is, and why it cannot be used: complete, not verified.
//!
//! Of a profile that mixes kinds, that one counts which the AWS CLI takes (botocore's order: role,
//! web identity, SSO, keys of the credentials file, `aws login`, process, keys of the config file;
//! for a source of a role its keys come before its own role). An empty value counts as none.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

use std::collections::HashMap;

use crate::cloud::shared_config::{Profile, SharedConfig};

/// How a profile gives credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Keys in one of the files.
    Keys(InFile),
    /// A session of `aws login`.
    Login,
    /// `credential_process`.
    Process,
    /// A role, with the credentials of something else.
    Role,
    /// A role by IAM Identity Center.
    Sso,
    /// A role, with a token in a file.
    WebIdentity,
}

/// In which file both halves of a key stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InFile {
    Config,
    Credentials,
}

/// Where a role's credentials come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Container,
    Environment,
    Instance,
    /// A profile, perhaps the role's own: then its keys are meant.
    Profile(String),
}

/// A profile that can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// Of a role alone.
    pub(super) source: Option<Source>,
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rejection {
    pub(super) code: &'static str,
    pub(super) text: String,
    /// What is at fault.
    pub(super) at: At,
}

/// A section that lacks something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum At {
    Profile(String),
    /// It may bear the name of a profile.
    SsoSession(String),
}

/// Tells of one profile after the other what it is, and remembers it for those behind it.
pub(super) struct Validator<'a> {
    shared: &'a SharedConfig,
    known: HashMap<String, Result<Plan, Rejection>>,
}

impl<'a> Validator<'a> {
    pub(super) fn new(shared: &'a SharedConfig) -> Self {
        Self { shared, known: HashMap::new() }
    }

    /// What a profile is by itself, and the whole chain behind it is in order.
    pub(super) fn plan(&mut self, name: &str) -> Result<Plan, Rejection> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let result = self.walk(name);
        self.known.insert(name.to_owned(), result.clone());
        result
    }

    /// What a profile is as the source of another one's role: its keys come before its own role.
    pub(super) fn source_plan(&self, name: &str) -> Option<Plan> {
        plan_of(self.shared, self.shared.profile(name)?, true).ok()
    }

    fn walk(&mut self, start: &str) -> Result<Plan, Rejection> {
        let mut visited = vec![start.to_owned()];
        let mut first = None;
        loop {
            let name = visited.last().cloned().unwrap_or_default();
            let profile = self.shared.profile(&name).ok_or_else(|| unsupported(&name))?;
            let plan = plan_of(self.shared, profile, visited.len() > 1)?;
            let next = match &plan.source {
                Some(Source::Profile(next)) if *next == name => None,
                Some(Source::Profile(next)) => Some(next.clone()),
                _ => None,
            };
            let first = first.get_or_insert(plan);
            let Some(next) = next else { return Ok(first.clone()) };
            if self.shared.profile(&next).is_none() {
                return Err(reject(
                    "source_profile_not_found",
                    &name,
                    format!(
                        "Profile '{name}' references source profile '{next}' which does not exist"
                    ),
                ));
            }
            if visited.contains(&next) {
                return Err(circular(start, &visited, &next));
            }
            visited.push(next);
        }
    }
}

/// One profile by itself. A `source` is one that another profile's role is assumed with.
fn plan_of(shared: &SharedConfig, profile: &Profile, source: bool) -> Result<Plan, Rejection> {
    let kind = kind_of(shared, profile, source)?;
    let source = if kind == Kind::Role { Some(source_of(profile)?) } else { None };
    Ok(Plan { kind, source })
}

fn kind_of(shared: &SharedConfig, profile: &Profile, source: bool) -> Result<Kind, Rejection> {
    let has = |key: &str| text(profile, key).is_some();
    let has_keys = has("aws_access_key_id") || filled(profile.secret("aws_secret_access_key"));
    if has("role_arn") && !has("web_identity_token_file") && !(source && has_keys) {
        return Ok(Kind::Role);
    }
    if has("web_identity_token_file") {
        return need(profile, &["role_arn"]).map(|()| Kind::WebIdentity);
    }
    if has("sso_account_id") || has("sso_role_name") || has("sso_start_url") || has("sso_session") {
        let complete = check_sso(shared, profile);
        // Without account and role the CLI does not take it for a role, and looks further.
        if complete.is_ok() || has("sso_account_id") || has("sso_role_name") {
            return complete.map(|()| Kind::Sso);
        }
        return beside_sso(profile)?.map_or_else(|| complete.map(|()| Kind::Sso), Ok);
    }
    beside_sso(profile)?.ok_or_else(|| lacking(profile))
}

/// Keys, login and process, in the CLI's order.
fn beside_sso(profile: &Profile) -> Result<Option<Kind>, Rejection> {
    if filled(profile.in_credentials("aws_access_key_id")) {
        return keys(profile, InFile::Credentials).map(Some);
    }
    if text(profile, "login_session").is_some() {
        return Ok(Some(Kind::Login));
    }
    if profile.get("credential_process").is_some() {
        return Ok(Some(Kind::Process));
    }
    if filled(profile.in_config("aws_access_key_id")) {
        return keys(profile, InFile::Config).map(Some);
    }
    Ok(None)
}

fn keys(profile: &Profile, file: InFile) -> Result<Kind, Rejection> {
    if filled(of_file(profile, file, "aws_secret_access_key")) {
        return Ok(Kind::Keys(file));
    }
    Err(missing(&profile.name, "aws_secret_access_key"))
}

/// A setting of one of the two files.
pub(super) fn of_file<'p>(
    profile: &'p Profile,
    file: InFile,
    key: &str,
) -> Option<&'p crate::secret::Secret> {
    match file {
        InFile::Config => profile.in_config(key),
        InFile::Credentials => profile.in_credentials(key),
    }
}

fn filled(secret: Option<&crate::secret::Secret>) -> bool {
    secret.is_some_and(|secret| !secret.expose().is_empty())
}

/// Why a profile of no kind is of none.
fn lacking(profile: &Profile) -> Rejection {
    if filled(profile.secret("aws_session_token")) {
        return missing(&profile.name, "aws_access_key_id");
    }
    unsupported(&profile.name)
}

fn check_sso(shared: &SharedConfig, profile: &Profile) -> Result<(), Rejection> {
    let Some(session) = text(profile, "sso_session") else {
        return need(profile, &["sso_account_id", "sso_region", "sso_role_name", "sso_start_url"]);
    };
    need(profile, &["sso_account_id", "sso_role_name"])?;
    let name = &profile.name;
    let section = shared.sso_session(session).ok_or_else(|| {
        let text =
            format!("Profile '{name}' references sso-session '{session}' which does not exist");
        reject("sso_session_not_found", name, text)
    })?;
    check_sso_session(section)?;
    // As the CLI has it: what stands in both is the same, whatever it is.
    for key in section.keys() {
        if let (Some(own), Some(theirs)) = (text(profile, key), section.get(key))
            && own != theirs
        {
            let text = format!("Profile '{name}' and sso-session '{session}' differ in {key}");
            return Err(reject("inconsistent_sso", name, text));
        }
    }
    Ok(())
}

/// An `[sso-session]` by itself.
pub(super) fn check_sso_session(
    section: &crate::cloud::shared_config::Named,
) -> Result<(), Rejection> {
    for key in ["sso_start_url", "sso_region"] {
        if section.get(key).is_none_or(str::is_empty) {
            let at = At::SsoSession(section.name.clone());
            return Err(Rejection { at, ..missing(&section.name, key) });
        }
    }
    Ok(())
}

fn source_of(profile: &Profile) -> Result<Source, Rejection> {
    let name = &profile.name;
    match (text(profile, "source_profile"), text(profile, "credential_source")) {
        (Some(_), Some(_)) => Err(reject(
            "duplicate_source",
            name,
            format!(
                "profile '{name}' contains both properties 'source_profile' and 'credential_source'"
            ),
        )),
        (None, None) => Err(reject(
            "missing_source",
            name,
            format!(
                "profile '{name}' missing either property 'source_profile' or 'credential_source'"
            ),
        )),
        (Some(source), None) if source == name && !has_own_keys(profile) => {
            Err(circular(name, std::slice::from_ref(name), name))
        }
        (Some(source), None) => Ok(Source::Profile(source.to_owned())),
        (None, Some(source)) => credential_source(source).ok_or_else(|| {
            let text = format!("profile '{name}' is not using a valid 'credential_source'");
            reject("invalid_credential_source", name, text)
        }),
    }
}

/// Both halves of a key beside the role, in one file.
fn has_own_keys(profile: &Profile) -> bool {
    own_keys(profile).is_some()
}

/// In which file a profile has keys of its own, whatever else it is.
pub(super) fn own_keys(profile: &Profile) -> Option<InFile> {
    [InFile::Credentials, InFile::Config].into_iter().find(|file| {
        let has = |key: &str| filled(of_file(profile, *file, key));
        has("aws_access_key_id") && has("aws_secret_access_key")
    })
}

/// The CLI wants its own spelling; other SDKs take any case.
fn credential_source(text: &str) -> Option<Source> {
    match text.to_ascii_lowercase().as_str() {
        "ec2instancemetadata" => Some(Source::Instance),
        "ecscontainer" => Some(Source::Container),
        "environment" => Some(Source::Environment),
        _ => None,
    }
}

/// A setting that is not empty.
pub(super) fn text<'p>(profile: &'p Profile, key: &str) -> Option<&'p str> {
    profile.get(key).filter(|text| !text.is_empty())
}

fn need(profile: &Profile, keys: &[&'static str]) -> Result<(), Rejection> {
    keys.iter()
        .find(|key| text(profile, key).is_none())
        .map_or(Ok(()), |key| Err(missing(&profile.name, key)))
}

fn missing(name: &str, key: &str) -> Rejection {
    reject("missing_property", name, format!("Profile '{name}' is missing required property {key}"))
}

fn unsupported(name: &str) -> Rejection {
    let text = format!(
        "Profile '{name}' is not using role-based, session-based, process-based, or basic credentials."
    );
    reject("unsupported", name, text)
}

fn circular(start: &str, visited: &[String], last: &str) -> Rejection {
    let mut names: Vec<&str> = visited.iter().map(String::as_str).collect();
    names.push(last);
    let text = format!(
        "Profile '{start}' is invalid due to a circular profile dependency found between {}",
        names.join("->")
    );
    reject("circular_profiles", start, text)
}

fn reject(code: &'static str, at: &str, text: String) -> Rejection {
    Rejection { code, text, at: At::Profile(at.to_owned()) }
}

/// What a profile mixes, in words: each kind that it has the makings of.
pub(super) fn makings(profile: &Profile) -> Vec<&'static str> {
    let has = |key: &str| text(profile, key).is_some();
    let role = has("role_arn") && !has("web_identity_token_file");
    let own = text(profile, "source_profile") == Some(&profile.name);
    let sso = has("sso_session") || has("sso_start_url") || has("sso_account_id");
    let found = [
        (role, "a role"),
        (has("web_identity_token_file"), "a web identity"),
        (sso, "IAM Identity Center"),
        // A role that is assumed with the keys beside it is one thing.
        (has("aws_access_key_id") && !(role && own), "keys"),
        (has("login_session"), "'aws login'"),
        (profile.get("credential_process").is_some(), "a process"),
    ];
    found.into_iter().filter(|(there, _)| *there).map(|(_, word)| word).collect()
}
