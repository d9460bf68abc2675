//! The code in the README and in the book: `cargo test --package drawbridge-docs`.
//!
//! It is a crate of its own because that code uses the library and the browser transport, and no other crate knows both.
//! `tests/pages.rs` holds that no page is left out. `browser` is what runs in a page, which the book includes.

#[cfg(target_arch = "wasm32")]
pub mod browser;

/// Compiles the Rust in a page, as it stands there.
#[cfg(doctest)]
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(#[doc = include_str!($path)] struct $name;)*
    };
}

#[cfg(doctest)]
pages! {
    Readme: "../../../README.md",
    BrowserRust: "../../../docs/src/clients/browser-rust.md",
    Retries: "../../../docs/src/retries.md",
    Library: "../../../docs/src/library.md",
    Axum: "../../../docs/src/library/axum.md",
    Handlers: "../../../docs/src/library/handlers.md",
    Layers: "../../../docs/src/library/layers.md",
    OwnParts: "../../../docs/src/library/own-parts.md",
    ChildCalls: "../../../docs/src/library/child-calls.md",
}
