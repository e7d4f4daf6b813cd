//! What went wrong, as the user is told it, and the exit status that goes with it.

use crate::{
    access::{
        AccessError, FieldError, PromptError,
        profile::stanza::StanzaError,
        provider::{FailureKind, ProviderError},
    },
    cloud::{CloudError, ErrorKind},
    resolver::ResolveError,
    system::{directory::PathError, exec::ExecError, paths::HomeError, users_file::UsersFileError},
    ui::Report,
    vault::VaultError,
    workspace::WorkspaceError,
};

/// The kinds of failure. Each has its exit status; README lists them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Cancelled,
    Failed,
    Incomplete,
    Invalid,
    NeedsAction,
    Storage,
    Unreachable,
    Usage,
}

impl Kind {
    pub(super) fn exit(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NeedsAction => 3,
            Self::Invalid => 4,
            Self::Incomplete => 5,
            Self::Unreachable => 6,
            Self::Storage => 7,
            Self::Cancelled => 130,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Invalid => "invalid",
            Self::NeedsAction => "requires-user-action",
            Self::Storage => "storage",
            Self::Unreachable => "unreachable",
            Self::Usage => "usage",
        }
    }
}

/// A failure on its way to the user.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) causes: Vec<String>,
    pub(super) hint: Option<String>,
    /// What went wrong without what a program said of it, which is for the one who ran it alone.
    brief: Option<String>,
    /// An exit status that is not the kind's: 126, 127.
    status: Option<u8>,
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            brief: None,
            status: None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(super) fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "cancelled")
    }

    /// Whoever read our output has gone: there is nobody to tell.
    pub(super) fn silent() -> Self {
        Self::new(Kind::Failed, "")
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what lies behind it.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same for several.
    pub(super) fn because_all(mut self, causes: Vec<String>) -> Self {
        self.causes.extend(causes);
        self
    }

    /// Puts what was being done in front of what went wrong.
    pub(super) fn doing(mut self, what: impl Into<String>) -> Self {
        if self.kind == Kind::Cancelled {
            return self;
        }
        let cause = std::mem::replace(&mut self.message, what.into());
        self.causes.insert(0, cause);
        self
    }

    /// A failure of an error and the errors behind it.
    fn of(kind: Kind, error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !failure.message.contains(&text) && !failure.causes.contains(&text) {
                failure.causes.push(text);
            }
            source = cause.source();
        }
        failure
    }

    /// What went wrong, without what was being done: for a note that is read later.
    pub(super) fn in_a_line(&self) -> String {
        self.brief.as_ref().or(self.causes.first()).unwrap_or(&self.message).clone()
    }

    pub(super) fn exit(&self) -> u8 {
        self.status.unwrap_or_else(|| self.kind.exit())
    }

    pub(super) fn report(&self) -> Report {
        Report {
            kind: self.kind.word(),
            message: self.message.clone(),
            causes: self.causes.clone(),
            hint: self.hint.clone(),
            exit: self.exit(),
        }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::of(Kind::Storage, &error)
            .hint("set LEAPP_HOME to an absolute path outside any repository, such as $HOME/.Leapp")
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        let hint = match &error {
            error if error.is_full() => {
                Some("the disk or your quota is full; nothing was changed".to_owned())
            }
            PathError::LooseMode { path, .. } => Some(format!("chmod 600 '{}'", path.display())),
            PathError::ForeignOwner { path, .. } => Some(format!(
                "remove '{}', or set LEAPP_HOME to a directory of yours",
                path.display()
            )),
            PathError::Link { path } => {
                Some(format!("replace the link '{}', or set LEAPP_HOME", path.display()))
            }
            PathError::Io { .. } => None,
        };
        let failure = Self::of(Kind::Storage, &error);
        Self { hint, ..failure }
    }
}

impl From<UsersFileError> for Failure {
    fn from(error: UsersFileError) -> Self {
        let hint = match &error {
            UsersFileError::Blocked { path, .. } => format!("ls -ld '{}'", path.display()),
            UsersFileError::Busy(_) => "try again when the other program has ended".to_owned(),
            UsersFileError::HardLinks { .. } => {
                "make it one file, or a symbolic link to the one that is kept".to_owned()
            }
            UsersFileError::Path(error) if error.is_full() => {
                "the disk or your quota is full; nothing was changed".to_owned()
            }
            UsersFileError::Path(_) => return Self::of(Kind::Failed, &error),
        };
        Self::of(Kind::Failed, &error).hint(hint)
    }
}

impl From<StanzaError> for Failure {
    fn from(error: StanzaError) -> Self {
        let take = |profile: &str| {
            let profile = crate::cli::profile::word(profile);
            format!("leapp session add aws-iam-user NAME --from-profile {profile} --replace")
        };
        let hint = match &error {
            StanzaError::Changed(_) | StanzaError::Edit { .. } => "leapp list".to_owned(),
            StanzaError::CredentialsWin { profile, key, .. } if key.starts_with("aws_") => {
                format!("{}; or bind a profile of another name", take(profile))
            }
            StanzaError::CredentialsWin { .. } => {
                "take it out there, or bind a profile of another name".to_owned()
            }
            StanzaError::Inherited { .. } => "move it into the profiles that need it".to_owned(),
            StanzaError::LongTerm { profile, .. } => take(profile),
            StanzaError::NotBound(_) => "leapp profile list".to_owned(),
            StanzaError::NotOurs { .. } => "only what leapp wrote is taken out".to_owned(),
            StanzaError::Syntax { .. } => "mend the line; nothing was changed".to_owned(),
            StanzaError::Taken { .. } => "--force takes that out".to_owned(),
            StanzaError::Twice { .. } => "make one section of the two".to_owned(),
        };
        let failure = Self::of(Kind::Failed, &error).hint(hint);
        match error {
            StanzaError::NotBound(_) => Self { kind: Kind::Incomplete, ..failure },
            StanzaError::Taken { what, .. } => failure.because_all(what),
            _ => failure,
        }
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        let hint = match error {
            WorkspaceError::Path(error) => return error.into(),
            WorkspaceError::Desktop { replaced_ours: false, .. } => {
                "leave it to that app, and keep ours elsewhere: export LEAPP_HOME=~/.config/leapp"
            }
            WorkspaceError::Desktop { replaced_ours: true, .. } => {
                "it took the place of our workspace; 'leapp workspace restore' lists the backups"
            }
            WorkspaceError::Newer { .. } => "install a newer leapp",
            WorkspaceError::Busy => "try again when the other one has ended",
            WorkspaceError::Damaged { .. } => "leapp workspace restore lists the backups",
            WorkspaceError::Gone { .. } => {
                "leapp workspace restore lists them; to begin anew, move the folder 'backups' away"
            }
            WorkspaceError::WrongKey { .. } => {
                "use it on its own machine, or restore a backup of this one: leapp workspace restore"
            }
            WorkspaceError::Seal(_) => "try again",
        };
        Self::of(Kind::Storage, &error).hint(hint)
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match &error {
            VaultError::Cancelled => Self::cancelled(),
            VaultError::Path(_) => match error {
                VaultError::Path(error) => error.into(),
                _ => Self::cancelled(),
            },
            VaultError::Locked(label) if label.starts_with("file") => {
                Self::of(Kind::NeedsAction, &error)
                    .hint("on a terminal: leapp start NAME; or set LEAPP_VAULT_PASSPHRASE_FILE")
            }
            VaultError::Locked(_) => Self::of(Kind::NeedsAction, &error)
                .hint("unlock your keyring, or on a terminal: leapp start NAME"),
            VaultError::WrongPassphrase => Self::of(Kind::Storage, &error)
                .hint("check LEAPP_VAULT_PASSPHRASE and LEAPP_VAULT_PASSPHRASE_FILE"),
            VaultError::Absent(label) if label.starts_with("file") => {
                Self::of(Kind::Storage, &error).hint(
                    "give the secret again: leapp session edit NAME --secret-access-key-stdin",
                )
            }
            VaultError::Absent(_) | VaultError::Silent { .. } => Self::of(Kind::Storage, &error)
                .hint("start your keyring (gnome-keyring, KWallet, KeePassXC), then try again"),
            VaultError::Mismatch { .. } => {
                Self::of(Kind::Storage, &error).hint("unset LEAPP_VAULT")
            }
            VaultError::Damaged { .. } => Self::of(Kind::Storage, &error)
                .hint("give the secret again: leapp session edit NAME --secret-access-key-stdin"),
            VaultError::Failed { .. } => Self::of(Kind::Storage, &error),
        }
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        match error.kind {
            ErrorKind::Unreachable => Self::of(Kind::Unreachable, &error)
                .hint("check the network and HTTPS_PROXY, then try again"),
            ErrorKind::LoginNeeded => Self::of(Kind::NeedsAction, &error)
                .hint("log in again with the AWS CLI: aws sso login, or aws login"),
            ErrorKind::MfaRejected => AccessError::MfaRejected.into(),
            ErrorKind::DurationTooLong | ErrorKind::Expired | ErrorKind::Refused => {
                Self::of(Kind::Invalid, &error)
            }
        }
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self::of(Kind::Incomplete, &error)
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Cancelled => Self::cancelled(),
            AccessError::Cloud(error) => error.into(),
            AccessError::Field(error) => error.into(),
            AccessError::Provider(error) => error.into(),
            AccessError::Vault(error) => error.into(),
            AccessError::MfaRejected | AccessError::CodeUsed { .. } => {
                Self::of(Kind::NeedsAction, &error)
            }
            AccessError::NeedsPerson(_) => Self::of(Kind::NeedsAction, &error),
            AccessError::NoKeys(_) => {
                Self::of(Kind::Incomplete, &error).hint("name a profile that uses it: leapp list")
            }
            AccessError::Busy(_) => Self::of(Kind::Unreachable, &error).hint("try again"),
            AccessError::Changed(_) => Self::of(Kind::Failed, &error).hint("try again"),
            AccessError::Elsewhere { ref command, .. } => {
                let command = command.clone();
                Self::of(Kind::NeedsAction, &error).hint(command)
            }
            AccessError::Program { timed_out, ref said, .. } => {
                let kind = if timed_out { Kind::Unreachable } else { Kind::Failed };
                let failure = Self::of(kind, &error);
                let said = said.as_ref().map(|said| format!(": {said}"));
                let text = failure.message.clone();
                let brief = said.and_then(|said| text.strip_suffix(&said).map(str::to_owned));
                Self { brief, ..failure }
            }
            AccessError::SecretMissing(ref name) | AccessError::SecretUnusable(ref name) => {
                let hint = format!("leapp session edit {name} --secret-access-key-stdin");
                Self::of(Kind::Storage, &error).hint(hint)
            }
        }
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        let (kind, hint) = match error {
            ResolveError::Access(error) => return error.into(),
            ResolveError::AskedElsewhere(_) => {
                (Kind::NeedsAction, "answer it there, then try again")
            }
            ResolveError::Chain(_) => {
                (Kind::Incomplete, "leapp session edit NAME --parent ANOTHER")
            }
            ResolveError::TooShort { .. } => {
                (Kind::Failed, "ask for a shorter --min-ttl, or a longer --duration")
            }
            ResolveError::TooSlow(_) => (Kind::Unreachable, "try again"),
            ResolveError::UnknownType { .. } => (Kind::Incomplete, "install a newer leapp"),
        };
        Self::of(kind, &error).hint(hint)
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        let kind = match error.kind() {
            FailureKind::Action => Kind::NeedsAction,
            FailureKind::Cancelled => return Self::cancelled(),
            FailureKind::Failed => Kind::Failed,
            FailureKind::Incomplete => Kind::Incomplete,
            FailureKind::Refused => Kind::Invalid,
            FailureKind::Unreachable => Kind::Unreachable,
        };
        Self { hint: error.hint(), ..Self::of(kind, &error) }
    }
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::Cancelled => Self::cancelled(),
            PromptError::Unavailable => Self::of(Kind::NeedsAction, &error),
        }
    }
}

impl From<ExecError> for Failure {
    fn from(error: ExecError) -> Self {
        let status = Some(error.status());
        Self { status, ..Self::of(Kind::Failed, &error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_readme() {
        let readme = include_str!("../../README.md");
        for kind in [
            Kind::Cancelled,
            Kind::Failed,
            Kind::Incomplete,
            Kind::Invalid,
            Kind::NeedsAction,
            Kind::Storage,
            Kind::Unreachable,
            Kind::Usage,
        ] {
            assert!(readme.contains(&format!("| {} |", kind.exit())), "{kind:?}");
        }
    }

    #[test]
    fn what_was_being_done_comes_first_and_the_cause_behind_it() {
        let error = CloudError::answered(403, "AccessDenied", "no");
        let failure = Failure::from(error).doing("cannot start session 'prod'");
        assert_eq!(failure.message, "cannot start session 'prod'");
        assert_eq!(failure.causes, ["AccessDenied: no"]);
        assert_eq!(failure.exit(), 4);
        let ended = Failure::from(CloudError::login_needed("invalid_grant", "the login has ended"));
        assert_eq!((ended.exit(), ended.message.as_str()), (3, "the login has ended"));
        assert!(ended.hint.is_some_and(|hint| hint.contains("aws sso login")));
        assert_eq!(Failure::cancelled().doing("x").message, "cancelled");
    }
}
