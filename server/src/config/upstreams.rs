//! Where calls are forwarded to, and how.

#![allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of flags are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use drawbridge::{MethodPattern, PoolOptions, RetryRule, ServicePattern, Upstream};

/// The upstreams.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Upstreams")]
pub struct UpstreamArgs {
    /// gRPC server to forward calls to (repeatable)
    ///
    /// URL is http://HOST:PORT for HTTP/2 without TLS, or https://HOST:PORT for HTTP/2 over TLS. With SERVICE, the name of a
    /// service or a package, as in shop.Orders=http://127.0.0.1:50052, it receives only the calls of that service or
    /// package; the longest matching name wins. Without SERVICE it is the catch-all: it receives all calls that no hosted
    /// service and no other upstream takes. Upstreams with the same name share its calls, and so do all addresses that HOST
    /// resolves to. HOST is resolved again every 30 s. Each call goes to the better of two random addresses, by open calls and
    /// latency. An address that fails 7 times in a row gets no calls for 1 s, and for up to 60 s if it fails again.
    ///
    /// Default: none, and the sample services are hosted. With an upstream they are hosted only with --samples.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM", value_name = "[SERVICE=]URL", value_delimiter = ',')]
    pub upstream: Vec<Upstream>,

    /// PEM file with the authorities that sign upstreams' certificates
    ///
    /// It replaces the system's authorities for upstreams with https://. Set it for certificates of a private authority.
    /// Default: the authorities of the system.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM_CA", value_name = "FILE", requires = "upstream")]
    pub upstream_ca: Option<PathBuf>,

    /// Maximum number of connections to one upstream address
    ///
    /// Another connection is opened when those that are open have as many streams as the upstream accepts
    /// (SETTINGS_MAX_CONCURRENT_STREAMS). Further calls wait. Lower it to protect an upstream; raise it if calls fail with
    /// RESOURCE_EXHAUSTED although the upstream has capacity.
    #[arg(
        long,
        env = "DRAWBRIDGE_UPSTREAM_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = PoolOptions::new().max_connections,
        value_parser = super::parse::count
    )]
    pub upstream_connections: usize,

    /// Number of connections that each upstream address has at least
    ///
    /// They are opened with the first call to the address, and calls are spread over them. Raise it for an address that stands
    /// for several servers, such as the cluster IP of a Kubernetes service: each connection leads to one of them.
    #[arg(
        long,
        env = "DRAWBRIDGE_UPSTREAM_CONNECTIONS_MIN",
        value_name = "COUNT",
        default_value_t = PoolOptions::new().min_connections,
        value_parser = super::parse::count
    )]
    pub upstream_connections_min: usize,

    /// Time after which a connection to an upstream gets no new calls
    ///
    /// It is closed when its last call has ended, and another one is opened. The time varies by 10 %. Set it, such as to 10m, for
    /// an address that stands for several servers, so that new servers get calls. Default: none.
    #[arg(
        long,
        env = "DRAWBRIDGE_UPSTREAM_CONNECTION_AGE",
        value_name = "TIME",
        value_parser = super::parse::time
    )]
    pub upstream_connection_age: Option<Duration>,

    /// Time that a call waits for a connection or a free stream of its upstream
    ///
    /// A call that waits longer for a stream fails with RESOURCE_EXHAUSTED, for a connection with UNAVAILABLE. While an
    /// upstream cannot be reached, a call waits for the next attempt to connect; it fails at once if that comes later than this
    /// time or its deadline. Lower it for callers that retry themselves.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_WAIT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = super::parse::time
    )]
    pub max_wait: Duration,

    /// Flow-control window of each stream from an upstream, in bytes
    ///
    /// It limits how much of one response is buffered for a client that reads slowly, and how much of one response arrives
    /// per round trip to the upstream. Raise it for large responses from distant upstreams. Range: 16384
    /// to 16777216.
    #[arg(
        long,
        env = "DRAWBRIDGE_UPSTREAM_WINDOW",
        value_name = "BYTES",
        default_value_t = PoolOptions::new().stream_window,
        value_parser = clap::value_parser!(u32).range(16_384..=16_777_216)
    )]
    pub upstream_window: u32,

    /// Retries forwarded calls that fail with one of these codes (repeatable)
    #[arg(
        long,
        env = "DRAWBRIDGE_RETRY",
        value_name = "[NAME=]ATTEMPTS:CODES",
        value_delimiter = ';',
        requires = "upstream",
        long_help = super::help::RETRY
    )]
    pub retry: Vec<RetryRule>,

    /// Administrative services that the catch-all upstream may receive (repeatable)
    ///
    /// PATTERN is a service such as grpc.reflection.v1.ServerReflection, a package such as grpc.reflection.*, or * for all.
    /// Default: none. Calls to grpc.channelz, grpc.reflection, grpc.admin, envoy and drawbridge are then answered with
    /// UNIMPLEMENTED, unless an upstream is configured for them by name. Expose grpc.reflection.* for grpcurl and similar
    /// tools: the bridge then answers reflection for hosted and forwarded services together.
    #[arg(long, env = "DRAWBRIDGE_EXPOSE", value_name = "PATTERN", value_delimiter = ',')]
    pub expose: Vec<ServicePattern>,

    /// Methods that may be called with GET (repeatable)
    ///
    /// PATTERN is a method such as shop.Catalog/List, a service such as shop.Catalog, a package such as shop.*, or * for all. Name only
    /// methods without side effects: browsers send a GET without asking first, and repeat it, and caches answer it. Hosted methods that
    /// their contract declares to have none (idempotency_level = NO_SIDE_EFFECTS) may be called with GET anyway. Default: no other method.
    #[arg(long, env = "DRAWBRIDGE_GET", value_name = "PATTERN", value_delimiter = ',')]
    pub get: Vec<MethodPattern>,
}

impl UpstreamArgs {
    /// Returns how the connections to each upstream are kept.
    pub(crate) fn pool_options(&self) -> PoolOptions {
        let options = PoolOptions::new()
            .with_max_connections(self.upstream_connections)
            .with_min_connections(self.upstream_connections_min)
            .with_max_wait(self.max_wait)
            .with_stream_window(self.upstream_window);
        match self.upstream_connection_age {
            Some(age) => options.with_max_connection_age(age),
            None => options,
        }
    }
}
