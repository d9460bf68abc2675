//! The connections to the servers of one service, which all of its calls share.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use drawbridge_core::SharedThrottle;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::connection::Connection;
use super::driver::{Driver, Event};
use super::failure::Failure;
use super::health::Health;
use super::server::Server;
use super::slot::Slot;
use crate::call::{Addresses, now};

use self::state::{State, fail_all};

mod for_threads;
mod info;
mod state;

/// How long an attempt to connect may take before the next address is tried too (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The connections to the servers of one service.
pub(crate) struct Pool {
    servers: Vec<Server>,
    /// The URLs of the servers, as they were configured.
    names: Addresses,
    max_waiting: usize,
    pub(super) max_wait: Duration,
    /// Stops retries while most calls fail.
    pub(super) throttle: SharedThrottle,
    /// How many connections were lost or retired, in the pools of all threads.
    lost: Arc<AtomicU64>,
    state: Mutex<State>,
}

/// A stream for a call, or a place in the queue.
pub(super) enum Acquired {
    Slot(Slot),
    Waiting {
        receiver: oneshot::Receiver<Result<Slot, Failure>>,
        /// When [`Pool::retry`] is due, if nothing can be connected to before.
        retry_at: Option<Instant>,
    },
}

impl Pool {
    /// Reserves a stream for a call, or puts the call into the queue. `avoid`: an address that is taken only if there is no other.
    ///
    /// # Errors
    ///
    /// Returns an error if the queue is full, or if no address can be reached and the next attempt comes after the deadline of the
    /// call or the longest wait.
    pub(super) fn acquire(
        self: &Arc<Self>,
        avoid: Option<&Arc<Health>>,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Acquired, Failure> {
        let mut state = self.lock();
        // Calls in the queue take precedence.
        if !state.has_waiting()
            && let Some(slot) = state.endpoints.reserve(avoid)
        {
            self.connect_lacking(&mut state);
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
        self.connect_for_waiting(&mut state);
        let retry_at = if state.is_idle() { state.retry_at() } else { None };
        if let Some(retry_at) = retry_at {
            let now = now();
            let longest = now + self.max_wait;
            if retry_at > deadline().map_or(longest, |deadline| longest.min(deadline)) {
                state.waiting.pop_back();
                return Err(self.unreachable(retry_at.saturating_duration_since(now)));
            }
        }
        Ok(Acquired::Waiting { receiver, retry_at })
    }

    fn unreachable(&self, next_attempt: Duration) -> Failure {
        let seconds = next_attempt.as_secs_f64();
        let message =
            format!("the upstream cannot be reached; the next attempt to connect is in {seconds:.1} s");
        Failure::unavailable(message).at(self)
    }

    /// Connects for the calls in the queue, now that the time after failures is over.
    pub(super) fn retry(self: &Arc<Self>) {
        self.connect_for_waiting(&mut self.lock());
    }

    /// Retires a connection: it gets no more calls, and is closed when the last call on it has ended.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        state.endpoints.retire(connection);
        self.connect_for_waiting(&mut state);
        if state.has_waiting() && state.is_idle() {
            // The calls in the queue have waited for this connection, and not for the next attempt.
            let next = state.endpoints.next_to_retry().map(|endpoint| Arc::clone(&endpoint.health));
            if let Some(health) = next {
                self.connect(&mut state, &health);
            }
        }
    }

    /// Assigns available streams to the calls in the queue.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut assigned = Vec::new();
            {
                let mut state = self.lock();
                while state.has_waiting()
                    && let Some(slot) = state.endpoints.reserve(None)
                    && let Some(waiting) = state.waiting.pop_front()
                {
                    assigned.push((waiting, slot));
                }
                self.connect_for_waiting(&mut state);
                if !assigned.is_empty() {
                    self.connect_lacking(&mut state);
                }
            }
            // Sent without the lock. If a call no longer waits, the next one gets its stream.
            let unused =
                assigned.into_iter().filter_map(|(waiting, slot)| waiting.send(Ok(slot)).err()).count();
            if unused == 0 {
                return;
            }
        }
    }

    /// Opens as many connections as the calls in the queue are expected to need, after the names are resolved.
    fn connect_for_waiting(self: &Arc<Self>, state: &mut State) {
        if !state.has_waiting() {
            return;
        }
        if state.has_unknown {
            self.resolve_unknown(state);
        }
        while state.waiting.len() > state.endpoints.expected_streams() {
            let next = state.endpoints.next_to_connect(now()).map(|endpoint| Arc::clone(&endpoint.health));
            let Some(health) = next else { break };
            self.connect(state, &health);
        }
    }

    /// Connects to the addresses that have fewer connections than they should.
    fn connect_lacking(self: &Arc<Self>, state: &mut State) {
        if state.has_unknown {
            self.resolve_unknown(state);
        }
        while let Some(endpoint) = state.endpoints.next_lacking() {
            let health = Arc::clone(&endpoint.health);
            self.connect(state, &health);
        }
    }

    /// Tries one more address for the calls in the queue, if an attempt takes long.
    fn connect_another(self: &Arc<Self>) {
        let mut state = self.lock();
        if !state.has_waiting() {
            return;
        }
        let next = state.endpoints.next_disconnected(now()).map(|endpoint| Arc::clone(&endpoint.health));
        if let Some(health) = next {
            self.connect(&mut state, &health);
        }
    }

    /// Connects in a task of its own, so that the connection outlives the call that needed it first.
    fn connect(self: &Arc<Self>, state: &mut State, health: &Arc<Health>) {
        let Some(endpoint) = state.endpoints.find(health) else { return };
        endpoint.connecting += 1;
        let (upstream, socket, pause) = (endpoint.upstream, endpoint.socket, endpoint.pause());
        let (pool, health) = (Arc::clone(self), Arc::clone(health));
        tokio::spawn(async move {
            let mut attempt = ConnectAttempt { pool: &pool, upstream, health: &health, failure: None };
            if !pause.is_zero() {
                sleep(pause).await;
                if !pool.lock().is_wanted(&health) {
                    return;
                }
            }
            let server = &pool.servers[upstream];
            let mut connecting = pin!(server.connect(socket));
            let connected = tokio::select! {
                biased;
                connected = &mut connecting => connected,
                () = sleep(STAGGER) => {
                    pool.connect_another();
                    connecting.await
                }
            };
            match connected {
                Ok((sender, h2, max_header_list_size)) => {
                    let limit = max_header_list_size.get().copied();
                    let is_open = Arc::new(());
                    let of_address = Arc::clone(&health);
                    let connection =
                        Connection::new(sender, upstream, of_address, limit, Arc::downgrade(&is_open));
                    let connection = Arc::new(connection);
                    let driver = Driver::new(h2, &connection, &server.options);
                    tokio::spawn(drive(driver, is_open, Arc::downgrade(&pool)));
                    // An address that was removed meanwhile gets no calls.
                    if let Some(endpoint) = pool.lock().endpoints.find(&health) {
                        endpoint.add(connection);
                    }
                }
                Err(failure) => attempt.failure = Some(failure),
            }
        });
    }

    /// Records that an attempt to connect has finished. If it failed and there is no connection to any server, the calls in the
    /// queue fail.
    fn connect_finished(self: &Arc<Self>, upstream: usize, health: &Arc<Health>, failure: Option<Failure>) {
        let mut failed = VecDeque::new();
        {
            let mut state = self.lock();
            let endpoint = state.endpoints.find(health);
            if let Some(endpoint) = endpoint {
                endpoint.connecting -= 1;
                if failure.is_some() {
                    endpoint.connect_failed(now());
                }
            }
            if let Some(failure) = &failure {
                Self::warn(&mut state, failure);
                self.resolve(&mut state, upstream);
                self.connect_for_waiting(&mut state);
                if state.is_idle() {
                    failed = std::mem::take(&mut state.waiting);
                }
            }
        }
        fail_all(failed, failure);
        self.serve_waiting();
    }

    fn warn(state: &mut State, failure: &Failure) {
        let error = failure.for_operator();
        if let Some(times) = state.warnings.record(&error, now()) {
            tracing::warn!(error, times, "cannot connect to an upstream");
        }
    }

    /// Resolves the names of which no address is known, unless that has just failed.
    fn resolve_unknown(self: &Arc<Self>, state: &mut State) {
        for upstream in 0..self.servers.len() {
            let is_due = state.lookups[upstream].retry_at().is_none_or(|at| at <= now());
            if is_due && !state.endpoints.is_known(upstream) && !state.lookups[upstream].is_in_progress() {
                self.resolve(state, upstream);
            }
        }
    }

    /// Resolves the name of a server as soon as possible, and again while the server is used.
    fn resolve(self: &Arc<Self>, state: &mut State, upstream: usize) {
        if self.servers[upstream].address.socket().is_some() || !state.lookups[upstream].request() {
            return;
        }
        let timer = state.lookups[upstream].timer();
        let lookups = LookupTask { pool: Arc::downgrade(self), upstream };
        let mut lookup = Box::pin(self.servers[upstream].resolve());
        tokio::spawn(async move {
            loop {
                let resolved = lookup.await;
                let Some(pool) = lookups.pool.upgrade() else { return };
                pool.resolved(upstream, resolved);
                drop(pool);
                let was_requested = timer.next().await;
                let Some(pool) = lookups.pool.upgrade() else { return };
                let mut state = pool.lock();
                let is_used = state.has_waiting() || state.endpoints.is_used(upstream);
                if !was_requested && !is_used {
                    // The next failure to connect asks for a lookup.
                    return;
                }
                state.lookups[upstream].started();
                lookup = Box::pin(pool.servers[upstream].resolve());
            }
        });
    }

    /// Takes the addresses that a lookup has found. If it failed, the known ones stay.
    fn resolved(self: &Arc<Self>, upstream: usize, resolved: Result<Vec<SocketAddr>, Failure>) {
        let mut failed = VecDeque::new();
        let failure = {
            let mut state = self.lock();
            state.lookups[upstream].finished(now(), resolved.is_err());
            match resolved {
                Ok(sockets) => {
                    let server = &self.servers[upstream];
                    let name = server.address.authority.as_str();
                    state.endpoints.set(upstream, name, &sockets, server.connections(), now());
                    state.has_unknown = (0..self.servers.len()).any(|index| !state.endpoints.is_known(index));
                    None
                }
                Err(failure) => {
                    Self::warn(&mut state, &failure);
                    if state.is_idle() && !state.endpoints.is_known(upstream) {
                        failed = std::mem::take(&mut state.waiting);
                    }
                    Some(failure)
                }
            }
        };
        fail_all(failed, failure);
        self.serve_waiting();
    }

    /// Returns whether calls wait for a stream.
    pub(super) fn has_waiting(&self) -> bool {
        self.lock().has_waiting()
    }

    /// Returns whether there is a connection to one of the servers.
    pub(super) fn is_connected(&self) -> bool {
        self.lock().endpoints.any_connected()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a connection, and reports its events to the pool. `is_open` is dropped when it is closed.
async fn drive(mut driver: Driver, is_open: Arc<()>, pool: Weak<Pool>) {
    loop {
        let event = poll_fn(|cx| driver.poll_event(cx)).await;
        let pool = pool.upgrade();
        match (event, pool) {
            (Event::MaxStreamsChanged, Some(pool)) => pool.serve_waiting(),
            (Event::Retire(connection), Some(pool)) => pool.retire(&connection),
            (Event::Ended(connection), pool) => {
                if let Some((pool, connection)) = pool.as_ref().zip(connection) {
                    pool.retire(&connection);
                }
                drop((driver, is_open));
                if let Some(pool) = pool {
                    // There is room for another one.
                    pool.serve_waiting();
                }
                return;
            }
            (Event::MaxStreamsChanged | Event::Retire(_), None) => {}
        }
    }
}

/// An attempt to connect. It finishes when this is dropped, also if the task is cancelled.
struct ConnectAttempt<'a> {
    pool: &'a Arc<Pool>,
    upstream: usize,
    health: &'a Arc<Health>,
    failure: Option<Failure>,
}

impl Drop for ConnectAttempt<'_> {
    fn drop(&mut self) {
        self.pool.connect_finished(self.upstream, self.health, self.failure.take());
    }
}

/// The task that resolves a name. It stops when this is dropped, also if the task is cancelled.
struct LookupTask {
    pool: Weak<Pool>,
    upstream: usize,
}

impl Drop for LookupTask {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lock().lookups[self.upstream].stopped();
        }
    }
}
