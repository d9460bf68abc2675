//! Request smuggling: requests that the bridge and its upstream might interpret in different ways. In every case an upstream
//! receives exactly one complete call, or none.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::client::frame;
use crate::support::frames::{Burst, Frames, kind};
use crate::support::probe::told;
use crate::support::upstream::{Answering, RawUpstream};
use crate::support::{Server, exchange, soon};

const PATH: &str = "/any.Service/Method";

fn message() -> Bytes {
    frame(&told("k"))
}

/// Returns a gRPC-Web request over HTTP/1.1 with further header lines, and with this body as it is.
fn raw_request(method: &str, target: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/grpc-web+proto\r\n{lines}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Returns the message in the chunked coding.
fn chunked() -> Vec<u8> {
    let message = message();
    [format!("{:x}\r\n", message.len()).as_bytes(), &message, b"\r\n0\r\n\r\n"].concat()
}

fn content_length_line() -> String {
    format!("content-length: {}\r\n", message().len())
}

#[tokio::test]
async fn an_ambiguous_length_is_refused() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (length, chunked, message) = (content_length_line(), chunked(), message());
    for (lines, body) in [
        ("content-length: 8\r\ncontent-length: 9\r\n", &message[..]),
        ("content-length: 8, 9\r\n", &message),
        ("content-length: +8\r\n", &message),
        ("content-length: 0x8\r\n", &message),
        ("content-length: -1\r\n", &message),
        ("content-length : 8\r\n", &message),
        ("content-length: 99999999999999999999\r\n", &message),
        ("transfer-encoding: identity\r\n", &message),
        ("transfer-encoding: xchunked\r\n", &chunked),
        ("transfer-encoding: chunked, identity\r\n", &chunked),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", &chunked),
        ("transfer-encoding : chunked\r\n", &chunked),
        ("transfer-encoding:\u{b}chunked\r\n", &chunked),
        ("x-shelf: 7\r\n transfer-encoding: chunked\r\n", &chunked),
        ("x-shelf: 7\ntransfer-encoding: chunked\r\n", &chunked),
        ("content-length: 8\n", &message),
        ("x-shelf: 7\rtransfer-encoding: chunked\r\n", &chunked),
        ("x-shelf: 7\0\r\n", &message),
        (&format!("{length}transfer-encoding: identity\r\n"), &message),
    ] {
        let answer = exchange(server.address, &raw_request("POST", PATH, lines, body)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lines:?}: {answer}");
    }
    assert_eq!(upstream.connections(), 0, "nothing was forwarded");
}

#[tokio::test]
async fn a_bare_lf_is_refused_in_a_later_request_of_a_connection_too() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for between in
        ["", "content-length: 3\r\n\r\n\n\n\n", "transfer-encoding: chunked\r\n\r\n3\r\n\n\n\n\r\n0\r\n\r\n"]
    {
        let first = match between {
            "" => "GET /none HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            body => format!("POST /none HTTP/1.1\r\nhost: localhost\r\n{body}"),
        };
        let second = raw_request("POST", PATH, "x-shelf: 7\ntransfer-encoding: chunked\r\n", &chunked());
        let answer = exchange(server.address, &[first.as_bytes(), &second].concat()).await;
        let answers: Vec<_> = answer.matches("HTTP/1.1 ").collect();
        assert_eq!(answers.len(), 2, "{answer}");
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("HTTP/1.1 400 "), "{answer}");
    }
    assert_eq!(upstream.connections(), 0, "nothing was forwarded");
}

/// Makes the upstream report the path and body of each complete call.
fn complete_calls(
    upstream: RawUpstream,
) -> (Answering, tokio::sync::mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let answering = upstream.answering(move |mut call| {
        let sender = sender.clone();
        async move {
            for name in ["transfer-encoding", "content-length", "connection", "upgrade"] {
                assert!(!call.head.headers.contains_key(name), "{name}");
            }
            let mut body = Vec::new();
            while let Some(data) = call.body.data().await {
                let Ok(data) = data else { return };
                body.extend_from_slice(&data);
            }
            sender.send((call.head.uri.path().to_owned(), body)).unwrap();
            call.trailers_only(&[("grpc-status", "0")]);
        }
    });
    (answering, receiver)
}

#[tokio::test]
async fn bytes_behind_the_body_are_not_part_of_the_call() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (_answering, mut calls) = complete_calls(upstream);
    let (length, chunked, message) = (content_length_line(), chunked(), message());
    let both = format!("{length}transfer-encoding: chunked\r\n");
    let smuggled = raw_request("POST", "/smuggled.Service/Method", &length, &message);
    for (lines, body) in [
        (&length[..], &message[..]),
        ("transfer-encoding: chunked\r\n", &chunked),
        ("transfer-encoding: Chunked\r\n", &chunked),
        // Transfer-Encoding overrides Content-Length (RFC 9112, section 6.3), which is not forwarded.
        (&both, &chunked),
    ] {
        let answer =
            exchange(server.address, &raw_request("POST", PATH, lines, &[body, &smuggled].concat())).await;
        assert!(answer.contains("grpc-status: 0"), "{lines:?}: {answer}");
        let (path, body) = soon("a call at the upstream", calls.recv()).await.unwrap();
        assert_eq!((path.as_str(), &body[..]), (PATH, &message[..]), "{lines:?}");
    }
    assert!(calls.try_recv().is_err(), "the connection is closed after the first request");
}

#[tokio::test]
async fn a_truncated_body_is_a_reset_stream_to_the_upstream() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let message = message();
    for (lines, body) in [
        (format!("content-length: {}\r\n", message.len() + 1), message.to_vec()),
        ("transfer-encoding: chunked\r\n".to_owned(), chunked()[..message.len() + 5].to_vec()),
        ("transfer-encoding: chunked\r\n".to_owned(), [&chunked()[..message.len() + 5], b"zz\r\n"].concat()),
    ] {
        let mut caller = TcpStream::connect(server.address).await.unwrap();
        caller.write_all(&raw_request("POST", PATH, &lines, &body)).await.unwrap();
        caller.shutdown().await.unwrap();
        let mut arrived = upstream.call().await;
        let end = soon("the end of the body", async {
            loop {
                match arrived.body.data().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            }
        })
        .await;
        assert_eq!(end.and_then(|error| error.reason()), Some(h2::Reason::CANCEL), "{lines:?}");
    }
}

#[tokio::test]
async fn a_target_that_is_not_a_grpc_path_is_not_forwarded() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for target in [
        "/any.Service/..",
        "/any.Service/../Method",
        "/any.Service/%2e%2e",
        "/any.Service/..%2fMethod",
        "/any.Service%2fMethod",
        "/%61ny.Service/Method",
        "/./any.Service/Method",
        "/any.Service/./Method",
        "/.any.Service/Method",
        "/any..Service/Method",
        "//any.Service/Method",
        "/any.Service//Method",
        "/any.Service/Method/",
        "/any.Service/Method;a=b",
        "/any.Service/Method%00",
        "/any.Service/Method%0d%0ahost:%20other.example",
        "/any.Service\\Method",
        "/any-Service/Method",
        "/any.S\u{435}rvice/Method",
        "/",
        "http://other.example",
        "http://other.example/",
        "http://other.example/any.Service/../Method",
        "http://localhost//any.Service/Method",
        "*",
    ] {
        let answer =
            exchange(server.address, &raw_request("POST", target, &content_length_line(), &message())).await;
        let refused = answer.starts_with("HTTP/1.1 400 ") || answer.contains("grpc-status: 12");
        assert!(refused, "{target:?}: {answer}");
    }
    assert_eq!(upstream.connections(), 0, "nothing was forwarded");
}

#[tokio::test]
async fn a_query_is_no_part_of_the_method_and_is_not_forwarded() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (sender, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let _answering = upstream.answering(move |mut call| {
        sender.send(call.head.uri.path_and_query().unwrap().to_string()).unwrap();
        async move { call.trailers_only(&[("grpc-status", "0")]) }
    });
    for query in ["?", "?x=1", "?/other.Service/Method", "?a=%2f&b=?", "?a#b"] {
        let target = format!("{PATH}{query}");
        let answer =
            exchange(server.address, &raw_request("POST", &target, &content_length_line(), &message())).await;
        assert!(answer.contains("grpc-status: 0"), "{target}: {answer}");
        assert_eq!(soon("a call at the upstream", calls.recv()).await.unwrap(), PATH, "{target}");
    }
}

#[tokio::test]
async fn the_authority_of_an_absolute_target_does_not_select_the_upstream() {
    let upstream = RawUpstream::start().await;
    let address = upstream.address;
    let server = Server::start(upstream.bridge()).await;
    let (sender, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let _answering = upstream.answering(move |mut call| {
        sender.send(call.head.uri.to_string()).unwrap();
        async move { call.trailers_only(&[("grpc-status", "0")]) }
    });
    for target in ["http://other.example", "https://other.example:1", "http://localhost"] {
        let target = format!("{target}{PATH}");
        let answer =
            exchange(server.address, &raw_request("POST", &target, &content_length_line(), &message())).await;
        assert!(answer.contains("grpc-status: 0"), "{target}: {answer}");
        assert_eq!(calls.recv().await.unwrap(), format!("http://{address}{PATH}"));
    }
}

/// Makes a call with further headers over HTTP/2, and returns the kind of the first frame of the response.
async fn over_h2(address: SocketAddr, further: &[(&str, &str)]) -> u8 {
    let mut frames = Frames::connect(address).await;
    frames.send(Burst::default().call_with(1, PATH, further, &message())).await;
    frames.next().await.kind
}

#[tokio::test]
async fn connection_headers_and_a_wrong_length_are_refused_over_http2() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (_answering, mut calls) = complete_calls(upstream);
    for header in [
        ("connection", "grpc-timeout"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("upgrade", "h2c"),
        ("X-Shelf", "7"),
        (":path", "/other.Service/Method"),
        ("x-shelf", "7\r\nx-other: 8"),
        ("content-length", "1"),
        ("content-length", "99"),
    ] {
        let kind = over_h2(server.address, &[header]).await;
        assert!(matches!(kind, kind::RST_STREAM | kind::GOAWAY), "{header:?}: {kind}");
    }
    assert!(calls.try_recv().is_err(), "nothing was forwarded");
    assert_eq!(over_h2(server.address, &[("x-shelf", "7")]).await, kind::HEADERS);
    assert_eq!(soon("the call", calls.recv()).await.unwrap().1, message());
}

#[tokio::test]
async fn a_connection_header_does_not_remove_the_headers_of_the_bridge() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let lines = format!(
        "connection: te, grpc-timeout, x-forwarded-for, forwarded, x-request-id, x-hop\r\nx-hop: 1\r\ngrpc-timeout: 30S\r\n{}",
        content_length_line()
    );
    let request = raw_request("POST", PATH, &lines, &message());
    let (answer, arrived) = tokio::join!(exchange(server.address, &request), async {
        let mut arrived = upstream.call().await;
        arrived.trailers_only(&[("grpc-status", "0")]);
        arrived
    });
    assert!(answer.contains("grpc-status: 0"), "{answer}");
    for name in ["te", "grpc-timeout", "x-forwarded-for", "forwarded", "x-request-id"] {
        assert_eq!(arrived.headers(name).len(), 1, "{name}");
    }
    assert!(arrived.headers("x-hop").is_empty() && arrived.headers("connection").is_empty());
}
