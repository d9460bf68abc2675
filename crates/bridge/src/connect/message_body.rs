//! The body of a unary request, as gRPC has it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use drawbridge_core::frame::{COMPRESSED, PREFIX_LENGTH};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// The longest piece of a message that is copied behind its prefix. A longer one is passed on by itself.
const MAX_COPIED: usize = 4 * 1024;

/// A body that is one message. It becomes one frame of gRPC.
///
/// If the length of the body is known, the message flows: its prefix goes first. Otherwise all of it is held, up to the limit.
pub(super) struct MessageBody {
    body: Body,
    /// Whether the message is compressed. An empty one is not.
    is_compressed: bool,
    max_message_bytes: u32,
    state: State,
}

enum State {
    /// Nothing was passed on, and the message will have this length.
    Known(u32),
    /// The length is not known. What has come is held.
    Held(BytesMut),
    /// The prefix was passed on, and this piece has not been.
    Begun {
        next: Bytes,
        left: u64,
    },
    Over,
}

impl MessageBody {
    pub(super) fn new(body: Body, is_compressed: bool, max_message_bytes: u32) -> Self {
        let state = match body.size_hint().exact() {
            Some(length) => State::Known(u32::try_from(length).unwrap_or(u32::MAX)),
            None => State::Held(BytesMut::new()),
        };
        Self { body, is_compressed, max_message_bytes, state }
    }

    fn prefix(&self, length: u32, capacity: usize) -> BytesMut {
        let mut prefix = BytesMut::with_capacity(PREFIX_LENGTH + capacity);
        prefix.put_u8(if self.is_compressed && length > 0 { COMPRESSED } else { 0 });
        prefix.put_u32(length);
        prefix
    }

    /// Returns the next data of the body, `None` at its end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // HTTP's trailers mean nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => Some(Ok(data)),
                    _ => continue,
                },
                Some(Err(status)) => Some(Err(status)),
                None => None,
            });
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        match &mut self.state {
            State::Over => Poll::Ready(None),
            State::Known(length) => {
                let length = *length;
                self.poll_known(cx, length)
            }
            State::Held(held) => {
                let held = std::mem::take(held);
                self.poll_held(cx, held)
            }
            State::Begun { next, left } => {
                let (next, left) = (std::mem::take(next), *left);
                if next.is_empty() {
                    return self.poll_rest(cx, left);
                }
                self.state = self.begun(Bytes::new(), left);
                Poll::Ready(Some(Ok(next)))
            }
        }
    }

    /// Reads the first data of a message of this length.
    fn poll_known(&mut self, cx: &mut Context<'_>, length: u32) -> Poll<Option<Result<Bytes, Status>>> {
        if length > self.max_message_bytes {
            return self.fail(too_long(u64::from(length), self.max_message_bytes));
        }
        match ready!(self.poll_data(cx)) {
            Some(Ok(data)) => self.begin(length, data),
            Some(Err(status)) => self.fail(status),
            None => self.begin(length, Bytes::new()),
        }
    }

    /// Reads what follows these bytes of a body whose length is not known.
    fn poll_held(&mut self, cx: &mut Context<'_>, mut held: BytesMut) -> Poll<Option<Result<Bytes, Status>>> {
        loop {
            match self.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    let length = held.len() + data.len();
                    if length > self.max_message_bytes as usize {
                        return self.fail(too_long(length as u64, self.max_message_bytes));
                    }
                    held.extend_from_slice(&data);
                }
                Poll::Ready(Some(Err(status))) => return self.fail(status),
                Poll::Ready(None) => {
                    // It is within the limit, which is a u32.
                    let length = u32::try_from(held.len()).unwrap_or(u32::MAX);
                    return self.begin(length, held.freeze());
                }
                Poll::Pending => {
                    self.state = State::Held(held);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Reads the data of a message of which this much is left.
    fn poll_rest(&mut self, cx: &mut Context<'_>, left: u64) -> Poll<Option<Result<Bytes, Status>>> {
        match ready!(self.poll_data(cx)) {
            Some(Ok(data)) => match left.checked_sub(data.len() as u64) {
                Some(left) => {
                    self.state = self.begun(Bytes::new(), left);
                    Poll::Ready(Some(Ok(data)))
                }
                None => self.fail(longer_than_announced()),
            },
            Some(Err(status)) => self.fail(status),
            None => {
                self.state = State::Over;
                Poll::Ready(None)
            }
        }
    }

    /// Passes the prefix on, and the first data with it if it is short.
    fn begin(&mut self, length: u32, data: Bytes) -> Poll<Option<Result<Bytes, Status>>> {
        let Some(left) = u64::from(length).checked_sub(data.len() as u64) else {
            return self.fail(longer_than_announced());
        };
        if data.len() <= MAX_COPIED {
            let mut frame = self.prefix(length, data.len());
            frame.put_slice(&data);
            self.state = self.begun(Bytes::new(), left);
            return Poll::Ready(Some(Ok(frame.freeze())));
        }
        let prefix = self.prefix(length, 0).freeze();
        self.state = self.begun(data, left);
        Poll::Ready(Some(Ok(prefix)))
    }

    /// Returns the state behind the prefix.
    fn begun(&self, next: Bytes, left: u64) -> State {
        let over = next.is_empty() && left == 0 && self.body.is_end_stream();
        if over { State::Over } else { State::Begun { next, left } }
    }

    fn fail(&mut self, status: Status) -> Poll<Option<Result<Bytes, Status>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(status)))
    }
}

#[cold]
fn too_long(length: u64, max: u32) -> Status {
    Status::resource_exhausted(format!("message of {length} bytes or more: at most {max} are accepted"))
}

#[cold]
fn longer_than_announced() -> Status {
    Status::internal("the request has more bytes than its content-length says")
}

impl HttpBody for MessageBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.poll_next(cx).map(|next| next.map(|result| result.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Known(length) => SizeHint::with_exact(u64::from(*length) + PREFIX_LENGTH as u64),
            State::Over => SizeHint::with_exact(0),
            State::Held(_) | State::Begun { .. } => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tonic::Code;

    use super::*;

    /// A body of unknown length. It is pending once before each of its pieces.
    fn chunked(pieces: Vec<Vec<u8>>) -> Body {
        let pieces = stream::iter(pieces).then(|piece| async {
            tokio::task::yield_now().await;
            Ok::<_, Status>(Frame::data(Bytes::from(piece)))
        });
        Body::new(StreamBody::new(Box::pin(pieces)))
    }

    /// A body that announces another length than it has.
    struct Announced(Option<Bytes>, u64);

    impl HttpBody for Announced {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    async fn read(body: Body, is_compressed: bool, max: u32) -> Result<Vec<Vec<u8>>, Status> {
        let mut body = MessageBody::new(body, is_compressed, max);
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame?.into_data().unwrap().to_vec());
        }
        assert!(body.is_end_stream());
        Ok(frames)
    }

    #[tokio::test]
    async fn a_short_message_is_one_frame_that_ends_the_body() {
        let mut body = MessageBody::new(Body::new(Full::from("abc")), false, 3);
        assert_eq!(body.size_hint().exact(), Some(8));
        assert!(!body.is_end_stream());
        let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "\0\0\0\0\x03abc");
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn a_message_is_whole_whether_its_length_is_known_or_not() {
        for length in [0, 1, 4096, 4097, 70_000] {
            let message = vec![b'm'; length];
            let mut expected = vec![u8::from(length > 0)];
            expected.extend(u32::try_from(length).unwrap().to_be_bytes());
            expected.extend(&message);
            let pieces = message.chunks(1_000).map(<[u8]>::to_vec).collect();
            for body in [Body::new(Full::from(message.clone())), chunked(pieces)] {
                assert_eq!(read(body, true, 70_000).await.unwrap().concat(), expected, "{length}");
            }
        }
        assert_eq!(read(Body::empty(), true, 10).await.unwrap(), [b"\0\0\0\0\0"]);
    }

    #[tokio::test]
    async fn a_long_message_is_not_copied() {
        let message = Bytes::from(vec![b'm'; 70_000]);
        let mut body = MessageBody::new(Body::new(Full::from(message.clone())), false, 70_000);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PREFIX_LENGTH);
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data.as_ptr(), message.as_ptr());
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_resource_exhausted() {
        let pieces = vec![vec![b'm'; 6]; 2];
        for body in [Body::new(Full::from("0123456789a")), chunked(pieces)] {
            let status = read(body, false, 10).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert!(status.message().contains("10"), "{}", status.message());
        }
    }

    #[tokio::test]
    async fn bytes_beyond_the_announced_length_are_an_error() {
        let status = read(Body::new(Announced(Some("abc".into()), 2)), false, 10).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        // A body that is too short ends inside of its message, which the rules for messages find.
        assert_eq!(
            read(Body::new(Announced(Some("a".into()), 2)), false, 10).await.unwrap(),
            [b"\0\0\0\0\x02a"]
        );
    }
}
