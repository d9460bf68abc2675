//! The page of Drawbridge: it opens gRPC streams, and leaving it ends them, all the way down.
//!
//! [`model`] is what the page thinks, without browser, and is tested natively. `page` is what it shows.

mod model;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
fn main() {
    page::show();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("The page runs in a browser. `cargo xtask run` builds and serves it.");
}
