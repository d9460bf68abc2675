//! The addresses of one service and the connections to each: which of them a call takes, and which is connected to next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connection::{Connection, Slot};
use crate::random;

/// How many calls a connection that is being made is expected to take: what servers commonly allow.
const EXPECTED_ROOM: usize = 100;

/// For how long an address that failed is left out, where there are others: at first, and at most.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A endpoint for each address, in the order of the pool's addresses.
pub(super) struct Endpoints(Vec<Endpoint>);

/// What is known of one address.
#[derive(Default)]
struct Endpoint {
    connections: Vec<Arc<Connection>>,
    /// How many are being made.
    connecting: usize,
    /// How many tries have failed in a row.
    failures: u32,
    /// Until when it is left out.
    out_until: Option<Instant>,
}

impl Endpoint {
    fn load(&self) -> usize {
        self.connections.iter().map(|connection| connection.open.load(Ordering::Relaxed)).sum()
    }

    /// Counts the streams that are open, and those that are expected of the connections being made.
    fn expected_load(&self) -> usize {
        self.load() + self.connecting * EXPECTED_ROOM
    }

    fn is_cut_off(&self) -> bool {
        self.connections.is_empty() && self.connecting == 0
    }

    fn is_out(&self, now: Instant) -> bool {
        self.out_until.is_some_and(|until| now < until)
    }
}

impl Endpoints {
    /// Creates the endpoints of so many addresses. Nothing is connected yet.
    pub(super) fn new(addresses: usize) -> Self {
        Self((0..addresses).map(|_| Endpoint::default()).collect())
    }

    /// Takes a stream of the address with the fewest, if there is a connection with room.
    pub(super) fn take(&self) -> Option<Slot> {
        let with_room = self.0.iter().filter_map(|endpoint| {
            let connection = endpoint.connections.iter().find(|connection| connection.has_room())?;
            Some((endpoint, connection))
        });
        let connection = if self.0.len() == 1 {
            with_room.map(|(_, connection)| connection).next()
        } else {
            with_room.min_by_key(|(endpoint, _)| endpoint.load()).map(|(_, connection)| connection)
        }?;
        Some(Slot::new(connection))
    }

    /// Returns how many calls the connections that are being made are expected to take.
    pub(super) fn expected_room(&self) -> usize {
        self.0.iter().map(|endpoint| endpoint.connecting).sum::<usize>() * EXPECTED_ROOM
    }

    /// Tells whether there is no connection to any address, and none is being made.
    pub(super) fn are_cut_off(&self) -> bool {
        self.0.iter().all(Endpoint::is_cut_off)
    }

    /// Returns the address to connect to next: the one with the fewest streams of those that may have one more
    /// connection and are not left out.
    pub(super) fn next(&self, max_connections: impl Fn(usize) -> usize, now: Instant) -> Option<usize> {
        let endpoints = self.0.iter().enumerate().filter(|(index, endpoint)| {
            let connections = endpoint.connections.len() + endpoint.connecting;
            connections < max_connections(*index) && !endpoint.is_out(now)
        });
        endpoints.min_by_key(|(_, endpoint)| endpoint.expected_load()).map(|(index, _)| index)
    }

    /// Returns the address that is left out no longer than any other.
    pub(super) fn first_back(&self) -> Option<usize> {
        self.0.iter().enumerate().min_by_key(|(_, endpoint)| endpoint.out_until).map(|(index, _)| index)
    }

    /// Tells whether an address has no connection and gets none, though it is not left out.
    pub(super) fn lacks_connection(&self, address: usize, now: Instant) -> bool {
        let endpoint = &self.0[address];
        endpoint.is_cut_off() && !endpoint.is_out(now)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes that a connection is being made, which [`attempted`](Self::attempted) has to follow.
    pub(super) fn attempt(&mut self, address: usize) {
        self.0[address].connecting += 1;
    }

    /// Notes that an attempt to connect is over.
    pub(super) fn attempted(&mut self, address: usize) {
        self.0[address].connecting -= 1;
    }

    /// Puts a connection into use.
    pub(super) fn connected(&mut self, connection: Arc<Connection>) {
        let endpoint = &mut self.0[connection.address];
        (endpoint.failures, endpoint.out_until) = (0, None);
        endpoint.connections.push(connection);
    }

    /// Leaves an address out that could not be connected to: for longer, the more often that was so in a row.
    pub(super) fn failed(&mut self, address: usize, now: Instant) {
        let endpoint = &mut self.0[address];
        endpoint.failures = endpoint.failures.saturating_add(1);
        let backoff = FIRST_BACKOFF.saturating_mul(1 << (endpoint.failures - 1).min(10)).min(MAX_BACKOFF);
        endpoint.out_until = Some(now + backoff.mul_f64(0.8 + 0.4 * random::fraction()));
    }

    /// Takes a connection out of use.
    pub(super) fn retire(&mut self, connection: &Arc<Connection>) {
        self.0[connection.address].connections.retain(|other| !Arc::ptr_eq(other, connection));
    }
}
