//! Sends the body of a request to an upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;

use crate::body::MessageRules;
use crate::client::ReplayBuffer;

/// A first chunk of at most this many bytes is sent without a reservation of capacity. The initial window of a stream is
/// larger.
const UNRESERVED_BYTES: usize = 16 * 1024;

/// The body of a request on its way to an upstream. No more of it is read than the upstream's flow control window allows.
pub(super) struct RequestBody {
    body: Body,
    /// What was read and not sent yet.
    pending: Bytes,
    /// What was sent so far.
    replay: ReplayBuffer,
    /// Whether the caller has sent all of the body.
    has_ended: bool,
    /// Whether `END_STREAM` was sent.
    finished: bool,
    is_first_chunk: bool,
    rules: MessageRules,
}

/// Why the rest of a body is not sent.
pub(super) enum SendError {
    /// The upstream reset the stream, or the connection failed.
    StreamClosed,
    /// The caller broke its request off.
    Broken(Status),
    /// The request breaks a rule, and its call ends with this status.
    Refused(Status),
}

impl RequestBody {
    /// Creates the body of a request of which up to `replay_bytes` bytes are buffered, so that it can be sent again. Its
    /// messages have at most `max_message_bytes` bytes.
    pub(super) fn new(body: Body, replay_bytes: usize, max_message_bytes: u32) -> Self {
        let has_ended = body.is_end_stream();
        Self {
            body,
            pending: Bytes::new(),
            replay: ReplayBuffer::new(replay_bytes),
            has_ended,
            finished: false,
            is_first_chunk: true,
            rules: MessageRules::new(max_message_bytes),
        }
    }

    /// Takes the body out, and leaves an empty one.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(Body::empty(), 0, 0))
    }

    /// Returns whether all of the body was sent.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns whether the request has no body, so that its headers carry `END_STREAM`.
    pub(super) fn is_empty(&self) -> bool {
        self.has_ended && self.replay.is_empty() && self.pending.is_empty()
    }

    /// Drops the replay buffer: the upstream has responded, so the request is not sent again.
    pub(super) fn commit(&mut self) {
        self.replay.discard();
    }

    /// Returns whether the body can be sent again.
    pub(super) fn can_rewind(&self) -> bool {
        self.replay.can_replay()
    }

    /// Goes back to the start of the body, if it can be sent again. Returns whether it can.
    pub(super) fn rewind(&mut self) -> bool {
        let Some(sent) = self.replay.take() else { return false };
        let pending = std::mem::take(&mut self.pending);
        self.pending = sent.into_iter().chain([pending]).collect::<Vec<_>>().concat().into();
        self.finished = false;
        true
    }

    /// Checks what was read, before any of it is sent. A request that breaks a rule is not sent again.
    fn check(&mut self, data: &[u8]) -> Result<(), Status> {
        let result = self.rules.on_data(data);
        let result = if self.has_ended { result.and_then(|()| self.rules.on_end()) } else { result };
        result.inspect_err(|_| self.replay.discard())
    }

    /// Sends what the caller sends, as far as the flow control window allows. Resolves when all of the body was sent.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut SendStream<Bytes>,
    ) -> Poll<Result<(), SendError>> {
        loop {
            if self.finished {
                return Poll::Ready(Ok(()));
            }
            if !self.pending.is_empty() {
                let capacity = if self.is_first_chunk && self.pending.len() <= UNRESERVED_BYTES {
                    self.pending.len()
                } else {
                    ready!(poll_capacity(stream, self.pending.len(), cx)).ok_or(SendError::StreamClosed)?
                };
                self.is_first_chunk = false;
                let chunk = self.pending.split_to(capacity.min(self.pending.len()));
                self.replay.push(&chunk);
                self.finished = self.has_ended && self.pending.is_empty();
                stream.send_data(chunk, self.finished).map_err(|_| SendError::StreamClosed)?;
                continue;
            }
            if self.has_ended {
                self.finished = true;
                stream.send_data(Bytes::new(), true).map_err(|_| SendError::StreamClosed)?;
                continue;
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // gRPC gives no meaning to the trailers of a request, so they are dropped.
                    let data = frame.into_data().unwrap_or_default();
                    self.has_ended = self.body.is_end_stream();
                    self.check(&data).map_err(SendError::Refused)?;
                    self.pending = data;
                }
                Some(Err(status)) => {
                    // A request that its caller breaks off is not sent again.
                    self.replay.discard();
                    return Poll::Ready(Err(SendError::Broken(status)));
                }
                None => {
                    self.has_ended = true;
                    self.check(&[]).map_err(SendError::Refused)?;
                }
            }
        }
    }
}

/// Waits for flow control capacity, and returns how much there is, up to `wanted` bytes. Returns `None` if the stream is
/// closed.
fn poll_capacity(stream: &mut SendStream<Bytes>, wanted: usize, cx: &mut Context<'_>) -> Poll<Option<usize>> {
    stream.reserve_capacity(wanted);
    loop {
        let capacity = stream.capacity();
        if capacity > 0 {
            return Poll::Ready(Some(capacity));
        }
        if !matches!(ready!(stream.poll_capacity(cx)), Some(Ok(_))) {
            return Poll::Ready(None);
        }
    }
}
