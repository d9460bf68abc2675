//! A stream of messages as one array of JSON.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as HttpBody;
use http_body_util::BodyExt as _;
use tonic::Code;
use tower::BoxError;

use super::error::ConnectError;
use super::messages::Messages;

/// Reads a stream to its end, and returns its messages as an array of at most `max_bytes` bytes, with the trailers.
///
/// # Errors
///
/// Returns the error of the call, with the trailers that it came in.
pub(super) async fn collect<B>(
    mut body: B,
    max_bytes: u32,
) -> Result<(Bytes, HeaderMap), (ConnectError, HeaderMap)>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut messages = Messages::new(max_bytes);
    let mut array = BytesMut::from(&b"["[..]);
    let failed = |error: ConnectError| (error, HeaderMap::new());
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| failed(ConnectError::new(Code::Internal, error.into().to_string())))?;
        match frame.into_data() {
            Ok(data) => {
                messages.push(&data);
                while let Some(message) = messages.next().map_err(failed)? {
                    push(&mut array, &message, max_bytes).map_err(failed)?;
                }
            }
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                if let Some(error) = ConnectError::read(&trailers) {
                    return Err((error, trailers));
                }
                array.put_u8(b']');
                return Ok((array.freeze(), trailers));
            }
        }
    }
    Err(failed(ConnectError::new(Code::Unknown, "the response ended without a status")))
}

fn push(array: &mut BytesMut, message: &[u8], max_bytes: u32) -> Result<(), ConnectError> {
    if array.len() + message.len() > max_bytes as usize {
        let message = format!(
            "the array has more than {max_bytes} bytes: accept application/x-ndjson or text/event-stream for a stream of any length"
        );
        return Err(ConnectError::new(Code::ResourceExhausted, message));
    }
    if array.len() > 1 {
        array.put_u8(b',');
    }
    array.put_slice(message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use drawbridge_core::status::trailers_of;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tonic::Status;

    use super::*;

    async fn array(data: &'static [u8], status: Status) -> Result<Bytes, String> {
        let frames = [
            Ok::<_, Status>(Frame::data(Bytes::from_static(data))),
            Ok(Frame::trailers(trailers_of(&status))),
        ];
        let collected = collect(StreamBody::new(stream::iter(frames)), 10).await;
        collected.map(|(array, _)| array).map_err(|(error, _)| error.to_json())
    }

    #[tokio::test]
    async fn an_array_has_all_messages_or_is_an_error() {
        assert_eq!(array(b"\0\0\0\0\x02{}\0\0\0\0\x011", Status::ok("")).await.unwrap(), "[{},1]");
        assert_eq!(array(b"", Status::ok("")).await.unwrap(), "[]");
        assert!(array(b"\0\0\0\0\x02{}", Status::aborted("")).await.unwrap_err().contains("aborted"));
        let long = b"\0\0\0\0\x05[1,1]\0\0\0\0\x05[1,1]";
        assert!(array(long, Status::ok("")).await.unwrap_err().contains("resource_exhausted"));
    }
}
