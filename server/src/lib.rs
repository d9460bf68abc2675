//! The program `drawbridge`: the library `drawbridge-grpc` behind a command line, with an embedded page, sample services and
//! a user directory.
//!
//! In reading order; a module uses only modules below it:
//!
//! 1. [`run`], [`Server`]: opens what the configuration names, puts the bridge together, and serves it.
//! 2. `front`: what stands before the bridge. [`Lifecycle`]: whether the program serves or stops. [`log_start`]: the log line of the start. `hints`: log lines that name the flag to change when requests are refused.
//! 3. [`samples`]: the sample services, over the user [`directory`].
//! 4. [`Page`]: the files of the page.
//! 5. `self_signed`: a TLS certificate for development.
//! 6. [`raise_open_files_limit`]: how many connections may be open. [`init_logging`]: log lines on standard error.
//! 7. [`Config`]: the command line and the environment.

mod config;
pub mod directory;
mod front;
mod hints;
mod lifecycle;
mod logging;
mod open_files;
mod page;
mod run;
pub mod samples;
mod self_signed;
mod start_error;
mod start_line;

pub use config::{
    AccessArgs, CallArgs, Config, JsonArgs, ListenArgs, LogArgs, LogFormat, OnOff, SampleArgs, ShutdownArgs,
    TlsArgs, UpstreamArgs, command,
};
pub use lifecycle::Lifecycle;
pub use logging::{LogError, LogGuard, init as init_logging};
pub use open_files::raise_limit as raise_open_files_limit;
pub use page::{IS_EMBEDDED, Page};
pub use run::{Server, run};
pub use start_error::StartError;
pub use start_line::log_start;
