//! Calls with JSON that no contract allows: each is an error in its caller's form, and nothing of it stays.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::connect::{Answer, HELLO, post, send};
use crate::support::{Server, samples};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Starts a server whose methods can be called with JSON.
async fn start() -> (Server, drawbridge::Calls) {
    let mut bridge = samples().json(["*".parse().unwrap()]);
    let calls = bridge.calls();
    (Server::start(bridge).await, calls)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn check(answers: [Answer; 2], what: &str, status: u16, code: &str) {
    for answer in answers {
        assert_eq!(answer.status, status, "{what}: {:?}", answer.body);
        let error = answer.json();
        assert_eq!(error["code"], code, "{what}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{what}: {error}");
    }
}

#[tokio::test]
async fn malformed_messages_are_invalid_arguments() {
    let (server, calls) = start().await;
    let deep = [b"{\"name\":".as_slice(), &b"[".repeat(100_000)].concat();
    let objects = b"{\"name\":".repeat(100_000);
    for body in [
        b"".as_slice(),
        b" ",
        b"{",
        b"}",
        b"[]",
        b"\"x\"",
        b"7",
        b"NaN",
        b"{\"name\":1}",
        b"{\"name\":true}",
        b"{\"name\":{}}",
        b"{\"name\":[\"a\"]}",
        b"{\"name\":1e999999}",
        b"{\"name\":\"a\"}{}",
        b"{\"name\":\"a\",}",
        b"{\"name\" \"a\"}",
        b"{name:\"a\"}",
        b"{'name':'a'}",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"nam\":\"a\"}",
        b"{\"name\":\"a",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\\q\"}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\n\"}",
        b"{\"name\":\"\0\"}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        &deep,
        &objects,
    ] {
        let what = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        check(post(&server, HELLO, &[JSON], body).await, &what, 400, "invalid_argument");
    }
    assert_eq!(calls.open(), 0);
}

#[tokio::test]
async fn bodies_and_headers_beyond_the_rules_are_errors_of_their_kind() {
    let (server, calls) = start().await;
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(10_000_000));
    let bomb = gzip(long.as_bytes());
    let hello = br#"{"name":"a"}"#;
    let gzipped = ("content-encoding", "gzip");
    for (headers, body, status, code) in [
        (&[JSON][..], long.as_bytes(), 429, "resource_exhausted"),
        (&[JSON, gzipped], &bomb, 429, "resource_exhausted"),
        (&[JSON, gzipped], hello, 400, "invalid_argument"),
        (&[JSON, ("content-encoding", "br")], hello, 501, "unimplemented"),
        (&[JSON, ("connect-timeout-ms", "soon")], hello, 400, "invalid_argument"),
        (&[JSON, ("connect-timeout-ms", "12345678901")], hello, 400, "invalid_argument"),
        (&[JSON, ("connect-protocol-version", "2")], hello, 400, "invalid_argument"),
    ] {
        check(post(&server, HELLO, headers, body).await, &format!("{:?}", &headers[1..]), status, code);
    }
    for content_type in [
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/json; charset=utf-16",
        "multipart/form-data",
    ] {
        for answer in post(&server, HELLO, &[("content-type", content_type)], hello).await {
            assert_eq!(answer.status, 415, "{content_type}");
            assert!(answer.header("accept-post").is_some_and(|types| types.contains("application/json")));
        }
    }
    assert_eq!(calls.open(), 0);
}

#[tokio::test]
async fn malformed_queries_are_invalid_arguments() {
    let (server, calls) = start().await;
    let many = "a=1&".repeat(2_000);
    for query in ["name=%ff", "=1", "name..x=1", "name=1&name.x=1", "name=1&name=2", "nam=1", &many] {
        let answers = send(&server, "GET", &format!("{HELLO}?{query}"), &[], b"").await;
        check(answers, &query[..query.len().min(20)], 400, "invalid_argument");
    }
    // What is too long is refused before it is known to be a call.
    let long = format!("{HELLO}?name={}", "x".repeat(20_000));
    for answer in send(&server, "GET", &long, &[], b"").await {
        let message = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 431 && message.contains("at most 16384 are accepted"), "{message}");
    }
    assert_eq!(calls.open(), 0);
}
