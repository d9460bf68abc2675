//! A stream of messages as events ([server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html)).

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use drawbridge_core::headers::GRPC_RETRY_PUSHBACK_MS;
use http::HeaderMap;
use tonic::Code;

use super::error::{ConnectError, end_stream_json};
use super::lines::push_on_one_line;
use super::text_stream::WriteText;

/// The id of the last event. A client that comes back with it has read everything.
pub(super) const LAST_ID: &str = "end";

/// After how many milliseconds a client calls again, if the server does not say.
const RETRY_MS: u64 = 1_000;

/// Writes an event for each message, which is counted by its id, and an event `end` with the status and the trailers.
///
/// `EventSource` calls again after each end, whatever it was. If the call may succeed then, the end has no id, so that the client comes
/// back with that of the last message. Otherwise its id is [`LAST_ID`], with which the client is told to stop.
pub(super) struct Events {
    /// The id of the last message.
    id: u64,
}

impl Events {
    /// Counts on from the id of the last event that the client has read.
    pub(super) fn after(last_event_id: Option<&str>) -> Self {
        Self { id: last_event_id.and_then(|id| id.parse().ok()).unwrap_or(0) }
    }
}

impl WriteText for Events {
    const KEEP_ALIVE: Option<(&'static str, Duration)> = Some((":\n\n", Duration::from_secs(15)));

    fn message(&mut self, to: &mut BytesMut, json: &[u8]) {
        self.id = self.id.saturating_add(1);
        to.put_slice(b"id: ");
        to.put_slice(itoa::Buffer::new().format(self.id).as_bytes());
        to.put_slice(b"\ndata: ");
        push_on_one_line(to, json);
        to.put_slice(b"\n\n");
    }

    fn end(&mut self, to: &mut BytesMut, error: Option<&ConnectError>, trailers: &HeaderMap) {
        to.put_slice(b"event: end\n");
        if error.is_some_and(|error| error.code() == Code::Unavailable) {
            let pushback =
                trailers.get(GRPC_RETRY_PUSHBACK_MS).and_then(|value| value.to_str().ok()?.parse().ok());
            to.put_slice(b"retry: ");
            to.put_slice(itoa::Buffer::new().format(pushback.unwrap_or(RETRY_MS)).as_bytes());
        } else {
            to.put_slice(b"id: ");
            to.put_slice(LAST_ID.as_bytes());
        }
        to.put_slice(b"\ndata: ");
        to.put_slice(end_stream_json(error, trailers).as_bytes());
        to.put_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use drawbridge_core::status::trailers_of;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body::{Body as _, Frame};
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Status;

    use super::*;
    use crate::connect::text_stream::TextStream;

    fn end(status: &Status, metadata: &[(&'static str, &'static str)]) -> String {
        let mut trailers = trailers_of(status);
        for (name, value) in metadata {
            trailers.insert(*name, value.parse().unwrap());
        }
        let mut to = BytesMut::new();
        Events::after(None).end(&mut to, ConnectError::read(&trailers).as_ref(), &trailers);
        String::from_utf8(to.to_vec()).unwrap()
    }

    #[test]
    fn messages_are_counted_on_from_the_last_id() {
        for (last, ids) in [(None, [1, 2]), (Some("7"), [8, 9]), (Some("x"), [1, 2]), (Some("-1"), [1, 2])] {
            let (mut events, mut to) = (Events::after(last), BytesMut::new());
            events.message(&mut to, b"{}");
            events.message(&mut to, b"[\r\n1]");
            assert_eq!(to, format!("id: {}\ndata: {{}}\n\nid: {}\ndata: [  1]\n\n", ids[0], ids[1]));
        }
    }

    #[test]
    fn an_end_tells_the_client_to_stop_unless_the_call_may_succeed_later() {
        assert_eq!(end(&Status::ok(""), &[]), "event: end\nid: end\ndata: {}\n\n");
        assert_eq!(
            end(&Status::not_found("x\ny"), &[("x-a", "1")]),
            "event: end\nid: end\ndata: {\"error\":{\"code\":\"not_found\",\"message\":\"x\\ny\"},\"metadata\":{\"x-a\":[\"1\"]}}\n\n"
        );
        let unavailable = end(&Status::unavailable(""), &[]);
        assert!(unavailable.starts_with("event: end\nretry: 1000\ndata: "), "{unavailable}");
        let unavailable = end(&Status::unavailable(""), &[("grpc-retry-pushback-ms", "70")]);
        assert!(unavailable.starts_with("event: end\nretry: 70\ndata: "), "{unavailable}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments() {
        let message = |()| Ok::<_, Status>(Frame::data(Bytes::from_static(b"\0\0\0\0\x02{}")));
        let first = stream::once(async { tokio::time::sleep(Duration::from_secs(20)).await });
        let frames = first.map(message).chain(stream::pending());
        let mut body = TextStream::new(StreamBody::new(Box::pin(frames)), Events::after(None), 10);
        assert!(body.frame().now_or_never().is_none());
        let start = tokio::time::Instant::now();
        for (seconds, expected) in [(15, ":\n\n"), (20, "id: 1\ndata: {}\n\n"), (35, ":\n\n"), (50, ":\n\n")]
        {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), expected);
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        assert!(!body.is_end_stream());
    }
}
