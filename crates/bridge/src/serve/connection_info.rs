//! What is known of a connection.

use std::net::SocketAddr;

use http::Extensions;

/// What is known of a connection, and becomes part of each of its requests.
#[derive(Clone, Debug, Default)]
pub struct ConnectionInfo {
    peer: Option<SocketAddr>,
    extensions: Extensions,
}

impl ConnectionInfo {
    /// Creates the information of a connection of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the address of the client.
    #[must_use]
    pub fn with_peer(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Adds an extension, which each request of the connection gets a clone of. It replaces one of the same type.
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// Returns the address of the client, if it has one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Adds what is known to the extensions of a request.
    pub(super) fn extend(&self, request: &mut Extensions) {
        if let Some(peer) = self.peer {
            // One extension of the two: each costs an allocation.
            #[cfg(feature = "axum")]
            request.insert(axum::extract::ConnectInfo(peer));
            #[cfg(not(feature = "axum"))]
            request.insert(crate::peer::PeerAddr(peer));
        }
        if !self.extensions.is_empty() {
            request.extend(self.extensions.clone());
        }
    }
}
