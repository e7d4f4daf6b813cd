//! The shared config and credentials files: one source, `profile:<name>` and `sso-session:<name>`.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.
//!
//! Deliberately absent: changing the files; `cloud::shared_config` knows how.

use std::{collections::HashSet, path::PathBuf};

use super::source::{self, Listing, Place, Problem, Scope, Source, SourceWarning};
use crate::{
    cloud::shared_config::{Document, FileKind, Profile, SIZE_LIMIT, SharedConfig},
    model::{CredentialIdentifier, Session, SessionName, catalog::Unusable},
    secret::Secret,
    system::files,
    vault::VaultError,
};

mod bound;
mod factory;
mod facts;
mod keys;
mod login;
mod long_term;
mod marks;
mod origins;
mod process;
mod role;
mod sso;
pub mod stanza;
mod validity;
mod web_identity;

pub use bound::{Bound, UnfitPath, binding, home_to_name};
pub(super) use factory::ProfileType;
pub(super) use facts::is_safe;
pub(super) use keys::end;
pub use long_term::{LongTermKey, has_temporary_keys, long_term_key};
pub use marks::marks;
pub use process::CHAIN;

use validity::{At, Rejection, Validator};

/// The two files.
pub(super) struct SharedFiles;

/// Both files as they are now.
#[derive(Debug)]
pub struct Loaded {
    /// What could be read.
    pub shared: SharedConfig,
    /// What could not.
    pub problems: Vec<Problem>,
}

/// The config file: `AWS_CONFIG_FILE`, else `~/.aws/config`.
pub fn config_path(place: &dyn Place) -> Option<PathBuf> {
    path(place, "AWS_CONFIG_FILE", ".aws/config")
}

/// The credentials file: `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
pub fn credentials_path(place: &dyn Place) -> Option<PathBuf> {
    path(place, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")
}

fn path(place: &dyn Place, variable: &str, usual: &str) -> Option<PathBuf> {
    match source::text(place, variable) {
        Some(path) => Some(source::expand(place, &path)),
        None => place.own("HOME").map(|home| PathBuf::from(home).join(usual)),
    }
}

/// Reads both files. One that cannot be read is a problem, and the other counts.
pub fn load(place: &dyn Place) -> Loaded {
    let mut problems = Vec::new();
    let mut read = |path: Option<PathBuf>, kind| {
        let path = path?;
        match document(&path, kind) {
            Ok(found) => found.map(|document| (path, document)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    };
    let config = read(config_path(place), FileKind::Config);
    let credentials = read(credentials_path(place), FileKind::Credentials);
    Loaded { shared: SharedConfig::merge(config, credentials), problems }
}

/// One of the files; `None` where there is none.
pub fn document(path: &std::path::Path, kind: FileKind) -> Result<Option<Document>, Problem> {
    let file = path.to_owned();
    let bytes = files::read_users(path, SIZE_LIMIT as u64).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("cannot be read: {}", cause.unwrap_or_else(|| error.to_string()));
        Problem { file: file.clone(), place: None, text }
    })?;
    let Some(bytes) = bytes else { return Ok(None) };
    Document::parse(kind, &bytes).map(Some).map_err(|error| {
        let place = Some((error.line, error.column));
        Problem { file, place, text: error.problem }
    })
}

impl Source for SharedFiles {
    fn id(&self) -> &'static str {
        "profile"
    }

    fn files(&self, place: &dyn Place) -> Vec<PathBuf> {
        config_path(place).into_iter().chain(credentials_path(place)).collect()
    }

    fn list(&self, place: &dyn Place, scope: Scope<'_>) -> Listing {
        let loaded = load(place);
        let mut listing = Listing { problems: loaded.problems, ..Listing::default() };
        let mut reader = Reader {
            place,
            shared: &loaded.shared,
            validator: Validator::new(&loaded.shared),
            asked: process::chain(place),
            codes: HashSet::new(),
        };
        match scope {
            Scope::All => {
                for profile in loaded.shared.profiles() {
                    reader.profile(profile, &mut listing);
                }
            }
            Scope::Around(wanted) => reader.around(wanted, &mut listing),
        }
        for section in loaded.shared.sso_sessions() {
            let id = CredentialIdentifier::SsoSession(section.name.clone());
            match validity::check_sso_session(section) {
                Ok(()) => listing.sessions.extend(sso::session(id, section)),
                Err(rejection) => {
                    let at = reader.place_of(&rejection.at);
                    listing.unusable.push(unusable(id, &section.name, rejection, at));
                }
            }
        }
        listing
    }

    fn has(&self, id: &CredentialIdentifier) -> bool {
        matches!(
            id,
            CredentialIdentifier::Profile(_)
                | CredentialIdentifier::SsoSession(_)
                | CredentialIdentifier::MfaSession { .. }
        )
    }

    fn why_absent(&self, place: &dyn Place) -> String {
        let files = self.files(place);
        let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        format!("it is not in {}", names.join(" or "))
    }

    fn secret(&self, subject: &str, place: &dyn Place) -> Result<Option<Secret>, VaultError> {
        let (kind, name) = subject.split_once(':').unwrap_or_default();
        if !["profile", "process"].contains(&kind) {
            return Ok(None);
        }
        let shared = load(place).shared;
        let profile = shared.profile(name);
        Ok(match kind {
            "process" => profile.and_then(|p| p.secret("credential_process")).cloned(),
            _ => profile.and_then(keys::item),
        })
    }
}

/// Reads one profile after the other.
struct Reader<'a> {
    place: &'a dyn Place,
    shared: &'a SharedConfig,
    validator: Validator<'a>,
    /// The profiles whose processes have called us.
    asked: Vec<String>,
    /// Sessions of one-time codes that are there already.
    codes: HashSet<uuid::Uuid>,
}

impl Reader<'_> {
    /// The profiles that are wanted, and those behind them.
    fn around(&mut self, wanted: &[CredentialIdentifier], listing: &mut Listing) {
        let mut names: Vec<&str> = wanted
            .iter()
            .filter_map(|id| match id {
                CredentialIdentifier::Profile(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let mut seen = HashSet::new();
        while let Some(name) = names.pop() {
            let Some(profile) = self.shared.profile(name) else { continue };
            if seen.insert(&profile.name) {
                self.profile(profile, listing);
                names.extend(validity::text(profile, "source_profile"));
            }
        }
    }

    fn profile(&mut self, profile: &Profile, listing: &mut Listing) {
        let name = &profile.name;
        let id = CredentialIdentifier::Profile(name.clone());
        if let Err(error) = SessionName::foreign(name) {
            let text = format!("Profile '{}' cannot be named: {error}", name.escape_default());
            let rejection = Rejection { code: "unfit_name", text, at: At::Profile(name.clone()) };
            let at = self.place_of(&rejection.at);
            let shown = name.escape_default().to_string();
            listing.unusable.push(unusable(id, &shown, rejection, at));
            return;
        }
        let plan = match self.validator.plan(name) {
            Ok(plan) => plan,
            Err(rejection) => {
                let at = self.place_of(&rejection.at);
                listing.unusable.push(unusable(id, name, rejection, at));
                return;
            }
        };
        if let Some(command) = profile.get("credential_process")
            && plan.kind == validity::Kind::Process
        {
            if let Some(session) = binding(command, self.place) {
                listing.bound.push((name.clone(), session));
                return;
            }
            if self.asked.contains(name) {
                let rejection = process::loops(&self.asked, name);
                let at = self.place_of(&rejection.at);
                listing.unusable.push(unusable(id, name, rejection, at));
                return;
            }
        }
        let source = match &plan.source {
            Some(validity::Source::Profile(base)) => self.validator.source_plan(base),
            _ => None,
        };
        for session in facts::sessions(self.shared, profile, &plan, source.as_ref()) {
            let is_code = matches!(session.source, Some(CredentialIdentifier::MfaSession { .. }));
            if !is_code || self.codes.insert(session.id) {
                listing.sessions.push(session);
            }
        }
        let warnings = facts::warnings(profile, &plan, source.as_ref()).into_iter();
        listing
            .warnings
            .extend(warnings.map(|text| SourceWarning { identifier: id.clone(), text }));
    }

    /// Where the section begins.
    fn place_of(&self, at: &At) -> Option<String> {
        let (file, line) = match at {
            At::Profile(name) => self.shared.profile(name)?.places().next()?,
            At::SsoSession(name) => self.shared.sso_session(name)?.place(),
        };
        Some(format!("{}:{line}", file.display()))
    }
}

fn unusable(
    identifier: CredentialIdentifier,
    name: &str,
    rejection: Rejection,
    place: Option<String>,
) -> Unusable {
    let Rejection { code, text, .. } = rejection;
    Unusable { identifier, name: name.to_owned(), code, reason: text, place }
}

/// Whether a session is a profile that holds a long-term key in a plain file.
pub fn holds_long_term_keys(session: &Session) -> bool {
    session.session_type.starts_with("aws-profile-") && facts::Facts::of(session).long_term
}
