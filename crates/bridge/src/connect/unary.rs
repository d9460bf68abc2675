//! The response to a unary request.

use bytes::Bytes;
use drawbridge_core::FrameScanner;
use drawbridge_core::connect::ContentType;
use drawbridge_core::frame::{COMPRESSED, FramePrefix, PREFIX_LENGTH};
use drawbridge_core::headers::GRPC_STATUS;
use http::{HeaderMap, Response, header};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, Full};
use tonic::Code;
use tonic::body::Body;
use tower::BoxError;

use super::error::{ConnectError, unary_error_response};
use super::response_head::{add_trailers, translate};

/// Makes a gRPC response that of a unary Connect call. Its head needs the status, which gRPC sends last, so the message is held until
/// then, up to the limit.
pub(super) async fn respond<B>(
    response: Response<B>,
    content_type: ContentType,
    max_bytes: u32,
) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (mut head, body) = response.into_parts();
    let headers = &mut head.headers;
    if headers.contains_key(GRPC_STATUS) {
        let error = ConnectError::read(headers).unwrap_or_else(no_message);
        translate(headers, content_type);
        return unary_error_response(head.headers, &error);
    }
    let encoding = translate(headers, content_type);
    let (message, trailers) = match read(body, max_bytes).await {
        Ok(read) => read,
        Err(error) => return unary_error_response(head.headers, &error),
    };
    let error = ConnectError::read(&trailers);
    add_trailers(headers, &trailers);
    let message = match error {
        Some(error) => Err(error),
        None => message.finish(),
    };
    match message {
        Err(error) => unary_error_response(head.headers, &error),
        Ok((flags, message)) => {
            if flags & COMPRESSED != 0 {
                let Some(encoding) = encoding else {
                    return unary_error_response(head.headers, &unnamed_compression());
                };
                headers.insert(header::CONTENT_ENCODING, encoding);
            }
            Response::from_parts(head, Body::new(Full::from(message)))
        }
    }
}

/// Reads a body to its trailers.
async fn read<B>(mut body: B, max_bytes: u32) -> Result<(OneMessage, HeaderMap), ConnectError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut message = OneMessage::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ConnectError::new(Code::Internal, error.into().to_string()))?;
        match frame.into_data() {
            Ok(data) => message.push(data, max_bytes)?,
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    return Ok((message, trailers));
                }
            }
        }
    }
    Err(ConnectError::new(Code::Unknown, "the response ended without a status"))
}

/// The one message of a response, as it arrives.
#[derive(Default)]
struct OneMessage {
    chunks: Vec<Bytes>,
    scanner: FrameScanner,
    prefix: Option<FramePrefix>,
}

impl OneMessage {
    fn push(&mut self, data: Bytes, max: u32) -> Result<(), ConnectError> {
        let prefix = &mut self.prefix;
        self.scanner.scan(&data, |next| match prefix.replace(next) {
            Some(_) => Err(several_messages()),
            None if next.length > max => Err(too_long(next.length, max)),
            None => Ok(()),
        })?;
        self.chunks.push(data);
        Ok(())
    }

    /// Returns the flags of the message, and the message.
    fn finish(mut self) -> Result<(u8, Bytes), ConnectError> {
        let Some(FramePrefix { flags, .. }) = self.prefix else { return Err(no_message()) };
        let mut whole = match self.chunks.len() {
            1 => self.chunks.remove(0),
            _ => self.chunks.concat().into(),
        };
        Ok((flags, whole.split_off(PREFIX_LENGTH)))
    }
}

#[cold]
fn several_messages() -> ConnectError {
    ConnectError::new(
        Code::Unimplemented,
        "the method streams its response: call it with application/connect+proto or application/connect+json",
    )
}

#[cold]
fn too_long(length: u32, max: u32) -> ConnectError {
    let message = format!("response message of {length} bytes: at most {max} are held for a unary response");
    ConnectError::new(Code::ResourceExhausted, message)
}

#[cold]
fn no_message() -> ConnectError {
    ConnectError::new(Code::Unimplemented, "the response succeeded without a message")
}

#[cold]
fn unnamed_compression() -> ConnectError {
    ConnectError::new(
        Code::Internal,
        "the response has a compressed message and does not name its compression",
    )
}

#[cfg(test)]
mod tests {
    use drawbridge_core::connect::Codec;
    use futures_util::stream;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    /// Responds with these headers, this data, one byte at a time if `split`, and these trailers, or with an error instead of them.
    async fn respond_with(
        head: &[(&'static str, &'static str)],
        data: &[u8],
        trailers: Option<&[(&'static str, &'static str)]>,
    ) -> (u16, HeaderMap, String) {
        let mut all = Vec::new();
        for size in [usize::MAX, 1] {
            let chunks = data.chunks(size).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))));
            let end = match trailers {
                Some(trailers) => Ok(Frame::trailers(headers(trailers))),
                None => Err("broken".to_owned()),
            };
            let frames: Vec<_> = chunks.chain([end]).collect();
            let mut response = Response::new(StreamBody::new(stream::iter(frames)));
            *response.headers_mut() = headers(head);
            let unary = ContentType { codec: Codec::Proto, is_stream: false };
            let (head, body) = respond(response, unary, 100).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            all.push((head.status.as_u16(), head.headers, String::from_utf8_lossy(&body).into_owned()));
        }
        assert_eq!(all[0], all[1]);
        all.remove(0)
    }

    const OK: Option<&[(&str, &str)]> = Some(&[("grpc-status", "0")]);
    const MESSAGE: &[u8] = b"\0\0\0\0\x03abc";

    #[tokio::test]
    async fn a_message_and_its_trailers_are_one_response() {
        let trailers = [("grpc-status", "0"), ("x-b", "2")];
        let response = respond_with(&[("x-a", "1")], MESSAGE, Some(&trailers)).await;
        let head = headers(&[("content-type", "application/proto"), ("x-a", "1"), ("trailer-x-b", "2")]);
        assert_eq!(response, (200, head, "abc".to_owned()));
        assert_eq!(respond_with(&[], b"\0\0\0\0\0", OK).await.2, "");
    }

    #[tokio::test]
    async fn only_a_compressed_message_names_its_compression() {
        let gzip = [("grpc-encoding", "gzip")];
        let (_, head, body) = respond_with(&gzip, b"\x01\0\0\0\x01z", OK).await;
        assert_eq!((&head["content-encoding"], body.as_str()), (&HeaderValue::from_static("gzip"), "z"));
        let (_, head, _) = respond_with(&gzip, MESSAGE, OK).await;
        assert!(!head.contains_key("content-encoding"));
        assert_eq!(respond_with(&[], b"\x01\0\0\0\x01z", OK).await.0, 500);
    }

    #[tokio::test]
    async fn a_failure_is_an_error_whatever_came_before() {
        for (data, trailers, status, part) in [
            (MESSAGE, Some(&[("grpc-status", "5"), ("x-b", "2")][..]), 404, r#"{"code":"not_found"}"#),
            (b"", Some(&[("grpc-status", "4"), ("x-b", "2")]), 504, "deadline_exceeded"),
            (MESSAGE, None, 500, "broken"),
            (b"", OK, 501, "without a message"),
            (&MESSAGE.repeat(2), OK, 501, "streams its response"),
            (b"\0\0\0\0\x65", OK, 429, "101 bytes"),
        ] {
            let (found, head, body) = respond_with(&[("grpc-encoding", "gzip")], data, trailers).await;
            assert!(found == status && body.contains(part), "{found}: {body}");
            assert_eq!(head["content-type"], "application/json");
            assert!(!head.contains_key("content-encoding"));
            let has_trailer = trailers.is_some_and(|trailers| trailers.len() > 1);
            assert_eq!(head.contains_key("trailer-x-b"), has_trailer, "{body}");
        }
    }

    #[tokio::test]
    async fn a_trailers_only_response_is_an_error() {
        let head = [("grpc-status", "16"), ("grpc-message", "no"), ("x-a", "1")];
        let (status, head, body) = respond_with(&head, b"", OK).await;
        assert_eq!((status, body.as_str()), (401, r#"{"code":"unauthenticated","message":"no"}"#));
        assert_eq!(head, headers(&[("content-type", "application/json"), ("x-a", "1")]));
        assert_eq!(respond_with(&[("grpc-status", "0")], b"", OK).await.0, 501);
    }
}
