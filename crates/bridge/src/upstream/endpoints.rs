//! The state of the addresses of one service: which connection a call takes, and which address is connected to next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connection::{Connection, Slot};
use crate::random;

/// How many streams a connection that is being opened is expected to accept: the common limit of servers.
const EXPECTED_STREAMS: usize = 100;

/// How long an address is ejected after a failure to connect: after the first failure, and at most.
const INITIAL_EJECTION: Duration = Duration::from_millis(500);
const MAX_EJECTION: Duration = Duration::from_secs(30);

/// The endpoints, in the order of the pool's addresses.
pub(super) struct Endpoints(Vec<Endpoint>);

/// The state of one address.
#[derive(Default)]
struct Endpoint {
    connections: Vec<Arc<Connection>>,
    /// How many connections are being opened.
    connecting: usize,
    /// How many attempts to connect have failed in a row.
    failures: u32,
    ejected_until: Option<Instant>,
}

impl Endpoint {
    /// Returns how many streams are open.
    fn load(&self) -> usize {
        self.connections.iter().map(|connection| connection.open_streams.load(Ordering::Relaxed)).sum()
    }

    /// Returns how many streams are open, with those that the connections being opened are expected to take.
    fn expected_load(&self) -> usize {
        self.load() + self.connecting * EXPECTED_STREAMS
    }

    fn is_disconnected(&self) -> bool {
        self.connections.is_empty() && self.connecting == 0
    }

    fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_until.is_some_and(|until| now < until)
    }
}

impl Endpoints {
    /// Creates the endpoints of this many addresses, without connections.
    pub(super) fn new(addresses: usize) -> Self {
        Self((0..addresses).map(|_| Endpoint::default()).collect())
    }

    /// Reserves a stream on the endpoint with the fewest streams, if a connection accepts one.
    pub(super) fn reserve(&self) -> Option<Slot> {
        let available = self.0.iter().filter_map(|endpoint| {
            let connection = endpoint.connections.iter().find(|connection| connection.has_capacity())?;
            Some((endpoint, connection))
        });
        let connection = if self.0.len() == 1 {
            available.map(|(_, connection)| connection).next()
        } else {
            available.min_by_key(|(endpoint, _)| endpoint.load()).map(|(_, connection)| connection)
        }?;
        Some(Slot::new(connection))
    }

    /// Returns how many streams the connections being opened are expected to accept.
    pub(super) fn expected_streams(&self) -> usize {
        self.0.iter().map(|endpoint| endpoint.connecting).sum::<usize>() * EXPECTED_STREAMS
    }

    /// Returns whether no endpoint has a connection, and none is being opened.
    pub(super) fn all_disconnected(&self) -> bool {
        self.0.iter().all(Endpoint::is_disconnected)
    }

    /// Returns the address to connect to next: the one with the fewest expected streams of those that are not ejected and may
    /// have one more connection.
    pub(super) fn next_to_connect(
        &self,
        max_connections: impl Fn(usize) -> usize,
        now: Instant,
    ) -> Option<usize> {
        let endpoints = self.0.iter().enumerate().filter(|(index, endpoint)| {
            let connections = endpoint.connections.len() + endpoint.connecting;
            connections < max_connections(*index) && !endpoint.is_ejected(now)
        });
        endpoints.min_by_key(|(_, endpoint)| endpoint.expected_load()).map(|(index, _)| index)
    }

    /// Returns the address whose ejection ends first.
    pub(super) fn first_readmitted(&self) -> Option<usize> {
        self.0.iter().enumerate().min_by_key(|(_, endpoint)| endpoint.ejected_until).map(|(index, _)| index)
    }

    /// Returns whether an address has no connection, none is being opened, and it is not ejected.
    pub(super) fn needs_connection(&self, address: usize, now: Instant) -> bool {
        let endpoint = &self.0[address];
        endpoint.is_disconnected() && !endpoint.is_ejected(now)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Records that a connection is being opened. [`connect_finished`](Self::connect_finished) must follow.
    pub(super) fn connect_started(&mut self, address: usize) {
        self.0[address].connecting += 1;
    }

    /// Records that an attempt to connect has finished.
    pub(super) fn connect_finished(&mut self, address: usize) {
        self.0[address].connecting -= 1;
    }

    /// Adds a connection, and readmits its address.
    pub(super) fn add(&mut self, connection: Arc<Connection>) {
        let endpoint = &mut self.0[connection.address];
        (endpoint.failures, endpoint.ejected_until) = (0, None);
        endpoint.connections.push(connection);
    }

    /// Ejects an address that could not be connected to. The time doubles with each failure in a row.
    pub(super) fn eject(&mut self, address: usize, now: Instant) {
        let endpoint = &mut self.0[address];
        endpoint.failures = endpoint.failures.saturating_add(1);
        let ejection =
            INITIAL_EJECTION.saturating_mul(1 << (endpoint.failures - 1).min(10)).min(MAX_EJECTION);
        endpoint.ejected_until = Some(now + ejection.mul_f64(0.8 + 0.4 * random::fraction()));
    }

    /// Removes a connection. The calls on it go on.
    pub(super) fn retire(&mut self, connection: &Arc<Connection>) {
        self.0[connection.address].connections.retain(|other| !Arc::ptr_eq(other, connection));
    }
}
