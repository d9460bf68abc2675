//! The state of one address of an upstream.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::balancer::Load;
use super::connection::Connection;
use super::health::Health;

/// How many streams a connection that is being opened is expected to accept: the common limit of servers.
pub(super) const EXPECTED_STREAMS: usize = 100;

/// How long an address is not connected to after a failure to connect.
const CONNECT_BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30), jitter: 0.2 };

/// How much later a connection is opened for each retired one that is still open, and how much later at most. Callers that reset many
/// streams spend connections: without a pause their upstream would see dozens of new ones each second.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The state of one address.
pub(super) struct Endpoint {
    /// The index of the upstream in the pool.
    pub(super) upstream: usize,
    pub(super) socket: SocketAddr,
    pub(super) health: Arc<Health>,
    pub(super) connections: Vec<Arc<Connection>>,
    /// The connections that get no more calls and are not closed yet.
    pub(super) retired: Vec<Weak<()>>,
    /// How many connections it has at least while it is used, and at most.
    min_connections: usize,
    max_connections: usize,
    /// How many connections are being opened.
    pub(super) connecting: usize,
    /// How many attempts to connect have failed in a row.
    failures: u32,
    retry_at: Option<Instant>,
}

impl Endpoint {
    pub(super) fn new(
        upstream: usize,
        socket: SocketAddr,
        health: Health,
        (min_connections, max_connections): (usize, usize),
    ) -> Self {
        Self {
            upstream,
            socket,
            health: Arc::new(health),
            connections: Vec::new(),
            retired: Vec::new(),
            min_connections,
            max_connections,
            connecting: 0,
            failures: 0,
            retry_at: None,
        }
    }

    /// Returns a connection that accepts one more stream.
    pub(super) fn available(&self) -> Option<&Arc<Connection>> {
        let mut available = self.connections.iter().filter(|connection| connection.has_capacity());
        if self.min_connections > 1 {
            // They may lead to different servers.
            return available.min_by_key(|connection| connection.open_streams.load(Ordering::Relaxed));
        }
        available.next()
    }

    /// Returns what one more call costs here.
    pub(super) fn load(&self, now: Instant) -> Load {
        Load { open: self.open_streams(), latency: self.health.latency(now) }
    }

    fn open_streams(&self) -> usize {
        self.connections.iter().map(|connection| connection.open_streams.load(Ordering::Relaxed)).sum()
    }

    /// Returns how many streams are open, with those that the connections being opened are expected to take.
    pub(super) fn expected_streams(&self) -> usize {
        self.open_streams() + self.connecting * EXPECTED_STREAMS
    }

    pub(super) fn is_disconnected(&self) -> bool {
        self.connections.is_empty() && self.connecting == 0
    }

    /// Returns whether it has fewer connections than it should, and may be connected to.
    pub(super) fn needs_connection(&self, now: Instant) -> bool {
        self.lacks_connections() && self.may_connect() && !self.is_backing_off(now)
    }

    /// Returns whether it has fewer connections than it should, whether or not it may be connected to.
    pub(super) fn lacks_connections(&self) -> bool {
        self.usable() < self.min_connections.min(self.max_connections)
    }

    /// Returns whether it may have one more connection. Retired ones count until they are closed; but calls that take long on them
    /// do not keep all others from the address.
    pub(super) fn may_connect(&self) -> bool {
        let usable = self.usable();
        usable < self.max_connections && (usable == 0 || usable + self.retired() < self.max_connections)
    }

    fn usable(&self) -> usize {
        self.connections.len() + self.connecting
    }

    fn retired(&self) -> usize {
        self.retired.iter().filter(|is_open| is_open.strong_count() > 0).count()
    }

    /// Returns how long to wait before it is connected to.
    pub(super) fn pause(&self) -> Duration {
        let retired = u32::try_from(self.retired()).unwrap_or(u32::MAX);
        PAUSE.saturating_mul(retired).min(LONGEST_PAUSE)
    }

    /// Returns whether it is not connected to because of failures.
    pub(super) fn is_backing_off(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|at| now < at)
    }

    /// Returns when it is connected to again after failures.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Returns what is alive until each of its connections is closed.
    pub(super) fn open_connections(&self) -> impl Iterator<Item = Weak<()>> {
        self.connections.iter().map(|connection| &connection.is_open).chain(&self.retired).cloned()
    }

    /// Adds a connection.
    pub(super) fn add(&mut self, connection: Arc<Connection>) {
        (self.failures, self.retry_at) = (0, None);
        self.connections.push(connection);
    }

    /// Removes a connection. It gets no more calls.
    pub(super) fn retire(&mut self, connection: &Arc<Connection>) {
        let before = self.connections.len();
        self.connections.retain(|other| !Arc::ptr_eq(other, connection));
        if self.connections.len() < before {
            self.retired.retain(|is_open| is_open.strong_count() > 0);
            self.retired.push(Weak::clone(&connection.is_open));
        }
    }

    /// Records that it could not be connected to.
    pub(super) fn connect_failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + CONNECT_BACKOFF.after(self.failures));
        self.health.failed(now);
    }
}

/// What an address has at one time.
#[cfg(test)]
pub(super) struct EndpointInfo {
    pub(super) socket: SocketAddr,
    pub(super) is_ejected: bool,
    /// How many calls wait for a response.
    pub(super) unanswered: usize,
    pub(super) connecting: usize,
    /// How many streams of each connection are reserved or open, and how many it accepts.
    pub(super) connections: Vec<(usize, usize)>,
}

#[cfg(test)]
impl Endpoint {
    /// Returns what the address has now.
    pub(super) fn info(&self) -> EndpointInfo {
        let streams = |connection: &Arc<Connection>| {
            let (open, most) = (&connection.open_streams, &connection.max_streams);
            (open.load(Ordering::Relaxed), most.load(Ordering::Relaxed))
        };
        EndpointInfo {
            socket: self.socket,
            is_ejected: self.health.is_ejected(),
            unanswered: self.health.unanswered_calls(),
            connecting: self.connecting,
            connections: self.connections.iter().map(streams).collect(),
        }
    }
}
