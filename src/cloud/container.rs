//! The credentials endpoint of a container: ECS, EKS Pod Identity, and whoever imitates them.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.
//!
//! Deliberately absent: reading the environment; the caller hands in what its variables say.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    CloudError,
    endpoint::{self, Host},
    exchange, http,
    metadata::{self, MachineKeys},
    plain::{Limits, Plain, Request},
    server_clock::ServerClock,
};
use crate::{secret::Secret, system::files};

/// What a relative address is below.
pub const BASE: &str = "http://169.254.170.2";
/// The service's name in messages.
const SERVICE: &str = "the container credentials endpoint";
/// No token file is larger, in bytes.
const LARGEST_TOKEN: u64 = 1 << 20;

/// What the variables `AWS_CONTAINER_*` say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`; wins over `full_uri`.
    pub relative_uri: Option<String>,
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub full_uri: Option<String>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`; read for each request, wins over `token`.
    pub token_file: Option<PathBuf>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub token: Option<Secret>,
    /// What a relative address is below, if not [`BASE`].
    pub base: Option<String>,
    /// Files with further root certificates.
    pub ca_bundles: Vec<PathBuf>,
}

impl Settings {
    /// Where keys would be asked for, or why the address is refused. Asks nobody.
    pub fn url(&self) -> Result<String, CloudError> {
        if let Some(relative) = &self.relative_uri {
            // What does not begin with '/' would become part of the host's name.
            if !relative.starts_with('/') {
                let text = format!("'{relative}' must begin with '/' to be a relative address");
                return Err(CloudError::refused(text));
            }
            return Ok(format!("{}{relative}", self.base.as_deref().unwrap_or(BASE)));
        }
        let Some(url) = &self.full_uri else {
            return Err(CloudError::refused("this is no container with a credentials endpoint"));
        };
        if may_be_asked(url) {
            return Ok(url.clone());
        }
        Err(CloudError::refused(format!(
            "'{url}' may not be asked for credentials: it is neither https nor http to \
             127.0.0.0/8, [::1], localhost, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]"
        )))
    }

    /// The value of the header `Authorization`, as it stands in the file or variable.
    fn authorization(&self) -> Result<Option<Secret>, CloudError> {
        let token = match (&self.token_file, &self.token) {
            (Some(path), _) => read_token(path)?,
            (None, Some(token)) => token.clone(),
            (None, None) => return Ok(None),
        };
        if token.expose().contains(['\r', '\n']) {
            let place = self.token_file.as_ref().map_or_else(
                || "AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(),
                |path| format!("'{}'", path.display()),
            );
            let text = format!("the authorization token in {place} has a line break in it");
            return Err(CloudError::refused(text));
        }
        Ok(Some(token))
    }
}

/// Whether an absolute address may get the token and may answer with keys.
fn may_be_asked(url: &str) -> bool {
    let Some(host) = endpoint::host(url) else { return false };
    if url.starts_with("https://") || endpoint::is_loopback(url) {
        return true;
    }
    match host {
        Host::Name(name) => name == "localhost",
        Host::V4(address) => matches!(address.octets(), [169, 254, 170, 2 | 23]),
        Host::V6(address) => address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
    }
}

fn read_token(path: &Path) -> Result<Secret, CloudError> {
    let failed = |reason: String| {
        CloudError::refused(format!("the authorization token file '{}' {reason}", path.display()))
    };
    let read = files::read_users(path, LARGEST_TOKEN);
    let bytes =
        read.map_err(|error| failed(format!("cannot be read: {}", exchange::innermost(&error))))?;
    let bytes = bytes.ok_or_else(|| failed("does not exist".into()))?;
    String::from_utf8(bytes).map(Secret::new).map_err(|_| failed("is no UTF-8 text".into()))
}

/// The endpoint.
pub struct Container<'a> {
    settings: Settings,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for Container<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<'a> Container<'a> {
    /// Nothing is sent yet. `waiting` is told when an answer takes its time.
    pub fn new(settings: Settings, waiting: &'a dyn Fn(&str)) -> Self {
        Self { settings, clock: ServerClock::default(), waiting }
    }

    /// Seconds by which the endpoint's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// The container's keys.
    pub fn keys(&self) -> Result<MachineKeys, CloudError> {
        let url = self.settings.url()?;
        let mut headers = vec![("accept", Secret::new("application/json".into()))];
        headers.extend(self.settings.authorization()?.map(|token| ("authorization", token)));
        let request = Request { method: "GET", url: &url, headers: &headers, body: None };
        let reply = exchange::run(SERVICE, &url, self.waiting, async {
            let connector = http::connector(&url, &self.settings.ca_bundles, http::CONNECT)?;
            let (limits, clock) = (Limits::default(), &self.clock);
            Plain { service: SERVICE, connector, limits, clock }.send(&request).await
        })?;
        metadata::keys(SERVICE, &reply, &self.clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machines_own_addresses_may_be_asked_without_tls() {
        for good in [
            "https://anywhere.example/x",
            "http://127.0.0.1:1234/x",
            "http://127.8.9.1/x",
            "http://[::1]:1/x",
            "http://localhost/x",
            "http://169.254.170.2/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://[fd00:0ec2:0::0023]/x",
        ] {
            assert!(may_be_asked(good), "{good}");
        }
        for bad in [
            "http://anywhere.example/x",
            "http://169.254.169.254/x",
            "http://169.254.170.3/x",
            "http://10.0.0.1/x",
            "http://localhost.example/x",
            "http://localhost@evil.example/x",
            "http://[fd00:ec2::254]/x",
            "https://user@anywhere.example/x",
            "ftp://127.0.0.1/x",
            "https://",
            "/x",
            "",
        ] {
            assert!(!may_be_asked(bad), "{bad}");
        }
    }

    #[test]
    fn a_relative_address_wins_and_stays_on_its_host() {
        let mut settings = Settings {
            relative_uri: Some("/v2/x?id=1".into()),
            full_uri: Some("http://127.0.0.1/x".into()),
            ..Settings::default()
        };
        assert_eq!(settings.url().unwrap(), "http://169.254.170.2/v2/x?id=1");
        settings.relative_uri = Some(".evil.example/x".into());
        assert!(settings.url().is_err());
        settings.relative_uri = None;
        assert_eq!(settings.url().unwrap(), "http://127.0.0.1/x");
        assert!(Settings::default().url().is_err());
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_and_not_told() {
        let token = Some(Secret::new("TESTSECRET\r\nX: y".into()));
        let error = Settings { token, ..Settings::default() }.authorization().unwrap_err();
        assert!(error.message.contains("line break"), "{error}");
        assert!(!format!("{error:?}").contains("TESTSECRET"));
    }
}
