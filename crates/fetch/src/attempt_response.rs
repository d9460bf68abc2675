//! The response to one attempt, which may or may not become the response of the call.

use std::future::poll_fn;

use http::response::Parts;
use http::{HeaderMap, Response};
use tonic::Status;

use crate::body_reader::BodyReader;
use crate::call_body::CallBody;
use crate::guard::CallGuard;
use crate::platform::Platform;

/// The response to one attempt: its head, and the reader of its body.
pub(crate) struct AttemptResponse<P: Platform> {
    head: Parts,
    /// `None` if the status is in the head.
    reader: Option<BodyReader<P>>,
}

impl<P: Platform> AttemptResponse<P> {
    /// Creates a response that has its status in its head. Its body is not read.
    pub(crate) fn trailers_only(head: Parts) -> Self {
        Self { head, reader: None }
    }

    pub(crate) fn new(head: Parts, reader: BodyReader<P>) -> Self {
        Self { head, reader: Some(reader) }
    }

    /// Reads until the first message begins or the status has arrived.
    ///
    /// # Errors
    ///
    /// Returns a status if the response fails before that, or the call ends.
    pub(crate) async fn read_first(&mut self, guard: &CallGuard<P>) -> Result<(), Status> {
        match &mut self.reader {
            Some(reader) => poll_fn(|cx| reader.poll_first(guard, cx)).await,
            None => Ok(()),
        }
    }

    /// Returns the headers or trailers with the status, if it has arrived before a message.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        match &self.reader {
            Some(reader) => reader.trailers(),
            None => Some(&self.head.headers),
        }
    }

    /// Makes this the response of the call. If its status is in its head, the body is aborted with the guard.
    pub(crate) fn into_response(self, guard: CallGuard<P>) -> Response<CallBody<P>> {
        let body = if let Some(reader) = self.reader {
            CallBody::new(guard, reader)
        } else {
            guard.trace_end_in(&self.head.headers);
            CallBody::empty()
        };
        Response::from_parts(self.head, body)
    }
}
