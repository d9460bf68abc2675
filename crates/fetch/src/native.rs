//! The platform where there is no browser. It makes no calls.

use std::future::{Ready, ready};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::Empty;
use http::Response;
use tonic::{Code, Status};

use crate::cause::Cause;
use crate::platform::{
    FetchError, InFlight, OutgoingRequest, PageEvent, Platform, Registration, TimerCallback,
};

/// Stands for the browser where there is none.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    #[expect(dead_code, reason = "shown by Debug only")]
    pub(crate) base: Arc<str>,
}

impl Platform for Browser {
    type ResponseFuture = Ready<Result<Response<Self::Chunks>, FetchError>>;
    type Chunks = Empty<Result<Bytes, FetchError>>;

    fn check_available(&self) -> Result<(), Status> {
        let message =
            "drawbridge-fetch makes calls in browsers only (wasm32): use tonic::transport::Channel elsewhere";
        Err(Cause::NotInBrowser.status(Code::Unimplemented, message))
    }

    fn now(&self) -> Duration {
        now()
    }

    fn send(&self, _: OutgoingRequest) -> InFlight<Self> {
        let error = FetchError("there is no browser".to_owned());
        InFlight { response: ready(Err(error)), abort: Box::new(|| {}) }
    }

    fn set_timer(&self, _: Duration, _: TimerCallback) -> Registration {
        Box::new(())
    }

    fn on_page_left(&self, _: Box<dyn Fn() + Send>) -> Registration {
        Box::new(())
    }

    fn on_page_event(&self, _: Box<dyn Fn(PageEvent) + Send>) -> Registration {
        Box::new(())
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn is_offline(&self) -> bool {
        false
    }

    fn is_hidden(&self) -> bool {
        false
    }
}

/// Reads the clock of [`CallOptions::with_deadline`](crate::CallOptions::with_deadline) and of traces: in a browser the
/// time since the page was opened (`performance.now()`), elsewhere the time since this was first called. It is monotonic.
pub fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use drawbridge_proto::greet::HelloRequest;
    use drawbridge_proto::greet::greeter_client::GreeterClient;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::Transport;

    #[test]
    fn a_call_outside_of_a_browser_is_unimplemented() {
        let mut client = GreeterClient::new(Transport::new(""));
        let status = client.say_hello(HelloRequest::default()).now_or_never().unwrap().unwrap_err();
        assert_eq!((status.code(), Cause::of(&status)), (Code::Unimplemented, Some(Cause::NotInBrowser)));
    }
}
