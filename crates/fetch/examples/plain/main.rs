//! The transport in a page without a framework: one stream, one deadline, one cancel.
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
    println!("This example is a page. The head of its source tells how to build and serve it.");
}
