//! How connections are kept.

use std::time::Duration;

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How [`serve`](crate::serve) keeps connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionOptions {
    /// The certificate to serve HTTPS with. `None`: connections are not encrypted.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// The most streams that one HTTP/2 connection may have open (`SETTINGS_MAX_CONCURRENT_STREAMS`). Default: 200.
    pub max_streams: u32,
    /// The largest head of a request that is read, in bytes. A larger one is answered 431 by HTTP, without a gRPC status or
    /// headers of CORS, so it is larger than [`Limits::max_header_bytes`](crate::Limits), over which a bridge answers.
    /// Default: 32 KiB; HTTP/1.1 accepts 8 KiB in any case.
    pub max_header_bytes: u32,
    /// How long open calls may go on after the shutdown has begun. Default: zero, they are ended at once.
    pub grace: Duration,
}

impl ConnectionOptions {
    /// Creates the default options.
    pub const fn new() -> Self {
        Self {
            #[cfg(feature = "tls")]
            tls: None,
            max_streams: 200,
            max_header_bytes: 32 * 1024,
            grace: Duration::ZERO,
        }
    }

    /// Serves HTTPS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets the most streams that one HTTP/2 connection may have open.
    #[must_use]
    pub const fn with_max_streams(mut self, max: u32) -> Self {
        self.max_streams = max;
        self
    }

    /// Sets the largest head of a request that is read, in bytes.
    #[must_use]
    pub const fn with_max_header_bytes(mut self, max: u32) -> Self {
        self.max_header_bytes = max;
        self
    }

    /// Sets how long open calls may go on after the shutdown has begun.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self::new()
    }
}
