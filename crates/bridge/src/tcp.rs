//! Has the kernel notice a peer that vanished.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How often a silent peer is asked before it counts as gone.
const ASKED: u32 = 4;

/// Has a peer asked whether it is there once it was silent for `after`, and from then on `every` so often. What it leaves
/// unread or unacknowledged for `unread` ends the connection too, where the system can tell. None of it is worth losing the
/// connection for where it cannot be set.
pub(crate) fn keep_alive(stream: &TcpStream, after: Duration, every: Duration, unread: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(after).with_interval(every).with_retries(ASKED);
    let set = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(unread)));
    #[cfg(not(target_os = "linux"))]
    let _ = unread;
    if let Err(error) = set {
        tracing::debug!(%error, "could not set options of a connection");
    }
}
