//! A stream of messages as lines of JSON (`application/x-ndjson`).

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use http::HeaderMap;

use super::error::ConnectError;
use super::text_stream::WriteText;

/// Writes a line for each message, and one more for an error.
pub(super) struct Lines;

impl WriteText for Lines {
    const KEEP_ALIVE: Option<(&'static str, Duration)> = None;

    fn message(&mut self, to: &mut BytesMut, json: &[u8]) {
        push_on_one_line(to, json);
        to.put_u8(b'\n');
    }

    fn end(&mut self, to: &mut BytesMut, error: Option<&ConnectError>, _: &HeaderMap) {
        if let Some(error) = error {
            to.put_slice(b"{\"error\":");
            to.put_slice(error.to_json().as_bytes());
            to.put_slice(b"}\n");
        }
    }
}

/// Appends JSON without line breaks. JSON has them only between its tokens.
pub(super) fn push_on_one_line(to: &mut BytesMut, json: &[u8]) {
    for (index, line) in json.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        if index > 0 {
            to.put_u8(b' ');
        }
        to.put_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::connect::text_stream::TextStream;
    use drawbridge_core::status::trailers_of;
    use tonic::Status;

    async fn lines(data: &'static [u8], status: Status) -> Vec<Bytes> {
        let frames = [
            Ok::<_, Status>(Frame::data(Bytes::from_static(data))),
            Ok(Frame::trailers(trailers_of(&status))),
        ];
        let mut body = TextStream::new(StreamBody::new(stream::iter(frames)), Lines, 10);
        let mut written = Vec::new();
        while let Some(frame) = body.frame().await {
            written.push(frame.unwrap().into_data().unwrap());
        }
        written
    }

    const TWO: &[u8] = b"\0\0\0\0\x02{}\0\0\0\0\x04[\n1]";

    #[tokio::test]
    async fn each_message_is_a_line_and_an_error_too() {
        assert_eq!(lines(TWO, Status::ok("")).await, ["{}\n[ 1]\n"]);
        let error = "{\"error\":{\"code\":\"aborted\",\"message\":\"no\"}}\n";
        assert_eq!(lines(TWO, Status::aborted("no")).await, ["{}\n[ 1]\n", error]);
        assert_eq!(lines(b"", Status::aborted("no")).await, [error]);
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_an_error_behind_those_before_it() {
        let written = lines(b"\0\0\0\0\x02{}\0\0\0\0\x0b", Status::ok("")).await;
        let [line] = &written[..] else { panic!("{written:?}") };
        assert!(line.starts_with(b"{}\n{\"error\":{\"code\":\"resource_exhausted\""), "{line:?}");
    }
}
