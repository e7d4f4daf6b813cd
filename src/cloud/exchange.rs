//! What every exchange with a service has in common: a runtime for the time of it, a word to the
//! person who waits, and what the SDK's errors mean.
//!
//! Deliberately absent: what is asked; each service's file has that.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::CloudError;

/// After so long a person is told what is awaited.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// Runs a request to its end. `waiting` is told, once, when the answer takes its time.
pub(super) fn run<T>(
    service: &str,
    place: &str,
    waiting: &dyn Fn(&str),
    request: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CloudError::unreachable(error.to_string()))?;
    runtime.block_on(async {
        let mut request = std::pin::pin!(request);
        match tokio::time::timeout(IMPATIENCE, request.as_mut()).await {
            Ok(result) => result,
            Err(_) => {
                waiting(&format!("waiting for {service} ({place})"));
                request.await
            }
        }
    })
}

/// What an error of the SDK means, for a service whose answers have code and message.
pub(super) fn translate<E: ProvideErrorMetadata + std::error::Error + 'static>(
    service: &str,
    error: &SdkError<E, HttpResponse>,
) -> CloudError {
    match error {
        SdkError::ServiceError(context) => {
            let (status, details) = (context.raw().status().as_u16(), context.err().meta());
            let (code, message) = (details.code(), details.message());
            CloudError::answered(status, code.unwrap_or_default(), message.unwrap_or_default())
        }
        error => unanswered(service, error),
    }
}

/// What an error of the SDK means that is no answer.
pub(super) fn unanswered<E: std::error::Error + 'static>(
    service: &str,
    error: &SdkError<E, HttpResponse>,
) -> CloudError {
    match error {
        SdkError::TimeoutError(_) => too_slow(service),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) => not_connected(service, error),
            None => CloudError::unreachable(format!("{service} cannot be reached")),
        },
        SdkError::ResponseError(_) => {
            CloudError::unreachable(format!("the answer of {service} makes no sense"))
        }
        error => {
            CloudError::unreachable(format!("the request could not be made: {}", innermost(error)))
        }
    }
}

/// What a failed connection means.
pub(super) fn not_connected(service: &str, error: &ConnectorError) -> CloudError {
    if error.is_timeout() {
        return too_slow(service);
    }
    CloudError::unreachable(format!("{service} cannot be reached: {}", innermost(error)))
}

/// No answer in time.
pub(super) fn too_slow(service: &str) -> CloudError {
    CloudError::unreachable(format!("{service} did not answer in time"))
}

/// The last cause: the one that names what the system said.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
