//! How much a bridge takes on.

use std::time::Duration;

/// How much a bridge takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many calls may be open at a time. A further one gets `RESOURCE_EXHAUSTED`. Default: 20,000.
    pub max_calls: usize,
    /// The longest message of a request, in bytes, hosted or forwarded. A longer one ends its call with
    /// `RESOURCE_EXHAUSTED`, before any of it is stored or forwarded. Default: 4 MiB. The servers that tonic generates have a
    /// limit of their own, which is 4 MiB too.
    pub max_message_bytes: u32,
    /// The longest message of a response that is held, in bytes. That is the message of a unary call of Connect: its HTTP status is
    /// known only after it. A longer one ends its call with `RESOURCE_EXHAUSTED`. All other responses are passed on as they come, and
    /// are not limited. Default: 4 MiB.
    pub max_held_response_bytes: u32,
    /// The largest head of a request, in bytes: its target, and the names and values of its headers, with 4 bytes more for each
    /// header over HTTP/1.1 and 32 over HTTP/2. A gRPC request with a larger head gets `RESOURCE_EXHAUSTED`, another one
    /// HTTP 431. The server accepts larger heads for this to be possible
    /// ([`ConnectionOptions::max_header_bytes`](crate::ConnectionOptions)). Default: 16 KiB.
    ///
    /// Over HTTP/1.1 a request has at most 100 headers.
    pub max_header_bytes: u32,
    /// How long a request of gRPC-Web or unary Connect may be silent before its end. Its call then gets `DEADLINE_EXCEEDED`, up to a
    /// quarter of this time later. Clients of gRPC and of Connect's streams may pause within their requests, and are not limited.
    /// Default: 60 s. `None`: no limit.
    pub request_idle_timeout: Option<Duration>,
}

impl Limits {
    /// Creates the default limits.
    pub const fn new() -> Self {
        Self {
            max_calls: 20_000,
            max_message_bytes: 4 * 1024 * 1024,
            max_held_response_bytes: 4 * 1024 * 1024,
            max_header_bytes: 16 * 1024,
            request_idle_timeout: Some(Duration::from_secs(60)),
        }
    }

    /// Sets how many calls may be open at a time.
    #[must_use]
    pub const fn with_max_calls(mut self, max: usize) -> Self {
        self.max_calls = max;
        self
    }

    /// Sets the longest message of a request, in bytes.
    #[must_use]
    pub const fn with_max_message_bytes(mut self, max: u32) -> Self {
        self.max_message_bytes = max;
        self
    }

    /// Sets the longest message of a response that is held, in bytes.
    #[must_use]
    pub const fn with_max_held_response_bytes(mut self, max: u32) -> Self {
        self.max_held_response_bytes = max;
        self
    }

    /// Sets how long a request of gRPC-Web or unary Connect may be silent before its end.
    #[must_use]
    pub const fn with_request_idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.request_idle_timeout = timeout;
        self
    }

    /// Sets the largest head of a request, in bytes.
    #[must_use]
    pub const fn with_max_header_bytes(mut self, max: u32) -> Self {
        self.max_header_bytes = max;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
