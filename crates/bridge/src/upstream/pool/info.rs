//! What a pool is made of, for calls, the console and messages.

use std::fmt;
#[cfg(feature = "json")]
use std::sync::{Arc, atomic::Ordering};

use super::Pool;
use crate::call::Addresses;
use crate::upstream::address::Address;
use crate::upstream::connection::Connection;

impl Pool {
    /// Returns the address of a connection.
    pub(in crate::upstream) fn address(&self, connection: &Connection) -> &Address {
        &self.servers[connection.upstream].address
    }

    /// Returns the URLs of all servers.
    pub(in crate::upstream) fn names(&self) -> &Addresses {
        &self.names
    }

    /// Returns what the pools of all threads for one upstream have in common, and no other pool has.
    #[cfg(feature = "json")]
    pub(crate) fn upstream_id(&self) -> usize {
        Arc::as_ptr(&self.lost).addr()
    }

    /// Returns how many connections to these servers were lost or retired. A server whose connection was lost may be another one
    /// afterwards.
    #[cfg(feature = "json")]
    pub(crate) fn lost_connections(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns the most connections that one server may have, for error messages.
    pub(in crate::upstream) fn max_connections(&self) -> usize {
        self.servers.iter().map(|server| server.options.max_connections).max().unwrap_or_default()
    }
}

/// What a pool has at one time.
#[cfg(test)]
pub(in crate::upstream) struct Snapshot {
    pub(in crate::upstream) endpoints: Vec<crate::upstream::endpoint::EndpointInfo>,
    /// How many addresses count as ejected.
    pub(in crate::upstream) ejected: usize,
    /// How many calls wait for a stream.
    pub(in crate::upstream) waiting: usize,
}

#[cfg(test)]
impl Pool {
    /// Returns what the pool has now.
    pub(in crate::upstream) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let (endpoints, ejected) = state.endpoints.info();
        let waiting = state.waiting.iter().filter(|waiting| !waiting.is_closed()).count();
        Snapshot { endpoints, ejected, waiting }
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
