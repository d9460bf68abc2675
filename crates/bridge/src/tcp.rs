//! TCP keepalive, which detects a peer that is gone without closing its connection.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How many probes remain unanswered before the connection ends.
const MAX_PROBES: u32 = 4;

/// Enables TCP keepalive: a probe after `idle` without traffic, and then one per `interval`.
///
/// On Linux, the connection also ends if sent data is not acknowledged for `user_timeout` (`TCP_USER_TIMEOUT`). An option that
/// cannot be set is left as it is, with a log line.
pub(crate) fn set_keepalive(stream: &TcpStream, idle: Duration, interval: Duration, user_timeout: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(MAX_PROBES);
    let set = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(user_timeout)));
    #[cfg(not(target_os = "linux"))]
    let _ = user_timeout;
    if let Err(error) = set {
        tracing::debug!(%error, "cannot set the TCP options of a connection");
    }
}
