//! Resolves the names of upstreams.

use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;

/// Resolves names.
pub(crate) trait Resolve: Send + Sync {
    /// Returns the socket addresses of a name.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Resolves names as the system does: with its hosts file, search domains and name servers.
pub(super) struct SystemResolve;

impl Resolve for SystemResolve {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
