//! The bridge under test, between the suite's own clients and servers.
//!
//! `server PROGRAM` acts as a server under test: it starts the suite's server PROGRAM and a bridge in front of it. `client
//! PROGRAM` acts as a client under test: it starts the suite's client PROGRAM, and redirects each call to a bridge in front of
//! the call's server. Both talk to the runner in place of PROGRAM.

mod bridge;
mod client;
mod program;
mod server;

use anyhow::{Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server", program] => server::run(program).await,
        ["client", program] => client::run(program).await,
        _ => bail!("expected `server PROGRAM` or `client PROGRAM`"),
    }
}
