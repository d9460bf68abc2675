//! The certificate of targets that serve TLS, and clients that trust it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A certificate for `localhost`, with an ECDSA key on P-256. Its files last as long as a clone of it.
#[derive(Clone)]
pub(crate) struct Certificate {
    folder: Arc<TempDir>,
    connector: TlsConnector,
}

impl Certificate {
    /// Generates key and certificate.
    pub(crate) fn generate() -> Result<Self> {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join("chain.pem"), signed.cert.pem())?;
        std::fs::write(folder.path().join("key.pem"), signed.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(signed.cert.der().clone())?;
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        // Each connection is a full handshake.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { folder: Arc::new(folder), connector: Arc::new(config).into() })
    }

    /// The file with the certificate.
    pub(crate) fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    /// The file with the private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Connects clients over HTTP/1.1 that trust the certificate.
    pub(crate) fn connector(&self) -> &TlsConnector {
        &self.connector
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.folder.path()).finish()
    }
}
