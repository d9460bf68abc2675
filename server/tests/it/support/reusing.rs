//! A client that reuses its connection, and does what every HTTP client does when the connection ends.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::Mutex;

use super::client::{Answer, Connection, Wire};
use super::soon;

/// A client with one connection, which it opens again when the server has closed it or is about to.
///
/// It sends a request again if no server can have processed it: it was not sent; the server has refused it with `REFUSED_STREAM`
/// or GOAWAY (RFC 9113, section 8.7); or a reused connection over HTTP/1.1 was closed before the first byte of a response
/// (RFC 9112, section 9.3.1). Clones of one client share a connection over HTTP/2. Over HTTP/1.1 it makes one call at a time.
pub struct ReusingClient {
    wire: Wire,
    address: SocketAddr,
    /// The connection, and whether it has been used.
    idle: Mutex<Option<(Connection, bool)>>,
    /// How many requests were sent again, because they were not sent, were refused, or met a closed connection.
    sent_again: [AtomicUsize; 3],
}

impl ReusingClient {
    pub fn new(wire: Wire, address: SocketAddr) -> Self {
        Self { wire, address, idle: Mutex::new(None), sent_again: Default::default() }
    }

    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Returns how many requests were sent again, because they were not sent, were refused, or met a closed connection.
    pub fn sent_again(&self) -> [usize; 3] {
        self.sent_again.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    /// Calls a method with a body of gRPC frames.
    pub async fn call(&self, path: &str, body: Bytes) -> Answer {
        loop {
            let (mut connection, is_reused) = self.connection().await;
            let request = self.wire.request_with(path, body.clone(), &[]);
            if let Some(response) = self.send(&mut connection, request, is_reused).await {
                // Over HTTP/2 it is there already.
                if matches!(connection, Connection::H1(_)) {
                    *self.idle.lock().await = Some((connection, true));
                }
                return Answer::new(self.wire, response);
            }
        }
    }

    /// Returns a connection that takes a request, and whether it was used before.
    async fn connection(&self) -> (Connection, bool) {
        let mut idle = self.idle.lock().await;
        if let Some((mut connection, is_used)) = idle.take()
            && connection.is_ready().await
        {
            if let Connection::H2(sender) = &connection {
                *idle = Some((Connection::H2(sender.clone()), true));
            }
            return (connection, is_used);
        }
        let connection = soon("a connection", self.wire.connect(self.address)).await;
        if let Connection::H2(sender) = &connection {
            *idle = Some((Connection::H2(sender.clone()), true));
        }
        (connection, false)
    }

    /// Sends a request. Returns `None` if it may be sent again.
    async fn send(
        &self,
        connection: &mut Connection,
        request: Request<Full<Bytes>>,
        is_reused: bool,
    ) -> Option<Response<Incoming>> {
        let sent = match connection {
            Connection::H1(sender) => soon("a response", sender.try_send_request(request)).await,
            Connection::H2(sender) => soon("a response", sender.try_send_request(request)).await,
        };
        let mut error = match sent {
            Ok(response) => return Some(response),
            Err(error) => error,
        };
        let was_sent = error.take_message().is_none();
        let error = error.into_error();
        let source = error.source();
        let refused = source.and_then(|source| source.downcast_ref::<h2::Error>()).is_some_and(|error| {
            error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        });
        let is_lost = error.is_incomplete_message()
            || source.is_some_and(|source| source.downcast_ref::<std::io::Error>().is_some());
        let is_stale = matches!(connection, Connection::H1(_)) && is_reused && is_lost;
        assert!(
            !was_sent || refused || is_stale,
            "a call over {:?} has failed (connection reused: {is_reused}): {error:?}",
            self.wire
        );
        let reason = if !was_sent {
            0
        } else if refused {
            1
        } else {
            2
        };
        self.sent_again[reason].fetch_add(1, Ordering::SeqCst);
        None
    }
}
