//! The program `drawbridge`: the library `drawbridge-grpc` behind a command line, with a page, sample services and a user
//! directory.
//!
//! In reading order:
//!
//! 1. [`Config`]: the command line and the environment.
//! 2. [`prepare`] and [`run`]: opens what the configuration names, and serves it.
//! 3. [`Page`]: the files of the page, embedded in the program.
//! 4. [`samples`]: the services that the program hosts, over the user [`directory`].

mod config;
pub mod directory;
mod logging;
mod page;
mod run;
pub mod samples;
mod self_signed;

pub use config::{Config, LogFormat, command};
pub use logging::init as init_logging;
pub use page::{IS_EMBEDDED, Page};
pub use run::{Prepared, RunError, prepare, run};
