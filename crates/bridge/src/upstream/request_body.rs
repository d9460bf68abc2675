//! Sends the messages of a call to its upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;

use crate::client::ReplayBuffer;

/// A first piece of at most this length is sent without asking whether the upstream has room: any stream begins with
/// more.
const SMALL: usize = 16 * 1024;

/// The messages of a call on their way to the upstream: no more of them is taken than it takes.
pub(super) struct RequestBody {
    body: Body,
    /// What has come and was not sent yet.
    pending: Bytes,
    /// What was sent so far.
    sent: ReplayBuffer,
    /// Whether the caller has sent its last message.
    ended: bool,
    /// Whether the upstream was told that.
    over: bool,
    first: bool,
}

/// Why an upload went no further.
pub(super) enum Interrupted {
    /// The upstream wants no more of it: its answer, or its error, says why.
    Unwanted,
    /// What the caller sends cannot be read.
    Unreadable(Status),
}

impl RequestBody {
    /// Sends these messages, and keeps so many bytes of them for a call that may be sent again.
    pub(super) fn new(body: Body, kept: usize) -> Self {
        let ended = body.is_end_stream();
        Self { body, pending: Bytes::new(), sent: ReplayBuffer::up_to(kept), ended, over: false, first: true }
    }

    /// Takes the upload out, for whoever sends the rest of it.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(Body::empty(), 0))
    }

    /// Tells whether everything was handed over.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Tells whether there is nothing to send at all.
    pub(super) fn is_empty(&self) -> bool {
        self.ended && self.sent.is_empty() && self.pending.is_empty()
    }

    /// Notes that the upstream has answered: nothing will have to be sent again.
    pub(super) fn commit(&mut self) {
        self.sent.forget();
    }

    /// Tells whether what was sent is still there, so that it can be sent again.
    pub(super) fn is_whole(&self) -> bool {
        self.sent.is_whole()
    }

    /// Goes back to the start, if what was sent is still there, and tells whether it is.
    pub(super) fn rewind(&mut self) -> bool {
        let Some(sent) = self.sent.take() else { return false };
        let pending = std::mem::take(&mut self.pending);
        self.pending = sent.into_iter().chain([pending]).collect::<Vec<_>>().concat().into();
        self.over = false;
        true
    }

    /// Sends what has come, for as long as there is more and the upstream has room. Resolves when all was handed over.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut SendStream<Bytes>,
    ) -> Poll<Result<(), Interrupted>> {
        loop {
            if self.over {
                return Poll::Ready(Ok(()));
            }
            if !self.pending.is_empty() {
                let room = if self.first && self.pending.len() <= SMALL {
                    self.pending.len()
                } else {
                    ready!(room(stream, self.pending.len(), cx)).ok_or(Interrupted::Unwanted)?
                };
                self.first = false;
                let piece = self.pending.split_to(room.min(self.pending.len()));
                self.sent.keep(&piece);
                self.over = self.ended && self.pending.is_empty();
                stream.send_data(piece, self.over).map_err(|_| Interrupted::Unwanted)?;
                continue;
            }
            if self.ended {
                self.over = true;
                stream.send_data(Bytes::new(), true).map_err(|_| Interrupted::Unwanted)?;
                continue;
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers of a request mean nothing in gRPC.
                    self.pending = frame.into_data().unwrap_or_default();
                    self.ended = self.body.is_end_stream();
                }
                Some(Err(status)) => {
                    // A request that breaks off in its maker's hands is not to be sent again.
                    self.sent.forget();
                    return Poll::Ready(Err(Interrupted::Unreadable(status)));
                }
                None => self.ended = true,
            }
        }
    }
}

/// Waits until the upstream has room, and returns how much, up to `wanted`, or `None` where the stream is closed.
fn room(stream: &mut SendStream<Bytes>, wanted: usize, cx: &mut Context<'_>) -> Poll<Option<usize>> {
    stream.reserve_capacity(wanted);
    loop {
        let room = stream.capacity();
        if room > 0 {
            return Poll::Ready(Some(room));
        }
        if !matches!(ready!(stream.poll_capacity(cx)), Some(Ok(_))) {
            return Poll::Ready(None);
        }
    }
}
