//! The fixtures of the end-to-end tests: a real server, a real browser, and a page under test.
//!
//! Read in this order:
//!
//! 1. [`Visit`]: a server and a browser with its page. It opens views, presses keys, follows links, and reads the page.
//! 2. [`Server`] and its [`Log`]: the program under test. Tests learn from the log how a [`Call`] ended.
//! 3. [`Browser`]: headless Chromium with an empty profile, and a recorder in every document.
//! 4. [`Session`] and [`Engine`]: a browser of either engine as a process, also for other test crates.
//! 5. [`Caller`] and [`call_records`]: calls to the server without a browser.
//! 6. [`STREAM`] and others: the paths of the methods that the page calls.
//! 7. [`Environment`]: the program and the page under test. `cargo xtask test` builds and sets them.
//!
//! No fixture sleeps for a fixed time. Tests wait for a fact, and fail after [`TIMEOUT`].

mod browser;
mod call_records;
mod caller;
mod driver;
mod engine;
mod environment;
mod log;
mod methods;
mod process_output;
mod server;
mod session;
mod visit;
mod wait;

pub use browser::{BackForwardCache, Browser, Size, Theme};
pub use call_records::call_records;
pub use caller::Caller;
pub use engine::Engine;
pub use environment::Environment;
pub use log::{Call, End, Event, Log};
pub use methods::{FRONTEND, GREETING, GREETINGS, STREAM, USER};
pub use server::Server;
pub use session::Session;
pub use visit::{Card, CardSnapshot, Row, SentRequest, Visit};
pub use wait::TIMEOUT;
