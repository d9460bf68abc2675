//! The services that the program hosts by itself, to be tried and to be copied from.

mod greeter;
mod message;

pub use greeter::GreeterService;
pub use message::MessageService;
