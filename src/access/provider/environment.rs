//! What a provider sees of the user's environment: how to find programs, a language, the way to the
//! network. Nothing of a session, of AWS's configuration or of a vault.

use std::ffi::OsString;

/// All names that pass.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

/// A provider's environment, of the user's own variables.
pub fn build(own: &dyn Fn(&str) -> Option<OsString>) -> Vec<(OsString, OsString)> {
    PASSED.iter().filter_map(|name| Some(((*name).into(), own(name)?))).collect()
}
