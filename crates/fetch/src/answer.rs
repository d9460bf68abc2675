//! What an attempt was answered with, before it is the answer of the call.

use std::future::poll_fn;

use http::response::Parts;
use http::{HeaderMap, Response};
use tonic::Status;

use crate::body::Body;
use crate::host::Host;
use crate::lifeline::Lifeline;
use crate::reader::Reader;

/// The answer to one attempt: its head, and what reads its body.
pub(crate) struct Answer<H: Host> {
    head: Parts,
    /// None where all of the answer is in its head.
    reader: Option<Reader<H>>,
}

impl<H: Host> Answer<H> {
    /// Takes an answer whose head holds the status, and whose body counts for nothing.
    pub(crate) fn all_in(head: Parts) -> Self {
        Self { head, reader: None }
    }

    pub(crate) fn new(head: Parts, reader: Reader<H>) -> Self {
        Self { head, reader: Some(reader) }
    }

    /// Reads on until it is known whether the answer begins with a message.
    ///
    /// # Errors
    ///
    /// When the answer breaks before it has a message or a status, and when the call ends.
    pub(crate) async fn read_ahead(&mut self, life: &Lifeline<H>) -> Result<(), Status> {
        match &mut self.reader {
            Some(reader) => poll_fn(|cx| reader.poll_ahead(life, cx)).await,
            None => Ok(()),
        }
    }

    /// Returns where the server's verdict stands, if no message has begun before it.
    pub(crate) fn verdict(&self) -> Option<&HeaderMap> {
        match &self.reader {
            Some(reader) => reader.verdict(),
            None => Some(&self.head.headers),
        }
    }

    /// Makes of it what tonic reads. Where all is in the head, what may still come is let go with the lifeline.
    pub(crate) fn into_response(self, life: Lifeline<H>) -> Response<Body<H>> {
        let body = if let Some(reader) = self.reader {
            Body::new(life, reader)
        } else {
            life.note_end_in(&self.head.headers);
            Body::empty()
        };
        Response::from_parts(self.head, body)
    }
}
