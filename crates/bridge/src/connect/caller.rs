//! What the response to a call needs of its request.

use drawbridge_core::Protocol;
use drawbridge_core::connect::ContentType;
use http::header::HeaderMap;

use super::accept::{Accepted, StreamForm};
use crate::method_kinds::MethodKind;

/// The header in which an `EventSource` says how far it has read.
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// How the caller of a method has called it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) content_type: ContentType,
    /// How a client of JSON alone gets a stream. Clients of Connect call streams with a content type of their own.
    pub(super) accepted: Option<Accepted>,
    pub(super) last_event_id: Option<String>,
    /// The kind of the method by the descriptors of the bridge.
    pub(super) kind: Option<MethodKind>,
    pub(super) by_get: bool,
    pub(super) is_head: bool,
}

impl Caller {
    /// Reads what the head of a request says, once its protocol is known.
    pub(super) fn set_protocol(&mut self, protocol: Protocol, headers: &HeaderMap) {
        if protocol == Protocol::Json {
            self.accepted = Some(Accepted::read(headers));
            let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
            self.last_event_id = last.map(str::to_owned);
        }
    }

    /// Returns the form of the response if it is a stream for a client of JSON alone. `kind` is that of the method, as the callee knows
    /// it. If nobody knows it, it is a stream if the client accepts a form that only streams have.
    pub(super) fn stream_form(&self, kind: Option<MethodKind>) -> Option<StreamForm> {
        let Accepted { form, names_stream } = self.accepted?;
        let streams = kind.or(self.kind).map_or(names_stream, |kind| kind.streams_responses);
        streams.then_some(form)
    }
}
