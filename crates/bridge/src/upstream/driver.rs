//! Runs a connection to an upstream: reads and writes, pings a silent upstream, and notices the end.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::connect::H2;
use super::connection::Connection;
use super::failure::Failure;
use super::pool_options::PoolOptions;

/// How far apart pings are while the upstream sends nothing. By default gRPC servers allow one ping in five minutes, and
/// close the connection after more; data that they send resets the count.
const PING_INTERVAL: Duration = Duration::from_secs(301);

/// Runs a connection until it has ended, or until no call and no pool uses it any more.
pub(super) struct Driver {
    h2: H2,
    ping_pong: Option<PingPong>,
    connection: Weak<Connection>,
    limit: usize,
    keepalive: Interval,
    idle: Interval,
    ping: PingState,
}

/// What a driver reports about its connection.
pub(super) enum Event {
    /// The upstream accepts another number of streams.
    LimitChanged,
    /// The connection accepts no more calls, or was idle for long. Calls on it go on.
    Retire(Arc<Connection>),
    /// The connection has ended.
    Ended(Option<Arc<Connection>>),
}

enum PingState {
    /// The upstream has sent something since the last ping.
    Heard,
    /// A ping was answered, and nothing else was sent since.
    Answered(Instant),
    /// A ping is not answered yet.
    Sent,
}

impl Driver {
    pub(super) fn new(mut h2: H2, connection: &Arc<Connection>, options: &PoolOptions) -> Self {
        let every = |period: Duration| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Self {
            ping_pong: h2.ping_pong(),
            h2,
            connection: Arc::downgrade(connection),
            limit: connection.limit.load(Ordering::Relaxed),
            keepalive: every(options.keepalive),
            idle: every(options.idle),
            ping: PingState::Heard,
        }
    }

    /// Runs the connection until there is something to report. After [`Event::Ended`], dropping the driver ends every call
    /// that is still on the connection.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let ended = Pin::new(&mut self.h2).poll(cx);
        let Some(connection) = self.connection.upgrade() else { return ended.map(|_| Event::Ended(None)) };
        if let Poll::Ready(result) = ended {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
            return Poll::Ready(Event::Ended(Some(connection)));
        }
        let limit = connection.sender.current_max_send_streams();
        if limit != self.limit {
            self.limit = limit;
            connection.limit.store(limit, Ordering::Relaxed);
            return Poll::Ready(Event::LimitChanged);
        }
        if let Some(ping_pong) = &mut self.ping_pong
            && matches!(self.ping, PingState::Sent)
            && let Poll::Ready(Ok(_)) = ping_pong.poll_pong(cx)
        {
            self.ping = PingState::Answered(Instant::now());
        }
        let mut again = false;
        while self.keepalive.poll_tick(cx).is_ready() {
            again = true;
            if self.is_dead(&connection) {
                let period = self.keepalive.period();
                let message = format!("the upstream did not answer a ping within {period:?}");
                let _ = connection.given_up.set(Failure::unavailable(message));
                return Poll::Ready(Event::Ended(Some(connection)));
            }
        }
        while self.idle.poll_tick(cx).is_ready() {
            if connection.open.load(Ordering::Relaxed) == 0 && !connection.used.swap(false, Ordering::Relaxed)
            {
                return Poll::Ready(Event::Retire(connection));
            }
        }
        drop(connection);
        if again {
            // A ping has to be written, and polling writes.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Pings the upstream if it has been silent for long with calls open, and tells whether it failed to answer.
    fn is_dead(&mut self, connection: &Connection) -> bool {
        if connection.heard.swap(false, Ordering::Relaxed) {
            self.ping = PingState::Heard;
            return false;
        }
        let may_ping = match self.ping {
            PingState::Sent => return true,
            PingState::Heard => true,
            PingState::Answered(at) => at.elapsed() >= PING_INTERVAL,
        };
        if may_ping
            && connection.open.load(Ordering::Relaxed) > 0
            && let Some(ping_pong) = &mut self.ping_pong
            && ping_pong.send_ping(Ping::opaque()).is_ok()
        {
            self.ping = PingState::Sent;
        }
        false
    }
}
