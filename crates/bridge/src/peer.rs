//! The address of the caller's end of a connection.

use std::net::SocketAddr;

use http::Extensions;

/// The address of the caller's end of a connection, as an extension of its requests.
///
/// [`serve`](crate::serve) inserts it. A server of your own inserts it in each request, or, with axum, uses
/// `into_make_service_with_connect_info::<SocketAddr>()`. Without it, [`CallContext::peer`](crate::CallContext::peer) is
/// `None`, and upstreams learn no client address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Returns the caller's address, if the server has set it.
pub(crate) fn peer_addr(extensions: &Extensions) -> Option<SocketAddr> {
    // First, since `serve` sets this one.
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(*address);
    }
    extensions.get().map(|PeerAddr(address)| *address)
}
