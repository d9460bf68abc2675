//! Accepts connections and serves them until told to stop.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`connection_info`]: what is known of a connection. [`options`]: how connections are kept.
//! 2. [`listener`]: where connections come from; [`log_throttle`] limits its log lines.
//! 3. [`resets`]: whether a client resets too many streams. [`line_ends`]: whether lines of heads end as they should. [`activity`]: what happens on a connection, as its requests and [`watched_stream`] report it. [`shutdown`]: how the
//!    server is told to stop; [`phase`]: how far it has come.
//!    [`stream_task`]: runs a stream of HTTP/2, and ends it if its peer does not read.
//! 4. [`connection`]: serves one connection. [`connections`]: serves those of one listener.
//! 5. [`thread_listeners`]: one listener for each of several threads. [`threads`] serves on all of them.

mod activity;
mod connection;
mod connection_info;
mod connection_service;
mod connections;
mod line_ends;
mod listener;
mod log_throttle;
mod options;
mod phase;
mod resets;
mod shutdown;
mod stream_task;
mod thread_listeners;
mod threads;
mod watched_stream;

pub use self::connection_info::ConnectionInfo;
pub use self::connections::serve;
pub use self::listener::Listener;
pub use self::options::ConnectionOptions;
pub use self::thread_listeners::ThreadListeners;
pub use self::threads::serve_on_threads;
