//! Creates the pools of several threads.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use drawbridge_core::{SharedThrottle, Throttle};

use super::Pool;
use super::state::State;
use crate::call::now;
use crate::upstream::config::Upstream;
use crate::upstream::endpoints::Endpoints;
use crate::upstream::lookups::Lookups;
use crate::upstream::server::Server;
use crate::upstream::warnings::Warnings;

/// The tokens of a pool's retry throttle. With half of them lost to failures, nothing is retried. There are more than for one
/// client, since a bridge forwards the calls of many.
const RETRY_TOKENS: u32 = 100;

/// How many tokens each successful call returns.
const RETRY_RATIO: f64 = 0.1;

impl Pool {
    /// Creates the pools of the upstreams of one service for this many threads, without connections.
    ///
    /// Each thread has a pool of its own with its share of the limits. If an upstream may have fewer connections than there are
    /// threads, several threads share a pool: all of them need a connection, and the limit holds.
    pub(in crate::upstream) fn for_threads(upstreams: &[&Upstream], threads: usize) -> Vec<Arc<Self>> {
        let connections = upstreams.iter().map(|upstream| upstream.options.max_connections);
        let count = connections.min().unwrap_or(threads).clamp(1, threads.max(1));
        let lost = Arc::default();
        let pools: Vec<_> = (0..count).map(|index| Self::new(upstreams, index, count, &lost)).collect();
        pools.into_iter().cycle().take(threads).collect()
    }

    /// Creates one of `count` pools that share the limits.
    fn new(upstreams: &[&Upstream], index: usize, count: usize, lost: &Arc<AtomicU64>) -> Arc<Self> {
        let servers: Vec<_> = upstreams.iter().map(|upstream| Server::new(upstream, index, count)).collect();
        let options = || servers.iter().map(|server| &server.options);
        let mut endpoints = Endpoints::default();
        for (index, server) in servers.iter().enumerate() {
            if let Some(socket) = server.address.socket() {
                let name = server.address.authority.as_str();
                endpoints.set(index, name, &[socket], server.connections(), now());
            }
        }
        Arc::new(Self {
            names: servers.iter().map(|server| server.address.to_string().into()).collect(),
            max_waiting: options().map(|options| options.max_waiting).max().unwrap_or_default(),
            max_wait: options().map(|options| options.max_wait).max().unwrap_or_default(),
            lost: Arc::clone(lost),
            throttle: SharedThrottle::new(Throttle::new(RETRY_TOKENS, RETRY_RATIO)),
            state: Mutex::new(State {
                lookups: servers.iter().map(|_| Lookups::default()).collect(),
                has_unknown: (0..servers.len()).any(|index| !endpoints.is_known(index)),
                endpoints,
                waiting: VecDeque::new(),
                warnings: Warnings::default(),
            }),
            servers,
        })
    }
}
