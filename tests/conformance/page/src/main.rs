//! The client under test, in the browser: calls the suite's server over `drawbridge_fetch::Transport` as any page calls
//! its own.
//!
//! `desk` fetches the cases from the native half and brings the results back, `case` makes a call and tells what it saw,
//! and `words` is between tonic's terms and the suite's.

#[cfg(target_arch = "wasm32")]
mod case;
#[cfg(target_arch = "wasm32")]
mod desk;
#[cfg(target_arch = "wasm32")]
mod words;

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    desk::work();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!(
        "This is a page for the conformance suite. `cargo xtask conformance client` builds it and runs the suite."
    );
}
