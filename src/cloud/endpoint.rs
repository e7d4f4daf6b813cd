//! Which endpoint from the environment our own calls may use: one that is a loopback literal, or
//! any https address when the settings say so.
//!
//! An environment can come from a project's files. Our calls are signed with long-term keys and
//! answered with temporary ones, so they must not go wherever a variable points.

/// The variables, first match wins.
pub const VARIABLES: &[&str] = &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];

/// What the environment says about the endpoint.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Choice {
    /// The endpoint to use instead of AWS's own.
    pub endpoint: Option<String>,
    /// A variable that was ignored, and why.
    pub ignored: Option<(&'static str, &'static str)>,
}

/// The addresses that the environment names for services other than STS; what our requests may not
/// go to is left out.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Services {
    /// `AWS_ENDPOINT_URL`, which is for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    general: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_oidc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<String>,
    /// The variables that were left out.
    #[serde(skip)]
    ignored: Vec<&'static str>,
}

/// A service of sign-ins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// `aws login`'s.
    SignIn,
    /// The portal of IAM Identity Center.
    Sso,
    /// Its tokens.
    SsoOidc,
}

impl Services {
    /// What `lookup` says of the user's own variables.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>, trusted: bool) -> Self {
        let of = |name: &str| lookup(name).filter(|url| may_be_asked(url, trusted));
        let is_ignored = |name: &&'static str| {
            lookup(name).is_some_and(|url| !url.is_empty() && !may_be_asked(&url, trusted))
        };
        let names =
            ["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN"];
        Self {
            ignored: names.into_iter().filter(is_ignored).collect(),
            general: of("AWS_ENDPOINT_URL"),
            sso: of("AWS_ENDPOINT_URL_SSO"),
            sso_oidc: of("AWS_ENDPOINT_URL_SSO_OIDC"),
            sign_in: of("AWS_ENDPOINT_URL_SIGNIN"),
        }
    }

    /// What the user should know of a variable that was left out, by the end of its name.
    pub fn notes<'n>(&'n self, ends: &'n [&str]) -> impl Iterator<Item = String> + 'n {
        let asked = |name: &&&'static str| ends.iter().any(|end| name.ends_with(end));
        self.ignored.iter().filter(asked).map(|name| {
            format!(
                "{name} is ignored for leapp's own requests: it is not a loopback address in digits, \
                 and 'endpoint_env = true' in config.toml allows https alone"
            )
        })
    }

    /// Where a service is: its own variable comes before the general one.
    pub fn of(&self, service: Service) -> Option<&str> {
        let own = match service {
            Service::SignIn => &self.sign_in,
            Service::Sso => &self.sso,
            Service::SsoOidc => &self.sso_oidc,
        };
        own.as_deref().or(self.general.as_deref())
    }
}

/// Whether our requests may go to an address that a variable names.
pub fn may_be_asked(url: &str, trusted: bool) -> bool {
    is_loopback(url) || (trusted && url.starts_with("https://") && host(url).is_some())
}

/// Chooses an endpoint. `trusted` is the setting `endpoint_env`.
pub fn choose(lookup: &dyn Fn(&str) -> Option<String>, trusted: bool) -> Choice {
    let set = |name: &&'static str| lookup(name).filter(|v| !v.is_empty()).map(|v| (*name, v));
    let Some((name, url)) = VARIABLES.iter().find_map(set) else {
        return Choice::default();
    };
    if may_be_asked(&url, trusted) {
        return Choice { endpoint: Some(url), ignored: None };
    }
    let reason = if url.starts_with("https://") {
        "it is not a loopback address; 'endpoint_env = true' in config.toml allows it"
    } else if trusted {
        "it is neither https nor a loopback address in digits, such as http://127.0.0.1:5000"
    } else {
        "it is not a loopback address in digits, such as http://127.0.0.1:5000"
    };
    Choice { endpoint: None, ignored: Some((name, reason)) }
}

/// Whether the URL's host is a literal of 127.0.0.0/8 or `[::1]`. Names are not: a resolver may
/// answer anything.
pub fn is_loopback(url: &str) -> bool {
    match host(url) {
        Some(Host::V4(address)) => address.is_loopback(),
        Some(Host::V6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Whether the URL's host is a literal of where AWS serves a machine its own credentials:
/// 169.254.0.0/16, `[fd00:ec2::23]` and `[fd00:ec2::254]`.
pub fn is_link_local(url: &str) -> bool {
    match host(url) {
        Some(Host::V4(address)) => address.is_link_local(),
        Some(Host::V6(address)) => {
            matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23 | 0x254])
        }
        _ => false,
    }
}

/// The host of a URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Host<'a> {
    /// A name that a resolver would have to explain.
    Name(&'a str),
    /// An address in digits.
    V4(std::net::Ipv4Addr),
    /// An address between brackets.
    V6(std::net::Ipv6Addr),
}

/// The host of an http or https URL; `None` for any other text, and where a user name stands before
/// the host or a backslash in it: readers of such URLs disagree.
pub fn host(url: &str) -> Option<Host<'_>> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') || authority.contains('\\') {
        return None;
    }
    if let Some(v6) = authority.strip_prefix('[') {
        return v6.split_once(']').and_then(|(host, _)| host.parse().ok()).map(Host::V6);
    }
    let name = authority.split(':').next().filter(|name| !name.is_empty())?;
    Some(name.parse().map_or(Host::Name(name), Host::V4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_literals_are_loopback() {
        for good in ["http://127.0.0.1:5000", "https://127.9.9.9/x", "http://[::1]:8080"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "http://localhost:5000",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "127.0.0.1:5000",
            "http://[::2]",
            "http://0.0.0.0",
            "http://evil.example\\@127.0.0.1",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn another_endpoint_needs_the_setting_and_https() {
        let with = |url: &str, trusted| {
            let url = url.to_owned();
            choose(&move |name| (name == "AWS_ENDPOINT_URL").then(|| url.clone()), trusted)
        };
        assert!(with("https://sts.example", false).ignored.is_some());
        assert_eq!(with("https://sts.example", true).endpoint.unwrap(), "https://sts.example");
        assert!(with("http://sts.example", true).ignored.is_some());
        assert!(with("http://127.0.0.1:1", false).endpoint.is_some());
        assert_eq!(with("", false), Choice::default());
    }
}
