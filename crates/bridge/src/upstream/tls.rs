//! TLS to upstreams.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::error::UpstreamError;

/// How the certificate of an upstream is checked.
#[derive(Clone)]
pub(super) struct UpstreamTls {
    /// The name that it must be for.
    pub(super) name: ServerName<'static>,
    /// Connects with the configured authorities. `None`: with the system's, which are loaded with the first connection.
    connector: Option<TlsConnector>,
}

/// Connects with the system's authorities. They are loaded once for all upstreams.
static SYSTEM: OnceLock<TlsConnector> = OnceLock::new();

impl UpstreamTls {
    /// Checks the certificate of this host with the system's authorities.
    pub(super) fn new(host: &str) -> Option<Self> {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        Some(Self { name, connector: None })
    }

    /// Checks the certificate with the authorities in this PEM.
    pub(super) fn set_authorities(&mut self, authorities: Authorities) {
        self.connector = Some(authorities.0);
    }

    /// Loads the system's authorities now.
    pub(super) fn load_system_authorities(&mut self) -> Result<(), UpstreamError> {
        self.connector = Some(system_connector()?);
        Ok(())
    }

    /// Uses a client configuration as it is. Its ALPN protocols are set to HTTP/2.
    pub(super) fn set_config(&mut self, mut config: ClientConfig) {
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.connector = Some(Arc::new(config).into());
    }

    /// Returns what connects and checks the certificate.
    ///
    /// # Errors
    ///
    /// Returns an error if that is left to the system's authorities, and there are none.
    pub(super) fn connector(&self) -> Result<TlsConnector, UpstreamError> {
        self.connector.clone().map_or_else(system_connector, Ok)
    }
}

/// Certificates of authorities.
pub(super) struct Authorities(TlsConnector);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    ///
    /// Returns an error if the text has no certificate, or one that cannot be read.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, UpstreamError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| UpstreamError::Authority(error.to_string()))?;
            roots.add(certificate).map_err(|error| UpstreamError::Authority(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(UpstreamError::Authority("the PEM has no certificate".to_owned()));
        }
        Ok(Self(connector(roots)))
    }
}

fn system_connector() -> Result<TlsConnector, UpstreamError> {
    if let Some(loaded) = SYSTEM.get() {
        return Ok(loaded.clone());
    }
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are skipped: a system has hundreds.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(UpstreamError::NoRoots);
    }
    Ok(SYSTEM.get_or_init(|| connector(roots)).clone())
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("the provider has suites of the default versions"))
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config).into()
}
