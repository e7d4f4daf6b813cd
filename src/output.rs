//! The forms that a result takes, besides shell text: JSON, dotenv, `credential_process`, tables.
//!
//! Deliberately absent: resolving. A form states which kinds of credentials it can print.

mod credential_process;
mod dotenv;
mod json;
pub mod table;

use std::io::{self, Write};

use crate::{
    envdelta::EnvDelta,
    model::{CredentialKind, Credentials, Timestamp},
    secret::SecretBytes,
};

/// Every form.
pub const FORMS: &[&dyn Form] =
    &[&json::Json, &dotenv::Dotenv, &credential_process::CredentialProcess];

/// The form of that id.
pub fn form(id: &str) -> Option<&'static dyn Form> {
    FORMS.iter().copied().find(|form| form.id() == id)
}

/// What is handed out.
#[derive(Debug)]
pub struct Handout<'a> {
    /// The session's name.
    pub session: &'a str,
    /// Its identifier.
    pub identity: &'a str,
    /// The credentials.
    pub credentials: &'a Credentials,
    /// The change of the environment.
    pub delta: &'a EnvDelta,
    /// When the credentials end, by this machine's clock.
    pub expires: Timestamp,
}

/// A form of a hand-out, for programs.
pub trait Form: Sync {
    /// The word for `--format`.
    fn id(&self) -> &'static str;

    /// Whether it can print credentials of that kind.
    fn prints(&self, kind: CredentialKind) -> bool;

    /// The whole text.
    fn render(&self, handout: &Handout<'_>) -> Result<SecretBytes, Unprintable>;
}

/// The form cannot hold a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{form} cannot hold {what}")]
pub struct Unprintable {
    /// The form's id.
    pub form: &'static str,
    /// What it cannot hold.
    pub what: String,
}

/// Writes the whole of a text to stdout at once.
pub fn write(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        envdelta::{Inherited, Managed, Value},
        model::{
            Grant,
            credentials::{KEY_ID, SECRET_KEY, SESSION_TOKEN, TOKEN},
        },
        secret::Secret,
    };

    fn keys() -> Credentials {
        let value = |name: &str, text: &str| (name.to_owned(), Secret::new(text.into()));
        let values = vec![
            value(KEY_ID, "ASIAEXAMPLE"),
            value(SECRET_KEY, "TEST/SECRET+x="),
            value(SESSION_TOKEN, "TOKEN=="),
        ];
        let grant = Grant { audience: "aws".into(), values, expires_at: Timestamp(3600) };
        let kind = CredentialKind::SessionKeys;
        Credentials { kind, grants: vec![grant], issued_at: Timestamp(0) }
    }

    fn delta(secret: &str) -> EnvDelta {
        let values = vec![
            ("LEAPP_SESSION", Value::Public("prod".into())),
            ("LEAPP_STATE", Value::Public("1;e;x".into())),
            ("AWS_ACCOUNT_ID", Value::Public("444455556666".into())),
            ("AWS_REGION", Value::Public("eu-west-1".into())),
            ("AWS_ACCESS_KEY_ID", Value::Public("ASIAEXAMPLE".into())),
            ("AWS_SECRET_ACCESS_KEY", Value::Secret(Secret::new(secret.into()))),
            ("AWS_SESSION_TOKEN", Value::Secret(Secret::new("TOKEN==".into()))),
            ("AWS_CREDENTIAL_EXPIRATION", Value::Public("1970-01-01T01:00:00Z".into())),
        ];
        let before = Inherited::read(|_| None);
        EnvDelta::session(Managed::of("aws").unwrap(), values, &before).unwrap()
    }

    fn render(form: &dyn Form, delta: &EnvDelta) -> Result<String, Unprintable> {
        let credentials = keys();
        let handout = Handout {
            session: "prod",
            identity: "session:x",
            credentials: &credentials,
            delta,
            expires: Timestamp(3600),
        };
        form.render(&handout).map(|text| String::from_utf8(text.expose().to_vec()).unwrap())
    }

    /// What holds for every form.
    #[test]
    fn every_form_keeps_the_contract() {
        let mut ids = Vec::new();
        for form in FORMS {
            assert!(!ids.contains(&form.id()));
            ids.push(form.id());
            assert_eq!(super::form(form.id()).unwrap().id(), form.id());
            let kinds = [CredentialKind::SessionKeys, CredentialKind::BearerTokens];
            assert!(kinds.iter().any(|kind| form.prints(*kind)), "{}", form.id());
            let text = render(*form, &delta("TEST/SECRET+x=")).unwrap();
            assert!(text.contains("TEST/SECRET+x=") && text.ends_with('\n'), "{}", form.id());
        }
        assert_eq!(form("shell").map(Form::id), None);
    }

    #[test]
    fn a_credential_process_answers_in_version_1() {
        let form = form("credential-process").unwrap();
        let text = render(form, &delta("TEST/SECRET+x=")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["Version"], 1);
        assert_eq!(json["Expiration"], "1970-01-01T01:00:00Z");
        assert_eq!(json["AccountId"], "444455556666");
        assert!(!form.prints(CredentialKind::BearerTokens));
        let mut tokens = keys();
        tokens.grants[0].values = vec![(TOKEN.into(), Secret::new("x".into()))];
        let handout = Handout {
            session: "prod",
            identity: "session:x",
            credentials: &tokens,
            delta: &delta("x"),
            expires: Timestamp(0),
        };
        assert!(form.render(&handout).is_err());
    }

    #[test]
    fn dotenv_refuses_what_its_readers_disagree_about() {
        let form = form("dotenv").unwrap();
        let text = render(form, &delta("TEST/SECRET+x=")).unwrap();
        assert!(text.contains("AWS_SECRET_ACCESS_KEY=TEST/SECRET+x=\n"));
        assert!(!text.contains("LEAPP_STATE"));
        for bad in ["a b", "a\nb", "a'b", "a\"b", "a$b", "a#b", "a\\b"] {
            let error = render(form, &delta(bad)).unwrap_err();
            assert!(error.to_string().contains("AWS_SECRET_ACCESS_KEY"), "{error}");
            assert!(!error.to_string().contains(bad), "{error}");
        }
    }
}
