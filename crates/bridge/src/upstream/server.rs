//! An upstream of a pool.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::address::Address;
use super::config::Upstream;
use super::connect::{Connected, connect};
use super::failure::Failure;
use super::network::Network;
use super::pool_options::PoolOptions;

/// One upstream of a pool: a name or an address, with the options of its connections.
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) options: PoolOptions,
    network: Network,
}

impl Server {
    /// Creates the upstream for one of `count` pools that share the limits.
    pub(super) fn new(upstream: &Upstream, index: usize, count: usize) -> Self {
        Self {
            address: upstream.address.clone(),
            options: upstream.options.share(index, count),
            network: upstream.network.clone(),
        }
    }

    /// Returns how many connections one address has at least and at most.
    pub(super) fn connections(&self) -> (usize, usize) {
        (self.options.min_connections, self.options.max_connections)
    }

    /// Connects to one of its addresses.
    pub(super) async fn connect(&self, socket: SocketAddr) -> Result<Connected, Failure> {
        connect(&self.address, socket, &*self.network.connect, &self.options).await
    }

    /// Returns a lookup of its name, within the connect timeout.
    pub(super) fn resolve(&self) -> impl Future<Output = Result<Vec<SocketAddr>, Failure>> + use<> {
        let (host, port) = (self.address.host().to_owned(), self.address.port());
        let (network, limit) = (self.network.clone(), self.options.connect_timeout);
        async move {
            let resolved = timeout(limit, network.resolve.resolve(&host, port)).await;
            let sockets = resolved.unwrap_or_else(|_| Err(too_late(limit)));
            let error = match sockets {
                Ok(sockets) if !sockets.is_empty() => return Ok(sockets),
                Ok(_) => io::Error::new(io::ErrorKind::NotFound, "the name has no address"),
                Err(error) => error,
            };
            Err(Failure::unavailable("cannot resolve the name of the upstream").because(&host, &error))
        }
    }
}

fn too_late(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"))
}
