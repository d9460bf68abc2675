//! How the connections to an upstream are kept.

use std::time::Duration;

/// How the connections to an upstream are kept.
///
/// Several upstreams of one service share its calls. Each has its own options for its connections; of `max_waiting` and
/// `max_wait`, which concern the calls that wait for any of them, the largest apply.
///
/// ```
/// use drawbridge::{PoolOptions, Upstream};
/// use std::time::Duration;
///
/// let options = PoolOptions::new().with_stream_window(1024 * 1024).with_max_wait(Duration::from_secs(2));
/// let upstream = Upstream::new("http://far.example:50051")?.pool(options);
/// # Ok::<(), drawbridge::UpstreamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// The most connections to one address. Another one is opened when the upstream accepts no more streams on those that
    /// are open. Default: 200.
    pub max_connections: usize,
    /// The most calls that wait for a connection or a stream at a time. A further call gets `RESOURCE_EXHAUSTED`.
    /// Default: 10,000.
    pub max_waiting: usize,
    /// How long a call waits for a connection or a stream. Then it gets `RESOURCE_EXHAUSTED`. Default: 10 s.
    pub max_wait: Duration,
    /// How long it may take to connect, until the upstream's HTTP/2 SETTINGS frame arrives. Default: 5 s.
    pub connect_timeout: Duration,
    /// A connection without calls is closed after this time, at the latest after twice this time. Default: 60 s.
    pub idle: Duration,
    /// The HTTP/2 flow control window of each stream, in bytes: how much of one response is buffered for a caller that reads
    /// slowly, and the most of one response that arrives per round trip to the upstream. Default: 64 KiB.
    pub stream_window: u32,
    /// An upstream that is silent for this long while calls are open is pinged, and has the same time to answer. If it does
    /// not, its calls get `UNAVAILABLE`. Default: 20 s.
    pub keepalive: Duration,
}

impl PoolOptions {
    /// Creates the default options.
    pub const fn new() -> Self {
        Self {
            max_connections: 200,
            max_waiting: 10_000,
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            stream_window: 64 * 1024,
            keepalive: Duration::from_secs(20),
        }
    }

    /// Sets the most connections to one address.
    #[must_use]
    pub const fn with_max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// Sets how many calls may wait at a time.
    #[must_use]
    pub const fn with_max_waiting(mut self, max: usize) -> Self {
        self.max_waiting = max;
        self
    }

    /// Sets how long a call waits for a connection or a stream.
    #[must_use]
    pub const fn with_max_wait(mut self, max: Duration) -> Self {
        self.max_wait = max;
        self
    }

    /// Sets how long it may take to connect.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets after which time a connection without calls is closed.
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the flow control window of each stream, in bytes.
    #[must_use]
    pub const fn with_stream_window(mut self, bytes: u32) -> Self {
        self.stream_window = bytes;
        self
    }

    /// Sets after which silence an upstream is pinged.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Duration) -> Self {
        self.keepalive = keepalive;
        self
    }
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self::new()
    }
}
