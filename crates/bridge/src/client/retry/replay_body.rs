//! A request's body that can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;

use super::MAX_REPLAY_BYTES;
use super::replay_buffer::ReplayBuffer;

/// The body of a request, read once and kept for the attempts to come. Only the latest attempt reads on.
#[derive(Clone)]
pub(super) struct ReplayBody(Arc<Mutex<State>>);

struct State {
    /// `None` once it has ended.
    source: Option<Body>,
    kept: ReplayBuffer,
    /// The number of the latest attempt.
    latest: u32,
}

impl ReplayBody {
    pub(super) fn new(source: Body) -> Self {
        Self(Arc::new(Mutex::new(State {
            source: Some(source),
            kept: ReplayBuffer::up_to(MAX_REPLAY_BYTES),
            latest: 0,
        })))
    }

    /// Returns the body of another attempt, from its start.
    pub(super) fn attempt(&self) -> Body {
        let number = {
            let mut state = self.lock();
            state.latest += 1;
            state.latest
        };
        Body::new(Attempt { replay: self.clone(), number, next: 0 })
    }

    /// Tells whether the body can be sent again.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().kept.is_whole()
    }

    /// Keeps no more of the body: there will be no other attempt.
    pub(super) fn commit(&self) {
        self.lock().kept.stop();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as one attempt sends it.
struct Attempt {
    replay: ReplayBody,
    number: u32,
    /// The kept piece that comes next.
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
            return Poll::Ready(Some(Err(Status::cancelled("another attempt sends this request"))));
        }
        if let Some(piece) = state.kept.pieces().get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        let Some(source) = &mut state.source else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(source).poll_frame(cx));
        match &frame {
            None => state.source = None,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    state.kept.keep(data);
                    self.next = state.kept.pieces().len();
                }
            }
            // A request that breaks off in its maker's hands is not to be tried again.
            Some(Err(_)) => state.kept.stop(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.replay.lock();
        self.next == state.kept.pieces().len() && state.source.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full, StreamBody};

    fn pieces(pieces: &[&'static [u8]]) -> Body {
        let frames: Vec<_> =
            pieces.iter().map(|piece| Ok::<_, Status>(Frame::data(Bytes::from_static(piece)))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn read(body: Body) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn each_attempt_sends_the_whole_body() {
        let replay = ReplayBody::new(pieces(&[b"ab", b"", b"c"]));
        let mut first = replay.attempt();
        assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        drop(first);
        assert_eq!(read(replay.attempt()).await, "abc");
        assert_eq!(read(replay.attempt()).await, "abc");
        assert!(replay.is_whole());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_sent_once() {
        for (bytes, whole) in [(MAX_REPLAY_BYTES, true), (MAX_REPLAY_BYTES + 1, false)] {
            let replay =
                ReplayBody::new(Body::new(Full::from(vec![7; bytes]).map_err(|never| match never {})));
            assert_eq!(read(replay.attempt()).await.len(), bytes);
            assert_eq!(replay.is_whole(), whole, "{bytes}");
        }
    }

    #[tokio::test]
    async fn nothing_is_kept_once_there_will_be_no_other_attempt() {
        let replay = ReplayBody::new(pieces(&[b"ab", b"cd", b"ef"]));
        let mut attempt = replay.attempt();
        attempt.frame().await.unwrap().unwrap();
        replay.commit();
        assert_eq!(read(attempt).await, "cdef");
        assert!(replay.lock().kept.pieces().is_empty());
    }

    #[tokio::test]
    async fn an_attempt_that_was_given_up_reads_no_more() {
        let replay = ReplayBody::new(pieces(&[b"ab"]));
        let mut first = replay.attempt();
        let second = replay.attempt();
        assert!(first.frame().await.unwrap().is_err());
        assert_eq!(read(second).await, "ab");
    }
}
