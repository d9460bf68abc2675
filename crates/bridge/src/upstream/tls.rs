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
    /// The server name that the certificate must have.
    pub(super) name: ServerName<'static>,
    /// `None`: the system's trust roots, which are loaded with the first connection.
    connector: Option<TlsConnector>,
}

/// Uses the system's trust roots, which are loaded once for all upstreams.
static SYSTEM: OnceLock<TlsConnector> = OnceLock::new();

impl UpstreamTls {
    /// Checks the certificate of this host with the system's trust roots.
    pub(super) fn new(host: &str) -> Option<Self> {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        Some(Self { name, connector: None })
    }

    /// Checks the certificate with these trust roots.
    pub(super) fn set_trust_roots(&mut self, roots: TrustRoots) {
        self.connector = Some(roots.0);
    }

    /// Loads the system's trust roots now.
    pub(super) fn load_system_trust_roots(&mut self) -> Result<(), UpstreamError> {
        self.connector = Some(system_connector()?);
        Ok(())
    }

    /// Uses this client configuration, with HTTP/2 as the only ALPN protocol.
    pub(super) fn set_config(&mut self, mut config: ClientConfig) {
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.connector = Some(Arc::new(config).into());
    }

    /// Returns the connector, which checks the certificate.
    ///
    /// # Errors
    ///
    /// Returns an error if the system's trust roots are used and there are none.
    pub(super) fn connector(&self) -> Result<TlsConnector, UpstreamError> {
        self.connector.clone().map_or_else(system_connector, Ok)
    }
}

/// Certificates of authorities that sign the certificates of upstreams.
pub(super) struct TrustRoots(TlsConnector);

impl TrustRoots {
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
    // A system has hundreds of certificates, so one that cannot be parsed is skipped.
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
