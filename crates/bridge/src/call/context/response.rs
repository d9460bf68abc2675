//! The response of a call, and the handler behind it.

use std::sync::atomic::{Ordering, fence};
use std::task::Waker;
#[cfg(feature = "console")]
use std::time::Instant;

use drawbridge_core::EndReason;
use http::HeaderMap;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

use super::CallContext;

impl CallContext {
    /// Sets metadata that the caller receives in the trailers, whether the call succeeds or fails. It replaces what was set
    /// before, and counts until the handler, or its response stream, is done. Names that begin with `grpc-` are left out.
    ///
    /// tonic itself sends trailers with an error only.
    pub fn set_trailers(&self, trailers: MetadataMap) {
        self.0.response.set_trailers(trailers);
    }

    /// Adds the metadata that the handler has set to the trailers that it ends with.
    pub(in crate::call) fn add_trailers(&self, to: &mut HeaderMap) {
        self.0.response.add_trailers(to);
    }

    /// Asks to be woken when the call is ended from outside. To be called before looking for an end.
    pub(in crate::call) fn register(&self, waker: &Waker) {
        self.0.response.register(waker);
    }

    /// Counts a message of the response. Only what polls the response calls this.
    pub(in crate::call) fn count_message(&self) {
        self.0.record.messages.store(self.messages() + 1, Ordering::Relaxed);
    }

    /// Hands over the response body of the handler. If the call has ended meanwhile, the body is dropped at once.
    pub(in crate::call) fn put_body(&self, body: Body) {
        self.0.response.put(body);
        self.drop_body_if_ended();
    }

    /// Works on the response body as part of the call, or returns `None` if it has been taken away.
    ///
    /// The call may be ended during `f`, from another thread or by the handler itself; then the body is dropped as
    /// soon as `f` has returned.
    pub(in crate::call) fn with_body<R>(&self, f: impl FnOnce(&mut Body) -> R) -> Option<R> {
        let mut slot = self.0.response.lock();
        let result = slot.as_mut().map(|body| self.scope(|| f(body)));
        drop(slot);
        self.drop_body_if_ended();
        result
    }

    fn drop_body_if_ended(&self) {
        fence(Ordering::SeqCst);
        if self.end_reason().is_some() {
            let body = self.0.response.lock().take();
            self.drop_body(body);
        }
    }

    /// Drops the response body as part of the call, and records that the handler is gone with it.
    pub(super) fn drop_body(&self, body: Option<Body>) {
        if let Some(body) = body {
            self.scope(|| drop(body));
            self.handler_stopped();
        }
    }

    /// Records that the handler and its response stream are gone, unless the call's end says so already.
    pub(crate) fn handler_stopped(&self) {
        if !matches!(self.end_reason(), Some(EndReason::Completed(_))) {
            self.0.record.handler_stopped.record(self.opened());
        }
    }

    /// Returns when the handler was gone, as far as it is known.
    #[cfg(feature = "console")]
    pub(crate) fn handler_stop(&self) -> Option<Instant> {
        let completed = matches!(self.end_reason(), Some(EndReason::Completed(_)));
        let stopped = self.0.record.handler_stopped.get(self.opened());
        stopped.or_else(|| self.ended_at().filter(|_| completed))
    }
}
