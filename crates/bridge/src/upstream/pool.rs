//! The connections to the servers of one service, which all of its calls share.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use drawbridge_core::{SharedThrottle, Throttle};
use tokio::sync::oneshot;

use super::address::Address;
use super::config::Upstream;
use super::connect::connect;
use super::connection::{Connection, Slot};
use super::driver::{Driver, Event};
use super::endpoints::Endpoints;
use super::failure::Failure;
use super::network::Network;
use super::pool_options::PoolOptions;
use crate::call::{Addresses, now};

/// The tokens of a pool's retry throttle. With half of them lost to failures, nothing is retried. There are more than for one
/// client, since a bridge forwards the calls of many.
const RETRY_TOKENS: u32 = 100;

/// How many tokens each successful call returns.
const RETRY_RATIO: f64 = 0.1;

/// The connections to the servers of one service.
pub(crate) struct Pool {
    servers: Vec<Server>,
    /// The URLs of the servers, as they were configured.
    names: Addresses,
    max_waiting: usize,
    pub(super) max_wait: Duration,
    /// Stops retries while most calls fail.
    pub(super) throttle: SharedThrottle,
    state: Mutex<State>,
}

/// One server, with the options of its connections.
struct Server {
    address: Address,
    options: PoolOptions,
    network: Network,
}

impl Server {
    async fn connect(&self) -> Result<super::connect::Connected, Failure> {
        let sockets = self.network.resolve.resolve(self.address.host(), self.address.port()).await;
        let sockets = sockets.map_err(|error| {
            Failure::unavailable("cannot connect to the upstream")
                .because(self.address.authority.as_str(), &error)
        })?;
        let mut failure = Failure::unavailable("cannot connect to the upstream");
        for socket in sockets {
            match connect(&self.address, socket, &*self.network.connect, &self.options).await {
                Ok(connected) => return Ok(connected),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

struct State {
    endpoints: Endpoints,
    /// The calls that wait for a stream, in the order of their arrival.
    waiting: VecDeque<oneshot::Sender<Result<Slot, Failure>>>,
}

/// A stream for a call, or a place in the queue.
pub(super) enum Acquired {
    Slot(Slot),
    Waiting(oneshot::Receiver<Result<Slot, Failure>>),
}

impl Pool {
    /// Creates the pools of the upstreams of one service for this many threads, without connections.
    ///
    /// Each thread has a pool of its own with its share of the limits. If an upstream may have fewer connections than there are
    /// threads, several threads share a pool: all of them need a connection, and the limit holds.
    pub(super) fn for_threads(upstreams: &[&Upstream], threads: usize) -> Vec<Arc<Self>> {
        let connections = upstreams.iter().map(|upstream| upstream.options.max_connections);
        let count = connections.min().unwrap_or(threads).clamp(1, threads.max(1));
        let pools: Vec<_> = (0..count).map(|index| Self::new(upstreams, index, count)).collect();
        pools.into_iter().cycle().take(threads).collect()
    }

    /// Creates one of `count` pools that share the limits.
    fn new(upstreams: &[&Upstream], index: usize, count: usize) -> Arc<Self> {
        let servers: Vec<_> = upstreams
            .iter()
            .map(|upstream| Server {
                address: upstream.address.clone(),
                options: upstream.options.share(index, count),
                network: upstream.network.clone(),
            })
            .collect();
        let options = || servers.iter().map(|server| &server.options);
        Arc::new(Self {
            names: servers.iter().map(|server| server.address.to_string().into()).collect(),
            max_waiting: options().map(|options| options.max_waiting).max().unwrap_or_default(),
            max_wait: options().map(|options| options.max_wait).max().unwrap_or_default(),
            throttle: SharedThrottle::new(Throttle::new(RETRY_TOKENS, RETRY_RATIO)),
            state: Mutex::new(State { endpoints: Endpoints::new(servers.len()), waiting: VecDeque::new() }),
            servers,
        })
    }

    /// Reserves a stream for a call, or puts the call into the queue.
    ///
    /// # Errors
    ///
    /// Returns an error if the queue is full.
    pub(super) fn acquire(self: &Arc<Self>) -> Result<Acquired, Failure> {
        let mut state = self.lock();
        // Calls in the queue take precedence.
        if state.waiting.is_empty()
            && let Some(slot) = state.endpoints.reserve()
        {
            self.connect_disconnected(&mut state);
            return Ok(Acquired::Slot(slot));
        }
        if state.waiting.len() >= self.max_waiting {
            state.waiting.retain(|waiting| !waiting.is_closed());
        }
        if state.waiting.len() >= self.max_waiting {
            let waiting = state.waiting.len();
            let message = format!("{waiting} calls already wait for the upstream, which is the limit");
            return Err(Failure::resource_exhausted(message).at(self));
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        self.connect_for_waiting(&mut state, true);
        Ok(Acquired::Waiting(receiver))
    }

    /// Retires a connection: it gets no more calls, and is closed when the last call on it has ended.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        let mut state = self.lock();
        state.endpoints.retire(connection);
        self.connect_for_waiting(&mut state, true);
    }

    /// Assigns available streams to the calls in the queue.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut assigned = Vec::new();
            {
                let mut state = self.lock();
                while !state.waiting.is_empty()
                    && let Some(slot) = state.endpoints.reserve()
                    && let Some(waiting) = state.waiting.pop_front()
                {
                    assigned.push((waiting, slot));
                }
                self.connect_for_waiting(&mut state, true);
            }
            // Sent without the lock. If a call no longer waits, the next one gets its stream.
            let unused =
                assigned.into_iter().filter_map(|(waiting, slot)| waiting.send(Ok(slot)).err()).count();
            if unused == 0 {
                return;
            }
        }
    }

    /// Opens as many connections as the calls in the queue are expected to need.
    fn connect_for_waiting(self: &Arc<Self>, state: &mut State, even_if_ejected: bool) {
        while state.waiting.len() > state.endpoints.expected_streams() {
            let max_connections = |index: usize| self.servers[index].options.max_connections;
            let next = state.endpoints.next_to_connect(max_connections, now()).or_else(|| {
                // With all servers ejected, the first to be readmitted is tried at once.
                let all_ejected = even_if_ejected && state.endpoints.all_disconnected();
                if all_ejected { state.endpoints.first_readmitted() } else { None }
            });
            let Some(index) = next else { break };
            self.connect(state, index);
        }
    }

    /// Connects to each server without a connection, if several servers share the calls.
    fn connect_disconnected(self: &Arc<Self>, state: &mut State) {
        if state.endpoints.len() == 1 {
            return;
        }
        let now = now();
        for index in 0..state.endpoints.len() {
            if state.endpoints.needs_connection(index, now) {
                self.connect(state, index);
            }
        }
    }

    /// Connects in a task of its own, so that the connection outlives the call that needed it first.
    fn connect(self: &Arc<Self>, state: &mut State, index: usize) {
        state.endpoints.connect_started(index);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let mut attempt = ConnectAttempt { pool: &pool, index, failure: None };
            match pool.servers[index].connect().await {
                Ok((sender, h2, max_header_list_size)) => {
                    let limit = max_header_list_size.get().copied();
                    let connection = Arc::new(Connection::new(sender, index, limit));
                    let driver = Driver::new(h2, &connection, &pool.servers[index].options);
                    tokio::spawn(drive(driver, Arc::downgrade(&pool)));
                    pool.lock().endpoints.add(connection);
                }
                Err(failure) => {
                    tracing::warn!(error = failure.for_operator(), "cannot connect to an upstream");
                    attempt.failure = Some(failure);
                }
            }
        });
    }

    /// Records that an attempt to connect has finished. If it failed and there is no connection to any server, the calls in the
    /// queue fail.
    fn connect_finished(self: &Arc<Self>, index: usize, failure: Option<Failure>) {
        let mut failed = VecDeque::new();
        {
            let mut state = self.lock();
            state.endpoints.connect_finished(index);
            if failure.is_some() {
                state.endpoints.eject(index, now());
                self.connect_for_waiting(&mut state, false);
                if state.endpoints.all_disconnected() {
                    failed = std::mem::take(&mut state.waiting);
                }
            }
        }
        if let Some(failure) = failure {
            for waiting in failed {
                drop(waiting.send(Err(failure.clone())));
            }
        }
        self.serve_waiting();
    }

    /// Returns whether calls wait for a stream.
    pub(super) fn has_waiting(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Returns the address of a connection.
    pub(super) fn address(&self, connection: &Connection) -> &Address {
        &self.servers[connection.address].address
    }

    /// Returns the URLs of all servers.
    pub(super) fn names(&self) -> &Addresses {
        &self.names
    }

    /// Returns the most connections that one server may have, for error messages.
    pub(super) fn max_connections(&self) -> usize {
        self.servers.iter().map(|server| server.options.max_connections).max().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a connection, and reports its events to the pool.
async fn drive(mut driver: Driver, pool: Weak<Pool>) {
    loop {
        let event = poll_fn(|cx| driver.poll_event(cx)).await;
        let pool = pool.upgrade();
        match (event, pool) {
            (Event::MaxStreamsChanged, Some(pool)) => pool.serve_waiting(),
            (Event::Retire(connection), Some(pool)) => pool.retire(&connection),
            (Event::Ended(connection), pool) => {
                if let Some((pool, connection)) = pool.zip(connection) {
                    pool.retire(&connection);
                }
                return;
            }
            (Event::MaxStreamsChanged | Event::Retire(_), None) => {}
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.servers.iter().map(|server| server.address.authority.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({self})")
    }
}

/// An attempt to connect. It finishes when this is dropped, also if the task is cancelled.
struct ConnectAttempt<'a> {
    pool: &'a Arc<Pool>,
    index: usize,
    failure: Option<Failure>,
}

impl Drop for ConnectAttempt<'_> {
    fn drop(&mut self) {
        self.pool.connect_finished(self.index, self.failure.take());
    }
}
