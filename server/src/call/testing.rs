//! Calls without a request, for tests.

use super::context::{CallContext, Facts, now};
use super::id::CallId;
use super::registry::Calls;
use super::request_id::RequestId;
use crate::front::content_type::FrontProtocol;

impl CallContext {
    /// Opens a call of this method that nobody made.
    pub(crate) fn of(calls: &Calls, method: &str) -> Self {
        let facts = Facts {
            call_id: std::sync::LazyLock::new(CallId::random),
            request_id: RequestId::of(None),
            parent: None,
            method: method.into(),
            peer: None,
            protocol: FrontProtocol::Grpc,
            asked: None,
            deadline: None,
            previous_attempts: 0,
        };
        let call = Self::open(facts, now(), calls);
        assert!(calls.add(call.clone()).is_ok(), "the list takes the call");
        call
    }
}
