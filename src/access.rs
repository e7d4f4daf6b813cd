//! One file a session type: how it is described, checked, and turned into credentials.
//!
//! Deliberately absent: caching, parents' credentials (they are handed in), a terminal (asking is
//! the trait [`Prompt`]).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use crate::{
    cloud::CloudError,
    envdelta::{Managed, Value},
    model::{Credentials, RegionName, Session, Timestamp},
    secret::Secret,
    vault::VaultError,
};

mod aws;
mod aws_iam_role_chained;
mod aws_iam_user;
mod aws_region;
mod container;
mod environment;
pub mod explain;
mod external;
pub mod field;
mod instance;
pub mod profile;
pub mod prompt;
pub mod provider;
mod rewrite;
pub mod source;

pub use explain::{Call, Origin};
pub use external::External;
pub use field::{Field, FieldError, Form};
pub use instance::is_machines_own;
pub use prompt::{MfaQuestion, NoPrompt, OpenQuestion, Prompt, PromptError, Retry};

/// The code of keys in the environment that are our own.
pub const OWN_KEYS: &str = "own_keys";

/// Every session type of the workspace.
pub const FACTORIES: &[&dyn CredentialProviderFactory] =
    &[&aws_iam_user::AwsIamUser, &aws_iam_role_chained::AwsIamRoleChained];

/// Every type of what is found outside the workspace; nobody adds those.
pub const FOUND: &[&dyn CredentialProviderFactory] = &[
    &profile::ProfileType::Keys,
    &profile::ProfileType::Login,
    &profile::ProfileType::Mfa,
    &profile::ProfileType::Process,
    &profile::ProfileType::Role,
    &profile::ProfileType::Sso,
    &profile::ProfileType::SsoSession,
    &profile::ProfileType::WebIdentity,
    &container::Container,
    &environment::Environment,
    &External,
    &instance::Instance,
];

/// The factory of a session type; `None` for a type of a newer program.
pub fn factory(session_type: &str) -> Option<&'static dyn CredentialProviderFactory> {
    let mut all = FACTORIES.iter().chain(FOUND).copied();
    all.find(|factory| factory.session_type() == session_type)
}

/// One session type.
pub trait CredentialProviderFactory: Sync {
    /// `cloudProvider-accessMethod`.
    fn session_type(&self) -> &'static str;

    /// What it is, in a few words, for help.
    fn about(&self) -> &'static str;

    /// The environment variables of its cloud.
    fn managed(&self) -> &'static Managed;

    /// The fields of its sessions.
    fn fields(&self) -> &'static [Field];

    /// What the vault keeps for a session of this type.
    fn secret(&self) -> Option<&'static SecretForm> {
        None
    }

    /// Whether it is started with the credentials of another session of the same cloud.
    fn has_parent(&self) -> bool {
        false
    }

    /// The same for one session: a profile's role may have its keys beside it.
    fn takes_parent(&self, session: &Session) -> bool {
        _ = session;
        self.has_parent()
    }

    /// Whether starting the session asks a person, its parents aside.
    fn asks(&self, session: &Session) -> bool {
        self.summary(session).mfa_device.is_some()
    }

    /// What a person must do elsewhere before the session can be started: a login of another tool.
    fn lacks(&self, session: &Session, place: &dyn source::Place) -> Option<AccessError> {
        _ = (session, place);
        None
    }

    /// For a source that gives no credentials itself but a sign-in: how many seconds that is good for.
    fn signed_in(&self, session: &Session, place: &dyn source::Place) -> Option<i64> {
        _ = (session, place);
        None
    }

    /// Whether the credentials follow from the caller's environment, so that a name alone does not
    /// tell which they are.
    fn is_of_environment(&self) -> bool {
        false
    }

    /// A hash of what the credentials depend on besides the session, in the surroundings of a program
    /// that gives them; empty for who runs none.
    fn surroundings(&self, session: &Session, place: &dyn source::Place) -> String {
        _ = (session, place);
        String::new()
    }

    /// Whether a program that is not ours gives the credentials: it may show a window or a browser, so
    /// that a hook does not begin it.
    fn runs_program(&self) -> bool {
        false
    }

    /// Whether credentials are worth keeping: not those of an endpoint of this machine, which answers
    /// at once and may speak for another role by then.
    fn is_kept(&self) -> bool {
        true
    }

    /// Under which name the session's secret is found.
    fn subject(&self, session: &Session) -> String {
        session.identifier().to_string()
    }

    /// The longest lifetime, in seconds, of what is made from this type's credentials, where that
    /// is shorter than usual.
    fn child_limit(&self) -> Option<u32> {
        None
    }

    /// Checks the fields together, each by itself having been checked by its [`Field`].
    fn check(&self, session: &Session) -> Result<(), FieldError>;

    /// Checks a lifetime that was asked for, in seconds.
    fn check_duration(&self, seconds: u32) -> Result<(), String>;

    /// What lists and messages say about a session.
    fn summary(&self, session: &Session) -> Summary;

    /// Whom the session's credentials speak for, as far as its fields tell: what a person who trusts
    /// it relies upon. No secret.
    fn principal(&self, session: &Session) -> String;

    /// Where a session's own requests go: never the caller's environment, so that what one shell
    /// obtained serves all.
    fn home_region(
        &self,
        session: &Session,
        default: Option<&RegionName>,
    ) -> Result<RegionName, FieldError>;

    /// Where a session's programs work.
    fn choose_region(
        &self,
        session: &Session,
        sources: &RegionSources<'_>,
    ) -> Result<RegionChoice, FieldError>;

    /// Every step of that choice, looked at to the end, whether a region could be chosen or not.
    fn region_steps(&self, session: &Session, sources: &RegionSources<'_>) -> Vec<RegionStep> {
        self.choose_region(session, sources).map(|choice| choice.steps).unwrap_or_default()
    }

    /// The request that [`CredentialProviderFactory::issue`] would make; asks nobody and nothing.
    fn request(&self, hop: &Hop<'_>) -> Result<Request, FieldError>;

    /// The calls that [`CredentialProviderFactory::issue`] would make, in their order, its parent's
    /// aside. Makes none.
    fn calls(&self, hop: &Hop<'_>, place: &dyn source::Place) -> Vec<Call>;

    /// Where the session's values stand.
    fn origins(&self, session: &Session, place: &dyn source::Place) -> Vec<Origin> {
        _ = place;
        explain::of_workspace(session)
    }

    /// Asks the cloud for credentials.
    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError>;

    /// The variables that hand the credentials to a program.
    fn environment(&self, outcome: &Outcome<'_>) -> Vec<(&'static str, Value)>;

    /// Asks the cloud whether the credentials are good.
    fn verify(
        &self,
        hop: &Hop<'_>,
        credentials: &Credentials,
        helpers: &Helpers<'_>,
    ) -> Result<Verified, AccessError>;
}

/// A session's secret: one item in the vault.
#[derive(Debug)]
pub struct SecretForm {
    /// The long flag's stem: `secret-access-key` makes `--secret-access-key-stdin`.
    pub flag: &'static str,
    /// What a prompt calls it.
    pub label: &'static str,
    /// Checks the text that a person gave.
    pub check: fn(&str) -> Result<(), String>,
    /// The vault's item, of the session's fields and the secret.
    pub item: fn(&Map<String, Json>, &Secret) -> Secret,
    /// Reads fields and secret from a file that the provider lets people download.
    pub from_csv: fn(&[u8]) -> Result<CsvSecret, String>,
}

/// What a downloaded file held.
#[derive(Debug)]
pub struct CsvSecret {
    /// Fields of the session.
    pub fields: Vec<(&'static str, String)>,
    /// Its secret.
    pub secret: Secret,
}

/// What lists and messages say about a session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// The account or tenant.
    pub account: Option<String>,
    /// The role.
    pub role: Option<String>,
    /// The device whose code a person must type, where there is one.
    pub mfa_device: Option<String>,
}

/// One session on the way to credentials, and all that its request depends on.
#[derive(Clone, Debug)]
pub struct Hop<'a> {
    /// The session.
    pub session: &'a Session,
    /// Where its requests go.
    pub region: RegionName,
    /// Another address than the cloud's own, of STS.
    pub endpoint: Option<String>,
    /// Other addresses of the services for sign-ins.
    pub services: crate::cloud::endpoint::Services,
    /// `AWS_LOGIN_CACHE_DIRECTORY`, as the user has set it.
    pub login_cache: Option<String>,
    /// Files with further root certificates.
    pub ca_bundles: Vec<PathBuf>,
    /// A lifetime that was asked for instead of the session's own, in seconds.
    pub duration: Option<u32>,
    /// The parent's [`CredentialProviderFactory::child_limit`].
    pub limit: Option<u32>,
    /// A hash of what a program of the user's would see of its surroundings; empty for who runs none.
    pub surroundings: String,
    /// The user's login name.
    pub user: String,
    /// The machine's name.
    pub host: String,
}

/// What the choice of a region or location can draw on.
pub struct RegionSources<'a> {
    /// From the command line.
    pub flag: Option<&'a RegionName>,
    /// From the project file that governs the current directory, and is trusted.
    pub project: Option<&'a RegionName>,
    /// That file.
    pub project_file: Option<&'a Path>,
    /// The user's own variables, whatever an earlier session of ours has put in their place.
    pub own: &'a dyn Fn(&str) -> Option<String>,
    /// The workspace's default.
    pub default: Option<&'a RegionName>,
}

impl std::fmt::Debug for RegionSources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegionSources").field("flag", &self.flag).finish_non_exhaustive()
    }
}

/// A chosen region or location.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegionChoice {
    /// The name.
    pub region: RegionName,
    /// Where it comes from: a flag, a variable, a file.
    pub source: String,
    /// What the user should know: what was passed over, and what was overruled.
    pub notes: Vec<String>,
    /// The files that the choice depends on, whether they exist or not.
    pub files: Vec<PathBuf>,
    /// How it came to it; what stands behind the step that decided was not looked up.
    pub steps: Vec<RegionStep>,
}

/// One step on the way to a region or location.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegionStep {
    /// A word for it: `flag`, `project`, `session`, a variable's name, `profile`, `workspace`, ...
    pub name: &'static str,
    /// Where its value stands: a flag, a file, a variable.
    pub origin: String,
    /// The value that stands there.
    pub value: Option<String>,
    /// What became of it.
    pub verdict: RegionVerdict,
}

/// What became of a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RegionVerdict {
    /// An earlier step ended the search.
    NotReached,
    /// Its value cannot be used, and no other is tried, because of this.
    Refused(String),
    /// The search went on: without a reason, because nothing stands there.
    Skipped(Option<String>),
    /// It decides; perhaps with a warning.
    Used(Option<String>),
}

impl RegionVerdict {
    /// Whether the step gives the region.
    pub fn decides(&self) -> bool {
        matches!(self, Self::Used(_))
    }

    /// The verdict for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::NotReached => "not reached".into(),
            Self::Refused(reason) => format!("refused: {reason}"),
            Self::Skipped(None) => "not set".into(),
            Self::Skipped(Some(reason)) => format!("passed over: {reason}"),
            Self::Used(None) => "used".into(),
            Self::Used(Some(warning)) => format!("used, though {warning}"),
        }
    }
}

impl RegionStep {
    /// What the user should know of the step even where nobody asked.
    pub fn note(&self) -> Option<String> {
        match &self.verdict {
            RegionVerdict::Skipped(Some(reason)) => {
                Some(format!("{} is passed over: {reason}", self.origin))
            }
            RegionVerdict::Used(Some(warning)) => {
                let value = self.value.as_deref().unwrap_or_default();
                Some(format!("region {value} ({}) is used, though {warning}", self.origin))
            }
            _ => None,
        }
    }
}

/// What would be asked of the cloud.
#[derive(Clone, Debug)]
pub struct Request {
    /// Everything that the answer depends on, except the parent's credentials.
    pub material: Json,
    /// Whether a person must answer something.
    pub asks_person: bool,
    /// What the user should know: a lifetime that was cut.
    pub notes: Vec<String>,
}

/// What a factory may use while it issues.
pub struct Helpers<'a> {
    /// The parent's credentials.
    pub parent: Option<&'a Credentials>,
    /// Seconds by which the server's clock is ahead of this machine's, as the parent found.
    pub clock_offset: i64,
    /// The session's item in the vault.
    pub secret: &'a dyn Fn() -> Result<Option<Secret>, VaultError>,
    /// The surroundings.
    pub place: &'a dyn source::Place,
    /// Who can be asked.
    pub prompt: &'a dyn Prompt,
    /// Is told when a person is being asked, and when no more.
    pub asking: &'a dyn Fn(bool),
    /// Claims a one-time code for a device; the error is the number of seconds until a new one.
    pub claim_code: &'a dyn Fn(&str, &str) -> Result<(), i64>,
    /// Is told what takes its time.
    pub waiting: &'a dyn Fn(&str),
}

impl std::fmt::Debug for Helpers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helpers").finish_non_exhaustive()
    }
}

/// Credentials, fresh from the cloud.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The credentials.
    pub credentials: Credentials,
    /// Seconds by which the server's clock is ahead of this machine's.
    pub clock_offset: i64,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// All that the variables of a session depend on.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The session.
    pub session: &'a Session,
    /// Its credentials.
    pub credentials: &'a Credentials,
    /// Where its programs work.
    pub region: &'a RegionName,
    /// When the credentials end, by this machine's clock.
    pub local_expiry: Timestamp,
}

/// What the cloud said about credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The account or tenant.
    pub account: String,
    /// The principal.
    pub principal: String,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Another process holds a token's file for too long.
    #[error("another process has been refreshing '{0}' for too long")]
    Busy(String),
    /// The person stopped.
    #[error("cancelled")]
    Cancelled,
    /// What the request was made from is not what it was.
    #[error("the source of '{0}' changed while it was read")]
    Changed(String),
    /// The cloud refused or could not be reached.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A person must act, with another tool than this one.
    #[error("{problem}")]
    Elsewhere {
        /// What is lacking.
        problem: String,
        /// What to run.
        command: String,
    },
    /// A field of the session is not as it must be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The code was wrong, and nobody can be asked for another.
    #[error("the MFA code was rejected")]
    MfaRejected,
    /// A person must answer, and may not be asked now.
    #[error("{0} is needed, and nobody can be asked for it here")]
    NeedsPerson(String),
    /// A program that was to give credentials did not.
    #[error("{problem}{}", said.as_ref().map_or_else(String::new, |said| format!(": {said}")))]
    Program {
        /// What it did.
        problem: String,
        /// What it said on stderr.
        said: Option<String>,
        /// Whether it only took too long.
        timed_out: bool,
    },
    /// A provider did not give credentials.
    #[error(transparent)]
    Provider(#[from] provider::ProviderError),
    /// The code was used a moment ago.
    #[error("this MFA code was used already; the next one appears in {seconds} s")]
    CodeUsed {
        /// Until the next code.
        seconds: i64,
    },
    /// A sign-in is no set of keys.
    #[error("'{0}' is a sign-in, which gives no keys")]
    NoKeys(String),
    /// The vault has no item for the session.
    #[error("the vault has no secret for session '{0}'")]
    SecretMissing(String),
    /// The vault's item is not of this session.
    #[error("the vault's item for session '{0}' is damaged or of another key")]
    SecretUnusable(String),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds for every session type.
    #[test]
    fn every_factory_keeps_the_contract() {
        let mut types = Vec::new();
        for factory in FACTORIES {
            let id = factory.session_type();
            assert!(!types.contains(&id), "{id} twice");
            types.push(id);
            assert_eq!(super::factory(id).unwrap().session_type(), id);
            assert!(id.starts_with(&format!("{}-", factory.managed().cloud)), "{id}");
            assert!(!factory.about().is_empty() && !factory.about().ends_with('.'), "{id}");
            let mut flags = vec!["name", "region", "parent", "display-name", "protected", "json"];
            for field in factory.fields() {
                assert!(!flags.contains(&field.flag), "{id}: --{} twice", field.flag);
                flags.push(field.flag);
                let stem = field.flag.replace("-file", "").replace('-', "_");
                assert!([stem.clone(), stem + "s"].contains(&field.key.to_owned()), "{id}");
                assert!((field.check)("\u{7}").is_err(), "{id}: {} takes anything", field.key);
                assert!(!field.help.ends_with('.'), "{id}: {}", field.key);
            }
            assert!(factory.check_duration(1).is_err(), "{id}");
            assert!(factory.check_duration(u32::MAX).is_err(), "{id}");
            assert!(factory.check_duration(3600).is_ok(), "{id}");
        }
        assert!(factory("gcp-user").is_none());
    }
}
