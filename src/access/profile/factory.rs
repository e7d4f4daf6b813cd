//! Profiles as session types: one factory, a kind each.

use super::{facts::Facts, keys, login, process, role, sso, web_identity};
use crate::{
    access::{
        AccessError, Call, CredentialProviderFactory, Field, FieldError, Helpers, Hop, Issued,
        Origin, Outcome, RegionChoice, RegionSources, Request, Summary, Verified, aws, aws_region,
        source::Place,
    },
    cloud::{arn, login_cache::LoginState, sso_cache::TokenState},
    envdelta::{Managed, Value},
    model::{Credentials, RegionName, Session},
};

/// The kinds of profiles, as session types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::access) enum ProfileType {
    Keys,
    Login,
    /// The session of a one-time code, which roles share.
    Mfa,
    Process,
    Role,
    Sso,
    /// An `[sso-session]` by itself.
    SsoSession,
    WebIdentity,
}

impl CredentialProviderFactory for ProfileType {
    fn session_type(&self) -> &'static str {
        match self {
            Self::Keys => "aws-profile-keys",
            Self::Login => "aws-profile-login",
            Self::Mfa => "aws-profile-mfa",
            Self::Process => "aws-profile-process",
            Self::Role => "aws-profile-role",
            Self::Sso => "aws-profile-sso",
            Self::SsoSession => "aws-sso-session",
            Self::WebIdentity => "aws-profile-web-identity",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::Keys => "Keys in a profile of the shared files",
            Self::Login => "A profile of 'aws login'",
            Self::Mfa => "One MFA code for all roles behind a profile's keys",
            Self::Process => "A profile with a credential_process",
            Self::Role => "A role in a profile of the shared files",
            Self::Sso => "A profile of IAM Identity Center",
            Self::SsoSession => "A sign-in to IAM Identity Center",
            Self::WebIdentity => "A profile with a web identity token",
        }
    }

    fn managed(&self) -> &'static Managed {
        aws::managed()
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn takes_parent(&self, session: &Session) -> bool {
        *self == Self::Role && Facts::of(session).keys.is_none()
    }

    fn asks(&self, session: &Session) -> bool {
        let facts = Facts::of(session);
        match self {
            Self::Keys => facts.mfa_serial.is_some() && facts.keys.is_some_and(|k| !k.temporary),
            Self::Mfa => true,
            Self::Role => facts.mfa_serial.is_some() && !shares_code(session),
            Self::Login | Self::Process | Self::Sso | Self::SsoSession | Self::WebIdentity => false,
        }
    }

    fn lacks(&self, session: &Session, place: &dyn Place) -> Option<AccessError> {
        let facts = Facts::of(session);
        match self {
            Self::Login => match login::state(&facts, place) {
                LoginState::Absent | LoginState::Expired => Some(login::ended(&facts)),
                LoginState::Refreshable { .. } | LoginState::Valid { .. } => None,
            },
            Self::Sso | Self::SsoSession => {
                let sso = facts.sso.as_ref()?;
                match sso::state(sso, place) {
                    TokenState::Absent => Some(sso::login_needed(&facts, sso, "is not there")),
                    TokenState::Expired => Some(sso::login_needed(&facts, sso, "has ended")),
                    TokenState::Refreshable { .. } | TokenState::Valid { .. } => None,
                }
            }
            _ => None,
        }
    }

    fn signed_in(&self, session: &Session, place: &dyn Place) -> Option<i64> {
        let facts = Facts::of(session);
        match sso::state(facts.sso.as_ref().filter(|_| *self == Self::SsoSession)?, place) {
            TokenState::Refreshable { left } | TokenState::Valid { left } if left > 0 => Some(left),
            _ => None,
        }
    }

    fn surroundings(&self, session: &Session, place: &dyn Place) -> String {
        if *self != Self::Process {
            return String::new();
        }
        let process = Facts::of(session).process;
        process.map(|process| process::surroundings(&process, place)).unwrap_or_default()
    }

    fn runs_program(&self) -> bool {
        *self == Self::Process
    }

    fn is_of_environment(&self) -> bool {
        *self == Self::Process
    }

    fn subject(&self, session: &Session) -> String {
        let facts = Facts::of(session);
        match facts.keys {
            _ if *self == Self::Process => format!("process:{}", facts.profile),
            Some(keys) => format!("profile:{}", keys.of),
            None => session.identifier().to_string(),
        }
    }

    fn child_limit(&self) -> Option<u32> {
        matches!(self, Self::Role | Self::Sso | Self::WebIdentity).then_some(role::HOUR)
    }

    fn check(&self, _: &Session) -> Result<(), FieldError> {
        Ok(())
    }

    fn check_duration(&self, seconds: u32) -> Result<(), String> {
        let longest = match self {
            Self::Keys | Self::Mfa | Self::Process => 129_600,
            _ => role::LONGEST,
        };
        aws::check_seconds(seconds, longest)
    }

    fn summary(&self, session: &Session) -> Summary {
        let facts = Facts::of(session);
        let role = role::arn_of(&facts);
        let device = facts.mfa_serial.clone().filter(|_| *self != Self::Process);
        let of_device = device.as_deref().and_then(|text| arn::mfa_device(text).ok());
        let sso = facts.sso.as_ref();
        // `aws_account_id` beside a role is the account of the keys, and not of the role.
        let account = match self {
            Self::Role | Self::WebIdentity => role.as_ref().map(|arn| arn.account.clone()),
            Self::Sso | Self::SsoSession => {
                sso.map(|sso| sso.account.clone()).filter(|id| !id.is_empty())
            }
            Self::Keys | Self::Login | Self::Mfa | Self::Process => {
                facts.account.clone().or_else(|| of_device.map(|arn| arn.account))
            }
        };
        let name = sso.map(|sso| sso.role.clone()).filter(|role| !role.is_empty());
        let name = name.or_else(|| role.map(|arn| arn.name().to_owned()));
        Summary { account, role: name, mfa_device: device }
    }

    fn principal(&self, session: &Session) -> String {
        Facts::of(session).sections
    }

    fn home_region(
        &self,
        session: &Session,
        default: Option<&RegionName>,
    ) -> Result<RegionName, FieldError> {
        let facts = Facts::of(session);
        aws_region::home(session, partition(&facts).as_deref(), default)
    }

    fn choose_region(
        &self,
        session: &Session,
        sources: &RegionSources<'_>,
    ) -> Result<RegionChoice, FieldError> {
        let facts = Facts::of(session);
        if let (Some(bad), None, None) = (&facts.bad_region, sources.flag, sources.project) {
            let problem = format!("{bad:?} is none that AWS has");
            return Err(FieldError { flag: "region".into(), problem });
        }
        aws_region::choose(session, partition(&facts).as_deref(), sources)
    }

    fn request(&self, hop: &Hop<'_>) -> Result<Request, FieldError> {
        let facts = Facts::of(hop.session);
        // Programs get it with the keys: one that is not safe is neither given nor passed over.
        if let Some(url) = facts.endpoint_url.as_deref().filter(|url| !super::facts::is_safe(url)) {
            return Err(aws::exposed_endpoint(url));
        }
        let mut request = match self {
            Self::Keys | Self::Mfa => keys::request(hop, &facts),
            Self::Login => login::request(hop, &facts),
            Self::Process => process::request(hop, &facts),
            Self::Role => role::request(hop, &facts),
            Self::Sso | Self::SsoSession => sso::request(hop, &facts),
            Self::WebIdentity => web_identity::request(hop, &facts),
        };
        if !facts.service_endpoints.is_empty() {
            request.notes.push(format!(
                "profile '{}' has endpoints for {}: programs get those by the profile's name alone",
                facts.profile,
                facts.service_endpoints.join(", ")
            ));
        }
        Ok(request)
    }

    fn calls(&self, hop: &Hop<'_>, place: &dyn Place) -> Vec<Call> {
        let facts = Facts::of(hop.session);
        match self {
            Self::Keys | Self::Mfa => keys::calls(hop, &facts),
            Self::Login => login::calls(&facts, place),
            Self::Process => process::calls(&facts),
            Self::Role => role::calls(hop, &facts),
            Self::Sso => sso::calls(hop, &facts, place),
            Self::SsoSession => Vec::new(),
            Self::WebIdentity => web_identity::calls(hop, &facts),
        }
    }

    fn origins(&self, session: &Session, place: &dyn Place) -> Vec<Origin> {
        super::origins::of(session, place)
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let facts = Facts::of(hop.session);
        match self {
            Self::Keys | Self::Mfa => keys::issue(hop, &facts, helpers),
            Self::Login => login::issue(hop, &facts, helpers),
            Self::Process => process::issue(hop, &facts, helpers),
            Self::Role => role::issue(hop, &facts, helpers),
            Self::Sso => sso::issue(hop, &facts, helpers),
            Self::SsoSession => Err(AccessError::NoKeys(hop.session.name.to_string())),
            Self::WebIdentity => web_identity::issue(hop, &facts, helpers),
        }
    }

    fn environment(&self, outcome: &Outcome<'_>) -> Vec<(&'static str, Value)> {
        let mut values = aws::environment(outcome, self.summary(outcome.session).account);
        if let Some(endpoint) = Facts::of(outcome.session).endpoint_url {
            values.insert(0, ("AWS_ENDPOINT_URL", Value::Public(endpoint)));
        }
        values
    }

    fn verify(
        &self,
        hop: &Hop<'_>,
        credentials: &Credentials,
        helpers: &Helpers<'_>,
    ) -> Result<Verified, AccessError> {
        let facts = Facts::of(hop.session);
        aws::verify_at(hop, facts.sts_endpoint.as_deref(), credentials, helpers)
    }
}

fn partition(facts: &Facts) -> Option<String> {
    role::arn_of(facts).map(|arn| arn.partition)
}

/// Whether another session asks for the code of this role.
fn shares_code(session: &Session) -> bool {
    matches!(&session.parent, Some(crate::model::CredentialIdentifier::MfaSession { .. }))
}
