//! Makes a connection to an upstream.

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
use crate::tcp::keep_alive;

/// After how long a silent upstream is asked by the kernel whether its machine is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How much of all answers may wait here for their callers, which is as much as HTTP/2 knows: none that reads slowly holds
/// up the others of its connection.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The longest frame that is taken. Few large ones cost less than many small ones.
const MAX_FRAME: u32 = 256 * 1024;

/// The longest head of an answer, in bytes.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// How many streams may be opened before the upstream has said how many it takes: none. h2 takes its word then, so that
/// any other number tells that it has answered.
const NOT_YET: usize = 0;

/// The two ways of a connection: with TLS and without.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection of HTTP/2, to be polled by whoever keeps it.
pub(super) type H2 = h2::client::Connection<BoundedRead<Box<dyn Transport>>, Bytes>;

/// Connects to an upstream, and returns once it has answered in HTTP/2.
///
/// # Errors
///
/// Returns what to tell the calls that wait for the connection: nobody listens, the name is unknown, the certificate is
/// not good, the answer is no HTTP/2, or there is none within the time that the options give.
pub(super) async fn connect(
    address: &Address,
    options: &PoolOptions,
) -> Result<(SendRequest<Bytes>, H2), Failure> {
    let limit = options.connect_timeout;
    let authority = &address.authority;
    match timeout(limit, handshake(address, options)).await {
        Ok(result) => result,
        Err(_) => {
            Err(Failure::unavailable(format!("the upstream {authority} did not answer within {limit:?}")))
        }
    }
}

async fn handshake(address: &Address, options: &PoolOptions) -> Result<(SendRequest<Bytes>, H2), Failure> {
    let authority = &address.authority;
    let transport = transport(address).await.map_err(|error| {
        Failure::unavailable(format!("cannot connect to the upstream {authority}: {error}"))
    })?;
    let no_http2 = |error: &h2::Error| {
        let failure = Failure::of_h2(authority.as_str(), error);
        Failure { message: format!("{}; does it speak gRPC there?", failure.message), ..failure }
    };
    let (sender, mut connection) = Builder::new()
        .initial_window_size(options.stream_window.min(CONNECTION_WINDOW))
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(MAX_FRAME)
        .max_header_list_size(MAX_HEADER_LIST)
        .initial_max_send_streams(NOT_YET)
        // Calls that are left while their answers are on the way would count as the upstream's mistakes.
        .max_local_error_reset_streams(None)
        .enable_push(false)
        .handshake(BoundedRead::new(transport))
        .await
        .map_err(|error| no_http2(&error))?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(no_http2(&error))),
        Poll::Ready(Ok(())) => Poll::Ready(Err(Failure::unavailable(format!(
            "the upstream {authority} closed the connection at once; does it speak gRPC there?"
        )))),
        Poll::Pending if sender.current_max_send_streams() == NOT_YET => Poll::Pending,
        Poll::Pending => Poll::Ready(Ok(())),
    })
    .await?;
    Ok((sender, connection))
}

async fn transport(address: &Address) -> io::Result<Box<dyn Transport>> {
    let stream = TcpStream::connect((address.host(), address.port())).await?;
    stream.set_nodelay(true)?;
    // Costs the upstream's gRPC nothing.
    keep_alive(&stream, KEEPALIVE, KEEPALIVE / 2, 3 * KEEPALIVE);
    #[cfg(feature = "tls")]
    if let Some(tls) = &address.tls {
        let connector = tls.connector().map_err(io::Error::other)?;
        let stream = connector.connect(tls.name.clone(), stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "it does not agree to HTTP/2 (ALPN)"));
        }
        return Ok(Box::new(stream));
    }
    Ok(Box::new(stream))
}
