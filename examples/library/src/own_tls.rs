//! TLS of your own: client certificates by a rustls configuration, and a listener that does more than TCP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use drawbridge::{ConnectionInfo, Listener, PeerCertificates, Tls};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes a configuration that accepts only clients with a certificate of one of these authorities.
///
/// # Errors
///
/// Returns an error if there is no authority, or if the certificate and the key do not belong together.
pub fn mutual_tls(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authorities: RootCertStore,
) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
    let provider = Arc::new(ring::default_provider());
    let clients: Result<_, VerifierBuilderError> =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider)).build();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients?)
        .with_single_cert(vec![certificate], key)?;
    // Without it clients speak HTTP/1.1, over which there is no native gRPC.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The simple way: `drawbridge::serve` performs the handshakes.
pub fn for_serve(config: Arc<ServerConfig>) -> Tls {
    Tls::from(config)
}

/// The way for an acceptor of your own: a listener that yields connections once their handshake is done. It can do whatever
/// comes before HTTP, such as reading the header of a proxy protocol.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    /// Handshakes under way. They run beside each other, so that a slow client delays only itself.
    handshakes: JoinSet<io::Result<(TlsStream<TcpStream>, ConnectionInfo)>>,
}

impl TlsListener {
    /// Creates a listener.
    pub fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self { tcp, acceptor: TlsAcceptor::from(config), handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Stream = TlsStream<TcpStream>;

    // `serve` drops this future and calls it again whenever something else happens, so nothing may be lost with it: the
    // handshakes are in `self`.
    async fn next_connection(&mut self) -> (Self::Stream, ConnectionInfo) {
        loop {
            tokio::select! {
                // The library's own way for TCP sets keepalive and `TCP_NODELAY`, and waits after errors.
                (stream, info) = self.tcp.next_connection() => {
                    let handshake = self.acceptor.accept(stream);
                    self.handshakes.spawn(async move {
                        let stream = timeout(HANDSHAKE_TIMEOUT, handshake).await??;
                        // As `drawbridge::serve` does for the handshakes that it performs.
                        let chain = stream.get_ref().1.peer_certificates().map(Into::into);
                        let info = match chain {
                            Some(chain) => info.with_extension(PeerCertificates(chain)),
                            None => info,
                        };
                        Ok((stream, info))
                    });
                }
                Some(handshake) = self.handshakes.join_next() => match handshake {
                    Ok(Ok(accepted)) => return accepted,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(error) => tracing::error!(%error, "a TLS handshake panicked"),
                },
            }
        }
    }
}
