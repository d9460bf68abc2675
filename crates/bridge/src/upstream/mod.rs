//! Calls that are forwarded to servers elsewhere.
//!
//! In the order in which a call meets them:
//!
//! 1. [`config`]: where calls may go, as the configuration says. [`address`]: one server; `tls` connects to it over TLS.
//!    [`routes`]: which call goes where. [`trusted_proxies`]: what upstreams learn about callers.
//! 2. [`forward`]: a call, from its head to the end of its response. [`request_body`] sends its messages,
//!    [`response_body`] is what comes back, [`headers`] decides which metadata is passed on.
//! 3. [`retry_rules`]: which failed calls are retried; [`retry`] makes the attempts.
//! 4. [`pool`]: the connections that calls share. [`endpoints`] chooses one, [`lease`] is a call's place on it. [`connect`]
//!    opens a connection, [`bounded_read`] reads from it, [`driver`] runs it, [`connection`] is what calls see of it, and [`reset_budget`] says when it has
//!    had too many resets.
//! 5. [`failure`]: what the failure of an upstream means for a call. [`pool_channel`]: calls that the bridge itself makes.

mod address;
mod bounded_read;
mod config;
mod connect;
mod connection;
mod driver;
mod endpoints;
mod error;
mod failure;
mod forward;
mod headers;
mod lease;
mod pool;
mod pool_channel;
mod pool_options;
mod request_body;
mod reset_budget;
mod response_body;
mod retry;
mod retry_rules;
mod routes;
#[cfg(feature = "tls")]
mod tls;
mod trusted_proxies;

pub use config::Upstream;
pub use error::UpstreamError;
pub use pool_options::PoolOptions;
pub use retry_rules::{ParseRetryRuleError, RetryRule};
pub use routes::{ParseServicePatternError, ServicePattern};
pub use trusted_proxies::{ParseProxyRangeError, ProxyRange};

pub(crate) use forward::Forward;
pub(crate) use retry_rules::Retries;
pub(crate) use routes::{Route, Routes};
pub(crate) use trusted_proxies::TrustedProxies;
#[cfg(feature = "reflection")]
pub(crate) use {
    pool::Pool,
    pool_channel::{PoolChannel, metadata},
};
