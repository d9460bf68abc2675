//! Whose certificates upstreams over TLS are believed with.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::target::UpstreamError;

/// The system's, read when they are first needed, and once for all upstreams.
static SYSTEM: OnceLock<TlsConnector> = OnceLock::new();

/// Returns what checks certificates with the system's authorities.
///
/// # Errors
///
/// Returns an error where the system has none.
pub(super) fn of_the_system() -> Result<TlsConnector, UpstreamError> {
    if let Some(known) = SYSTEM.get() {
        return Ok(known.clone());
    }
    let mut roots = RootCertStore::empty();
    // One that cannot be read, among hundreds, is the system's to worry about.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(UpstreamError::NoRoots);
    }
    Ok(SYSTEM.get_or_init(|| connector(roots)).clone())
}

/// Returns what checks certificates with those of a text in PEM.
///
/// # Errors
///
/// Returns an error where the text has none, or one that cannot be read.
pub(super) fn of_pem(pem: &[u8]) -> Result<TlsConnector, UpstreamError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| UpstreamError::Authority(error.to_string()))?;
        roots.add(certificate).map_err(|error| UpstreamError::Authority(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(UpstreamError::Authority("there is none in PEM".to_owned()));
    }
    Ok(connector(roots))
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
