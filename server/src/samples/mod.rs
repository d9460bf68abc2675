//! The services that the program hosts by itself, to try and to copy from.
//!
//! - [`MessageService`] streams progress. [`GreeterService`] greets, once or each second. [`UserService`] looks up a user.
//! - [`FrontendService`] calls the user service, with deadline propagation and retries.
//! - `fail_first` fails attempts on request. `status` maps errors of the user directory. `granted` reads the timeout of a
//!   call.
//! - `hosting` adds all of them to a bridge.

mod fail_first;
mod frontend;
mod granted;
mod greeter;
mod hosting;
mod message;
mod status;
mod user;

pub use frontend::FrontendService;
pub use greeter::GreeterService;
pub use hosting::HostError;
pub(crate) use hosting::{NAMES, host};
pub use message::MessageService;
pub use user::UserService;
