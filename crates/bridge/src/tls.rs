//! TLS for what is served.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
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
pub struct Tls {
    acceptor: TlsAcceptor,
    /// Where the certificate comes from, if that can be read again.
    files: Option<Arc<Files>>,
}

/// A certificate in files.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<CurrentCertificate>,
}

/// The certificate that the next handshake is made with.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

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
        let current = Arc::new(CurrentCertificate(RwLock::new(Arc::new(read(certificate, key)?))));
        let files =
            Files { certificate: certificate.to_owned(), key: key.to_owned(), current: Arc::clone(&current) };
        Ok(Self { files: Some(Arc::new(files)), ..Self::with(current)? })
    }

    /// Reads the certificate and its key again, if they come [from files](Tls::from_files), for all clones of this value.
    /// Handshakes use them from now on; connections that are open keep what they have. Returns whether there were files to read.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Tls::from_files`]. The old certificate is used further then.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.files else { return Ok(false) };
        let new = Arc::new(read(&files.certificate, &files.key)?);
        *files.current.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    /// Takes a certificate, with the chain that leads to it, and its private key in PEM.
    ///
    /// # Errors
    ///
    /// Returns an error if either is of no use, or if the two do not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let parsed = parse((certificate, "the certificate's PEM"), (key, "the key's PEM"))?;
        Self::with(Arc::new(CurrentCertificate(RwLock::new(Arc::new(parsed)))))
    }

    fn with(certificate: Arc<CurrentCertificate>) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self::from(Arc::new(config)))
    }

    /// Performs the handshake with a client.
    #[cfg(feature = "serve")]
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<tokio_rustls::server::TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}

/// Reads a certificate and its key from files.
fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
    };
    parse(
        (&read(certificate)?, &certificate.display().to_string()),
        (&read(key)?, &key.display().to_string()),
    )
}

/// Parses a certificate and its key, each with the name of its source.
fn parse(
    (certificate, from): (&[u8], &str),
    (key, key_from): (&[u8], &str),
) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate(from.to_owned()))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey(key_from.to_owned()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
        other => TlsError::Unusable(other.to_string()),
    })
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
        Self { acceptor: TlsAcceptor::from(config), files: None }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a key is ever written anywhere.
        f.write_str("Tls")
    }
}
