//! Serves the router until Ctrl-C: `cargo run -p drawbridge-example-axum`.

use anyhow::Result;
use drawbridge::ConnectionOptions;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let (router, calls) = drawbridge_example_axum::router("http://127.0.0.1:50051")?;
    let stop = async {
        // Without a signal to wait for, the program is ended from outside.
        let _ = tokio::signal::ctrl_c().await;
    };
    drawbridge::serve(listener, router, calls, ConnectionOptions::default(), stop).await;
    Ok(())
}
