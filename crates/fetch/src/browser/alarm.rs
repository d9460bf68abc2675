//! A deadline on the timers of a page.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::listener::Listener;
use super::scope;
use crate::host::Ring;
use crate::timer::leg_ms;

/// Rings after a time of any length, and whenever the page comes back to view: a hidden tab's timers may be held
/// back for a minute and more, and a suspended computer's for longer. Dropping it silences it.
pub(super) struct Alarm {
    clockwork: Rc<Clockwork>,
    _visible: Listener,
}

struct Clockwork {
    ring: Ring,
    timer: Cell<Option<i32>>,
    callback: OnceCell<Closure<dyn Fn()>>,
}

impl Alarm {
    pub(super) fn set(after: Duration, ring: Ring) -> Self {
        let clockwork = Rc::new(Clockwork { ring, timer: Cell::new(None), callback: OnceCell::new() });
        let rings = || {
            let clockwork = Rc::downgrade(&clockwork);
            move || {
                if let Some(clockwork) = clockwork.upgrade() {
                    clockwork.ring();
                }
            }
        };
        let visible = Listener::new("visibilitychange", rings());
        let _ = clockwork.callback.set(Closure::new(rings()));
        clockwork.wind(after);
        Self { clockwork, _visible: visible }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clockwork.stop();
    }
}

impl Clockwork {
    fn ring(&self) {
        self.stop();
        if let Some(left) = (self.ring)() {
            self.wind(left);
        }
    }

    fn wind(&self, left: Duration) {
        let Some(callback) = self.callback.get() else { return };
        let callback = callback.as_ref().unchecked_ref();
        let timer = scope().set_timeout_with_callback_and_timeout_and_arguments_0(callback, leg_ms(left));
        self.timer.set(timer.ok());
    }

    fn stop(&self) {
        if let Some(timer) = self.timer.take() {
            scope().clear_timeout_with_handle(timer);
        }
    }
}
