//! The suite's own programs, with the bridge in front of its servers.
//!
//! `server PROGRAM` is a server under test: it starts the suite's server PROGRAM, and a bridge in front of it. `client
//! PROGRAM` is a client under test: it has the suite's client PROGRAM make each call, through a bridge in front of the
//! server that the call is for. Either speaks for PROGRAM to the runner.

mod bridge;
mod client;
mod server;

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server", program] => server::run(program).await,
        ["client", program] => client::run(program).await,
        _ => bail!("expected `server PROGRAM` or `client PROGRAM`"),
    }
}

/// Starts a program of the suite, to be told and to tell.
fn start(program: &str) -> Result<Child> {
    Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}
