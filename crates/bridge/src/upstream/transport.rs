//! Byte streams to upstreams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::Address;
use crate::tcp::set_keepalive;

/// After how long without traffic the kernel sends a TCP keepalive probe.
const TCP_KEEPALIVE: Duration = Duration::from_secs(10);

/// A connection without HTTP/2: TCP, with or without TLS.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens byte streams to upstreams.
pub(crate) trait Connect: Send + Sync {
    /// Connects to one socket address of an upstream.
    fn connect<'a>(
        &'a self,
        upstream: &'a Address,
        socket: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>>;
}

/// Connects over TCP, and over TLS to upstreams with `https://`.
pub(super) struct TcpConnect;

impl Connect for TcpConnect {
    fn connect<'a>(
        &'a self,
        upstream: &'a Address,
        socket: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(connect(upstream, socket))
    }
}

async fn connect(upstream: &Address, socket: SocketAddr) -> io::Result<Box<dyn Transport>> {
    let stream = TcpStream::connect(socket).await?;
    stream.set_nodelay(true)?;
    set_keepalive(&stream, TCP_KEEPALIVE, TCP_KEEPALIVE / 2, 3 * TCP_KEEPALIVE);
    #[cfg(feature = "tls")]
    if let Some(tls) = &upstream.tls {
        let connector = tls.connector().map_err(io::Error::other)?;
        let stream = connector.connect(tls.name.clone(), stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the server did not select HTTP/2 in ALPN",
            ));
        }
        return Ok(Box::new(stream));
    }
    #[cfg(not(feature = "tls"))]
    let _ = upstream;
    Ok(Box::new(stream))
}
