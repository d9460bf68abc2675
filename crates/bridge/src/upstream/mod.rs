//! Forwards calls to upstream servers.
//!
//! In the order of a call:
//!
//! 1. [`config`]: an upstream as it is configured. [`address`]: its URL; `tls` connects to it over TLS. [`pool_options`]: the
//!    options of its connections.
//! 2. [`routes`]: which upstream takes a call. [`service_pattern`]: which administrative services a catch-all forwards.
//! 3. [`forward`]: the layer that forwards calls. [`retry_rules`]: which failed calls are retried; [`retry`] makes the attempts.
//! 4. [`forwarded_call`]: sends a call, and makes the upstream's response that of the call. [`headers`]: which headers are
//!    passed on; [`head_size`]: how large heads may be; [`trusted_proxies`]: the address of the caller in them. [`request_body`] and [`response_body`] pass messages on.
//! 5. [`lease`]: the [`slot`] that a call has on a connection. [`pool`]: the connections that calls share, to each [`server`].
//!    [`endpoints`]: the addresses, each an [`endpoint`]; [`balancer`] chooses one by its [`latency`], and [`ejection`] keeps calls
//!    away from one that fails. [`health`] is both, which calls [`report`] to. [`backoff`]: waits after failures; [`warnings`]: their
//!    log lines. [`lookups`]: when names are resolved again.
//! 6. [`network`]: resolves names ([`resolve`]) and opens sockets ([`transport`]). [`connect`]: opens a connection; [`bounded_read`] limits its reads, and [`first_settings`] reads its SETTINGS. [`driver`]: runs a connection. [`connection`]: its
//!    state, as calls share it; [`reset_budget`] limits the resets on it.
//! 7. [`failure`]: the status for a failure of an upstream. [`pool_channel`]: a channel for calls of the bridge itself.

mod address;
mod backoff;
mod balancer;
mod bounded_read;
mod config;
mod connect;
mod connection;
mod driver;
mod ejection;
mod endpoint;
mod endpoints;
mod error;
mod failure;
mod first_settings;
mod forward;
mod forwarded_call;
mod head_size;
mod headers;
mod health;
mod latency;
mod lease;
mod lookups;
mod network;
mod pool;
mod pool_channel;
mod pool_options;
mod report;
mod request_body;
mod reset_budget;
mod resolve;
mod response_body;
mod retry;
mod retry_rules;
mod routes;
mod server;
mod service_pattern;
#[cfg(test)]
mod simulation;
mod slot;
#[cfg(all(test, feature = "axum"))]
mod tests;
#[cfg(feature = "tls")]
mod tls;

mod transport;
mod trusted_proxies;
mod warnings;

pub use config::Upstream;
pub use error::UpstreamError;
pub use pool_options::PoolOptions;
pub use retry_rules::{ParseRetryRuleError, RetryRule};
pub use service_pattern::{ParseServicePatternError, ServicePattern};
pub use trusted_proxies::{ParseProxyRangeError, ProxyRange};

pub(crate) use forward::Forward;
pub(crate) use retry_rules::RetryRules;
pub(crate) use routes::{Route, Routes};
pub(crate) use trusted_proxies::TrustedProxies;
#[cfg(feature = "reflection")]
pub(crate) use {
    pool::Pool,
    pool_channel::{PoolChannel, metadata},
};
