//! AWS STS: <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>.
//!
//! Deliberately absent: requests that nobody signs; `web_identity` has the one of them.

use std::{fmt, path::PathBuf};

use aws_credential_types::Credentials as SdkCredentials;
use aws_sdk_sts::{
    Client,
    config::{BehaviorVersion, Region},
    operation::assume_role::builders::AssumeRoleFluentBuilder,
    types::{Credentials as StsCredentials, PolicyDescriptorType, Tag},
};

use super::{
    CLOCK_TOLERANCE, CloudError,
    exchange::{self, translate},
    http,
    server_clock::ServerClock,
};
use crate::{
    model::{RegionName, Timestamp},
    secret::Secret,
};

/// The service's name in messages.
pub(super) const SERVICE: &str = "AWS STS";

/// Keys that sign a request.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token of temporary keys.
    pub session_token: Option<Secret>,
}

/// Where requests go and how.
#[derive(Clone, Debug)]
pub struct Route {
    /// Whose STS.
    pub region: RegionName,
    /// Another address than AWS's own.
    pub endpoint: Option<String>,
    /// Files with further root certificates.
    pub ca_bundles: Vec<PathBuf>,
}

impl Route {
    /// Where that is, for a person who waits.
    pub(super) fn place(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| self.region.to_string())
    }
}

/// What `AssumeRole` is asked for.
#[derive(Clone, Debug, Default)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// The name of the role session.
    pub session_name: String,
    /// Seconds.
    pub duration: u32,
    /// The external id that the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that pass on to further roles.
    pub transitive_tags: Vec<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// An inline policy that narrows the session.
    pub policy: Option<String>,
    /// MFA device and code.
    pub mfa: Option<Mfa>,
}

/// A one-time code and the device that made it.
#[derive(Clone, Debug)]
pub struct Mfa {
    /// Serial number or ARN.
    pub device: String,
    /// Six digits.
    pub code: String,
}

/// Temporary keys as STS issued them.
#[derive(Clone, Debug)]
pub struct TemporaryKeys {
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token.
    pub session_token: Secret,
    /// When they end, by the server's clock.
    pub expires_at: Timestamp,
    /// When the answer was made, by the server's clock.
    pub issued_at: Timestamp,
}

/// Who a set of keys belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// The principal's ARN.
    pub arn: String,
    /// The principal's unique id.
    pub user_id: String,
}

/// STS in one region, with one set of keys.
pub struct Sts<'a> {
    route: Route,
    keys: SigningKeys,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for Sts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sts").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> Sts<'a> {
    /// Nothing is sent yet. `waiting` is told, once a request, when an answer takes its time.
    /// `clock_offset` is what is known of the server's clock already, in seconds.
    pub fn new(
        route: Route,
        keys: SigningKeys,
        clock_offset: i64,
        waiting: &'a dyn Fn(&str),
    ) -> Self {
        Self { route, keys, clock: ServerClock::ahead_by(clock_offset), waiting }
    }

    /// Seconds by which the server's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// Temporary keys of the user whose keys sign the request.
    pub fn get_session_token(
        &self,
        duration: u32,
        mfa: Option<&Mfa>,
    ) -> Result<TemporaryKeys, CloudError> {
        self.send(|client| async move {
            let mut request = client.get_session_token().duration_seconds(seconds(duration));
            if let Some(mfa) = mfa {
                request = request.serial_number(&mfa.device).token_code(&mfa.code);
            }
            let answer = request.send().await.map_err(|error| translate(SERVICE, &error))?;
            Ok(answer.credentials)
        })
        .and_then(|credentials| self.temporary(credentials))
    }

    /// Temporary keys of a role.
    pub fn assume_role(&self, wanted: &AssumeRole) -> Result<TemporaryKeys, CloudError> {
        self.send(|client| async move {
            let request = fill(client.assume_role(), wanted)?;
            let answer = request.send().await.map_err(|error| translate(SERVICE, &error))?;
            Ok(answer.credentials)
        })
        .and_then(|credentials| self.temporary(credentials))
    }

    /// Who the keys belong to.
    pub fn get_caller_identity(&self) -> Result<CallerIdentity, CloudError> {
        self.send(|client| async move {
            let answer = client.get_caller_identity().send().await;
            let answer = answer.map_err(|error| translate(SERVICE, &error))?;
            match (answer.account, answer.arn, answer.user_id) {
                (Some(account), Some(arn), Some(user_id)) => {
                    Ok(CallerIdentity { account, arn, user_id })
                }
                _ => Err(CloudError::unreachable("the answer of STS lacks the identity")),
            }
        })
    }

    /// Sends a request; once more with the server's time when it was refused for ours.
    fn send<T, F>(&self, request: impl Fn(Client) -> F) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let once =
            || exchange::run(SERVICE, &self.route.place(), self.waiting, request(self.client()?));
        match once() {
            Err(error) if error.may_be_clock() && self.clock.offset().abs() > CLOCK_TOLERANCE => {
                self.clock.correct();
                once()
            }
            result => result,
        }
    }

    fn client(&self) -> Result<Client, CloudError> {
        let keys = &self.keys;
        let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
        let secret = keys.secret_key.expose();
        let signer = SdkCredentials::new(&keys.key_id, secret, token, None, "leapp");
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.route.region.as_str().to_owned()))
            .credentials_provider(signer)
            .http_client(http::client(self.route.endpoint.as_deref(), &self.route.ca_bundles)?)
            .timeout_config(http::timeouts())
            .retry_config(http::retries())
            .time_source(self.clock.clone())
            .interceptor(self.clock.clone());
        if let Some(endpoint) = &self.route.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Client::from_conf(config.build()))
    }

    fn temporary(&self, issued: Option<StsCredentials>) -> Result<TemporaryKeys, CloudError> {
        temporary(issued, self.clock.server_now())
    }
}

/// The keys of an answer that was made at `issued_at`.
pub(super) fn temporary(
    issued: Option<StsCredentials>,
    issued_at: Timestamp,
) -> Result<TemporaryKeys, CloudError> {
    let issued = issued
        .filter(|c| !c.access_key_id.is_empty() && !c.session_token.is_empty())
        .ok_or_else(|| CloudError::unreachable("the answer of STS lacks the credentials"))?;
    Ok(TemporaryKeys {
        key_id: issued.access_key_id,
        secret_key: Secret::new(issued.secret_access_key),
        session_token: Secret::new(issued.session_token),
        expires_at: Timestamp(issued.expiration.secs()),
        issued_at,
    })
}

fn fill(
    mut request: AssumeRoleFluentBuilder,
    wanted: &AssumeRole,
) -> Result<AssumeRoleFluentBuilder, CloudError> {
    request = request
        .role_arn(&wanted.role_arn)
        .role_session_name(&wanted.session_name)
        .duration_seconds(seconds(wanted.duration))
        .set_external_id(wanted.external_id.clone())
        .set_source_identity(wanted.source_identity.clone())
        .set_policy(wanted.policy.clone());
    for (key, value) in &wanted.tags {
        let tag = Tag::builder().key(key).value(value).build();
        request = request.tags(tag.map_err(|error| CloudError::unreachable(error.to_string()))?);
    }
    for key in &wanted.transitive_tags {
        request = request.transitive_tag_keys(key);
    }
    for arn in &wanted.policy_arns {
        request = request.policy_arns(PolicyDescriptorType::builder().arn(arn).build());
    }
    if let Some(mfa) = &wanted.mfa {
        request = request.serial_number(&mfa.device).token_code(&mfa.code);
    }
    Ok(request)
}

pub(super) fn seconds(duration: u32) -> i32 {
    i32::try_from(duration).unwrap_or(i32::MAX)
}
