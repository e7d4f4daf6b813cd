//! AWS Sign-In: new keys for a session of `aws login`.
//! See <https://docs.aws.amazon.com/signin/latest/APIReference/API_CreateOAuth2Token.html>.
//!
//! Deliberately absent: the login itself; where the session is kept (`login_cache`). The SDK's crate
//! for this service knows nothing of the proof of possession that each request needs.

use std::fmt;

use serde::Deserialize;

use super::{
    CLOCK_TOLERANCE, CloudError, dpop, exchange, http,
    json_text::quoted,
    partition,
    plain::{Limits, Plain, Reply, Request},
    server_clock::ServerClock,
    sts::Route,
};
use crate::secret::Secret;

/// The service's name in messages.
const SERVICE: &str = "AWS Sign-In";

/// What follows the region in the service's name: not what other services have.
const SUFFIXES: &[(&str, &str)] = &[
    ("aws", "signin.aws.amazon.com"),
    ("aws-cn", "signin.amazonaws.cn"),
    ("aws-us-gov", "signin.amazonaws-us-gov.com"),
    ("aws-eusc", "signin.amazonaws-eusc.eu"),
    ("aws-iso", "signin.c2shome.ic.gov"),
    ("aws-iso-b", "signin.sc2shome.sgov.gov"),
    ("aws-iso-e", "signin.csphome.adc-e.uk"),
    ("aws-iso-f", "signin.csphome.hci.ic.gov"),
];

/// What a refresh needs.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The client that logged in.
    pub client_id: String,
    /// Good for one refresh.
    pub refresh_token: Secret,
    /// The private key that the login is bound to, in PEM form.
    pub key: Secret,
}

/// Keys that were issued.
#[derive(Clone, Debug)]
pub struct IssuedKeys {
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token.
    pub session_token: Secret,
    /// How long they hold from now on, in seconds.
    pub expires_in: i64,
    /// The next refresh token.
    pub refresh_token: Option<Secret>,
}

/// The service in one region.
pub struct SignIn<'a> {
    route: Route,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for SignIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("route", &self.route).finish_non_exhaustive()
    }
}

impl<'a> SignIn<'a> {
    /// Nothing is sent yet. `waiting` is told when an answer takes its time. `clock_offset` is what is
    /// known of the server's clock already, in seconds: the proof bears a time.
    pub fn new(route: Route, clock_offset: i64, waiting: &'a dyn Fn(&str)) -> Self {
        Self { route, clock: ServerClock::ahead_by(clock_offset), waiting }
    }

    /// Seconds by which the server's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// New keys. Of two processes that refresh at once one may fail: lock the cache file.
    pub fn refresh(&self, renewal: &Renewal) -> Result<IssuedKeys, CloudError> {
        let assumed = self.clock.offset();
        let result = self.once(renewal);
        // The proof bore a time that the server does not believe; now its own is known.
        if result.is_err() && self.clock.offset().abs_diff(assumed) > CLOCK_TOLERANCE.unsigned_abs()
        {
            return self.once(renewal);
        }
        result
    }

    fn once(&self, renewal: &Renewal) -> Result<IssuedKeys, CloudError> {
        let endpoint = self.endpoint();
        let url = format!("{}/v1/token", endpoint.trim_end_matches('/'));
        let body = Secret::new(format!(
            r#"{{"clientId": {}, "grantType": "refresh_token", "refreshToken": {}}}"#,
            quoted(&renewal.client_id).expose(),
            quoted(renewal.refresh_token.expose()).expose()
        ));
        let id = uuid::Uuid::new_v4().to_string();
        let proof = dpop::proof(&renewal.key, &url, self.clock.server_now(), &id);
        let proof = proof.map_err(|error| CloudError::login_needed("", error.to_string()))?;
        let headers = [("content-type", Secret::new("application/json".into())), ("dpop", proof)];
        let request = Request { method: "POST", url: &url, headers: &headers, body: Some(&body) };
        let reply = exchange::run(SERVICE, &endpoint, self.waiting, async {
            let connector = http::connector(&endpoint, &self.route.ca_bundles, http::CONNECT)?;
            let (limits, clock) = (Limits::default(), &self.clock);
            Plain { service: SERVICE, connector, limits, clock }.send(&request).await
        })?;
        issued(&reply)
    }

    fn endpoint(&self) -> String {
        let region = &self.route.region;
        let suffix = || {
            let id = partition::of_region(region).map_or("aws", |(partition, _)| partition.id);
            SUFFIXES.iter().find(|(known, _)| *known == id).map_or("", |(_, suffix)| suffix)
        };
        self.route.endpoint.clone().unwrap_or_else(|| format!("https://{region}.{}", suffix()))
    }
}

/// An answer with keys. Not `Debug`: it holds them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: Keys,
    expires_in: i64,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
}

/// What is said instead of keys.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: String,
    message: String,
}

fn issued(reply: &Reply) -> Result<IssuedKeys, CloudError> {
    if reply.status != 200 {
        let said: Said = serde_json::from_slice(reply.body.expose()).unwrap_or_default();
        return Err(explain(reply.status, &said));
    }
    // The parser's message could quote a secret.
    let answer: Answer = serde_json::from_slice(reply.body.expose())
        .map_err(|_| CloudError::unreachable(format!("the answer of {SERVICE} lacks the keys")))?;
    Ok(IssuedKeys {
        key_id: answer.access_token.access_key_id,
        secret_key: Secret::new(answer.access_token.secret_access_key),
        session_token: Secret::new(answer.access_token.session_token),
        expires_in: answer.expires_in,
        refresh_token: answer.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
    })
}

fn explain(status: u16, said: &Said) -> CloudError {
    let answered = CloudError::answered(status, &said.error, &said.message);
    match said.error.as_str() {
        "TOKEN_EXPIRED" | "USER_CREDENTIALS_CHANGED" | "AUTHCODE_EXPIRED" | "invalid_grant" => {
            let text = format!("the session of 'aws login' has ended: {}", answered.message);
            CloudError::login_needed(&said.error, text)
        }
        "INSUFFICIENT_PERMISSIONS" => CloudError {
            message: format!(
                "you may not use 'aws login': the permission 'signin:CreateOAuth2Token' is missing: {}",
                answered.message
            ),
            ..answered
        },
        _ => CloudError { message: format!("{SERVICE}: {}", answered.message), ..answered },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cloud::ErrorKind, model::RegionName};

    #[test]
    fn each_partition_has_a_service_of_its_own() {
        for partition in partition::PARTITIONS {
            assert!(SUFFIXES.iter().any(|(id, _)| *id == partition.id), "{}", partition.id);
        }
        let endpoint = |region: &str| {
            let region = RegionName::parse(region).unwrap();
            let route = Route { region, endpoint: None, ca_bundles: Vec::new() };
            SignIn::new(route, 0, &|_| ()).endpoint()
        };
        assert_eq!(endpoint("us-east-2"), "https://us-east-2.signin.aws.amazon.com");
        assert_eq!(endpoint("cn-north-1"), "https://cn-north-1.signin.amazonaws.cn");
    }

    #[test]
    fn only_a_session_that_has_ended_needs_a_login() {
        let kind = |status, error: &str| {
            explain(status, &Said { error: error.into(), message: "because".into() }).kind
        };
        assert_eq!(kind(400, "TOKEN_EXPIRED"), ErrorKind::LoginNeeded);
        assert_eq!(kind(400, "USER_CREDENTIALS_CHANGED"), ErrorKind::LoginNeeded);
        assert_eq!(kind(403, "INSUFFICIENT_PERMISSIONS"), ErrorKind::Refused);
        assert_eq!(kind(400, "INVALID_REQUEST"), ErrorKind::Refused);
        assert_eq!(kind(429, "rate_exceeded"), ErrorKind::Unreachable);
        assert_eq!(kind(500, "server_error"), ErrorKind::Unreachable);
    }
}
