//! Streams for clients of JSON alone: lines, events and arrays. The upstream reads JSON itself, so that nothing is translated.

use bytes::Bytes;
use drawbridge::Bridge;
use h2::Reason;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

use crate::support::client::{Connection, Wire};
use crate::support::connect::{Answer, post, send};
use crate::support::upstream::{Answering, RawUpstream, map, reset_of};
use crate::support::{Server, soon};

/// Its contract says that it streams its response and has no side effects.
const STREAM: &str = "/Message/Stream";
/// Its contract is not known.
const UNKNOWN: &str = "/any.Service/Method";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A bridge that knows the contract of a service which it forwards.
async fn start(upstream: &RawUpstream) -> Server {
    let bridge: Bridge = upstream.bridge().descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET).unwrap();
    Server::start(bridge.allow_get([UNKNOWN[1..].parse().unwrap()])).await
}

/// A frame of gRPC.
fn frame(json: &str) -> Bytes {
    let length = u32::try_from(json.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], json.as_bytes()].concat().into()
}

/// Starts a bridge in front of an upstream that answers each call with two messages and these trailers.
async fn two_messages(trailers: &'static [(&'static str, &'static str)]) -> (Server, Answering) {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream).await;
    let answering = upstream.answering(move |mut call| async move {
        assert_eq!(call.headers("content-type"), ["application/grpc+json"]);
        assert_eq!(call.headers("grpc-accept-encoding"), [""; 0]);
        assert_eq!(call.read().await, frame(r#"{"key":"k1"}"#));
        let mut stream = call.begin(&[("content-type", "application/grpc+json"), ("x-a", "1")]);
        stream.send_data(frame(r#"{"n":1}"#), false).unwrap();
        stream.send_data(frame("{\n\"n\":2}"), false).unwrap();
        stream.send_trailers(map(trailers)).unwrap();
    });
    (server, answering)
}

const OK: &[(&str, &str)] = &[("grpc-status", "0"), ("x-b", "2")];
const ABORTED: &[(&str, &str)] = &[("grpc-status", "10"), ("grpc-message", "no")];

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[tokio::test]
async fn a_stream_is_lines_of_json_and_an_error_is_the_last_one() {
    for (trailers, end) in [(OK, ""), (ABORTED, "{\"error\":{\"code\":\"aborted\",\"message\":\"no\"}}\n")] {
        let (server, _answering) = two_messages(trailers).await;
        for accept in ["*/*", "application/x-ndjson", "application/json, text/plain, */*"] {
            let headers = [JSON, ("accept", accept), ("accept-encoding", "gzip")];
            for answer in post(&server, STREAM, &headers, br#"{"key":"k1"}"#).await {
                assert_eq!(
                    (answer.status, answer.header("content-type")),
                    (200, Some("application/x-ndjson"))
                );
                assert_eq!(text(&answer), format!("{{\"n\":1}}\n{{ \"n\":2}}\n{end}"), "{accept}");
                assert_eq!(answer.header("x-a"), Some("1"));
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_accepts_json_alone_gets_an_array_or_the_error() {
    let (server, _answering) = two_messages(OK).await;
    let headers = [JSON, ("accept", "application/json")];
    for answer in post(&server, STREAM, &headers, br#"{"key":"k1"}"#).await {
        assert_eq!((answer.status, answer.header("trailer-x-b")), (200, Some("2")));
        assert_eq!(answer.json(), serde_json::json!([{ "n": 1 }, { "n": 2 }]));
    }
    let (server, _answering) = two_messages(ABORTED).await;
    for answer in post(&server, STREAM, &headers, br#"{"key":"k1"}"#).await {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("aborted")));
    }
}

#[tokio::test]
async fn events_have_ids_and_their_end_has_the_status() {
    let events = "id: 1\ndata: {\"n\":1}\n\nid: 2\ndata: { \"n\":2}\n\n";
    let error = "{\"error\":{\"code\":\"aborted\",\"message\":\"no\"}}";
    for (trailers, end) in [(OK, r#"{"metadata":{"x-b":["2"]}}"#), (ABORTED, error)] {
        let (server, _answering) = two_messages(trailers).await;
        let by_get =
            send(&server, "GET", "/Message/Stream?key=k1", &[("accept", "text/event-stream")], b"").await;
        let by_post =
            post(&server, STREAM, &[JSON, ("accept", "text/event-stream")], br#"{"key":"k1"}"#).await;
        for answer in by_get.into_iter().chain(by_post) {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
            assert_eq!(answer.header("cache-control"), Some("no-cache, no-transform"));
            assert_eq!(answer.header("x-accel-buffering"), Some("no"));
            assert_eq!(text(&answer), format!("{events}event: end\nid: end\ndata: {end}\n\n"));
        }
    }
}

#[tokio::test]
async fn a_client_that_has_read_everything_is_told_to_stop_without_a_call() {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream).await;
    let headers = [("accept", "text/event-stream"), ("last-event-id", "end")];
    for answer in send(&server, "GET", "/Message/Stream?key=k1", &headers, b"").await {
        assert_eq!((answer.status, text(&answer)), (204, ""));
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn a_client_that_comes_back_tells_the_upstream_how_far_it_has_read() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream).await;
    let (mut connection, request) =
        events(&server, "/Message/Stream?key=k1&grpc-timeout=9S", &[("last-event-id", "7")]).await;
    let (response, (_call, mut stream)) = tokio::join!(connection.send(request), async {
        let mut call = upstream.call().await;
        assert_eq!(call.headers("last-event-id"), ["7"]);
        assert!(call.headers("grpc-timeout")[0].starts_with('8'), "{:?}", call.headers("grpc-timeout"));
        let mut stream = call.begin(&[]);
        stream.send_data(frame("{}"), false).unwrap();
        (call, stream)
    });
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await, "id: 8\ndata: {}\n\n");
    stream.send_trailers(map(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "50")])).unwrap();
    let end = "event: end\nretry: 50\ndata: {\"error\":{\"code\":\"unavailable\"}";
    let event = next(&mut body).await;
    assert!(event.starts_with(end.as_bytes()), "{event:?}");
}

#[tokio::test]
async fn each_message_is_sent_as_it_comes_and_a_client_that_leaves_ends_the_call() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream).await;
    let (mut connection, request) = events(&server, "/Message/Stream", &[]).await;
    let (response, (_call, mut stream)) = tokio::join!(connection.send(request), async {
        let mut call = upstream.call().await;
        let stream = call.begin(&[]);
        (call, stream)
    });
    let mut body = response.into_body();
    for id in 1..=2 {
        stream.send_data(frame("{}"), false).unwrap();
        assert_eq!(next(&mut body).await, format!("id: {id}\ndata: {{}}\n\n"));
    }
    drop((body, connection));
    assert_eq!(soon("the reset", reset_of(&mut stream)).await, Reason::CANCEL);
}

#[tokio::test]
async fn an_error_before_the_first_message_is_an_http_status() {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream).await;
    let _answering = upstream.answering(|mut call| async move {
        call.trailers_only(&[("grpc-status", "7"), ("grpc-message", "no")]);
    });
    for accept in ["*/*", "text/event-stream", "application/json"] {
        for answer in post(&server, STREAM, &[JSON, ("accept", accept)], b"{}").await {
            assert_eq!((answer.status, answer.json()["message"].as_str()), (403, Some("no")), "{accept}");
        }
    }
}

#[tokio::test]
async fn a_client_of_connect_does_not_get_lines() {
    let (server, _answering) = two_messages(OK).await;
    let version = ("connect-protocol-version", "1");
    for answer in post(&server, STREAM, &[JSON, version], br#"{"key":"k1"}"#).await {
        assert_eq!(answer.status, 415);
    }
}

#[tokio::test]
async fn without_a_contract_a_client_gets_a_stream_if_it_names_a_form_of_streams() {
    let (server, _answering) = two_messages(OK).await;
    let body = br#"{"key":"k1"}"#;
    for answer in post(&server, UNKNOWN, &[JSON, ("accept", "application/x-ndjson")], body).await {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    }
    for answer in post(&server, UNKNOWN, &[JSON], body).await {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (501, Some("unimplemented")));
    }
}

/// Opens a connection over HTTP/1.1, and makes a request for events.
async fn events(
    server: &Server,
    target: &str,
    headers: &[(&str, &str)],
) -> (Connection, Request<Full<Bytes>>) {
    let mut request = Request::get(target)
        .version(Version::HTTP_11)
        .header("host", "localhost")
        .header("accept", "text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let connection = Wire::CONNECT_H1.connect(server.address).await;
    (connection, request.body(Full::from(Bytes::new())).unwrap())
}

async fn next(body: &mut Incoming) -> Bytes {
    soon("an event", body.frame()).await.unwrap().unwrap().into_data().unwrap()
}
