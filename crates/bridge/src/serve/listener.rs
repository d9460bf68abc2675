//! Where connections come from.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::connection_info::ConnectionInfo;
use super::log_throttle::LogThrottle;
use crate::tcp::set_keepalive;

/// A silent TCP peer is probed after this time, and has the same time to answer. Without it, an idle stream to a machine that
/// vanished would never end.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(20);

/// How long data may stay unacknowledged by a TCP peer. A slow reader may be legitimate, so this is long.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Where [`serve`](crate::serve) gets its connections from.
///
/// It is implemented for tokio's `TcpListener`, and on Unix for its `UnixListener`. Implement it to accept connections in
/// another way, for example with a TLS acceptor of your own, or behind a proxy protocol:
///
/// ```
/// use drawbridge::{ConnectionInfo, Listener};
/// use tokio::net::{TcpListener, TcpStream};
///
/// /// Marks the connections of one port.
/// struct Internal(TcpListener);
///
/// /// An extension of each request that comes over such a connection.
/// #[derive(Clone, Copy)]
/// struct IsInternal;
///
/// impl Listener for Internal {
///     type Stream = TcpStream;
///
///     async fn next_connection(&mut self) -> (TcpStream, ConnectionInfo) {
///         let (stream, info) = self.0.next_connection().await;
///         (stream, info.with_extension(IsInternal))
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection, and returns it with what is known of it.
    ///
    /// The future has to be cancel safe: `serve` drops it and calls this again whenever something else happens. A handshake
    /// belongs into a task, which delays no other connection and is not lost with the future. Errors are the listener's to
    /// handle: it logs them, waits if they persist, and goes on.
    fn next_connection(&mut self) -> impl Future<Output = (Self::Stream, ConnectionInfo)> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next_connection(&mut self) -> (TcpStream, ConnectionInfo) {
        let (stream, peer) = accept(self).await;
        prepare(&stream);
        (stream, ConnectionInfo::new().with_peer(peer))
    }
}

/// Accepts the next connection.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => wait_after(&error).await,
        }
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn next_connection(&mut self) -> (tokio::net::UnixStream, ConnectionInfo) {
        loop {
            match self.accept().await {
                Ok((stream, _)) => return (stream, ConnectionInfo::new()),
                Err(error) => wait_after(&error).await,
            }
        }
    }
}

/// The log lines of errors.
static ERRORS: LogThrottle = LogThrottle::new();

/// Logs an error, and waits if it concerns the process, such as too many open files, since it would come again at once. An error of
/// one connection, which its client has closed already, is passed over.
async fn wait_after(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    if let Some(suppressed) = ERRORS.pass(Instant::now()) {
        tracing::warn!(%error, suppressed, "cannot accept a connection");
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Sets what a connection of small, prompt messages needs. An option that cannot be set is no reason to drop the connection.
pub(super) fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set an option of a connection");
    }
    set_keepalive(stream, KEEPALIVE, KEEPALIVE / 4, UNACKNOWLEDGED);
}
