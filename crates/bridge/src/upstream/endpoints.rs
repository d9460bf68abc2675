//! The addresses of one service: which connection a call takes, and which address is connected to next.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::balancer::choose;
use super::connection::Connection;
use super::ejection::EjectionLimit;
use super::endpoint::{EXPECTED_STREAMS, Endpoint};
use super::health::Health;
use super::report::Report;
use super::slot::Slot;

/// The addresses of one service, as they are known.
#[derive(Default)]
pub(super) struct Endpoints {
    all: Vec<Endpoint>,
    /// The open connections of addresses that were removed. They count if the address comes back.
    removed: Vec<(SocketAddr, Weak<()>)>,
    limit: Arc<EjectionLimit>,
    /// Whether addresses have more than one connection at least.
    several_connections: bool,
}

impl Endpoints {
    /// Sets the addresses of an upstream. Those that are known keep their connections and state. Those that are removed get no
    /// more calls; the calls on their connections go on. `connections`: how many each address has at least and at most.
    pub(super) fn set(
        &mut self,
        upstream: usize,
        name: &str,
        sockets: &[SocketAddr],
        connections: (usize, usize),
        now: Instant,
    ) {
        let removed = &mut self.removed;
        removed.retain(|(_, is_open)| is_open.strong_count() > 0);
        self.all.retain(|endpoint| {
            let stays = endpoint.upstream != upstream || sockets.contains(&endpoint.socket);
            if !stays {
                endpoint.health.remove();
                removed.extend(endpoint.open_connections().map(|is_open| (endpoint.socket, is_open)));
            }
            stays
        });
        for socket in sockets {
            let is_known = |endpoint: &Endpoint| endpoint.upstream == upstream && endpoint.socket == *socket;
            if !self.all.iter().any(is_known) {
                let health = Health::new(format!("{name} at {socket}"), &self.limit, now);
                let mut endpoint = Endpoint::new(upstream, *socket, health, connections);
                endpoint.retired =
                    self.removed.extract_if(.., |(of, _)| of == socket).map(|(_, open)| open).collect();
                self.all.push(endpoint);
            }
        }
        self.several_connections |= connections.0 > 1;
        self.limit.set_addresses(self.all.len());
        // Of fewer addresses fewer may be ejected.
        for endpoint in &self.all {
            if self.limit.is_exceeded() {
                endpoint.health.readmit();
            }
        }
    }

    /// Reserves a stream on one of the addresses, if a connection accepts one. `avoid`: an address that is taken only if there is
    /// no other.
    pub(super) fn reserve(&self, avoid: Option<&Arc<Health>>) -> Option<Slot> {
        if let [only] = &self.all[..] {
            return only.available().map(|connection| Slot::new(connection, None));
        }
        let now = crate::call::now();
        let reserve = |endpoint: &Endpoint, is_probe| {
            let connection = endpoint.available()?;
            Some(Slot::new(connection, Some(Report::begin(connection, now, is_probe))))
        };
        let is_avoided =
            |endpoint: &&Endpoint| avoid.is_some_and(|avoid| Arc::ptr_eq(avoid, &endpoint.health));
        let available = || self.all.iter().filter(|endpoint| endpoint.available().is_some());
        let others = || available().filter(|endpoint| !is_avoided(endpoint));
        if let Some(endpoint) = others().find(|endpoint| endpoint.health.begin_probe(now)) {
            return reserve(endpoint, true);
        }
        let load = |endpoint: &&Endpoint| endpoint.load(now);
        let is_admitted = |endpoint: &&Endpoint| !endpoint.health.is_ejected();
        let chosen = choose(others().filter(is_admitted), load)
            .or_else(|| choose(available().filter(is_admitted), load))
            .or_else(|| {
                // A failing address is better than none. Calls wait for one that has no room or is being connected to.
                let has_hope =
                    self.all.iter().any(|endpoint| is_admitted(&endpoint) && !endpoint.is_disconnected());
                if has_hope { None } else { choose(available(), load) }
            })?;
        reserve(chosen, false)
    }

    /// Returns how many streams the connections being opened are expected to accept.
    pub(super) fn expected_streams(&self) -> usize {
        self.all.iter().map(|endpoint| endpoint.connecting).sum::<usize>() * EXPECTED_STREAMS
    }

    /// Returns whether no address has a connection, and none is being opened.
    pub(super) fn all_disconnected(&self) -> bool {
        self.all.iter().all(Endpoint::is_disconnected)
    }

    /// Returns whether an address has a connection.
    pub(super) fn any_connected(&self) -> bool {
        self.all.iter().any(|endpoint| !endpoint.connections.is_empty())
    }

    /// Returns whether an upstream has a connection, or one is being opened.
    pub(super) fn is_used(&self, upstream: usize) -> bool {
        self.all.iter().any(|endpoint| endpoint.upstream == upstream && !endpoint.is_disconnected())
    }

    /// Returns whether addresses of an upstream are known.
    pub(super) fn is_known(&self, upstream: usize) -> bool {
        self.all.iter().any(|endpoint| endpoint.upstream == upstream)
    }

    /// Returns the address to connect to next: the one with the fewest expected streams of those that may have one more
    /// connection, and are not backing off.
    pub(super) fn next_to_connect(&self, now: Instant) -> Option<&Endpoint> {
        let may_connect = |endpoint: &&Endpoint| endpoint.may_connect() && !endpoint.is_backing_off(now);
        self.all.iter().filter(may_connect).min_by_key(|endpoint| endpoint.expected_streams())
    }

    /// Returns the address that is connected to first after failures.
    pub(super) fn next_to_retry(&self) -> Option<&Endpoint> {
        self.all.iter().min_by_key(|endpoint| endpoint.retry_at())
    }

    /// Returns an address without a connection, which may be connected to.
    pub(super) fn next_disconnected(&self, now: Instant) -> Option<&Endpoint> {
        self.all.iter().find(|endpoint| endpoint.is_disconnected() && !endpoint.is_backing_off(now))
    }

    /// Returns an address with fewer connections than it should have, which may be connected to. A single address with one is
    /// connected to when a call needs it.
    pub(super) fn next_lacking(&self) -> Option<&Endpoint> {
        if self.all.len() == 1 && !self.several_connections {
            return None;
        }
        // The clock is read only if there is one.
        let mut lacking = self.all.iter().filter(|endpoint| endpoint.lacks_connections()).peekable();
        lacking.peek()?;
        let now = crate::call::now();
        lacking.find(|endpoint| endpoint.needs_connection(now))
    }

    /// Returns the state of an address, if it is still known.
    pub(super) fn find(&mut self, health: &Arc<Health>) -> Option<&mut Endpoint> {
        self.all.iter_mut().find(|endpoint| Arc::ptr_eq(&endpoint.health, health))
    }

    /// Removes a connection. The calls on it go on.
    pub(super) fn retire(&mut self, connection: &Arc<Connection>) {
        if let Some(endpoint) = self.find(&connection.health) {
            endpoint.retire(connection);
        }
    }

    /// Returns what each address has now, and how many count as ejected.
    #[cfg(test)]
    pub(super) fn info(&self) -> (Vec<super::endpoint::EndpointInfo>, usize) {
        (self.all.iter().map(Endpoint::info).collect(), self.limit.ejected())
    }
}
