//! The connections to the servers of one service, which its calls share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drawbridge_core::Throttle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connect::connect;
use super::connection::{Connection, Keeper};
use super::doors::Doors;
use super::failure::Failure;
use super::lease::Lease;
use super::target::{Address, Upstream};
use crate::call::{Addresses, now};
use crate::retry::SharedThrottle;

/// The tokens of a pool's throttle: when half of them are lost to failures, nothing is tried again. They are more than a
/// client has for itself, since a bridge speaks for many.
const RETRY_TOKENS: u32 = 100;

/// How much of a token each call that goes well gives back.
const RETRY_RATIO: f64 = 0.1;

/// How the connections to an upstream are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// The most connections to one address. More than one is made when the upstream takes no more streams on it.
    pub max_connections: usize,
    /// The most calls that wait for a connection or a stream at a time. A call beyond gets `RESOURCE_EXHAUSTED`.
    pub max_waiting: usize,
    /// For how long a call waits. Then it gets `RESOURCE_EXHAUSTED`; at its deadline, it ends before.
    pub max_wait: Duration,
    /// For how long a connection may take to be made, up to the upstream's first word of HTTP/2.
    pub connect_timeout: Duration,
    /// After how long without a call a connection is closed, at the earliest; at the latest after twice that.
    pub idle: Duration,
    /// How much of one answer may wait here for its caller, in bytes: what a caller that reads slowly costs, and the most
    /// that comes of one answer in the time that it takes to the upstream and back.
    pub stream_window: u32,
    /// For how long an upstream with open calls may be silent before it is asked whether it is there, and how long it
    /// may take to answer. Its calls get UNAVAILABLE then.
    pub keepalive: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 200,
            max_waiting: 10_000,
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            stream_window: 64 * 1024,
            keepalive: Duration::from_secs(20),
        }
    }
}

/// The connections to the servers of one service.
pub(crate) struct Pool {
    addresses: Vec<Address>,
    /// What the addresses are called, as they were configured.
    names: Addresses,
    options: PoolOptions,
    /// Keeps retries from adding to the load of servers that fail already.
    pub(super) throttle: SharedThrottle,
    state: Mutex<State>,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.addresses.iter().map(|address| address.authority.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({self})")
    }
}

struct State {
    doors: Doors,
    /// Who waits for a stream, the first one first.
    waiting: VecDeque<Waiting>,
}

type Waiting = oneshot::Sender<Result<Lease, Failure>>;

impl Pool {
    /// Creates the pool of upstreams that share the calls of one service. Nothing is connected yet.
    pub(super) fn new(upstreams: Vec<Upstream>) -> Arc<Self> {
        let options = upstreams.first().map(|upstream| upstream.options).unwrap_or_default();
        let addresses: Vec<_> = upstreams.into_iter().map(|upstream| upstream.address).collect();
        let names = addresses.iter().map(|address| address.to_string().into()).collect();
        let state = Mutex::new(State { doors: Doors::new(addresses.len()), waiting: VecDeque::new() });
        let throttle = SharedThrottle::new(Throttle::new(RETRY_TOKENS, RETRY_RATIO));
        Arc::new(Self { addresses, names, options, throttle, state })
    }

    /// Takes a stream for a call, and waits for one where there is none.
    ///
    /// # Errors
    ///
    /// Returns what to tell the caller where there will be none in time, or no connection can be made.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Failure> {
        let waiting = {
            let mut state = self.lock();
            // Those who wait were first.
            if state.waiting.is_empty()
                && let Some(connection) = state.doors.take()
            {
                self.connect_to_the_others(&mut state);
                return Ok(Lease::new(self, connection));
            }
            if state.waiting.len() >= self.options.max_waiting {
                state.waiting.retain(|waiting| !waiting.is_closed());
            }
            if state.waiting.len() >= self.options.max_waiting {
                let waiting = state.waiting.len();
                return Err(Failure::exhausted(format!(
                    "{waiting} calls wait for the upstream {self} already, which is the most"
                )));
            }
            let (waiting, told) = oneshot::channel();
            state.waiting.push_back(waiting);
            self.connect_for_those_who_wait(&mut state, true);
            told
        };
        match timeout(self.options.max_wait, waiting).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::unavailable("the bridge is about to end")),
            Err(_) => Err(Failure::exhausted(format!(
                "the upstream {self} takes no more calls on {} connections, and none has ended within {:?}",
                self.options.max_connections, self.options.max_wait
            ))),
        }
    }

    /// Takes a connection out of use. The calls on it go on, and with the last of them it is closed.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        let mut state = self.lock();
        state.doors.retire(connection);
        self.connect_for_those_who_wait(&mut state, true);
    }

    /// Gives the streams that have become free to those who wait.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        let mut served = Vec::new();
        {
            let mut state = self.lock();
            while !state.waiting.is_empty()
                && let Some(connection) = state.doors.take()
                && let Some(waiting) = state.waiting.pop_front()
            {
                served.push((waiting, connection));
            }
            self.connect_for_those_who_wait(&mut state, true);
        }
        // Without the lock, which whoever does not wait any more gives its stream back under.
        for (waiting, connection) in served {
            drop(waiting.send(Ok(Lease::new(self, connection))));
        }
    }

    fn connect_for_those_who_wait(self: &Arc<Self>, state: &mut State, even_if_left_out: bool) {
        while state.waiting.len() > state.doors.expected_room() {
            let next = state.doors.next(self.options.max_connections, now()).or_else(|| {
                // With all of them left out, the one that comes back first is tried at once: nothing else is left.
                let alone = even_if_left_out && state.doors.are_cut_off();
                if alone { state.doors.first_back() } else { None }
            });
            let Some(index) = next else { break };
            self.connect(state, index);
        }
    }

    /// Where several addresses share the calls, sees to it that each of them has a connection.
    fn connect_to_the_others(self: &Arc<Self>, state: &mut State) {
        if state.doors.len() == 1 {
            return;
        }
        let now = now();
        for index in 0..state.doors.len() {
            if state.doors.lacks_connection(index, now) {
                self.connect(state, index);
            }
        }
    }

    /// Connects in a task of its own, so that the connection does not end with the call that wanted it first.
    fn connect(self: &Arc<Self>, state: &mut State, index: usize) {
        state.doors.attempt(index);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let mut attempt = Attempt { pool: &pool, index, failed: None };
            match connect(&pool.addresses[index], &pool.options).await {
                Ok((sender, h2)) => {
                    let connection = Arc::new(Connection::new(sender, index));
                    tokio::spawn(Keeper::new(h2, &connection, Arc::downgrade(&pool), &pool.options));
                    pool.lock().doors.connected(connection);
                }
                Err(failure) => {
                    tracing::warn!(words = failure.words, "no connection to an upstream");
                    attempt.failed = Some(failure);
                }
            }
        });
    }

    /// Notes that an attempt to connect is over, and tells those who wait what comes of it.
    fn attempted(self: &Arc<Self>, index: usize, failed: Option<Failure>) {
        let mut hopeless = VecDeque::new();
        {
            let mut state = self.lock();
            state.doors.attempted(index);
            if failed.is_some() {
                state.doors.failed(index, now());
                self.connect_for_those_who_wait(&mut state, false);
                if state.doors.are_cut_off() {
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

    /// Tells whether anybody waits for a stream.
    pub(super) fn is_awaited(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    pub(super) fn address(&self, connection: &Connection) -> &Address {
        &self.addresses[connection.address]
    }

    /// Returns the names of all addresses.
    pub(super) fn names(&self) -> &Addresses {
        &self.names
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt to connect, which is over when this is dropped, however that comes about.
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
