//! Runs a connection to an upstream: reads and writes, sends keepalive pings, and detects its end.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::connect::H2Connection;
use super::connection::Connection;
use super::failure::Failure;
use super::pool_options::PoolOptions;

/// The least time between pings while the upstream sends nothing else. By default gRPC servers allow one ping in five minutes
/// and close the connection after more; data that they send resets the count
/// ([keepalive](https://github.com/grpc/grpc/blob/master/doc/keepalive.md)).
const MIN_PING_INTERVAL: Duration = Duration::from_secs(301);

/// Runs a connection until it has ended, or until neither a call nor the pool uses it.
pub(super) struct Driver {
    h2: H2Connection,
    ping_pong: Option<PingPong>,
    connection: Weak<Connection>,
    max_streams: usize,
    keepalive: Interval,
    idle: Interval,
    ping: PingState,
}

/// What a driver reports about its connection.
pub(super) enum Event {
    /// The upstream has changed how many streams it accepts.
    MaxStreamsChanged,
    /// The connection was idle for the configured time. Calls on it go on.
    Retire(Arc<Connection>),
    /// The connection has ended.
    Ended(Option<Arc<Connection>>),
}

enum PingState {
    /// The upstream has sent data since the last ping.
    Active,
    /// The last ping was answered at this time, and the upstream has sent no data since.
    Answered(Instant),
    /// The last ping was not answered yet.
    Sent,
}

impl Driver {
    pub(super) fn new(mut h2: H2Connection, connection: &Arc<Connection>, options: &PoolOptions) -> Self {
        let every = |period: Duration| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Self {
            ping_pong: h2.ping_pong(),
            h2,
            connection: Arc::downgrade(connection),
            max_streams: connection.max_streams.load(Ordering::Relaxed),
            keepalive: every(options.keepalive),
            idle: every(options.idle),
            ping: PingState::Active,
        }
    }

    /// Runs the connection until there is something to report. After [`Event::Ended`], dropping the driver fails the calls that
    /// are still on the connection.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let ended = Pin::new(&mut self.h2).poll(cx);
        let Some(connection) = self.connection.upgrade() else { return ended.map(|_| Event::Ended(None)) };
        if let Poll::Ready(result) = ended {
            if let Err(error) = result {
                tracing::debug!(%error, "connection to an upstream ended");
            }
            return Poll::Ready(Event::Ended(Some(connection)));
        }
        let max_streams = connection.sender.current_max_send_streams();
        if max_streams != self.max_streams {
            self.max_streams = max_streams;
            connection.max_streams.store(max_streams, Ordering::Relaxed);
            return Poll::Ready(Event::MaxStreamsChanged);
        }
        if let Some(ping_pong) = &mut self.ping_pong
            && matches!(self.ping, PingState::Sent)
            && let Poll::Ready(Ok(_)) = ping_pong.poll_pong(cx)
        {
            self.ping = PingState::Answered(Instant::now());
        }
        let mut ticked = false;
        while self.keepalive.poll_tick(cx).is_ready() {
            ticked = true;
            if self.ping_is_overdue(&connection) {
                let period = self.keepalive.period();
                let message = format!("the upstream did not answer a ping within {period:?}");
                let _ = connection.keepalive_failure.set(Failure::unavailable(message));
                return Poll::Ready(Event::Ended(Some(connection)));
            }
        }
        while self.idle.poll_tick(cx).is_ready() {
            if connection.open_streams.load(Ordering::Relaxed) == 0
                && !connection.used.swap(false, Ordering::Relaxed)
            {
                return Poll::Ready(Event::Retire(connection));
            }
        }
        drop(connection);
        if ticked {
            // A ping may have been queued, and the next poll writes it.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Sends a ping if the upstream has sent nothing for one period while calls are open. Returns whether it has not answered
    /// the previous ping.
    fn ping_is_overdue(&mut self, connection: &Connection) -> bool {
        if connection.received.swap(false, Ordering::Relaxed) {
            self.ping = PingState::Active;
            return false;
        }
        let may_ping = match self.ping {
            PingState::Sent => return true,
            PingState::Active => true,
            PingState::Answered(at) => at.elapsed() >= MIN_PING_INTERVAL,
        };
        if may_ping
            && connection.open_streams.load(Ordering::Relaxed) > 0
            && let Some(ping_pong) = &mut self.ping_pong
            && ping_pong.send_ping(Ping::opaque()).is_ok()
        {
            self.ping = PingState::Sent;
        }
        false
    }
}
