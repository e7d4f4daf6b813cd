//! The token service of IAM Identity Center: a new access token for a refresh token.
//! See <https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html>.
//!
//! Deliberately absent: the login itself (registration, device code, browser); where the token is kept.

use std::fmt;

use aws_sdk_ssooidc::{
    Client,
    config::{BehaviorVersion, Region},
    error::SdkError,
    operation::create_token::CreateTokenError,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;

use super::{CloudError, exchange, http, server_clock::ServerClock, sts::Route};
use crate::secret::Secret;

/// The service's name in messages.
const SERVICE: &str = "the token service of AWS IAM Identity Center";

/// What a refresh needs.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Good for one refresh if the service answers with another one.
    pub refresh_token: Secret,
}

/// A token that was issued.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: Secret,
    /// How long it holds from now on, in seconds.
    pub expires_in: i64,
    /// The next refresh token; without one the old one stays good.
    pub refresh_token: Option<Secret>,
}

/// The token service in one region.
pub struct Oidc<'a> {
    route: Route,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for Oidc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> Oidc<'a> {
    /// Nothing is sent yet. The route's region is the one of Identity Center.
    /// `waiting` is told when an answer takes its time.
    pub fn new(route: Route, waiting: &'a dyn Fn(&str)) -> Self {
        Self { route, clock: ServerClock::default(), waiting }
    }

    /// Seconds by which the server's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// A new access token. Of two processes that refresh at once one may fail: lock the cache file.
    pub fn refresh(&self, renewal: &Renewal) -> Result<IssuedToken, CloudError> {
        exchange::run(SERVICE, &self.route.place(), self.waiting, async {
            let request = self.client()?.create_token().grant_type("refresh_token");
            let request = request
                .client_id(&renewal.client_id)
                .client_secret(renewal.client_secret.expose())
                .refresh_token(renewal.refresh_token.expose());
            let answer = request.send().await.map_err(|error| explain(&error))?;
            let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
            let access_token = filled(answer.access_token).map(Secret::new);
            let refresh_token = filled(answer.refresh_token).map(Secret::new);
            let lacks =
                || CloudError::unreachable(format!("the answer of {SERVICE} lacks the token"));
            Ok(IssuedToken {
                access_token: access_token.ok_or_else(lacks)?,
                expires_in: i64::from(answer.expires_in),
                refresh_token,
            })
        })
    }

    fn client(&self) -> Result<Client, CloudError> {
        let mut config = aws_sdk_ssooidc::Config::builder()
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

/// What OAuth calls an error (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: String,
    error_description: String,
}

/// What a failure means. The useful text is the description, which is no `message` for the SDK.
fn explain(error: &SdkError<CreateTokenError, HttpResponse>) -> CloudError {
    let SdkError::ServiceError(context) = error else {
        return exchange::unanswered(SERVICE, error);
    };
    let body = context.raw().body().bytes().unwrap_or_default();
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let (status, meta) = (context.raw().status().as_u16(), context.err().meta());
    let code = Some(said.error.as_str()).filter(|code| !code.is_empty()).or(meta.code());
    let code = code.unwrap_or_default();
    let text = Some(said.error_description.as_str()).filter(|text| !text.is_empty());
    let answered = CloudError::answered(status, code, text.or(meta.message()).unwrap_or_default());
    if !login_has_ended(code) || status >= 500 {
        return answered;
    }
    let text = format!("the login to AWS IAM Identity Center has ended: {}", answered.message);
    CloudError::login_needed(code, text)
}

/// Whether only a new login helps, by OAuth's code or the name of the service's exception.
fn login_has_ended(code: &str) -> bool {
    matches!(
        code,
        "access_denied"
            | "expired_token"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "AccessDeniedException"
            | "ExpiredTokenException"
            | "InvalidClientException"
            | "InvalidGrantException"
            | "UnauthorizedClientException"
    )
}
