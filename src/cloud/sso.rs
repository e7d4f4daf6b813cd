//! The portal of IAM Identity Center: keys of a role, for the token of a login.
//! See <https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/welcome.html>.
//!
//! Deliberately absent: the login, and how its token is kept and renewed (`sso_cache`, `sso_oidc`).

use std::fmt;

use aws_sdk_sso::{
    Client,
    config::{BehaviorVersion, Region},
    error::SdkError,
    operation::get_role_credentials::GetRoleCredentialsError,
    types::RoleCredentials,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{
    CloudError, ErrorKind,
    exchange::{self, translate},
    http,
    server_clock::ServerClock,
    sts::{Route, TemporaryKeys},
};
use crate::{model::Timestamp, secret::Secret};

/// The service's name in messages.
const SERVICE: &str = "AWS IAM Identity Center";

/// Which role's keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Twelve digits.
    pub account: String,
    /// The name of the role as Identity Center has it: that of the permission set.
    pub name: String,
}

/// The portal in one region.
pub struct Portal<'a> {
    route: Route,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for Portal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> Portal<'a> {
    /// Nothing is sent yet. The route's region is the one of Identity Center, not the one to work in.
    /// `waiting` is told when an answer takes its time.
    pub fn new(route: Route, waiting: &'a dyn Fn(&str)) -> Self {
        Self { route, clock: ServerClock::default(), waiting }
    }

    /// Seconds by which the server's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// Temporary keys of a role that is assigned to whoever logged in.
    pub fn role_keys(&self, token: &Secret, role: &Role) -> Result<TemporaryKeys, CloudError> {
        exchange::run(SERVICE, &self.route.place(), self.waiting, async {
            let request = self.client()?.get_role_credentials();
            let request = request.access_token(token.expose());
            let request = request.account_id(&role.account).role_name(&role.name);
            let answer = request.send().await.map_err(|error| explain(&error, role))?;
            self.keys(answer.role_credentials)
        })
    }

    fn client(&self) -> Result<Client, CloudError> {
        let mut config = aws_sdk_sso::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.route.region.as_str().to_owned()))
            .http_client(http::client(self.route.endpoint.as_deref(), &self.route.ca_bundles)?)
            .timeout_config(http::timeouts())
            .retry_config(http::retries())
            .interceptor(self.clock.clone());
        if let Some(endpoint) = &self.route.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Client::from_conf(config.build()))
    }

    fn keys(&self, issued: Option<RoleCredentials>) -> Result<TemporaryKeys, CloudError> {
        let lacks =
            || CloudError::unreachable(format!("the answer of {SERVICE} lacks the credentials"));
        let issued = issued.ok_or_else(lacks)?;
        let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
        let secret_key = filled(issued.secret_access_key).map(Secret::new);
        let session_token = filled(issued.session_token).map(Secret::new);
        Ok(TemporaryKeys {
            key_id: filled(issued.access_key_id).ok_or_else(lacks)?,
            secret_key: secret_key.ok_or_else(lacks)?,
            session_token: session_token.ok_or_else(lacks)?,
            // This one service counts in milliseconds.
            expires_at: Timestamp(issued.expiration.div_euclid(1000)),
            issued_at: self.clock.server_now(),
        })
    }
}

/// What a failure means: whether a new login would help, or only an administrator.
fn explain(error: &SdkError<GetRoleCredentialsError, HttpResponse>, role: &Role) -> CloudError {
    let translated = translate(SERVICE, error);
    let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
    let (said, Role { account, name }) = (&translated.message, role);
    if status == 401 {
        let text = format!("the login to {SERVICE} has ended or is no longer accepted: {said}");
        return CloudError::login_needed(&translated.code, text);
    }
    // Not in the service's model. A new login would get the same answer.
    let message = match status {
        403 => format!(
            "the role '{name}' in account '{account}' is not assigned to the user who logged in: {said}"
        ),
        404 => format!("{SERVICE} knows no role '{name}' in account '{account}': {said}"),
        429 => format!("{SERVICE} is asked too often at the moment: {said}"),
        _ => return translated,
    };
    let kind = if status == 429 { ErrorKind::Unreachable } else { ErrorKind::Refused };
    CloudError { kind, code: translated.code, message }
}
