//! The console: a gRPC service that lists the calls of this server, shows how they end, and ends a call for an operator.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`services`]: the services that can be called. [`view`]: a call as a protobuf message. [`token`]: the secret of the console.
//! 2. [`watch`]: the changes since a watcher last read. [`access`]: who may use the console.
//! 3. [`service`]: the methods of the console.

mod access;
mod service;
mod services;
mod token;
mod view;
mod watch;

pub use service::CallsService;
pub use services::Services;
pub use token::{ConsoleToken, ConsoleTokenError};
