//! `credential-process`: what the AWS SDKs read from a program's stdout.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.

use serde::Serialize;

use super::{Form, Handout, Unprintable, json};
use crate::{
    model::{
        CredentialKind,
        credentials::{KEY_ID, SECRET_KEY, SESSION_TOKEN},
    },
    secret::{Secret, SecretBytes},
};

/// The form.
pub(super) struct CredentialProcess;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Text<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

impl Form for CredentialProcess {
    fn id(&self) -> &'static str {
        "credential-process"
    }

    fn prints(&self, kind: CredentialKind) -> bool {
        kind == CredentialKind::SessionKeys
    }

    fn render(&self, handout: &Handout<'_>) -> Result<SecretBytes, Unprintable> {
        let value = |name: &str| {
            let what = || format!("credentials without a value for '{name}'");
            let found = handout.credentials.value(name);
            found.map(Secret::expose).ok_or_else(|| Unprintable { form: self.id(), what: what() })
        };
        let account = handout.delta.sets.iter().find(|(name, _)| name.as_str() == "AWS_ACCOUNT_ID");
        Ok(json::to_line(&Text {
            version: 1,
            access_key_id: value(KEY_ID)?,
            secret_access_key: value(SECRET_KEY)?,
            session_token: value(SESSION_TOKEN)?,
            expiration: handout.expires.rfc3339(),
            account_id: account.map(|(_, value)| value.expose()),
        }))
    }
}
