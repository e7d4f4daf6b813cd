//! What a remote service's failure means to those who must act on it.

/// What to do about a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The request's lifetime is longer than the role allows.
    DurationTooLong,
    /// The credentials that signed the request have expired.
    Expired,
    /// The login that the request was made with has ended: a person must log in again.
    LoginNeeded,
    /// The one-time code was wrong or had been used.
    MfaRejected,
    /// The provider said no.
    Refused,
    /// No usable answer in time: network, overload, a broken answer.
    Unreachable,
}

/// A failed request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct CloudError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// The provider's code, such as `AccessDenied`; empty when it gave none.
    pub code: String,
    /// What happened, for a person. May hold text from outside.
    pub message: String,
}

impl CloudError {
    /// A request that got no usable answer.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unreachable, code: String::new(), message: message.into() }
    }

    /// A login that has ended, or that the provider no longer accepts.
    pub fn login_needed(code: &str, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::LoginNeeded, code: code.to_owned(), message: message.into() }
    }

    /// A request that is not made because it could not be right.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Refused, code: String::new(), message: message.into() }
    }

    /// What the provider's answer means.
    pub fn answered(status: u16, code: &str, message: &str) -> Self {
        if status < 400 {
            return Self::unreachable("the answer of the service makes no sense");
        }
        let said = if message.is_empty() { "it gave no reason" } else { message };
        let text = if code.is_empty() {
            format!("HTTP status {status}: {said}")
        } else {
            format!("{code}: {said}")
        };
        Self { kind: kind_of(status, code, message), code: code.to_owned(), message: text }
    }

    /// Whether the provider may have refused only because the clocks differ.
    pub fn may_be_clock(&self) -> bool {
        const CODES: &[&str] = &[
            "AuthFailure",
            "InvalidSignatureException",
            "RequestExpired",
            "RequestInTheFuture",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
        ];
        CODES.contains(&self.code.as_str())
    }
}

fn kind_of(status: u16, code: &str, message: &str) -> ErrorKind {
    let throttled = matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "IDPCommunicationError"
    );
    if status >= 500 || status == 429 || throttled {
        return ErrorKind::Unreachable;
    }
    match code {
        "ExpiredToken" | "ExpiredTokenException" => ErrorKind::Expired,
        "AccessDenied" if message.contains("MultiFactorAuthentication failed") => {
            ErrorKind::MfaRejected
        }
        "ValidationError" if message.contains("DurationSeconds exceeds") => {
            ErrorKind::DurationTooLong
        }
        _ => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let kind = |status, code, message| CloudError::answered(status, code, message).kind;
        assert_eq!(kind(403, "AccessDenied", "not authorized"), ErrorKind::Refused);
        assert_eq!(kind(403, "ExpiredToken", "x"), ErrorKind::Expired);
        assert_eq!(kind(400, "Throttling", "Rate exceeded"), ErrorKind::Unreachable);
        assert_eq!(kind(503, "", ""), ErrorKind::Unreachable);
        let mfa = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
        assert_eq!(kind(403, "AccessDenied", mfa), ErrorKind::MfaRejected);
        let long =
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        assert_eq!(kind(400, "ValidationError", long), ErrorKind::DurationTooLong);
        assert_eq!(kind(200, "", ""), ErrorKind::Unreachable);
        assert_eq!(CloudError::answered(400, "", "").message, "HTTP status 400: it gave no reason");
    }
}
