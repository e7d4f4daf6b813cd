//! Keys in the form in which a container's or an instance's own endpoint answers.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.
//!
//! Deliberately absent: how they are asked for; `container` and `instance` have that.

use serde::Deserialize;

use super::{CloudError, plain::Reply, server_clock::ServerClock, sts::TemporaryKeys};
use crate::secret::Secret;

/// Keys, and the account that they belong to where the answer says so.
#[derive(Clone, Debug)]
pub struct MachineKeys {
    /// The keys.
    pub keys: TemporaryKeys,
    /// Twelve digits.
    pub account: Option<String>,
}

/// An answer with keys. Not `Debug`: it holds them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
    account_id: Option<String>,
    #[serde(alias = "code")]
    code: Option<String>,
    #[serde(alias = "message")]
    message: Option<String>,
}

/// The keys in an answer of `service`, or the reason that it gives.
pub(super) fn keys(
    service: &str,
    reply: &Reply,
    clock: &ServerClock,
) -> Result<MachineKeys, CloudError> {
    let answer: Result<Answer, _> = serde_json::from_slice(reply.body.expose());
    if reply.status != 200 {
        let answer = answer.ok();
        let (code, message) = answer.map_or((None, None), |said| (said.code, said.message));
        return Err(failed(service, reply.status, code, message));
    }
    // The parser's message could quote a secret.
    let lacks = |what: &str| CloudError::unreachable(format!("the answer of {service} {what}"));
    let answer = answer.map_err(|_| lacks("is no JSON object of the form that is agreed"))?;
    // An instance whose role cannot be assumed answers 200 and says so inside.
    if answer.access_key_id.is_none() && answer.code.as_deref().is_some_and(|c| c != "Success") {
        return Err(failed(service, 400, answer.code, answer.message));
    }
    let filled = |value: Option<String>, name: &str| {
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| lacks(&format!("lacks '{name}'")))
    };
    let secret_key = filled(answer.secret_access_key, "SecretAccessKey").map(Secret::new);
    let session_token = filled(answer.token, "Token").map(Secret::new);
    let expires_at = super::times::parse(&filled(answer.expiration, "Expiration")?);
    Ok(MachineKeys {
        keys: TemporaryKeys {
            key_id: filled(answer.access_key_id, "AccessKeyId")?,
            secret_key: secret_key?,
            session_token: session_token?,
            expires_at: expires_at.ok_or_else(|| lacks("has an 'Expiration' that is no time"))?,
            issued_at: clock.server_now(),
        },
        account: answer.account_id.filter(|account| super::arn::is_account(account)),
    })
}

/// What a failed answer means, with the service's name before what it said.
pub(super) fn failed(
    service: &str,
    status: u16,
    code: Option<String>,
    message: Option<String>,
) -> CloudError {
    let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
    let error = CloudError::answered(status, &code, &message);
    CloudError { message: format!("{service}: {}", error.message), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cloud::ErrorKind, secret::SecretBytes};

    fn read(status: u16, body: &str) -> Result<MachineKeys, CloudError> {
        let body = SecretBytes::new(body.as_bytes().to_vec());
        keys("the endpoint", &Reply { status, body }, &ServerClock::default())
    }

    #[test]
    fn keys_are_read_with_and_without_an_account() {
        let body = r#"{"AccessKeyId":"ASIAX","SecretAccessKey":"TESTSECRETk","Token":"TESTSECRETt",
            "Expiration":"2026-11-26T12:00:00Z","AccountId":"111122223333","RoleArn":"x"}"#;
        let read_keys = read(200, body).unwrap();
        assert_eq!(read_keys.keys.expires_at.rfc3339(), "2026-11-26T12:00:00Z");
        assert_eq!(read_keys.account.as_deref(), Some("111122223333"));
        assert_eq!(read_keys.keys.secret_key.expose(), "TESTSECRETk");
        assert!(!format!("{read_keys:?}").contains("TESTSECRET"));
        assert_eq!(read(200, &body.replace("111122223333", "?")).unwrap().account, None);
        for name in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
            let error = read(200, &body.replace(name, "Other")).unwrap_err();
            assert!(error.message.contains(name), "{error}");
            assert!(!format!("{error:?}").contains("TESTSECRET"));
        }
        let error = read(200, &body.replace("2026-11-26T12:00:00Z", "TESTSECRET")).unwrap_err();
        assert!(error.message.contains("no time") && !error.message.contains("TESTSECRET"));
    }

    #[test]
    fn what_is_said_instead_of_keys_is_told() {
        let refused = read(200, r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no trust"}"#);
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused);
        assert_eq!(refused.message, "the endpoint: AssumeRoleUnauthorizedAccess: no trust");
        let refused = read(403, r#"{"code":"AccessDenied","message":"bad token"}"#).unwrap_err();
        assert_eq!(refused.message, "the endpoint: AccessDenied: bad token");
        assert_eq!(read(404, "<html>").unwrap_err().kind, ErrorKind::Refused);
        assert_eq!(read(503, "").unwrap_err().kind, ErrorKind::Unreachable);
        assert_eq!(read(200, "[\"TESTSECRET\"").unwrap_err().kind, ErrorKind::Unreachable);
    }
}
