//! The cache of `aws login`, as text: where a session is, which keys it holds, and what is written
//! back after a refresh.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html>.
//!
//! Deliberately absent: files and locks; the login itself.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    json_text::{self, quoted},
    sign_in::{IssuedKeys, Renewal},
    times,
};
use crate::{model::Timestamp, secret::Secret, system::hash};

/// So long before their end keys are refreshed, in seconds; every SDK has the same.
pub const REFRESH_WINDOW: i64 = 5 * 60;

/// The directory below the user's home where `AWS_LOGIN_CACHE_DIRECTORY` names no other.
pub fn default_directory(home: &Path) -> PathBuf {
    home.join(".aws/login/cache")
}

/// The file of a session's ARN in the cache's directory.
pub fn path(directory: &Path, session_arn: &str) -> PathBuf {
    directory.join(hash::full(session_arn.trim().as_bytes()) + ".json")
}

/// A session of `aws login`.
#[derive(Clone)]
pub struct LoginSession {
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token.
    pub session_token: Secret,
    /// Twelve digits.
    pub account: Option<String>,
    /// When the keys end, by the clock of whoever wrote them.
    pub expires_at: Timestamp,
    /// What a refresh needs, if all of it is there.
    pub renewal: Option<Renewal>,
    /// The region where the login was made; logins of an older AWS CLI do not say.
    pub region: Option<String>,
}

impl fmt::Debug for LoginSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LoginSession");
        shown.field("account", &self.account).field("expires_at", &self.expires_at);
        shown.finish_non_exhaustive()
    }
}

/// What a session is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginState {
    /// There is none, or none that can be read: log in.
    Absent,
    /// It has ended and cannot be refreshed: log in.
    Expired,
    /// Its keys end soon or have ended, and a refresh is possible.
    Refreshable {
        /// Seconds until their end. While they are positive the keys are good.
        left: i64,
    },
    /// Its keys can be used.
    Valid {
        /// Seconds until their end.
        left: i64,
    },
}

/// The state of what was found, at `now`.
pub fn state(session: Option<&LoginSession>, now: Timestamp) -> LoginState {
    let Some(session) = session else { return LoginState::Absent };
    let left = session.expires_at.since(now);
    match left {
        left if left <= REFRESH_WINDOW && session.renewal.is_some() => {
            LoginState::Refreshable { left }
        }
        left if left > 0 => LoginState::Valid { left },
        _ => LoginState::Expired,
    }
}

/// Reads a cache file's text. What cannot be read is `None`: to a user it is the same as no login.
pub fn parse(text: &str) -> Option<LoginSession> {
    let members = json_text::members(text)?;
    let keys = json_text::members(json_text::member(&members, "accessToken")?.get())?;
    let outer = |name: &str| json_text::string(&members, name);
    let inner = |name: &str| json_text::string(&keys, name);
    let (client_id, token, key) = (outer("clientId"), outer("refreshToken"), outer("dpopKey"));
    let renewal = match (client_id, token.map(Secret::new), key.map(Secret::new)) {
        (Some(client_id), Some(refresh_token), Some(key)) => {
            Some(Renewal { client_id, refresh_token, key })
        }
        _ => None,
    };
    let (secret_key, session_token) = (inner("secretAccessKey"), inner("sessionToken"));
    Some(LoginSession {
        secret_key: Secret::new(secret_key?),
        session_token: Secret::new(session_token?),
        key_id: inner("accessKeyId")?,
        account: inner("accountId").filter(|account| super::arn::is_account(account)),
        expires_at: times::parse(&inner("expiresAt")?)?,
        renewal,
        region: outer("signInRegion"),
    })
}

/// The file's text after a refresh at `now`; all that it does not change stays. `None` when the old
/// text is no login.
pub fn refreshed(text: &str, issued: &IssuedKeys, now: Timestamp) -> Option<Secret> {
    let members = json_text::members(text)?;
    let old = json_text::member(&members, "accessToken")?.get();
    let keys = json_text::with(
        old,
        &[
            ("accessKeyId", quoted(&issued.key_id)),
            ("secretAccessKey", quoted(issued.secret_key.expose())),
            ("sessionToken", quoted(issued.session_token.expose())),
            ("expiresAt", quoted(&now.plus(issued.expires_in).rfc3339())),
        ],
    )?;
    let mut changes = vec![("accessToken", keys)];
    changes.extend(issued.refresh_token.iter().map(|t| ("refreshToken", quoted(t.expose()))));
    json_text::with(text, &changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"accessToken": {"accessKeyId": "ASIAX", "secretAccessKey": "TESTSECRETs", "sessionToken": "TESTSECRETt", "accountId": "111122223333", "expiresAt": "2026-11-26T12:00:00Z"}, "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4", "clientId": "arn:aws:signin:::devtools/same-device", "refreshToken": "TESTSECRETr", "idToken": "TESTSECRETi", "dpopKey": "TESTSECRETd\n", "other": 1}"#;
    const NOON: Timestamp = Timestamp(1_795_694_400);

    fn at(text: &str, seconds: i64) -> LoginState {
        state(parse(text).as_ref(), NOON.plus(seconds))
    }

    #[test]
    fn a_session_is_found_by_its_arn_without_the_spaces_around_it() {
        let arn = "arn:aws:iam::111122223333:user/work";
        let path_of = |arn: &str| path(Path::new("/c"), arn);
        // printf %s ARN | sha256sum
        assert_eq!(
            path_of(arn),
            Path::new("/c/bc72adda8d2d0183ee0b36c6d834ba7e4d040dc02202db694bc989caeb399a2d.json")
        );
        assert_eq!(path_of(&format!(" {arn}\n")), path_of(arn));
        assert_eq!(default_directory(Path::new("/h")), Path::new("/h/.aws/login/cache"));
    }

    #[test]
    fn a_session_is_valid_refreshable_expired_or_absent() {
        assert_eq!(at(TEXT, -301), LoginState::Valid { left: 301 });
        assert_eq!(at(TEXT, -300), LoginState::Refreshable { left: 300 });
        assert_eq!(at(TEXT, 1), LoginState::Refreshable { left: -1 });
        for needed in ["clientId", "refreshToken", "dpopKey"] {
            assert_eq!(at(&TEXT.replace(needed, "gone"), -1), LoginState::Valid { left: 1 });
            assert_eq!(at(&TEXT.replace(needed, "gone"), 0), LoginState::Expired, "{needed}");
        }
        for needed in ["accessToken", "accessKeyId", "secretAccessKey", "sessionToken", "expiresAt"]
        {
            assert_eq!(at(&TEXT.replace(needed, "gone"), -1), LoginState::Absent, "{needed}");
        }
        assert_eq!(at("", 0), LoginState::Absent);
        let session = parse(TEXT).unwrap();
        assert_eq!(session.account.as_deref(), Some("111122223333"));
        assert!(!format!("{session:?}").contains("TESTSECRET"));
    }

    #[test]
    fn a_refresh_changes_the_keys_and_keeps_the_rest() {
        let issued = IssuedKeys {
            key_id: "ASIAY".into(),
            secret_key: Secret::new("TESTSECRETnew".into()),
            session_token: Secret::new("TESTSECRETtoken".into()),
            expires_in: 900,
            refresh_token: Some(Secret::new("TESTSECRETnext".into())),
        };
        let expected = TEXT
            .replace("ASIAX", "ASIAY")
            .replace("TESTSECRETs", "TESTSECRETnew")
            .replace("TESTSECRETt", "TESTSECRETtoken")
            .replace("TESTSECRETr", "TESTSECRETnext")
            .replace("12:00:00", "12:15:00");
        assert_eq!(refreshed(TEXT, &issued, NOON).unwrap().expose(), expected);
        assert!(refreshed("{}", &issued, NOON).is_none());
    }
}
