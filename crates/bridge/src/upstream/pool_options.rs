//! Options of the connections to an upstream.

use std::time::Duration;

/// Options of the connections to an upstream.
///
/// Upstreams with the same service share its calls. Each has its own options, but the calls wait in one queue: of their
/// `max_waiting` and `max_wait` the largest apply.
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
    /// The most connections to one address. Another one is opened when the upstream accepts no more streams on the open ones
    /// (`SETTINGS_MAX_CONCURRENT_STREAMS`). Connections that get no more calls count until they are closed; if they are the only
    /// ones, the address may have one more. Default: 200.
    pub max_connections: usize,
    /// How many connections each address has at least while it is used. Raise it for an address that stands for several servers,
    /// such as the virtual address of a Kubernetes service: each connection leads to one of them. Default: 1.
    pub min_connections: usize,
    /// The most calls that wait for a connection or a stream at a time. A further call fails with `RESOURCE_EXHAUSTED`.
    /// Default: 10,000.
    pub max_waiting: usize,
    /// How long a call waits for a stream, before it fails with `RESOURCE_EXHAUSTED`, or for a connection, before it fails with
    /// `UNAVAILABLE`. After failures to connect, a call waits for the next attempt; it fails at once if that comes after this
    /// time or after its deadline. Default: 10 s.
    pub max_wait: Duration,
    /// How long an attempt to connect may take, until the upstream's HTTP/2 SETTINGS frame arrives. The calls that wait for the
    /// connection fail with `UNAVAILABLE` then. Default: 5 s.
    pub connect_timeout: Duration,
    /// A connection without calls is closed after this time, or at the latest after twice this time. Default: 60 s.
    pub idle: Duration,
    /// A connection gets no new calls after this time, more or less a tenth; it is closed when its last call has ended. `None`: it
    /// is used as long as it is open. Set it for an address that stands for several servers, so that new ones get calls.
    /// Default: `None`.
    pub max_connection_age: Option<Duration>,
    /// The HTTP/2 flow control window of each stream, in bytes: how much of one response is buffered for a caller that reads
    /// slowly, and the most of one response that arrives per round trip. Increase it for large responses from distant upstreams.
    /// Values above 2³¹ − 1 count as that. Default: 65,536 (64 KiB).
    pub stream_window: u32,
    /// An upstream that sends nothing for this time while calls are open gets an HTTP/2 ping, and has the same time to answer. If
    /// it does not, the calls on the connection fail with `UNAVAILABLE`. Default: 20 s.
    pub keepalive: Duration,
}

impl PoolOptions {
    /// Creates the default options.
    pub const fn new() -> Self {
        Self {
            max_connections: 200,
            min_connections: 1,
            max_waiting: 10_000,
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            max_connection_age: None,
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

    /// Sets how many connections each address has at least while it is used.
    #[must_use]
    pub const fn with_min_connections(mut self, min: usize) -> Self {
        self.min_connections = min;
        self
    }

    /// Sets after which time a connection gets no new calls.
    #[must_use]
    pub const fn with_max_connection_age(mut self, age: Duration) -> Self {
        self.max_connection_age = Some(age);
        self
    }

    /// Sets the most calls that wait at a time.
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

    /// Sets how long an attempt to connect may take.
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

    /// Sets after how long without data an upstream is pinged.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Duration) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Returns the options of one of `count` pools that share the limits. Together they have no more connections than allowed.
    pub(super) const fn share(mut self, index: usize, count: usize) -> Self {
        let rest = self.max_connections % count;
        self.max_connections = self.max_connections / count + if index < rest { 1 } else { 0 };
        self.min_connections = self.min_connections.div_ceil(count);
        self.max_waiting = self.max_waiting.div_ceil(count);
        self
    }
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self::new()
    }
}
