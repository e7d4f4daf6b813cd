//! `AssumeRoleWithWebIdentity`: keys of a role for a token that somebody else issued.
//! See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
//!
//! Deliberately absent: reading the token's file; keys of ours, for nobody signs this request.

use std::fmt;

use aws_sdk_sts::{
    Client,
    config::{BehaviorVersion, Region},
};

use super::{
    CloudError,
    exchange::{self, translate},
    http,
    server_clock::ServerClock,
    sts::{Route, SERVICE, TemporaryKeys, seconds, temporary},
};
use crate::secret::Secret;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The role.
    pub role_arn: String,
    /// The name of the role session.
    pub session_name: String,
    /// Seconds; without it STS chooses, at present an hour.
    pub duration: Option<u32>,
}

/// STS in one region, without keys.
pub struct WebIdentity<'a> {
    route: Route,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for WebIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> WebIdentity<'a> {
    /// Nothing is sent yet. `waiting` is told when an answer takes its time.
    pub fn new(route: Route, waiting: &'a dyn Fn(&str)) -> Self {
        Self { route, clock: ServerClock::default(), waiting }
    }

    /// Seconds by which the server's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// Temporary keys of the role that trusts the token's issuer.
    pub fn role_keys(&self, token: &Secret, wanted: &Wanted) -> Result<TemporaryKeys, CloudError> {
        exchange::run(SERVICE, &self.route.place(), self.waiting, async {
            let request = self.client()?.assume_role_with_web_identity();
            let request = request
                .role_arn(&wanted.role_arn)
                .role_session_name(&wanted.session_name)
                .web_identity_token(token.expose())
                .set_duration_seconds(wanted.duration.map(seconds));
            let answer = request.send().await.map_err(|error| translate(SERVICE, &error))?;
            temporary(answer.credentials, self.clock.server_now())
        })
    }

    fn client(&self) -> Result<Client, CloudError> {
        let mut config = aws_sdk_sts::Config::builder()
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
}
