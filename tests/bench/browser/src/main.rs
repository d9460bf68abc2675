//! What a call costs in a browser: CPU time of the page's thread, and memory of an open stream, for `drawbridge-fetch`,
//! connect-web and the official grpc-web.
//!
//! Compiled to WASM, it is the page's part for `drawbridge-fetch`: `transport` gives it the interface that
//! `tests/clients/clients.js` gives to the others. Compiled natively, it is the `driver` of the browsers. `cargo xtask
//! bench` builds both.

#[cfg(not(target_arch = "wasm32"))]
mod driver;
#[cfg(target_arch = "wasm32")]
mod transport;

#[cfg(target_arch = "wasm32")]
fn main() -> Result<(), wasm_bindgen::JsValue> {
    console_error_panic_hook::set_once();
    transport::publish()
}

#[cfg(not(target_arch = "wasm32"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    use anyhow::Context as _;

    let url = std::env::args().nth(1).context("expected the URL of the page")?;
    println!("{}", driver::measure(&url).await?);
    Ok(())
}
