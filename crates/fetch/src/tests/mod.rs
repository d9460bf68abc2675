//! Whole calls through tonic's generated client, with a mock of the browser: the test controls its clock, its timers and
//! the server.
//!
//! `mock_browser` is that mock, `task` polls futures by hand, and `calls` starts calls and reads their responses.

mod calls;
mod cancel;
mod deadline;
mod fetch_options;
mod interceptor;
mod mock_browser;
mod reconnect;
mod request;
mod response;
mod retry;
mod task;
mod trace;
mod unary;
