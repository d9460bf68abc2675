//! Calls that are forwarded to servers elsewhere.
//!
//! In the order in which a call meets them:
//!
//! 1. [`target`]: where calls may go, as the configuration says, and [`authorities`], whose certificates are believed there;
//!    [`routes`]: which call goes where, and which goes nowhere.
//! 2. [`forward`]: the call itself, from its head to the end of its answer. [`upload`] sends its messages, [`answer`] is
//!    what comes back, [`headers`] says which metadata goes along, and [`peer`] who the caller is said to be.
//! 3. [`retries`]: which calls are tried again that fail; [`attempts`] makes the attempts at one.
//! 4. [`pool`]: the connections that calls share. [`doors`] says which of them a call takes, [`lease`] is a call's place on
//!    one. [`connect`] makes one, [`paced`] reads from it, [`connection`] keeps it, and [`resets`] says when it has had
//!    enough of calls that were left.
//! 5. [`failure`]: what is said of an upstream that fails. [`channel`] is for calls of the bridge's own.

mod answer;
mod attempts;
mod authorities;
mod channel;
mod connect;
mod connection;
mod doors;
mod failure;
mod forward;
mod headers;
mod lease;
mod paced;
mod peer;
mod pool;
mod resets;
mod retries;
mod routes;
mod target;
mod upload;

pub use peer::{ProxyRange, ProxyRangeError};
pub use pool::PoolOptions;
pub use retries::{RetryRule, RetryRuleError};
pub use routes::{Exposed, ExposedError};
pub use target::{Upstream, UpstreamError};

pub(crate) use channel::{PoolChannel, metadata};
pub(crate) use forward::Forward;
pub(crate) use peer::TrustedProxies;
pub(crate) use pool::Pool;
pub(crate) use retries::Retries;
pub(crate) use routes::{Route, Routes};
