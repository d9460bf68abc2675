//! What the end-to-end tests stand on: a real server, a real browser, and somebody who visits the page with it.
//!
//! Read in this order:
//!
//! 1. [`Visit`]: what a test talks to. It opens the page, presses keys, follows links, and reads what the page shows.
//! 2. [`Server`] and its [`Log`]: the program under test. Its log is the judge of what became of a [`Call`].
//! 3. [`Browser`]: headless Chromium with an empty profile, and what it witnessed inside of the page.
//! 4. [`Session`] and [`Engine`]: a browser of either kind as a process, with which other tests may do what they want.
//! 5. [`Caller`] and [`records`]: who calls the server, and asks it, past the page.
//! 6. [`Environment`]: where the parts come from. `cargo xtask test` builds and names them.
//!
//! Nothing in here sleeps and hopes. Tests wait for a fact; [`PATIENCE`] only bounds the wait for one that never comes.

mod browser;
mod console;
mod crowd;
mod driver;
mod engine;
mod environment;
mod log;
mod output;
mod patience;
mod server;
mod session;
mod visit;

pub use browser::{BackForwardCache, Browser, Size, Theme};
pub use console::records;
pub use crowd::Caller;
pub use engine::Engine;
pub use environment::Environment;
pub use log::{Call, End, Event, Log};
pub use patience::PATIENCE;
pub use server::Server;
pub use session::Session;
pub use visit::{Card, Glimpse, Row, Sent, Visit};

/// The path of `message.proto`'s stream, as the server's log names it.
pub const STREAM: &str = "/Message/Stream";

/// The path of the greeter's single greeting, as the server's log names it.
pub const GREETING: &str = "/greet.Greeter/SayHello";

/// The path of the frontend's lookup, as the server's log names it.
pub const FRONTEND: &str = "/frontend.FrontendService/GetUser";

/// The path of the user service's lookup, as the server's log names it.
pub const USER: &str = "/user.UserService/GetUser";

/// The path of the greeter's stream, as the server's log names it.
pub const GREETINGS: &str = "/greet.Greeter/SayHellos";
