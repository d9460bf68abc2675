//! A page or a worker as the platform of calls.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use js_sys::Reflect;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast as _;
use web_sys::Document;

use super::fetch::{self, Chunks, ResponseFuture};
use super::global::global;
use super::listener::Listener;
use super::timer::Timer;
use crate::platform::{InFlight, OutgoingRequest, PageEvent, Platform, Registration, TimerCallback};

/// The browser, with the URL of the server that is called.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) base: Arc<str>,
}

impl Platform for Browser {
    type ResponseFuture = ResponseFuture;
    type Chunks = Chunks;

    fn now(&self) -> Duration {
        now()
    }

    fn send(&self, request: OutgoingRequest) -> InFlight<Self> {
        match fetch::fetch(&self.base, &request) {
            Ok((response, abort)) => InFlight { response, abort },
            Err(error) => InFlight {
                response: SendWrapper::new(Box::pin(std::future::ready(Err(error)))),
                abort: Box::new(|| {}),
            },
        }
    }

    fn set_timer(&self, after: Duration, callback: TimerCallback) -> Registration {
        Box::new(SendWrapper::new(Timer::set(after, callback)))
    }

    fn on_page_left(&self, callback: Box<dyn Fn() + Send>) -> Registration {
        Box::new(SendWrapper::new(Listener::new("pagehide", callback)))
    }

    fn on_page_event(&self, callback: Box<dyn Fn(PageEvent) + Send>) -> Registration {
        let callback = Rc::new(callback);
        let listeners = [
            ("pagehide", PageEvent::Left),
            ("pageshow", PageEvent::Shown),
            ("visibilitychange", PageEvent::Changed),
            ("online", PageEvent::Changed),
            ("offline", PageEvent::Changed),
        ]
        .map(|(name, event)| {
            let callback = Rc::clone(&callback);
            Listener::new(name, move || callback(event))
        });
        Box::new(SendWrapper::new(listeners))
    }

    fn random(&self) -> f64 {
        js_sys::Math::random()
    }

    fn is_offline(&self) -> bool {
        !global().navigator().on_line()
    }

    /// A worker has no document, and is never hidden.
    fn is_hidden(&self) -> bool {
        let document = Reflect::get(&global(), &"document".into());
        document.is_ok_and(|document| document.is_object() && document.unchecked_ref::<Document>().hidden())
    }
}

/// Reads the clock of [`CallOptions::with_deadline`](crate::CallOptions::with_deadline) and of traces: in a browser the
/// time since the page was opened (`performance.now()`), elsewhere the time since this was first called. It is monotonic.
pub fn now() -> Duration {
    let ms = global().performance().map_or(0.0, |performance| performance.now());
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default()
}
