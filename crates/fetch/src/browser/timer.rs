//! Timers of a page.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::global::global;
use super::listener::Listener;
use crate::delay::delay_ms;
use crate::platform::TimerCallback;

/// A timer of any length. It also calls back whenever the page becomes visible: browsers delay the timers of a hidden tab
/// by a minute and more, and those of a suspended computer for as long as it sleeps. Dropping it stops it.
pub(super) struct Timer {
    state: Rc<State>,
    _visible: Listener,
}

struct State {
    callback: TimerCallback,
    timeout_id: Cell<Option<i32>>,
    on_timeout: OnceCell<Closure<dyn Fn()>>,
}

impl Timer {
    pub(super) fn set(after: Duration, callback: TimerCallback) -> Self {
        let state = Rc::new(State { callback, timeout_id: Cell::new(None), on_timeout: OnceCell::new() });
        let expire = || {
            let state = Rc::downgrade(&state);
            move || {
                if let Some(state) = state.upgrade() {
                    state.expire();
                }
            }
        };
        let visible = Listener::new("visibilitychange", expire());
        let _ = state.on_timeout.set(Closure::new(expire()));
        state.start(after);
        Self { state, _visible: visible }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.state.stop();
    }
}

impl State {
    fn expire(&self) {
        self.stop();
        if let Some(left) = (self.callback)() {
            self.start(left);
        }
    }

    fn start(&self, left: Duration) {
        let Some(on_timeout) = self.on_timeout.get() else { return };
        let on_timeout = on_timeout.as_ref().unchecked_ref();
        let id = global().set_timeout_with_callback_and_timeout_and_arguments_0(on_timeout, delay_ms(left));
        self.timeout_id.set(id.ok());
    }

    fn stop(&self) {
        if let Some(id) = self.timeout_id.take() {
            global().clear_timeout_with_handle(id);
        }
    }
}
