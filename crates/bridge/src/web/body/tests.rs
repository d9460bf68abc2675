use std::collections::VecDeque;

use futures_util::task::noop_waker;
use http::HeaderValue;
use tonic::Status;

use super::*;
use crate::body::{MAX_COALESCED, MAX_COPIED};

/// A body of which each poll is set beforehand; `None` is a poll that finds nothing ready.
struct Script(VecDeque<Option<Frame<Bytes>>>);

impl HttpBody for Script {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(Some(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(None) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a step of a script")]
fn data(text: impl Into<Vec<u8>>) -> Option<Frame<Bytes>> {
    Some(Frame::data(Bytes::from(text.into())))
}

#[expect(clippy::unnecessary_wraps, reason = "a step of a script")]
fn trailers() -> Option<Frame<Bytes>> {
    let mut trailers = HeaderMap::new();
    for (name, value) in [("grpc-status", "0"), ("x-shelf", "7"), ("x-shelf", "8")] {
        trailers.append(name, HeaderValue::from_static(value));
    }
    Some(Frame::trailers(trailers))
}

const FRAME: &str = "\u{80}\0\0\0\u{25}grpc-status:0\r\nx-shelf:7\r\nx-shelf:8\r\n";

/// Polls to the end: pieces as they went out, `-` for a poll that found nothing ready, `T` for trailers proper.
fn polled(protocol: Protocol, script: impl IntoIterator<Item = Option<Frame<Bytes>>>) -> (Vec<String>, bool) {
    let mut body = GrpcWebBody::new(Script(script.into_iter().collect()), protocol);
    let waker = noop_waker();
    let mut cx = Context::from_waker(&waker);
    let mut seen = Vec::new();
    loop {
        seen.push(match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Pending => "-".to_owned(),
            Poll::Ready(None) => break,
            Poll::Ready(Some(frame)) => match frame.unwrap().into_data() {
                Ok(piece) => piece.iter().map(|byte| char::from(*byte)).collect(),
                Err(_) => "T".to_owned(),
            },
        });
    }
    (seen, body.is_end_stream())
}

#[test]
fn what_is_ready_goes_out_together_with_the_trailers() {
    let (seen, over) = polled(Protocol::GrpcWeb, [data("one"), data("two"), trailers()]);
    assert_eq!((seen, over), (vec![format!("onetwo{FRAME}")], true));
}

#[test]
fn nothing_is_held_back_for_what_is_not_ready() {
    let script = [data("one"), None, data("two"), data("three"), None, None, trailers()];
    let (seen, _) = polled(Protocol::GrpcWeb, script);
    assert_eq!(seen, ["one", "twothree", "-", FRAME]);
}

#[test]
fn in_grpc_proper_trailers_stay_trailers() {
    let (seen, over) = polled(Protocol::Grpc, [data("one"), data("two"), trailers()]);
    assert_eq!((seen, over), (vec!["onetwo".to_owned(), "T".to_owned()], true));
}

#[test]
fn large_pieces_are_not_copied_and_keep_their_order() {
    let large = "x".repeat(MAX_COPIED + 1);
    let script = [data("one"), data(large.clone()), data(large.clone()), data("two"), trailers()];
    let (seen, _) = polled(Protocol::GrpcWeb, script);
    assert_eq!(seen, ["one".to_owned(), large.clone(), large, format!("two{FRAME}")]);
}

#[test]
fn a_stream_that_is_always_ready_goes_out_in_bounded_pieces() {
    let script = (0..100).map(|_| data("x".repeat(1000)));
    let (seen, _) = polled(Protocol::GrpcWeb, script);
    assert!(seen.iter().all(|piece| piece.len() <= MAX_COALESCED));
    assert_eq!(seen.concat().len(), 100_000);
}

#[test]
fn text_is_base64_of_each_piece() {
    let (seen, _) = polled(Protocol::GrpcWebText, [data("one"), None, data("fo"), data("ur")]);
    assert_eq!(seen, [STANDARD.encode("one"), STANDARD.encode("four")]);
}

#[test]
fn a_body_that_is_over_from_the_start_says_so() {
    let (seen, over) = polled(Protocol::GrpcWeb, []);
    assert!(seen.is_empty() && over);
    assert!(GrpcWebBody::new(tonic::body::Body::empty(), Protocol::GrpcWeb).is_end_stream());
}
