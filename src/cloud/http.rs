//! One way to the network for every protocol: rustls, the system's roots and what the user adds,
//! the user's proxy but never for loopback, and a limit on every wait.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};

use super::{CloudError, exchange::innermost};
use crate::system::files;

/// For the connection.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// For one try.
pub(super) const TRY: Duration = Duration::from_secs(10);
/// For all tries of one request.
pub(super) const WHOLE: Duration = Duration::from_secs(20);
/// How often a request is tried.
pub(super) const TRIES: u32 = 3;
/// No bundle of certificates is larger, in bytes.
const LARGEST_BUNDLE: u64 = 16 << 20;

/// The limits of a request.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(WHOLE)
        .build()
}

/// How often a request is tried, and with what pauses.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(TRIES).with_max_backoff(Duration::from_secs(4))
}

/// A client for `endpoint`, or for AWS's own addresses.
///
/// `bundles` are files with further root certificates in PEM form.
pub fn client(endpoint: Option<&str>, bundles: &[PathBuf]) -> Result<SharedHttpClient, CloudError> {
    let way = Way::to(endpoint, bundles)?;
    Ok(http_client_fn(move |settings, components| {
        way.connector(settings.clone(), components.sleep_impl())
    }))
}

/// A connection of our own to `endpoint`, for a protocol that the SDK has no client for. It is used
/// where the timer of tokio runs.
pub(super) fn connector(
    endpoint: &str,
    bundles: &[PathBuf],
    connect: Duration,
) -> Result<SharedHttpConnector, CloudError> {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect).build();
    let timer = SharedAsyncSleep::new(TokioSleep::new());
    Ok(Way::to(Some(endpoint), bundles)?.connector(settings, Some(timer)))
}

/// How an endpoint is reached.
enum Way {
    /// Without TLS, and without a proxy.
    Plain,
    /// With TLS; through the user's proxy unless `direct`.
    Tls { context: TlsContext, direct: bool },
}

impl Way {
    fn to(endpoint: Option<&str>, bundles: &[PathBuf]) -> Result<Self, CloudError> {
        if endpoint.is_some_and(|url| url.starts_with("http://")) {
            // No certificate is read for a request that needs none.
            return Ok(Self::Plain);
        }
        let direct = endpoint.is_some_and(|url| {
            super::endpoint::is_loopback(url) || super::endpoint::is_link_local(url)
        });
        let mut trust = TrustStore::default().with_native_roots(true);
        for path in bundles {
            trust.add_pem_certificate(read_bundle(path)?);
        }
        let context = TlsContext::builder().with_trust_store(trust).build();
        let context = context.map_err(|error| CloudError::unreachable(error.to_string()))?;
        Ok(Self::Tls { context, direct })
    }

    fn connector(
        &self,
        settings: HttpConnectorSettings,
        timer: Option<SharedAsyncSleep>,
    ) -> SharedHttpConnector {
        let mut builder = Connector::builder().connector_settings(settings);
        builder.set_sleep_impl(timer);
        match self {
            Self::Plain => SharedHttpConnector::new(builder.build_http()),
            Self::Tls { context, direct } => {
                let proxy = if *direct { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
                let builder = builder
                    .proxy_config(proxy)
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(context.clone());
                SharedHttpConnector::new(builder.build())
            }
        }
    }
}

/// Whether a file of further root certificates can be used; the error says why not.
pub fn check_bundle(path: &Path) -> Result<(), CloudError> {
    read_bundle(path).map(|_| ())
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, CloudError> {
    let failed = |reason: String| {
        CloudError::unreachable(format!("the CA bundle '{}' {reason}", path.display()))
    };
    let read = files::read_users(path, LARGEST_BUNDLE);
    let bytes = read.map_err(|error| failed(format!("cannot be used: {}", innermost(&error))))?;
    let bytes = bytes.ok_or_else(|| failed("does not exist".into()))?;
    // The SDK's TLS set-up panics on what is no certificate.
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates =
        certificates.map_err(|error| failed(format!("is no PEM file of certificates: {error}")))?;
    if certificates.is_empty() {
        return Err(failed("holds no certificate in PEM form".into()));
    }
    let bad = certificates.iter().position(|c| webpki::anchor_from_trusted_cert(c).is_err());
    match bad {
        Some(at) => Err(failed(format!("holds no usable certificate as number {}", at + 1))),
        None => Ok(bytes),
    }
}
