//! The connections to the servers of one service, which its calls share.

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
use super::pool_options::PoolOptions;
use crate::call::{Addresses, now};

/// The tokens of a pool's retry throttle: with half of them lost to failures, nothing is retried. There are more than one
/// client has, since a bridge speaks for many.
const RETRY_TOKENS: u32 = 100;

/// How much of a token each successful call gives back.
const RETRY_RATIO: f64 = 0.1;

/// The connections to the servers of one service.
pub(crate) struct Pool {
    servers: Vec<Server>,
    /// The names of the servers, as they were configured.
    names: Addresses,
    max_waiting: usize,
    pub(super) max_wait: Duration,
    /// Keeps retries from adding to the load of servers that fail.
    pub(super) throttle: SharedThrottle,
    state: Mutex<State>,
}

/// One server, and how its connections are kept.
struct Server {
    address: Address,
    options: PoolOptions,
}

struct State {
    endpoints: Endpoints,
    /// The calls that wait for a stream, first come first served.
    waiting: VecDeque<oneshot::Sender<Result<Slot, Failure>>>,
}

/// A stream for a call, or what it waits for.
pub(super) enum Acquired {
    Slot(Slot),
    Waiting(oneshot::Receiver<Result<Slot, Failure>>),
}

impl Pool {
    /// Creates the pool of upstreams that share the calls of one service. Nothing is connected yet.
    pub(super) fn new(upstreams: Vec<Upstream>) -> Arc<Self> {
        let servers: Vec<_> = upstreams
            .into_iter()
            .map(|Upstream { address, options, .. }| Server { address, options })
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
    /// Returns what the caller gets if the queue is full.
    pub(super) fn acquire(self: &Arc<Self>) -> Result<Acquired, Failure> {
        let mut state = self.lock();
        // The calls in the queue come first.
        if state.waiting.is_empty()
            && let Some(slot) = state.endpoints.take()
        {
            self.connect_unconnected(&mut state);
            return Ok(Acquired::Slot(slot));
        }
        if state.waiting.len() >= self.max_waiting {
            state.waiting.retain(|waiting| !waiting.is_closed());
        }
        if state.waiting.len() >= self.max_waiting {
            let waiting = state.waiting.len();
            return Err(Failure::exhausted(format!(
                "{waiting} calls wait for the upstream {self} already, which is the limit"
            )));
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        self.connect_for_waiting(&mut state, true);
        Ok(Acquired::Waiting(receiver))
    }

    /// Takes a connection out of use. The calls on it go on, and with the last of them it is closed.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        let mut state = self.lock();
        state.endpoints.retire(connection);
        self.connect_for_waiting(&mut state, true);
    }

    /// Gives free streams to the calls in the queue.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut served = Vec::new();
            {
                let mut state = self.lock();
                while !state.waiting.is_empty()
                    && let Some(slot) = state.endpoints.take()
                    && let Some(waiting) = state.waiting.pop_front()
                {
                    served.push((waiting, slot));
                }
                self.connect_for_waiting(&mut state, true);
            }
            // Sent without the lock. A call that no longer waits leaves its stream for the next one.
            let unused =
                served.into_iter().filter_map(|(waiting, slot)| waiting.send(Ok(slot)).err()).count();
            if unused == 0 {
                return;
            }
        }
    }

    /// Opens as many connections as the calls in the queue are expected to need.
    fn connect_for_waiting(self: &Arc<Self>, state: &mut State, even_if_ejected: bool) {
        while state.waiting.len() > state.endpoints.expected_room() {
            let max_connections = |index: usize| self.servers[index].options.max_connections;
            let next = state.endpoints.next(max_connections, now()).or_else(|| {
                // With all servers ejected, the one that returns first is tried at once.
                let all_ejected = even_if_ejected && state.endpoints.are_cut_off();
                if all_ejected { state.endpoints.first_back() } else { None }
            });
            let Some(index) = next else { break };
            self.connect(state, index);
        }
    }

    /// Connects to each server that has no connection, if several servers share the calls.
    fn connect_unconnected(self: &Arc<Self>, state: &mut State) {
        if state.endpoints.len() == 1 {
            return;
        }
        let now = now();
        for index in 0..state.endpoints.len() {
            if state.endpoints.lacks_connection(index, now) {
                self.connect(state, index);
            }
        }
    }

    /// Connects in a task of its own, so that the connection does not end with the call that needed it first.
    fn connect(self: &Arc<Self>, state: &mut State, index: usize) {
        state.endpoints.attempt(index);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let mut attempt = Attempt { pool: &pool, index, failed: None };
            let Server { address, options } = &pool.servers[index];
            match connect(address, options).await {
                Ok((sender, h2)) => {
                    let connection = Arc::new(Connection::new(sender, index));
                    let driver = Driver::new(h2, &connection, options);
                    tokio::spawn(drive(driver, Arc::downgrade(&pool)));
                    pool.lock().endpoints.connected(connection);
                }
                Err(failure) => {
                    tracing::warn!(error = failure.message, "cannot connect to an upstream");
                    attempt.failed = Some(failure);
                }
            }
        });
    }

    /// Records that an attempt to connect is over. Without any connection, the calls in the queue fail.
    fn attempted(self: &Arc<Self>, index: usize, failed: Option<Failure>) {
        let mut hopeless = VecDeque::new();
        {
            let mut state = self.lock();
            state.endpoints.attempted(index);
            if failed.is_some() {
                state.endpoints.failed(index, now());
                self.connect_for_waiting(&mut state, false);
                if state.endpoints.are_cut_off() {
                    hopeless = std::mem::take(&mut state.waiting);
                }
            }
        }
        if let Some(failure) = failed {
            for waiting in hopeless {
                drop(waiting.send(Err(failure.clone())));
            }
        }
        self.serve_waiting();
    }

    /// Tells whether calls wait for a stream.
    pub(super) fn is_awaited(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Returns the address that a connection goes to.
    pub(super) fn address(&self, connection: &Connection) -> &Address {
        &self.servers[connection.address].address
    }

    /// Returns the names of all servers.
    pub(super) fn names(&self) -> &Addresses {
        &self.names
    }

    /// Returns how many connections one server may have, as it is told to a caller that gets none.
    pub(super) fn max_connections(&self) -> usize {
        self.servers.iter().map(|server| server.options.max_connections).max().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a connection, and keeps its pool up to date.
async fn drive(mut driver: Driver, pool: Weak<Pool>) {
    loop {
        let event = poll_fn(|cx| driver.poll_event(cx)).await;
        let pool = pool.upgrade();
        match (event, pool) {
            (Event::LimitChanged, Some(pool)) => pool.serve_waiting(),
            (Event::Retire(connection), Some(pool)) => pool.retire(&connection),
            (Event::Ended(connection), pool) => {
                if let Some((pool, connection)) = pool.zip(connection) {
                    pool.retire(&connection);
                }
                return;
            }
            (Event::LimitChanged | Event::Retire(_), None) => {}
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

/// An attempt to connect, which is over when this is dropped, also if its task is.
struct Attempt<'a> {
    pool: &'a Arc<Pool>,
    index: usize,
    failed: Option<Failure>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.pool.attempted(self.index, self.failed.take());
    }
}
