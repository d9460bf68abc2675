//! Serves the sample services and the page until Ctrl-C:
//! `cargo run -p drawbridge-example-tonic-web -- --assets dist`, after `cargo xtask page` has built the page.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use axum::serve::ListenerExt as _;
use clap::{Parser, ValueEnum};
use drawbridge::CallLayer;
use drawbridge_example_tonic_web::{grpc, with_page};
use tokio::net::TcpListener;

/// Hosts Message and greet.Greeter through tonic-web, with Drawbridge's CALL layer under it.
#[derive(Parser)]
struct Flags {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder of the built page to serve beside the services
    #[arg(long, value_name = "FOLDER")]
    assets: Option<PathBuf>,
    /// Form of the log, which is written to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[tokio::main]
async fn main() -> Result<()> {
    let flags = Flags::parse();
    // The CALL layer logs each call when it opens and when it ends, with its end reason.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    match flags.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }

    let layer = CallLayer::new();
    let calls = layer.calls();
    let mut router = grpc(Duration::from_secs(1), layer);
    if let Some(folder) = &flags.assets {
        router = with_page(router, folder);
    }

    let listener = TcpListener::bind(flags.listen).await?;
    println!("Open http://{} in a browser.", listener.local_addr()?);
    // Messages are small and due at once. Without this, TCP may hold one back until the one before is acknowledged.
    let listener = listener.tap_io(|connection| {
        // A connection that is slower than it could be is better than none.
        let _ = connection.set_nodelay(true);
    });
    let stop = async move {
        // An error means that there is no such signal here; then the program runs until it is killed.
        let _ = tokio::signal::ctrl_c().await;
        // axum waits for open responses, and a stream may have no end.
        calls.abort_all();
    };
    // The layer finds the caller's address, which the log has, in `ConnectInfo`.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    Ok(())
}
