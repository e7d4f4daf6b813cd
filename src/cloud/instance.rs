//! The metadata service of an EC2 instance, version 2: a token first, then all else with it.
//! See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html>.
//!
//! Deliberately absent: version 1, which anyone who can make the instance fetch an address can ask;
//! reading the environment or a profile.

use std::{fmt, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{
    CloudError, endpoint, exchange, http,
    metadata::{self, MachineKeys},
    plain::{Limits, Plain, Reply, Request},
    server_clock::ServerClock,
};
use crate::{model::RegionName, secret::Secret};

/// The service's address over IPv4.
pub const BASE_V4: &str = "http://169.254.169.254";
/// The service's address over IPv6.
pub const BASE_V6: &str = "http://[fd00:ec2::254]";
/// The service's name in messages.
const SERVICE: &str = "the EC2 instance metadata service";
/// Away from EC2 nobody answers; nobody shall wait long to learn that.
const CONNECT: Duration = Duration::from_secs(1);
/// The limits of each request.
const LIMITS: Limits =
    Limits { try_: Duration::from_secs(2), whole: Duration::from_secs(4), tries: 2 };
/// How long the token holds, in seconds. It is used at once.
const TOKEN_LIFETIME: &str = "300";
/// Where the name of the role is, and below it the keys.
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Where the service is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT`, or the profile's; wins over `ipv6`.
    pub endpoint: Option<String>,
    /// Whether the settings allow it to be anywhere, over TLS.
    pub is_trusted: bool,
    /// Whether the mode is `IPv6`.
    pub ipv6: bool,
    /// Files with further root certificates, for an endpoint with https.
    pub ca_bundles: Vec<PathBuf>,
}

impl Settings {
    /// The address without a `/` at its end, or why it is refused. Asks nobody.
    ///
    /// The answer becomes the user's identity, and a variable can come from a project's files: so it
    /// must be of this machine, unless the user's settings say more.
    pub fn base(&self) -> Result<&str, CloudError> {
        let default = if self.ipv6 { BASE_V6 } else { BASE_V4 };
        let base = self.endpoint.as_deref().unwrap_or(default).trim_end_matches('/');
        if endpoint::may_be_asked(base, self.is_trusted) || endpoint::is_link_local(base) {
            return Ok(base);
        }
        let more = if base.starts_with("https://") {
            "; 'endpoint_env = true' in config.toml allows it"
        } else {
            ""
        };
        Err(CloudError::refused(format!(
            "'{base}' may not be asked for an instance's credentials: it is not in 169.254.0.0/16 or \
             127.0.0.0/8, and neither [fd00:ec2::254] nor [::1]{more}"
        )))
    }
}

/// What an instance says about itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Document {
    /// Where the instance is.
    pub region: Option<String>,
}

/// The service.
pub struct Instance<'a> {
    settings: Settings,
    clock: ServerClock,
    waiting: &'a dyn Fn(&str),
}

impl fmt::Debug for Instance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<'a> Instance<'a> {
    /// Nothing is sent yet. `waiting` is told when an answer takes its time.
    pub fn new(settings: Settings, waiting: &'a dyn Fn(&str)) -> Self {
        Self { settings, clock: ServerClock::default(), waiting }
    }

    /// Seconds by which the service's clock is ahead of this machine's, as of the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    /// The keys of the instance's role.
    pub fn keys(&self) -> Result<MachineKeys, CloudError> {
        self.with_token(async |asked| {
            let reply = asked.get(ROLES).await?;
            let role = role_name(&reply)?;
            metadata::keys(SERVICE, &asked.get(&format!("{ROLES}{role}")).await?, &self.clock)
        })
    }

    /// The region that the instance is in.
    pub fn region(&self) -> Result<RegionName, CloudError> {
        let document = self.with_token(async |asked| asked.document().await)?;
        let region = document.region.and_then(|region| RegionName::parse(&region).ok());
        region.ok_or_else(|| CloudError::unreachable(format!("{SERVICE} tells no region")))
    }

    fn with_token<T>(
        &self,
        ask: impl AsyncFnOnce(Asked<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let base = self.settings.base()?;
        exchange::run(SERVICE, base, self.waiting, async {
            let connector = http::connector(base, &self.settings.ca_bundles, CONNECT)?;
            let plain = Plain { service: SERVICE, connector, limits: LIMITS, clock: &self.clock };
            let url = format!("{base}/latest/api/token");
            let lifetime = Secret::new(TOKEN_LIFETIME.into());
            let headers = [("x-aws-ec2-metadata-token-ttl-seconds", lifetime)];
            let request = Request { method: "PUT", url: &url, headers: &headers, body: None };
            let reply = good(plain.send(&request).await?)?;
            let token = Secret::new(text(&reply)?.to_owned());
            ask(Asked { plain, base, headers: [("x-aws-ec2-metadata-token", token)] }).await
        })
    }
}

/// The service, once it has given a token.
struct Asked<'a> {
    plain: Plain<'a>,
    base: &'a str,
    headers: [(&'static str, Secret); 1],
}

impl Asked<'_> {
    async fn get(&self, path: &str) -> Result<Reply, CloudError> {
        let url = format!("{}{path}", self.base);
        let request = Request { method: "GET", url: &url, headers: &self.headers, body: None };
        self.plain.send(&request).await
    }

    async fn document(&self) -> Result<Document, CloudError> {
        let reply = good(self.get("/latest/dynamic/instance-identity/document").await?)?;
        serde_json::from_slice(reply.body.expose()).map_err(|_| {
            CloudError::unreachable(format!("the identity document of {SERVICE} makes no sense"))
        })
    }
}

fn good(reply: Reply) -> Result<Reply, CloudError> {
    match reply.status {
        200 => Ok(reply),
        status => Err(metadata::failed(SERVICE, status, None, None)),
    }
}

fn text(reply: &Reply) -> Result<&str, CloudError> {
    let text = std::str::from_utf8(reply.body.expose()).map(str::trim).ok();
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| CloudError::unreachable(format!("the answer of {SERVICE} makes no sense")))
}

/// The role in the list of them, of which there is one.
fn role_name(reply: &Reply) -> Result<String, CloudError> {
    if reply.status == 404 {
        return Err(CloudError::refused("this EC2 instance has no role"));
    }
    if reply.status != 200 {
        return Err(metadata::failed(SERVICE, reply.status, None, None));
    }
    let name = text(reply)?.lines().next().unwrap_or_default().trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
    if name.is_empty() || !name.chars().all(legal) {
        return Err(CloudError::unreachable(format!("{SERVICE} names no role that can be")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_this_machines_unless_the_settings_say_more() {
        let base = |endpoint: &str| {
            let endpoint = (!endpoint.is_empty()).then(|| endpoint.to_owned());
            Settings { endpoint, ..Settings::default() }.base().map(str::to_owned)
        };
        assert_eq!(base("").unwrap(), BASE_V4);
        assert_eq!(Settings { ipv6: true, ..Settings::default() }.base().unwrap(), BASE_V6);
        assert_eq!(base("http://127.0.0.1:9/").unwrap(), "http://127.0.0.1:9");
        assert!(base("http://[fd00:ec2::254]").is_ok());
        for bad in [
            "http://metadata.example",
            "https://metadata.example",
            "http://localhost:1338",
            "http://10.0.0.1",
            "http://169.254.169.254@metadata.example",
            "169.254.169.254",
            "https://",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
        let endpoint = Some("https://metadata.example".to_owned());
        assert!(Settings { endpoint, is_trusted: true, ..Settings::default() }.base().is_ok());
    }
}
