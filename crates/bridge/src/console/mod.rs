//! The console: the service that shows the calls of this server and how they end, and by which an operator ends one.
//!
//! Read in this order:
//!
//! 1. [`service`]: what can be asked of it, and by whom.
//! 2. [`watch`]: the changes since a watcher last read, whatever the load.
//! 3. [`view`]: a call as the console tells it; [`services`]: what can be called.

mod service;
mod services;
mod view;
mod watch;

pub use service::CallsService;
pub use services::Services;
