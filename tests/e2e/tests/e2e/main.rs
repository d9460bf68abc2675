//! What only a browser can show: the page, its calls, and how they end when the user leaves.
//!
//! Each test has its own server and browser, so tests run in parallel and in any order. Without the environment that `cargo
//! xtask test browser` sets, each test fails and says so.

mod call_settings;
mod calls;
mod console_token;
mod deadlines;
mod failures;
mod forwarded;
mod greeter;
mod keyboard;
mod leaving;
mod receipts;
mod restarts;
mod retries;
mod screenshots;
mod streaming;
mod tonic_web;
mod views;
