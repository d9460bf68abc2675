//! Streams that go on over a restart of the server or a lost network.
//!
//! [`state`] decides, without I/O; [`stream`] makes the calls and waits; [`policy`] has the options, [`event`] what the caller
//! reads, and [`handle`] ends a wait early.

mod event;
mod handle;
mod policy;
mod state;
mod stream;

pub use event::{Disconnected, ReconnectEvent, RetryAt};
pub use handle::ReconnectHandle;
pub use policy::ReconnectPolicy;
pub use stream::{Reconnecting, reconnecting};

#[cfg(test)]
pub(crate) use stream::{Calls, reconnecting_on};
