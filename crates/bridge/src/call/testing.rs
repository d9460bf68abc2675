//! Calls without a request, for tests.

use std::sync::LazyLock;

use drawbridge_core::Protocol;
use tonic::Status;

use super::calls::Calls;
use super::clock::now;
use super::context::CallContext;
use super::id::CallId;
use super::record::CallFacts;
use super::request_id::RequestId;

impl CallContext {
    /// Opens a call of this method, without a request.
    pub(crate) fn of(calls: &Calls, method: &str) -> Self {
        Self::admitted(calls, method).expect("the list admits the call")
    }

    /// Opens a call of this method, if the list admits it.
    pub(crate) fn admitted(calls: &Calls, method: &str) -> Result<Self, Status> {
        let facts = CallFacts {
            call_id: LazyLock::new(CallId::random),
            request_id: RequestId::of(None),
            parent: None,
            method: method.into(),
            peer: None,
            protocol: Protocol::Grpc,
            requested: None,
            deadline: None,
            max_duration: None,
            previous_attempts: 0,
        };
        let call = Self::open(facts, now(), calls.shard());
        calls.add(&call)?;
        Ok(call)
    }
}
