//! Runs a connection to an upstream: reads and writes, sends keepalive pings, and detects its end.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use super::connect::{H2Connection, MAX_WINDOW};
use super::connection::Connection;
use super::failure::Failure;
use super::pool_options::PoolOptions;
use crate::random;

/// The largest random deviation of the age of a connection, as a part of it: connections that were opened together are not
/// replaced together.
const AGE_JITTER: f64 = 0.1;

/// Runs a connection until it has ended, or until neither a call nor the pool uses it.
pub(super) struct Driver {
    h2: H2Connection,
    ping_pong: Option<PingPong>,
    connection: Weak<Connection>,
    max_streams: usize,
    keepalive: Interval,
    idle: Interval,
    /// When the connection gets no new calls any more.
    age: Option<Pin<Box<Sleep>>>,
    probe: Probe,
    /// How often something was received when the driver last looked.
    received: usize,
    stream_window: u32,
}

/// What a driver reports about its connection.
pub(super) enum Event {
    /// The upstream has changed how many streams it accepts.
    MaxStreamsChanged,
    /// The connection was idle for the configured time, or has its age. Calls on it go on.
    Retire(Arc<Connection>),
    /// The connection has ended.
    Ended(Option<Arc<Connection>>),
}

/// What was done to find out whether an upstream that is silent is still there.
///
/// The first probe is a PING. By default gRPC servers allow one in five minutes, and close the connection after more; data that
/// they send resets the count ([keepalive](https://github.com/grpc/grpc/blob/master/doc/keepalive.md)). The next ones are SETTINGS
/// that change nothing, which servers acknowledge and do not count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// The upstream has sent data since the last probe.
    NotNeeded,
    /// A ping was not answered yet.
    Ping,
    /// A ping was not answered yet, and a call has received data since. It may have arrived before the ping was sent, if the caller
    /// reads slowly. There is no other ping before this one is answered.
    Overtaken,
    /// A probe was answered, and the upstream has sent no data since.
    Answered,
    /// SETTINGS were sent.
    Settings,
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
            age: options.max_connection_age.map(|age| {
                let jitter = 1.0 - AGE_JITTER + 2.0 * AGE_JITTER * random::fraction();
                Box::pin(sleep(age.mul_f64(jitter)))
            }),
            probe: Probe::NotNeeded,
            received: connection.received(),
            stream_window: options.stream_window.min(MAX_WINDOW),
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
        if matches!(self.probe, Probe::Ping | Probe::Overtaken)
            && let Some(ping_pong) = &mut self.ping_pong
            && let Poll::Ready(Ok(_)) = ping_pong.poll_pong(cx)
        {
            self.probe = if self.probe == Probe::Ping { Probe::Answered } else { Probe::NotNeeded };
            connection.health.alive();
        }
        let mut ticked = false;
        while self.keepalive.poll_tick(cx).is_ready() {
            ticked = true;
            if self.is_lost(&connection) {
                let period = self.keepalive.period();
                let message = format!("the upstream did not answer a ping within {period:?}");
                let _ = connection.keepalive_failure.set(Failure::unavailable(message));
                return Poll::Ready(Event::Ended(Some(connection)));
            }
        }
        if let Some(age) = &mut self.age
            && age.as_mut().poll(cx).is_ready()
        {
            self.age = None;
            return Poll::Ready(Event::Retire(connection));
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

    /// Probes an upstream that has sent nothing for one period while calls are open. Returns whether it has not answered the
    /// previous probe.
    fn is_lost(&mut self, connection: &Connection) -> bool {
        let received = std::mem::replace(&mut self.received, connection.received());
        if received != self.received {
            self.probe = match self.probe {
                Probe::Ping | Probe::Overtaken => Probe::Overtaken,
                Probe::NotNeeded | Probe::Answered | Probe::Settings => Probe::NotNeeded,
            };
            return false;
        }
        let is_used = connection.open_streams.load(Ordering::Relaxed) > 0;
        match self.probe {
            Probe::Ping => return true,
            Probe::Overtaken if is_used => self.probe = Probe::Ping,
            Probe::NotNeeded if is_used => {
                if let Some(ping_pong) = &mut self.ping_pong
                    && ping_pong.send_ping(Ping::opaque()).is_ok()
                {
                    self.probe = Probe::Ping;
                }
            }
            Probe::Answered if is_used => {
                if self.send_settings() {
                    self.probe = Probe::Settings;
                }
            }
            Probe::Settings if is_used => {
                if !self.send_settings() {
                    return true;
                }
                connection.health.alive();
            }
            Probe::NotNeeded | Probe::Overtaken | Probe::Answered | Probe::Settings => {}
        }
        false
    }

    /// Sends SETTINGS that change nothing, if the previous ones were acknowledged.
    fn send_settings(&mut self) -> bool {
        self.h2.set_initial_window_size(self.stream_window).is_ok()
    }
}
