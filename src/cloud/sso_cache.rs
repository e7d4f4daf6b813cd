//! The AWS CLI's cache of login tokens, as text: where a token is, what it says, and what is written
//! back after a refresh. All AWS SDKs read the same files.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html>.
//!
//! Deliberately absent: files and locks, registrations of clients, the forms of other tools.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use sha1::{Digest, Sha1};

use super::{
    json_text::{self, quoted},
    sso_oidc::{IssuedToken, Renewal},
    times,
};
use crate::{model::Timestamp, secret::Secret, system::hash};

/// So long before its end a token is refreshed, in seconds; botocore has the same.
pub const REFRESH_WINDOW: i64 = 15 * 60;

/// Where the token of an `sso-session` is, or without one that of a start URL.
pub fn path(home: &Path, session_or_start_url: &str) -> PathBuf {
    let name = hash::hex(&Sha1::digest(session_or_start_url.as_bytes()));
    home.join(".aws/sso/cache").join(name + ".json")
}

/// A token.
#[derive(Clone)]
pub struct CachedToken {
    /// For the portal.
    pub access_token: Secret,
    /// When it ends, by the clock of whoever wrote it.
    pub expires_at: Timestamp,
    /// What a refresh needs, if all of it is there.
    pub renewal: Option<Renewal>,
    /// When the registration of the client ends, with which alone a refresh is possible.
    pub registration_expires_at: Option<Timestamp>,
    /// For which portal the login was made.
    pub start_url: Option<String>,
    /// The region of Identity Center.
    pub region: Option<String>,
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CachedToken");
        shown.field("expires_at", &self.expires_at).field("start_url", &self.start_url);
        shown.finish_non_exhaustive()
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenState {
    /// There is none, or none that can be read: log in.
    Absent,
    /// It has ended and cannot be refreshed: log in.
    Expired,
    /// It ends soon or has ended, and a refresh is possible.
    Refreshable {
        /// Seconds until its end. While they are positive it is good, even if the refresh fails.
        left: i64,
    },
    /// It can be used.
    Valid {
        /// Seconds until its end.
        left: i64,
    },
}

/// The state of what was found, at `now`.
pub fn state(token: Option<&CachedToken>, now: Timestamp) -> TokenState {
    let Some(token) = token else { return TokenState::Absent };
    let left = token.expires_at.since(now);
    let registered = token.registration_expires_at.is_some_and(|end| end > now);
    match left {
        left if left <= REFRESH_WINDOW && registered && token.renewal.is_some() => {
            TokenState::Refreshable { left }
        }
        left if left > 0 => TokenState::Valid { left },
        _ => TokenState::Expired,
    }
}

/// Reads a cache file's text. What cannot be read is `None`: to a user it is the same as no token.
pub fn parse(text: &str) -> Option<CachedToken> {
    let members = json_text::members(text)?;
    let text = |name: &str| json_text::string(&members, name);
    let secret = |name: &str| text(name).map(Secret::new);
    let renewal = match (text("clientId"), secret("clientSecret"), secret("refreshToken")) {
        (Some(client_id), Some(client_secret), Some(refresh_token)) => {
            Some(Renewal { client_id, client_secret, refresh_token })
        }
        _ => None,
    };
    Some(CachedToken {
        access_token: secret("accessToken")?,
        expires_at: times::parse(&text("expiresAt")?)?,
        renewal,
        registration_expires_at: text("registrationExpiresAt").and_then(|t| times::parse(&t)),
        start_url: text("startUrl"),
        region: text("region"),
    })
}

/// The file's text after a refresh at `now`: three members change, all else stays. `None` when the
/// old text is no JSON object.
pub fn refreshed(text: &str, issued: &IssuedToken, now: Timestamp) -> Option<Secret> {
    let expires_at = now.plus(issued.expires_in).rfc3339();
    let mut changes = vec![
        ("accessToken", quoted(issued.access_token.expose())),
        ("expiresAt", quoted(&expires_at)),
    ];
    changes.extend(issued.refresh_token.iter().map(|t| ("refreshToken", quoted(t.expose()))));
    json_text::with(text, &changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"startUrl": "https://x.example/start", "region": "eu-west-1", "accessToken": "TESTSECRETa", "expiresAt": "2026-11-26T12:00:00Z", "clientId": "c", "clientSecret": "TESTSECRETc", "registrationExpiresAt": "2027-01-01T00:00:00UTC", "refreshToken": "TESTSECRETr", "other": {"a": [1]}}"#;
    const NOON: Timestamp = Timestamp(1_795_694_400);

    fn at(text: &str, seconds: i64) -> TokenState {
        state(parse(text).as_ref(), NOON.plus(seconds))
    }

    #[test]
    fn a_token_is_found_where_the_aws_cli_puts_it() {
        // printf %s my-sso | sha1sum
        assert_eq!(
            path(Path::new("/h"), "my-sso"),
            Path::new("/h/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json")
        );
    }

    #[test]
    fn a_token_is_valid_refreshable_expired_or_absent() {
        assert_eq!(at(TEXT, -901), TokenState::Valid { left: 901 });
        assert_eq!(at(TEXT, -900), TokenState::Refreshable { left: 900 });
        assert_eq!(at(TEXT, 60), TokenState::Refreshable { left: -60 });
        // The registration has ended: New Year.
        assert_eq!(at(TEXT, 90 * 86_400), TokenState::Expired);
        for needed in ["clientId", "clientSecret", "refreshToken", "registrationExpiresAt"] {
            let text = TEXT.replace(needed, "gone");
            assert_eq!(at(&text, -60), TokenState::Valid { left: 60 }, "{needed}");
            assert_eq!(at(&text, 0), TokenState::Expired, "{needed}");
        }
        for needed in ["accessToken", "expiresAt", "26T12"] {
            assert_eq!(at(&TEXT.replacen(needed, "gone", 1), -60), TokenState::Absent, "{needed}");
        }
        for text in ["", "null", "[]", "{", "\u{0}"] {
            assert_eq!(at(text, 0), TokenState::Absent);
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_nothing_secret_is_shown() {
        let token = parse(&TEXT.replace("accessToken", "AccessTOKEN")).unwrap();
        assert_eq!(token.access_token.expose(), "TESTSECRETa");
        assert_eq!(token.region.as_deref(), Some("eu-west-1"));
        assert!(!format!("{token:?}").contains("TESTSECRET"));
    }

    #[test]
    fn a_refresh_changes_three_members_and_keeps_the_rest() {
        let issued = |refresh: Option<&str>| IssuedToken {
            access_token: Secret::new("TESTSECRETnew".into()),
            expires_in: 3600,
            refresh_token: refresh.map(|text| Secret::new(text.into())),
        };
        let new = refreshed(TEXT, &issued(Some("TESTSECRETnext")), NOON).unwrap();
        let expected = TEXT
            .replace("TESTSECRETa", "TESTSECRETnew")
            .replace("T12:00:00Z", "T13:00:00Z")
            .replace("TESTSECRETr", "TESTSECRETnext");
        assert_eq!(new.expose(), expected);
        let kept = refreshed(TEXT, &issued(None), NOON).unwrap();
        assert!(kept.expose().contains(r#""refreshToken": "TESTSECRETr""#));
        assert!(refreshed("oops", &issued(None), NOON).is_none());
    }
}
