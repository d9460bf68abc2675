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

/// The library's status message for a host name that is not allowed.
const REFUSED_HOST: &str = "this server does not answer to this host name";

/// The library's status message for a call to the console that only a token could open.
const NO_CONSOLE_TOKEN: &str =
    "start the server with a console token and send that in the header x-drawbridge-token";

/// The hints that were given. Cloning it gives another handle to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints(Arc<Given>);

#[derive(Debug, Default)]
struct Given {
    allow_host: AtomicBool,
    expose: AtomicBool,
    console_token: AtomicBool,
}

impl Hints {
    /// Logs a hint if the response is the first refusal of its kind.
    pub(crate) fn observe<B: Body>(&self, response: &Response<B>) {
        if response.status() == StatusCode::MISDIRECTED_REQUEST {
            self.on_refused_host();
        } else if response.body().is_end_stream() && response.headers().contains_key(GRPC_STATUS) {
            // Only a response without messages has its status in the head.
            self.on_status(response.headers());
        }
    }

    fn on_status(&self, headers: &HeaderMap) {
        let Some(status) = Status::from_header_map(headers) else { return };
        match status.code() {
            Code::PermissionDenied if status.message() == REFUSED_HOST => self.on_refused_host(),
            Code::Unimplemented if status.message().ends_with(NOT_EXPOSED) && is_first(&self.0.expose) => {
                tracing::info!(
                    "administrative services are not forwarded to the catch-all upstream; --expose PATTERN forwards \
                     them, such as --expose 'grpc.reflection.*'"
                );
            }
            Code::PermissionDenied
                if status.message().ends_with(NO_CONSOLE_TOKEN) && is_first(&self.0.console_token) =>
            {
                tracing::info!(
                    "the console answers only clients of this machine that come through no proxy; \
                     --console-token-file FILE opens it to those that send the token"
                );
            }
            _ => {}
        }
    }

    fn on_refused_host(&self) {
        if is_first(&self.0.allow_host) {
            tracing::warn!(
                "on a loopback address only loopback names are accepted; --allow-host NAME accepts another host name"
            );
        }
    }
}

fn is_first(given: &AtomicBool) -> bool {
    !given.load(Ordering::Relaxed) && !given.swap(true, Ordering::Relaxed)
}
