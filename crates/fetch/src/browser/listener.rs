//! Event listeners.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::global::global;

/// Listens for an event of the global scope until it is dropped.
pub(super) struct Listener {
    event: &'static str,
    callback: Closure<dyn Fn()>,
}

impl Listener {
    pub(super) fn new(event: &'static str, callback: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn Fn()>::new(callback);
        // Adding a function as a listener does not fail.
        let _ = global().add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
        Self { event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ =
            global().remove_event_listener_with_callback(self.event, self.callback.as_ref().unchecked_ref());
    }
}
