//! The services that the program hosts by itself, to be tried and to be copied from.

mod fail_first;
mod frontend;
mod greeter;
mod message;
mod user;

pub use frontend::FrontendService;
pub use greeter::GreeterService;
pub use message::MessageService;
pub use user::UserService;

use tonic::Status;

use crate::directory::LookupError;
use drawbridge::CallContext;

/// Returns the time that the current call was given, in milliseconds.
fn granted_ms() -> Option<f64> {
    let deadline = CallContext::current()?.deadline()?;
    Some(deadline.granted().duration().as_secs_f64() * 1000.0)
}

/// Tells a caller why a lookup failed. What SQLite said goes to the log, and only there.
fn status_of(error: LookupError) -> Status {
    match error {
        LookupError::Busy => Status::unavailable("the user directory is busy; try again"),
        LookupError::Broken(cause) => {
            tracing::error!(%cause, "a lookup failed");
            Status::internal("the user directory cannot be read")
        }
        LookupError::Stopped | LookupError::Lost => Status::internal("the lookup was lost"),
    }
}
