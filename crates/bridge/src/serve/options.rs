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
    /// How long a client may take to send the head of a request, counted from its first byte, or for the first one of a connection from
    /// the connection's start, TLS handshake included. The connection is closed then. For HTTP/2 it is the time until the client's
    /// SETTINGS. Default: 10 s.
    pub head_timeout: Duration,
    /// How long an HTTP/1.1 connection is kept between two requests. More than a balancer in front keeps it, which otherwise sends a
    /// request on a connection that is being closed. Default: 620 s, more than the 600 s of common balancers.
    pub idle_timeout: Duration,
    /// How long a connection is kept, give or take a tenth at random. Then it gets GOAWAY, or `connection: close`, and what is open on it may
    /// go on for [`grace`](Self::grace). Clients connect again, and so reach servers that were added meanwhile. Default: `None`, for
    /// any time.
    pub max_age: Option<Duration>,
    /// How long a client over HTTP/2 may leave its window closed while there is something to send. The stream is reset then, and its call ends as
    /// [`EndReason::ReaderStalled`](crate::EndReason), up to a quarter of this time later. Over HTTP/1.1 the system closes the connection
    /// after two minutes (Linux). Default: 120 s. `Duration::MAX`: no limit.
    pub reader_timeout: Duration,
    /// How long connections are accepted after the shutdown has begun, for clients that have not learnt of it. Default: zero.
    pub drain_delay: Duration,
    /// How long open calls may go on after the listener has closed. Default: zero, they are ended at once.
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
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(620),
            max_age: None,
            reader_timeout: Duration::from_secs(120),
            drain_delay: Duration::ZERO,
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

    /// Sets how long a client may take to send the head of a request.
    #[must_use]
    pub const fn with_head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Sets how long an HTTP/1.1 connection is kept between two requests.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how long a connection is kept.
    #[must_use]
    pub const fn with_max_age(mut self, max: Option<Duration>) -> Self {
        self.max_age = max;
        self
    }

    /// Sets how long a client over HTTP/2 may leave its window closed while there is something to send.
    #[must_use]
    pub const fn with_reader_timeout(mut self, timeout: Duration) -> Self {
        self.reader_timeout = timeout;
        self
    }

    /// Sets how long connections are accepted after the shutdown has begun.
    #[must_use]
    pub const fn with_drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Sets how long open calls may go on after the listener has closed.
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
