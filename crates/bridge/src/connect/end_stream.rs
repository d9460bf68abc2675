//! The response with a stream of messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::Protocol;
use drawbridge_core::connect::ContentType;
use drawbridge_core::headers::GRPC_STATUS;
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::Full;
use tonic::Code;
use tonic::body::Body;
use tower::BoxError;

use super::error::{ConnectError, end_stream_frame};
use super::response_head::{split_trailers, translate};
use crate::web::GrpcWebBody;

/// Makes a gRPC response that of a Connect stream: the trailers become the last frame of the body.
pub(super) fn respond<B>(response: Response<B>, content_type: ContentType) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    let (mut head, body) = response.into_parts();
    if head.headers.contains_key(GRPC_STATUS) {
        let (headers, trailers) = split_trailers(head.headers);
        head.headers = headers;
        translate(&mut head.headers, content_type);
        return Response::from_parts(head, Body::new(Full::from(frame_of(&trailers))));
    }
    translate(&mut head.headers, content_type);
    // There are no trailers any more, so this body joins what is ready at one time, and nothing else.
    Response::from_parts(head, Body::new(GrpcWebBody::new(EndStreamBody::new(body), Protocol::Grpc)))
}

/// Returns the frame that ends a stream with these trailers.
fn frame_of(trailers: &HeaderMap) -> Bytes {
    end_stream_frame(ConnectError::read(trailers).as_ref(), trailers)
}

/// A body whose trailers are its last frame.
struct EndStreamBody<B> {
    inner: B,
    over: bool,
}

impl<B> EndStreamBody<B> {
    fn new(inner: B) -> Self {
        Self { inner, over: false }
    }
}

impl<B> HttpBody for EndStreamBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) => frame_of(&trailers),
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            },
            None => {
                let error = ConnectError::new(Code::Unknown, "the response ended without a status");
                end_stream_frame(Some(&error), &HeaderMap::new())
            }
            // A stream that breaks off has no end.
            Some(Err(error)) => {
                self.over = true;
                return Poll::Ready(Some(Err(error)));
            }
        };
        self.over = true;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use drawbridge_core::connect::Codec;
    use futures_util::stream;
    use http::HeaderValue;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn stream(
        head: &[(&'static str, &'static str)],
        frames: Vec<Result<Frame<Bytes>, String>>,
    ) -> Response<Body> {
        let mut response = Response::new(StreamBody::new(stream::iter(frames)));
        *response.headers_mut() = headers(head);
        respond(response, ContentType { codec: Codec::Proto, is_stream: true })
    }

    fn data(text: &'static [u8]) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(text))
    }

    const MESSAGE: &[u8] = b"\0\0\0\0\x03abc";

    #[tokio::test]
    async fn the_trailers_are_the_last_frame_in_the_same_write() {
        let trailers = headers(&[("grpc-status", "5"), ("x-a", "1")]);
        let mut response =
            stream(&[("grpc-encoding", "gzip")], vec![Ok(data(MESSAGE)), Ok(Frame::trailers(trailers))]);
        assert_eq!(response.headers()["connect-content-encoding"], "gzip");
        let frame = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        let json = br#"{"error":{"code":"not_found"},"metadata":{"x-a":["1"]}}"#;
        assert_eq!(frame, [MESSAGE, b"\x02\0\0\0\x37", json].concat());
        assert!(response.body_mut().frame().await.is_none());
    }

    #[tokio::test]
    async fn a_trailers_only_response_has_one_frame() {
        let response = stream(&[("grpc-status", "0"), ("x-a", "1")], vec![]);
        assert_eq!(response.headers(), &headers(&[("content-type", "application/connect+proto")]));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[5..], br#"{"metadata":{"x-a":["1"]}}"#);
    }

    #[tokio::test]
    async fn a_response_that_breaks_off_has_no_end() {
        let mut body = stream(&[], vec![Ok(data(b"\0\0\0\0\x03a")), Err("broken".to_owned())]).into_body();
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
        let body = stream(&[], vec![Ok(data(MESSAGE))]).into_body().collect().await.unwrap().to_bytes();
        assert!(
            body.ends_with(
                br#"{"error":{"code":"unknown","message":"the response ended without a status"}}"#
            )
        );
    }
}
