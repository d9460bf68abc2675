//! Opens a connection to an upstream.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Address;
use super::bounded_read::BoundedRead;
use super::failure::Failure;
use super::pool_options::PoolOptions;
use crate::tcp::set_keepalive;

/// After how long without traffic the kernel sends a TCP keepalive probe.
const TCP_KEEPALIVE: Duration = Duration::from_secs(10);

/// The flow control window of a connection: the largest of HTTP/2 (RFC 9113, section 6.9.1). Only the windows of the streams
/// limit what is buffered, so a slow caller delays only its own stream.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The longest frame that is accepted, in bytes. Few large frames cost less than many small ones.
const MAX_FRAME_SIZE: u32 = 256 * 1024;

/// The longest header list of a response, in bytes.
const MAX_HEADER_LIST_SIZE: u32 = 64 * 1024;

/// How many streams may be opened before the upstream's SETTINGS frame has arrived: none. h2 then reports the limit of that
/// frame, so any other number says that it has arrived.
const BEFORE_SETTINGS: usize = 0;

/// A TCP connection, with or without TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// An HTTP/2 connection. It reads and writes when it is polled.
pub(super) type H2Connection = h2::client::Connection<BoundedRead<Box<dyn Transport>>, Bytes>;

/// Connects to an upstream, and waits for its SETTINGS frame.
///
/// # Errors
///
/// Returns an error if the name cannot be resolved, the connection is refused, the certificate is not valid, the upstream does
/// not speak HTTP/2, or the connect timeout passes.
pub(super) async fn connect(
    address: &Address,
    options: &PoolOptions,
) -> Result<(SendRequest<Bytes>, H2Connection), Failure> {
    let limit = options.connect_timeout;
    let authority = &address.authority;
    match timeout(limit, handshake(address, options)).await {
        Ok(result) => result,
        Err(_) => {
            Err(Failure::unavailable(format!("the upstream {authority} did not answer within {limit:?}")))
        }
    }
}

async fn handshake(
    address: &Address,
    options: &PoolOptions,
) -> Result<(SendRequest<Bytes>, H2Connection), Failure> {
    let authority = &address.authority;
    let transport = transport(address).await.map_err(|error| {
        Failure::unavailable(format!("cannot connect to the upstream {authority}: {error}"))
    })?;
    let not_http2 = |error: &h2::Error| {
        let failure = Failure::from_h2(authority.as_str(), error);
        Failure { message: format!("{}; does it speak gRPC there?", failure.message), ..failure }
    };
    let (sender, mut connection) = Builder::new()
        .initial_window_size(options.stream_window.min(CONNECTION_WINDOW))
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(MAX_FRAME_SIZE)
        .max_header_list_size(MAX_HEADER_LIST_SIZE)
        .initial_max_send_streams(BEFORE_SETTINGS)
        // h2 would count frames that arrive for streams which this side has reset as errors of the upstream.
        .max_local_error_reset_streams(None)
        .enable_push(false)
        .handshake(BoundedRead::new(transport))
        .await
        .map_err(|error| not_http2(&error))?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(not_http2(&error))),
        Poll::Ready(Ok(())) => Poll::Ready(Err(Failure::unavailable(format!(
            "the upstream {authority} closed the connection at once; does it speak gRPC there?"
        )))),
        Poll::Pending if sender.current_max_send_streams() == BEFORE_SETTINGS => Poll::Pending,
        Poll::Pending => Poll::Ready(Ok(())),
    })
    .await?;
    Ok((sender, connection))
}

async fn transport(address: &Address) -> io::Result<Box<dyn Transport>> {
    let stream = TcpStream::connect((address.host(), address.port())).await?;
    stream.set_nodelay(true)?;
    set_keepalive(&stream, TCP_KEEPALIVE, TCP_KEEPALIVE / 2, 3 * TCP_KEEPALIVE);
    #[cfg(feature = "tls")]
    if let Some(tls) = &address.tls {
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
    Ok(Box::new(stream))
}
