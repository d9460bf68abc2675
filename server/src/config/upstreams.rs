//! Where calls are forwarded to, and how.

#![allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of flags are the text of --help")]

use std::path::PathBuf;

use clap::Args;
use drawbridge::{PoolOptions, RetryRule, ServicePattern, Upstream};

/// The upstreams.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Upstreams")]
pub struct UpstreamArgs {
    /// gRPC server to forward calls to (repeatable)
    ///
    /// URL is http://HOST:PORT for HTTP/2 without TLS, or https://HOST:PORT for HTTP/2 over TLS. With SERVICE, the name of a
    /// service or a package, as in shop.Orders=http://127.0.0.1:50052, it receives only the calls of that service or
    /// package; the longest matching name wins. Without SERVICE it is the catch-all: it receives all calls that no hosted
    /// service and no other upstream takes. Upstreams with the same name share its calls: each call goes to the server with
    /// the fewest open calls.
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
}

impl UpstreamArgs {
    /// Returns how the connections to each upstream are kept.
    pub(crate) fn pool_options(&self) -> PoolOptions {
        PoolOptions::new()
            .with_max_connections(self.upstream_connections)
            .with_stream_window(self.upstream_window)
    }
}
