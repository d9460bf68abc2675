//! The program: reads its command line, listens, and serves until it is stopped.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::error::ErrorKind;
use drawbridge::ThreadListeners;
use drawbridge_gateway::{Config, LogError, Server};
use mimalloc::MiMalloc;
use tokio::runtime::{Builder, Runtime};

use self::signals::Signals;

mod signals;

/// Each call makes many small allocations, at which this allocator is faster than most systems' own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let config = Config::read();
    // The last lines are written when it is dropped.
    let _log = match drawbridge_gateway::init_logging(&config.log) {
        Ok(guard) => guard,
        Err(LogError::Filter(error)) => {
            let message = format!(
                "invalid value {:?} for --log: {error}; for example --log info,drawbridge=debug",
                config.log.log
            );
            drawbridge_gateway::command().error(ErrorKind::ValueValidation, message).exit();
        }
        Err(error) => return fail(&error.into()),
    };
    match runtime().and_then(|runtime| runtime.block_on(start(&config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Says why the program ends. Standard error may be closed.
fn fail(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "drawbridge: {error}");
    ExitCode::FAILURE
}

/// Creates the runtime of the main thread, which handles signals. Other threads serve calls.
fn runtime() -> anyhow::Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| anyhow!("cannot start the runtime: {error}"))
}

async fn start(config: &Config) -> anyhow::Result<()> {
    // Before anything that takes time: process 1 of a container has no default handlers.
    let signals = Signals::new()?;
    let listeners = listen(config.listening.listen, config.calls.threads())?;
    let by_default = drawbridge_gateway::raise_open_files_limit();
    let listeners = listeners.with_max_connections(config.listening.max_connections.unwrap_or(by_default));
    let address = listeners.local_addr();
    let server = Server::new(config, address).await?;
    let shutdown = signals.shutdown(server.lifecycle(), server.tls(), server.console_token());
    // Printed once connections are accepted: a script that waits for this line can call at once.
    let mut out = io::stdout();
    let scheme = config.scheme();
    let printed = writeln!(out, "Drawbridge is listening on {scheme}://{address} (Ctrl-C stops it)")
        .and_then(|()| out.flush());
    if let Err(error) = printed {
        tracing::debug!(%error, "cannot write to standard output");
    }
    drawbridge_gateway::log_start(config, address);
    server.serve_on_threads(listeners, shutdown).await.map_err(|error| {
        anyhow!("cannot start the threads that serve calls: {error}; set fewer with --threads")
    })
}

fn listen(address: SocketAddr, threads: usize) -> anyhow::Result<ThreadListeners> {
    ThreadListeners::bind(address, threads).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "{address} is in use; choose another address with --listen, such as --listen 127.0.0.1:0 for a free port"
        ),
        _ => anyhow!("cannot listen on {address}: {error}; choose another address with --listen"),
    })
}
