//! The client under test, in the browser: calls the suite's server with `drawbridge_fetch::Transport`.
//!
//! `cases` fetches cases from the native part and posts their results, `case` runs one case, `error` converts a status, and
//! `window` finds the window.

#[cfg(target_arch = "wasm32")]
mod case;
#[cfg(target_arch = "wasm32")]
mod cases;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod window;

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    cases::run_all();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!(
        "This program is a web page for the conformance suite. `cargo xtask conformance client` builds it and runs the suite."
    );
}
