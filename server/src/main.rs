//! The program: reads its command line, listens, and runs the library until it is told to stop.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser as _;
use clap::error::ErrorKind;
use drawbridge_gateway::Config;
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Small pieces of memory come and go with each call, which this allocator is quicker at than most systems' own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let config = Config::parse();
    if let Err(error) = drawbridge_gateway::init_logging(&config.log, config.log_format) {
        let words =
            format!("cannot read --log {:?}: {error}; try info, or info,drawbridge=debug", config.log);
        drawbridge_gateway::command().error(ErrorKind::ValueValidation, words).exit();
    }
    match runtime(&config).and_then(|runtime| runtime.block_on(start(&config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("drawbridge: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread does everything, unless more are asked for: calls cost least where nothing is handed from one thread to
/// another, and what is read at once is written at once.
fn runtime(config: &Config) -> anyhow::Result<Runtime> {
    let mut builder = match config.threads {
        1 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads.into());
            builder
        }
    };
    builder.enable_all().build().map_err(|error| anyhow!("cannot start: {error}"))
}

async fn start(config: &Config) -> anyhow::Result<()> {
    let listener = listen(config).await?;
    let address = listener.local_addr()?;
    let scheme = config.scheme();
    let prepared = drawbridge_gateway::prepare(config, &listener).await?;
    let shutdown = shutdown_signal()?;
    // Said only now that connections are taken; whoever waits for this line may call at once.
    let mut out = io::stdout();
    let told = writeln!(out, "Drawbridge is listening on {scheme}://{address} (Ctrl-C stops it)")
        .and_then(|()| out.flush());
    if let Err(error) = told {
        tracing::debug!(%error, "nobody reads standard output");
    }
    prepared.serve(listener, shutdown).await;
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.listen;
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!("{address} is in use; name another address with --listen, such as --listen 127.0.0.1:0 for any free port"),
        _ => anyhow!("cannot listen on {address}: {error}; name another address with --listen"),
    })
}

/// Resolves at the first Ctrl-C or SIGTERM. The second ends the process at once. Both are listened for from now on, and not
/// only when somebody waits: what comes in between would end the process, and every call with it.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind, name| signal(kind).map_err(|error| anyhow!("cannot listen for {name}: {error}"));
        (listen(SignalKind::interrupt(), "Ctrl-C")?, listen(SignalKind::terminate(), "SIGTERM")?)
    };
    #[cfg(windows)]
    let mut interrupt =
        tokio::signal::windows::ctrl_c().map_err(|error| anyhow!("cannot listen for Ctrl-C: {error}"))?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminated => {}
        }
        tracing::info!("stopping; Ctrl-C again stops at once");
        tokio::spawn(async move {
            if interrupt.recv().await.is_some() {
                std::process::exit(130);
            }
        });
    })
}
