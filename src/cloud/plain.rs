//! Small requests of our own, for the protocols that the SDK has no client for: container and
//! instance credentials, and the sign-in service.
//!
//! Deliberately absent: redirects, which would take a token elsewhere; cookies; what an answer means.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

use super::{
    CloudError,
    exchange::{innermost, not_connected, too_slow},
    http,
    server_clock::ServerClock,
};
use crate::secret::{Secret, SecretBytes};

/// No answer is larger, in bytes.
const LARGEST_ANSWER: usize = 1 << 20;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// How long and how often a request is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For one try.
    pub(super) try_: Duration,
    /// For all tries.
    pub(super) whole: Duration,
    /// How many.
    pub(super) tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { try_: http::TRY, whole: http::WHOLE, tries: http::TRIES }
    }
}

/// What is sent.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    /// Names in lower case.
    pub(super) headers: &'a [(&'static str, Secret)],
    pub(super) body: Option<&'a Secret>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: SecretBytes,
}

/// One service over one connector.
pub(super) struct Plain<'a> {
    pub(super) service: &'a str,
    pub(super) connector: SharedHttpConnector,
    pub(super) limits: Limits,
    pub(super) clock: &'a ServerClock,
}

impl Plain<'_> {
    /// Sends a request, again where that may help: no answer, an overloaded service, a 5xx.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Reply, CloudError> {
        let all = self.persistently(request);
        let result = tokio::time::timeout(self.limits.whole, all).await;
        result.unwrap_or_else(|_| Err(too_slow(self.service)))
    }

    async fn persistently(&self, request: &Request<'_>) -> Result<Reply, CloudError> {
        let mut pause = PAUSE;
        for _ in 1..self.limits.tries {
            match self.once(request).await? {
                Ok(reply) if reply.status < 500 && reply.status != 429 => return Ok(reply),
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        self.once(request).await?
    }

    /// One try. The outer error is one that no further try can mend.
    async fn once(&self, request: &Request<'_>) -> Result<Result<Reply, CloudError>, CloudError> {
        let made = self.make(request)?;
        let reply = async {
            let answer = self.connector.call(made).await;
            let answer = answer.map_err(|error| not_connected(self.service, &error))?;
            self.read(answer).await
        };
        let result = tokio::time::timeout(self.limits.try_, reply).await;
        Ok(result.unwrap_or_else(|_| Err(too_slow(self.service))))
    }

    fn make(&self, request: &Request<'_>) -> Result<HttpRequest, CloudError> {
        let wrong = |what: &str| {
            CloudError::refused(format!(
                "the request to {} could not be made: {what}",
                self.service
            ))
        };
        let body = request.body.map_or_else(SdkBody::empty, |body| SdkBody::from(body.expose()));
        let mut made = HttpRequest::new(body);
        made.set_method(request.method).map_err(|error| wrong(&innermost(&error)))?;
        made.set_uri(request.url).map_err(|error| wrong(&innermost(&error)))?;
        for (name, value) in request.headers {
            // The error would quote the value.
            let set = made.headers_mut().try_insert(*name, value.expose().to_owned());
            set.map_err(|_| wrong(&format!("the value of '{name}' is not fit for a header")))?;
        }
        Ok(made)
    }

    async fn read(&self, mut answer: HttpResponse) -> Result<Reply, CloudError> {
        self.clock.learn(answer.headers().get("date"));
        let status = answer.status().as_u16();
        let mut stream = ByteStream::new(answer.take_body());
        let mut body = SecretBytes::with_capacity(4096);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| {
                let cause = innermost(&error);
                CloudError::unreachable(format!(
                    "the answer of {} broke off: {cause}",
                    self.service
                ))
            })?;
            if body.expose().len().saturating_add(piece.len()) > LARGEST_ANSWER {
                let text = format!("the answer of {} is larger than 1 MiB", self.service);
                return Err(CloudError::unreachable(text));
            }
            body.extend(&piece);
        }
        Ok(Reply { status, body })
    }
}
