//! Keeps a connection to an upstream: reads and writes, asks whether anybody is there, and notices its end.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::connect::H2;
use super::failure::Failure;
use super::pool::{Pool, PoolOptions};
use super::resets::Resets;
use crate::call::now;

/// How far apart pings stand for as long as the upstream says nothing. gRPC servers close connections that ask more
/// often by their leave, five minutes, and count anew with each answer of theirs.
const PATIENCE: Duration = Duration::from_secs(301);

/// A connection, as the calls on it see it.
pub(super) struct Connection {
    /// To be cloned for each call. When the last one is gone, HTTP/2 closes the connection.
    pub(super) sender: SendRequest<Bytes>,
    /// Which of the pool's addresses it goes to.
    pub(super) address: usize,
    /// How many calls are on it.
    pub(super) open: AtomicUsize,
    /// How many the upstream takes at a time.
    pub(super) limit: AtomicUsize,
    /// Whether the upstream has answered anything since it was looked at last.
    heard: AtomicBool,
    /// Whether there was a call since it was looked at last.
    pub(super) used: AtomicBool,
    resets: Mutex<Resets>,
    /// Why it was given up, where its calls cannot know.
    given_up: OnceLock<Failure>,
}

impl Connection {
    pub(super) fn new(sender: SendRequest<Bytes>, address: usize) -> Self {
        let limit = sender.current_max_send_streams();
        Self {
            sender,
            address,
            open: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            heard: AtomicBool::new(true),
            used: AtomicBool::new(true),
            resets: Mutex::new(Resets::new(now())),
            given_up: OnceLock::new(),
        }
    }

    /// Tells whether one more call may go here.
    pub(super) fn has_room(&self) -> bool {
        self.open.load(Ordering::Relaxed) < self.limit.load(Ordering::Relaxed)
    }

    /// Notes that the upstream has answered something.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Notes that a call was left, and tells whether the connection can take more of that.
    pub(super) fn note_reset(&self, answered: bool) -> bool {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner).note(now(), answered)
    }

    /// Returns why a call on this connection failed with an error of HTTP/2.
    pub(super) fn failure(&self, authority: &str, error: &h2::Error) -> Failure {
        match self.given_up.get() {
            Some(failure) if !(error.is_remote() && error.is_reset()) => failure.clone(),
            _ => Failure::of_h2(authority, error),
        }
    }
}

/// Keeps a connection until it has ended, or nobody wants it any more.
pub(super) struct Keeper {
    h2: H2,
    ping_pong: Option<PingPong>,
    connection: Weak<Connection>,
    pool: Weak<Pool>,
    limit: usize,
    keepalive: Interval,
    idle: Interval,
    ping: PingState,
}

enum PingState {
    /// The upstream has said something since the last ping.
    Heard,
    /// A ping was answered, and nothing else was said since.
    Answered(Instant),
    /// A ping is on its way.
    Sent,
}

impl Keeper {
    pub(super) fn new(
        mut h2: H2,
        connection: &Arc<Connection>,
        pool: Weak<Pool>,
        options: &PoolOptions,
    ) -> Self {
        let every = |period: Duration| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Self {
            ping_pong: h2.ping_pong(),
            h2,
            connection: Arc::downgrade(connection),
            pool,
            limit: connection.limit.load(Ordering::Relaxed),
            keepalive: every(options.keepalive),
            idle: every(options.idle),
            ping: PingState::Heard,
        }
    }

    /// Takes the connection out of use. The calls on it go on.
    fn retire(&self, connection: &Arc<Connection>) {
        if let Some(pool) = self.pool.upgrade() {
            pool.retire(connection);
        }
    }

    /// Asks the upstream whether it is there, when it has been silent for long with calls open, and tells whether it
    /// has failed to answer.
    fn is_dead(&mut self, connection: &Connection) -> bool {
        if connection.heard.swap(false, Ordering::Relaxed) {
            self.ping = PingState::Heard;
            return false;
        }
        let may_ask = match self.ping {
            PingState::Sent => return true,
            PingState::Heard => true,
            PingState::Answered(at) => at.elapsed() >= PATIENCE,
        };
        if may_ask
            && connection.open.load(Ordering::Relaxed) > 0
            && let Some(ping_pong) = &mut self.ping_pong
            && ping_pong.send_ping(Ping::opaque()).is_ok()
        {
            self.ping = PingState::Sent;
        }
        false
    }
}

impl Future for Keeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let ended = Pin::new(&mut this.h2).poll(cx);
        let Some(connection) = this.connection.upgrade() else { return ended.map(drop) };
        if let Poll::Ready(result) = ended {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
            this.retire(&connection);
            return Poll::Ready(());
        }
        let limit = connection.sender.current_max_send_streams();
        if limit != this.limit {
            this.limit = limit;
            connection.limit.store(limit, Ordering::Relaxed);
            if let Some(pool) = this.pool.upgrade() {
                pool.serve_waiting();
            }
        }
        if let Some(ping_pong) = &mut this.ping_pong
            && matches!(this.ping, PingState::Sent)
            && let Poll::Ready(Ok(_)) = ping_pong.poll_pong(cx)
        {
            this.ping = PingState::Answered(Instant::now());
        }
        let mut again = false;
        while this.keepalive.poll_tick(cx).is_ready() {
            again = true;
            if this.is_dead(&connection) {
                let words =
                    format!("the upstream did not answer a ping within {:?}", this.keepalive.period());
                let _ = connection.given_up.set(Failure::unavailable(words));
                this.retire(&connection);
                // Dropping HTTP/2's side ends every call on the connection.
                return Poll::Ready(());
            }
        }
        while this.idle.poll_tick(cx).is_ready() {
            if connection.open.load(Ordering::Relaxed) == 0 && !connection.used.swap(false, Ordering::Relaxed)
            {
                this.retire(&connection);
                again = true;
            }
        }
        drop(connection);
        if again {
            // What was asked for just now has to be written, and it is polling that writes.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
