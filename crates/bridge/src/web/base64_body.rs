//! Decodes requests in gRPC-Web's text form.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;

/// The length of a group of base64.
const GROUP: usize = 4;

/// A request body, decoded from base64.
///
/// A client may encode its body in pieces, so padding may be anywhere and not only at the end of the body ([gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)).
pub(crate) struct Base64Body {
    body: Body,
    /// The bytes of an incomplete group.
    pending: BytesMut,
}

impl Base64Body {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, pending: BytesMut::new() }
    }
}

impl HttpBody for Base64Body {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, pending } = &mut *self;
        loop {
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(text) = frame.into_data() else { continue };
                    pending.extend_from_slice(&text);
                    let whole = pending.len() / GROUP * GROUP;
                    if whole > 0 {
                        let decoded = decode(&pending.split_to(whole));
                        return Poll::Ready(Some(decoded.map(|bytes| Frame::data(bytes.into()))));
                    }
                }
                None if !pending.is_empty() => {
                    pending.clear();
                    return Poll::Ready(Some(Err(malformed())));
                }
                end => return Poll::Ready(end),
            }
        }
    }
}

/// Decodes complete groups, any of which may be padded.
fn decode(text: &[u8]) -> Result<Vec<u8>, Status> {
    STANDARD.decode(text).or_else(|_| {
        let mut bytes = Vec::with_capacity(text.len());
        for group in text.chunks(GROUP) {
            STANDARD.decode_vec(group, &mut bytes).map_err(|_| malformed())?;
        }
        Ok(bytes)
    })
}

fn malformed() -> Status {
    Status::internal("the request body is not base64, as application/grpc-web-text requires")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, StreamBody};

    async fn read(chunks: impl IntoIterator<Item = &[u8]>) -> Result<Vec<u8>, Status> {
        let chunks: Vec<_> = chunks
            .into_iter()
            .map(|chunk| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        let body = Body::new(StreamBody::new(futures_util::stream::iter(chunks)));
        Base64Body::new(body).collect().await.map(|body| body.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn padding_may_be_inside_of_the_body_at_any_chunk_boundary() {
        let pieces = [&b"a"[..], b"bc", b"def", b"", b"ghij"];
        let text: String = pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
        for split in 0..=text.len() {
            let (one, other) = text.as_bytes().split_at(split);
            assert_eq!(read([one, other]).await.unwrap(), b"abcdefghij", "split at {split}");
        }
        assert_eq!(read(text.as_bytes().chunks(1)).await.unwrap(), b"abcdefghij");
    }

    #[tokio::test]
    async fn invalid_base64_is_internal() {
        for text in [&b"!!!!"[..], b"AAA", b"AA=A", b"====", b"AAAAA"] {
            assert_eq!(read([text]).await.unwrap_err().code(), tonic::Code::Internal, "{text:?}");
        }
    }

    /// Splits bytes into chunks of these sizes, and the rest.
    fn split<'a>(mut bytes: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, rest) = bytes.split_at(bytes.len().min(usize::from(*size)));
            chunks.push(chunk);
            bytes = rest;
        }
        chunks.push(bytes);
        chunks
    }

    /// Reads a body that never waits.
    fn read_now(chunks: Vec<&[u8]>) -> Option<Vec<u8>> {
        futures_util::FutureExt::now_or_never(read(chunks)).expect("all chunks are there").ok()
    }

    #[test]
    fn fuzz_pieces_in_any_chunks_are_decoded() {
        let check = bolero::check!().with_type::<(Vec<Vec<u8>>, Vec<u8>)>();
        check.with_iterations(5_000).for_each(|(pieces, sizes)| {
            let text: String = pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
            assert_eq!(read_now(split(text.as_bytes(), sizes)), Some(pieces.concat()));
        });
    }

    #[test]
    fn fuzz_any_text_is_the_same_in_any_chunks() {
        let check = bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>();
        check.with_iterations(10_000).for_each(|(bytes, sizes)| {
            // Mostly of the alphabet, with padding.
            let pick = |byte: &u8| b"AAQgw/+=".get(usize::from(byte / 28)).copied().unwrap_or(*byte);
            let text: Vec<u8> = bytes.iter().map(pick).collect();
            let whole = read_now(vec![&text]);
            assert_eq!(read_now(split(&text, sizes)), whole);
            assert!(whole.is_none_or(|whole| whole.len() <= text.len() / GROUP * 3));
        });
    }
}
