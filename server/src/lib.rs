//! Drawbridge: gRPC in the browser, where leaving the page ends the stream, all the way down.
//!
//! [`Bridge`] puts tonic services behind one router that serves gRPC, gRPC-Web and a page; [`serve`] keeps its
//! connections; [`run`] is the whole program but for its command line. In the order of a call through the server:
//!
//! 1. [`serve`]: accepts connections, HTTP/1.1 and h2, and ends them.
//! 2. [`Bridge`]: the stack that each request passes, written once, and `front`, which holds its rules.
//! 3. [`CallContext`]: what is known of a call, until it has ended for exactly one reason.
//! 4. [`PropagationLayer`]: makes the calls of a handler's own clients end with its call.
//! 5. [`RetryLayer`]: tries such a call again when it failed, inside its one deadline.
//! 6. [`CallsService`]: shows which calls are open and how they ended, ends one, and says what can be called.
//! 7. [`samples`]: the services that the program hosts, over the user [`directory`].
//! 8. [`Upstream`]: a server elsewhere that calls are forwarded to; [`RetryRule`]: which of them are tried again. `reflection`
//!    tells of their services and of hosted ones together.
//! 9. [`Page`]: everything else that a browser asks for.

mod bridge;
mod call;
mod child;
mod config;
mod connection;
mod console;
pub mod directory;
mod duration;
mod front;
mod gathered;
mod hosted;
mod in_process;
mod keepalive;
mod logging;
mod page;
mod reflection;
mod retry;
mod run;
pub mod samples;
mod tls;
mod upstream;

pub use bridge::{Bridge, Limits};
pub use call::{AtEnd, CallContext, CallId, Calls, DeadlinePolicy, ParseCallIdError, RequestId};
pub use child::{ChildFuture, Detached, Propagate, PropagationLayer};
pub use config::{Config, LogFormat, command};
pub use connection::{ConnectionOptions, serve};
pub use console::{CallsService, Services};
pub use drawbridge_core::{EndReason, RetryPolicy, Throttle};
pub use front::content_type::FrontProtocol;
pub use front::host::HostPolicy;
pub use in_process::in_process;
pub use logging::init as init_logging;
pub use page::{IS_EMBEDDED, Page};
pub use retry::{Retry, RetryLayer};
pub use run::{Prepared, RunError, prepare, run};
pub use tls::{Tls, TlsError};
pub use upstream::{
    Exposed, ExposedError, PoolOptions, ProxyRange, ProxyRangeError, RetryRule, RetryRuleError, Upstream,
    UpstreamError,
};
