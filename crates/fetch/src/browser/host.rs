//! A page as the surroundings of a call.

use std::sync::Arc;
use std::time::Duration;

use send_wrapper::SendWrapper;

use super::alarm::Alarm;
use super::fetch::{self, Chunks, Opening};
use super::listener::Listener;
use super::scope;
use crate::host::{Attempt, Guard, Host, Outgoing, Ring};

/// The page, with the address of the server that it calls.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(super) base: Arc<str>,
}

impl Host for Browser {
    type Opening = Opening;
    type Chunks = Chunks;

    fn now(&self) -> Duration {
        now()
    }

    fn send(&self, request: Outgoing) -> Attempt<Self> {
        match fetch::fetch(&self.base, &request) {
            Ok((opening, abort)) => Attempt { opening, abort },
            Err(failure) => Attempt {
                opening: SendWrapper::new(Box::pin(std::future::ready(Err(failure)))),
                abort: Box::new(|| {}),
            },
        }
    }

    fn alarm(&self, after: Duration, ring: Ring) -> Guard {
        Box::new(SendWrapper::new(Alarm::set(after, ring)))
    }

    fn on_page_left(&self, left: Box<dyn Fn() + Send>) -> Guard {
        Box::new(SendWrapper::new(Listener::new("pagehide", left)))
    }

    fn random(&self) -> f64 {
        js_sys::Math::random()
    }

    fn offline(&self) -> bool {
        !scope().navigator().on_line()
    }
}

/// Reads the page's clock (`performance.now()`): the time since the page was opened. It never goes back, and is the
/// clock of a deadline given to [`CallOptions::with_deadline`](crate::CallOptions::with_deadline).
pub fn now() -> Duration {
    let ms = scope().performance().map_or(0.0, |performance| performance.now());
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default()
}
