//! TLS for what is served.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// What HTTPS is served with: a certificate and its key, or a rustls configuration of your own. Cloning it is cheap.
///
/// A configuration of your own serves several names, asks for client certificates, or resolves certificates that are
/// reloaded:
///
/// ```
/// # fn example(config: rustls::ServerConfig) {
/// use drawbridge::{ConnectionOptions, Tls};
/// use std::sync::Arc;
///
/// let options = ConnectionOptions::new().with_tls(Tls::from(Arc::new(config)));
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why a certificate cannot be served with. The message names the file, if there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no certificate where one should be.
    #[error("{0} has no certificate: expected PEM, with `BEGIN CERTIFICATE`")]
    NoCertificate(String),
    /// There is no key where one should be.
    #[error("{0} has no private key: expected PEM, with `BEGIN PRIVATE KEY`, and no passphrase")]
    NoKey(String),
    /// The two do not belong together.
    #[error("the private key is not that of the certificate")]
    Mismatch,
    /// The certificate or the key is of a kind that is not understood.
    #[error("the certificate or its key cannot be used: {0}")]
    Unusable(String),
}

impl Tls {
    /// Reads a certificate, with the chain that leads to it, and its private key from PEM files.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file which is missing, unreadable or of no use, or says that the two do not
    /// belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
        };
        Self::parse(
            (&read(certificate)?, &certificate.display().to_string()),
            (&read(key)?, &key.display().to_string()),
        )
    }

    /// Takes a certificate, with the chain that leads to it, and its private key in PEM.
    ///
    /// # Errors
    ///
    /// Returns an error if either is of no use, or if the two do not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::parse((certificate, "the certificate's PEM"), (key, "the key's PEM"))
    }

    fn parse((certificate, from): (&[u8], &str), (key, key_from): (&[u8], &str)) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(from.to_owned()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey(key_from.to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
                other => TlsError::Unusable(other.to_string()),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Performs the handshake with a client.
    #[cfg(feature = "serve")]
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<tokio_rustls::server::TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.0.accept(stream).await
    }
}

/// The certificates of a client, its own first, as an extension of the requests on its connection. [`serve`](crate::serve)
/// inserts it if the TLS configuration asks for client certificates and the client has sent some.
///
/// ```
/// # fn handler(request: tonic::Request<()>) {
/// use drawbridge::PeerCertificates;
///
/// let certificates = request.extensions().get::<PeerCertificates>();
/// let client = certificates.and_then(|PeerCertificates(chain)| chain.first());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PeerCertificates(pub Arc<[CertificateDer<'static>]>);

#[cfg(feature = "serve")]
impl PeerCertificates {
    pub(crate) fn of<S>(stream: &tokio_rustls::server::TlsStream<S>) -> Option<Self> {
        let (_, connection) = stream.get_ref();
        connection.peer_certificates().map(|chain| Self(chain.into()))
    }
}

impl From<Arc<ServerConfig>> for Tls {
    /// Serves with a configuration as it is. For HTTP/2, its ALPN protocols have to include `h2`.
    fn from(config: Arc<ServerConfig>) -> Self {
        Self(TlsAcceptor::from(config))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a key is ever written anywhere.
        f.write_str("Tls")
    }
}
