//! A page without a framework that uses the transport: a stream, a deadline, and a cancel button.
//!
//! ```sh
//! cargo build -p drawbridge-fetch --example plain --target wasm32-unknown-unknown
//! wasm-bindgen --target web --no-typescript --out-dir target/plain \
//!     target/wasm32-unknown-unknown/debug/examples/plain.wasm
//! cp crates/fetch/examples/plain/index.html target/plain/
//! cargo run -p drawbridge -- --assets target/plain
//! ```

#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
fn main() {
    if let Err(error) = page::start() {
        wasm_bindgen::throw_val(error);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    println!(
        "This example runs in a browser. The comment at the top of its source says how to build and serve it."
    );
}
