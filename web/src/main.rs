//! The page of Drawbridge: it makes gRPC calls, and cancels them when its user leaves.
//!
//! [`model`] is the state and its rules, without a browser. `page` is the user interface.

mod model;
#[cfg(target_arch = "wasm32")]
mod page;

#[cfg(target_arch = "wasm32")]
fn main() {
    page::mount();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("The page runs in a browser. `cargo xtask run` builds and serves it.");
}
