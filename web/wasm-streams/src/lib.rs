//! The part of the crate `wasm-streams` that Leptos' server functions name.
//!
//! The real crate exports three classes to JavaScript, and what is exported is in the program whether it is called or not. The
//! page has no server functions, so nothing here is called, and the page without it is 5 kB smaller.

use futures_util::Stream;
use wasm_bindgen::JsValue;

/// A stream of JavaScript that is neither read nor written.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    /// Wraps a stream.
    pub fn from_raw(stream: web_sys::ReadableStream) -> Self {
        Self(stream)
    }

    /// Returns the wrapped stream.
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// Would make a stream of JavaScript of a Rust stream.
    ///
    /// # Panics
    ///
    /// Always: it is for server functions with a streamed request.
    pub fn from_stream(_: impl Stream<Item = Result<JsValue, JsValue>> + 'static) -> Self {
        unimplemented!("the page has no server functions")
    }

    /// Would make a Rust stream of a stream of JavaScript.
    ///
    /// # Panics
    ///
    /// Always: it is for server functions with a streamed response.
    pub fn into_stream(self) -> impl Stream<Item = Result<JsValue, JsValue>> + 'static {
        futures_util::stream::poll_fn(|_| unimplemented!("the page has no server functions"))
    }
}
