//! A request body that can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;

use super::replay_buffer::{MAX_REPLAY_BYTES, ReplayBuffer};

/// The body of a request. It is read once, and buffered for further attempts. Only the latest attempt reads it.
#[derive(Clone)]
pub(super) struct ReplayBody(Arc<Mutex<State>>);

struct State {
    /// `None` once it has ended.
    source: Option<Body>,
    buffer: ReplayBuffer,
    /// The number of the latest attempt.
    latest: u32,
}

impl ReplayBody {
    pub(super) fn new(source: Body) -> Self {
        Self(Arc::new(Mutex::new(State {
            source: Some(source),
            buffer: ReplayBuffer::new(MAX_REPLAY_BYTES),
            latest: 0,
        })))
    }

    /// Returns the body of another attempt, from the start.
    pub(super) fn attempt(&self) -> Body {
        let number = {
            let mut state = self.lock();
            state.latest += 1;
            state.latest
        };
        Body::new(Attempt { replay: self.clone(), number, next: 0 })
    }

    /// Returns whether the body can be sent again.
    pub(super) fn can_replay(&self) -> bool {
        self.lock().buffer.can_replay()
    }

    /// Stops buffering: there will be no other attempt.
    pub(super) fn commit(&self) {
        self.lock().buffer.stop();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as one attempt sends it.
struct Attempt {
    replay: ReplayBody,
    number: u32,
    /// The index of the next buffered chunk.
    next: usize,
}

impl HttpBody for Attempt {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let replay = self.replay.clone();
        let mut state = replay.lock();
        if self.number != state.latest {
            return Poll::Ready(Some(Err(Status::cancelled("the request is sent by a later attempt"))));
        }
        if let Some(chunk) = state.buffer.chunks().get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(chunk.clone()))));
        }
        let Some(source) = &mut state.source else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(source).poll_frame(cx));
        match &frame {
            None => state.source = None,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    state.buffer.push(data);
                    self.next = state.buffer.chunks().len();
                }
            }
            // The client failed to produce its request, which another attempt would not change.
            Some(Err(_)) => state.buffer.stop(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.replay.lock();
        self.next == state.buffer.chunks().len() && state.source.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full, StreamBody};

    fn body_of(chunks: &[&'static [u8]]) -> Body {
        let frames: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, Status>(Frame::data(Bytes::from_static(chunk)))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn read(body: Body) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn each_attempt_sends_the_whole_body() {
        let replay = ReplayBody::new(body_of(&[b"ab", b"", b"c"]));
        let mut first = replay.attempt();
        assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        drop(first);
        assert_eq!(read(replay.attempt()).await, "abc");
        assert_eq!(read(replay.attempt()).await, "abc");
        assert!(replay.can_replay());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_sent_once() {
        for (bytes, can_replay) in [(MAX_REPLAY_BYTES, true), (MAX_REPLAY_BYTES + 1, false)] {
            let replay =
                ReplayBody::new(Body::new(Full::from(vec![7; bytes]).map_err(|never| match never {})));
            assert_eq!(read(replay.attempt()).await.len(), bytes);
            assert_eq!(replay.can_replay(), can_replay, "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_committed_body_is_not_buffered() {
        let replay = ReplayBody::new(body_of(&[b"ab", b"cd", b"ef"]));
        let mut attempt = replay.attempt();
        attempt.frame().await.unwrap().unwrap();
        replay.commit();
        assert_eq!(read(attempt).await, "cdef");
        assert!(replay.lock().buffer.chunks().is_empty());
    }

    #[tokio::test]
    async fn only_the_latest_attempt_reads_the_body() {
        let replay = ReplayBody::new(body_of(&[b"ab"]));
        let mut first = replay.attempt();
        let second = replay.attempt();
        assert!(first.frame().await.unwrap().is_err());
        assert_eq!(read(second).await, "ab");
    }
}
