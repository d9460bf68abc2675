//! Sends the messages of a call to its upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;

/// How much is kept of what was sent, for a call that is refused and so may be sent again.
const KEPT: usize = 64 * 1024;

/// A first piece of at most this length is sent without asking whether the upstream has room: any stream begins with
/// more.
const SMALL: usize = 16 * 1024;

/// The messages of a call on their way to the upstream: no more of them is taken than it takes.
pub(super) struct Upload {
    body: Body,
    /// What has come and was not sent yet.
    pending: Bytes,
    /// What was sent so far, or `None` where that is too much to be kept.
    sent: Option<Vec<Bytes>>,
    /// How much of it.
    kept: usize,
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

impl Upload {
    pub(super) fn new(body: Body) -> Self {
        let ended = body.is_end_stream();
        let (pending, sent) = (Bytes::new(), Some(Vec::new()));
        Self { body, pending, sent, kept: 0, ended, over: false, first: true }
    }

    /// Tells whether everything was handed over.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Tells whether there is nothing to send at all.
    pub(super) fn is_empty(&self) -> bool {
        self.ended && self.kept == 0 && self.pending.is_empty()
    }

    /// Notes that the upstream has answered: nothing will have to be sent again.
    pub(super) fn commit(&mut self) {
        self.sent = None;
    }

    /// Goes back to the start, if what was sent is still there, and tells whether it is.
    pub(super) fn rewind(&mut self) -> bool {
        let Some(sent) = self.sent.take() else { return false };
        let pending = std::mem::take(&mut self.pending);
        self.pending = sent.into_iter().chain([pending]).collect::<Vec<_>>().concat().into();
        (self.sent, self.kept, self.over) = (Some(Vec::new()), 0, false);
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
                self.keep(&piece);
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
                Some(Err(status)) => return Poll::Ready(Err(Interrupted::Unreadable(status))),
                None => self.ended = true,
            }
        }
    }

    fn keep(&mut self, piece: &Bytes) {
        self.kept += piece.len();
        if self.kept > KEPT {
            self.sent = None;
        }
        if let Some(sent) = &mut self.sent {
            sent.push(piece.clone());
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
