//! Opens a connection to an upstream.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::time::timeout;

use super::address::Address;
use super::bounded_read::BoundedRead;
use super::failure::Failure;
use super::first_settings::{FirstSettings, MaxHeaderListSize};
use super::pool_options::PoolOptions;
use super::transport::{Connect, Transport};

/// The flow control window of a connection: the largest of HTTP/2 (RFC 9113, section 6.9.1). Only the windows of the streams
/// limit what is buffered, so a slow caller delays only its own stream.
pub(super) const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The longest frame that is accepted, in bytes. Few large frames cost less than many small ones.
const MAX_FRAME_SIZE: u32 = 256 * 1024;

/// The longest header list that h2 accepts, in bytes. The limit of responses is much smaller, and is applied to what h2 has
/// received (`head_size`): h2 cuts trailers that exceed its own limit without an error, and closes the connection, with the
/// calls of other callers, at four times the limit, and when a list has more CONTINUATION frames than 1.25 times this size
/// divided by the size of a frame. With this limit that is 320.
const MAX_HEADER_LIST_SIZE: u32 = 64 * 1024 * 1024;

/// How many streams may be opened before the upstream's SETTINGS frame has arrived: none. h2 then reports the limit of that
/// frame, so any other number says that it has arrived.
const BEFORE_SETTINGS: usize = 0;

/// An HTTP/2 connection. It reads and writes when it is polled.
pub(super) type H2Connection = h2::client::Connection<BoundedRead<Box<dyn Transport>>, Bytes>;

/// A new connection, with what the upstream has announced of the heads it accepts.
pub(super) type Connected = (SendRequest<Bytes>, H2Connection, MaxHeaderListSize);

/// Connects to one socket address of an upstream, and waits for its SETTINGS frame.
///
/// # Errors
///
/// Returns an error if the connection is refused, the certificate is not valid, the upstream does not speak HTTP/2, or the
/// connect timeout passes.
pub(super) async fn connect(
    address: &Address,
    socket: SocketAddr,
    network: &dyn Connect,
    options: &PoolOptions,
) -> Result<Connected, Failure> {
    let limit = options.connect_timeout;
    timeout(limit, handshake(address, socket, network, options)).await.unwrap_or_else(|_| {
        let message = format!("the upstream did not answer within {limit:?}");
        Err(Failure::unavailable(message).at(place(address, socket)))
    })
}

async fn handshake(
    address: &Address,
    socket: SocketAddr,
    network: &dyn Connect,
    options: &PoolOptions,
) -> Result<Connected, Failure> {
    let authority = &*place(address, socket);
    let transport = network
        .connect(address, socket)
        .await
        .map_err(|error| Failure::unavailable("cannot connect to the upstream").because(authority, &error))?;
    let not_http2 = |error: &h2::Error| {
        let mut failure = Failure::from_h2(authority, error);
        failure.message.push_str("; does it speak gRPC there?");
        failure
    };
    let max_header_list_size = MaxHeaderListSize::default();
    let settings = FirstSettings::new(Arc::clone(&max_header_list_size));
    let (sender, mut connection) = Builder::new()
        .initial_window_size(options.stream_window.min(MAX_WINDOW))
        .initial_connection_window_size(MAX_WINDOW)
        .max_frame_size(MAX_FRAME_SIZE)
        .max_header_list_size(MAX_HEADER_LIST_SIZE)
        .initial_max_send_streams(BEFORE_SETTINGS)
        // h2 would count frames that arrive for streams which this side has reset as errors of the upstream.
        .max_local_error_reset_streams(None)
        .enable_push(false)
        .handshake(BoundedRead::new(transport).with_settings(settings))
        .await
        .map_err(|error| not_http2(&error))?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(not_http2(&error))),
        Poll::Ready(Ok(())) => {
            let message = "the upstream closed the connection at once; does it speak gRPC there?";
            Poll::Ready(Err(Failure::unavailable(message).at(authority)))
        }
        Poll::Pending if sender.current_max_send_streams() == BEFORE_SETTINGS => Poll::Pending,
        Poll::Pending => Poll::Ready(Ok(())),
    })
    .await?;
    Ok((sender, connection, max_header_list_size))
}

/// Returns the host and port of an upstream, with the socket address that a name stands for.
fn place(address: &Address, socket: SocketAddr) -> String {
    if address.socket().is_some() {
        return address.authority.to_string();
    }
    format!("{} at {socket}", address.authority)
}
