//! Log lines for the operator that name the flag to change, the first time that a request is refused for its setting.
//!
//! The library refuses such requests, and knows nothing of the program's flags.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use drawbridge_core::headers::GRPC_STATUS;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use tonic::{Code, Status};

/// The end of the library's status message for an administrative service that is not exposed.
const NOT_EXPOSED: &str = "which this server does not expose";

/// The hints that were given. Cloning it gives another handle to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints(Arc<Given>);

#[derive(Debug, Default)]
struct Given {
    allow_host: AtomicBool,
    expose: AtomicBool,
}

impl Hints {
    /// Logs a hint if the response is the first refusal of its kind.
    pub(crate) fn observe<B: Body>(&self, response: &Response<B>) {
        if response.status() == StatusCode::MISDIRECTED_REQUEST {
            if is_first(&self.0.allow_host) {
                tracing::warn!(
                    "on a loopback address only loopback names are accepted; --allow-host NAME accepts another host name"
                );
            }
        } else if response.body().is_end_stream()
            // Only a response without messages has its status in the head.
            && is_not_exposed(response.headers()) && is_first(&self.0.expose)
        {
            tracing::info!(
                "administrative services are not forwarded to the catch-all upstream; --expose PATTERN forwards them, \
                 such as --expose 'grpc.reflection.*'"
            );
        }
    }
}

/// Returns whether the head of a response says that its service is not exposed.
fn is_not_exposed(headers: &HeaderMap) -> bool {
    headers.contains_key(GRPC_STATUS)
        && Status::from_header_map(headers).is_some_and(|status| {
            status.code() == Code::Unimplemented && status.message().ends_with(NOT_EXPOSED)
        })
}

fn is_first(given: &AtomicBool) -> bool {
    !given.load(Ordering::Relaxed) && !given.swap(true, Ordering::Relaxed)
}
