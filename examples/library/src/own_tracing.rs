//! Tracing of your own: a span around each request, and a log line and a metric for each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use drawbridge::{Bridge, CallContext};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::Level;

use crate::greeter::MyGreeter;

/// Metrics of calls. A real program would have histograms by method and code.
#[derive(Debug, Default)]
pub struct Metrics {
    ended: AtomicU64,
    failed: AtomicU64,
}

impl Metrics {
    /// Returns how many calls have ended, and how many of them failed.
    pub fn read(&self) -> (u64, u64) {
        (self.ended.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    fn record(&self, call: &CallContext) {
        // A hook runs after the end, so there is a reason.
        let Some(end) = call.end_reason() else { return };
        self.ended.fetch_add(1, Ordering::Relaxed);
        if end.code() != tonic::Code::Ok {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        tracing::info!(
            method = call.method(),
            end = %end,
            code = ?end.code(),
            messages = call.messages(),
            elapsed = ?call.elapsed(),
            "served a call"
        );
    }
}

/// Hosts a service with the program's own span around each request. The bridge's `call` span is inside of it, and the events
/// of a handler are inside of both, so an OpenTelemetry layer sees one trace.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Bridge::new()
        .add_service(GreeterServer::new(MyGreeter::default()))
        // Two lines for each call are replaced by the one of the hook. The span stays.
        .log_calls(false)
        .on_call_end(move |call| metrics.record(call))
        .into_router()
        .layer(TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO)))
}
