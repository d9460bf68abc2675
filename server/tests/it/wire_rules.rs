//! Rules of gRPC-Web that the conformance suite does not test, over raw sockets, one row per rule: deadlines on the server,
//! text, and invalid requests.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drawbridge_proto::greet::HelloRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::client::frame;
use crate::support::probe::Probe;
use crate::support::upstream::RawUpstream;
use crate::support::{Server, exchange, samples, soon};

const HELLO: &str = "/greet.Greeter/SayHello";
const HELLOS: &str = "/greet.Greeter/SayHellos";
const WEB: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";

/// The expected response: an HTTP status and a header, or a gRPC status code and a part of its message.
enum Expected {
    Http(u16, &'static str),
    Grpc(u8, &'static str),
}
use Expected::{Grpc, Http};

struct Row {
    rule: &'static str,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    expected: Expected,
}

fn row(rule: &'static str, body: impl Into<Vec<u8>>, expected: Expected) -> Row {
    Row {
        rule,
        method: "POST",
        path: HELLO,
        headers: vec![("content-type", WEB)],
        body: body.into(),
        expected,
    }
}

impl Row {
    fn path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn content_type(mut self, content_type: &'static str) -> Self {
        self.headers[0].1 = content_type;
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

fn rows() -> Vec<Row> {
    let hello = frame(&HelloRequest { name: "ada".to_owned() }).to_vec();
    let two = hello.repeat(2);
    let slow = frame(&HelloRequest { name: "slow".to_owned() }).to_vec();
    let text = STANDARD.encode(&hello).into_bytes();
    let unpadded = STANDARD.encode(&hello).trim_end_matches('=').as_bytes()[1..].to_vec();
    vec![
        row("a content-type that is not gRPC's", hello.clone(), Http(415, ""))
            .content_type("application/json"),
        row("an unsupported codec", hello.clone(), Http(415, "")).content_type("application/grpc-web+json"),
        row("gRPC proper over HTTP/1.1", hello.clone(), Http(505, "")).content_type("application/grpc"),
        row("a method other than POST", "", Http(405, "allow: POST, OPTIONS")).method("GET"),
        row("a method other than POST", "", Http(405, "allow: POST, OPTIONS")).method("DELETE"),
        row("an unknown method", hello.clone(), Grpc(12, "")).path("/greet.Greeter/NoSuchMethod"),
        row("an unknown service", hello.clone(), Grpc(12, "/no.such.Service/Method"))
            .path("/no.such.Service/Method"),
        row("a path that is not a gRPC path", hello.clone(), Grpc(12, "")).path("/greet.Greeter/Say%48ello"),
        row("a path that is not a gRPC path", hello.clone(), Grpc(12, "")).path("/greet.Greeter/SayHello/"),
        row("no message to a unary method", "", Grpc(12, "no message")),
        row("two messages to a unary method", two.clone(), Grpc(12, "more than one")),
        row("two messages to a method that streams its answer", two, Grpc(12, "more than one"))
            .path("/Message/Stream"),
        row("a truncated message prefix", b"\0\0\0".to_vec(), Grpc(13, "ended inside")),
        row("a truncated payload", b"\0\0\0\0\x05\n\x03a".to_vec(), Grpc(13, "ended inside")),
        row("a missing payload", b"\0\0\0\0\x05".to_vec(), Grpc(13, "ended inside")),
        row("a length over the limit", b"\0\x00\x40\x00\x01".to_vec(), Grpc(8, "4194305")),
        row("the largest length", b"\0\xff\xff\xff\xff".to_vec(), Grpc(8, "4294967295")),
        row("a compressed message without an encoding", b"\x01\0\0\0\x01x".to_vec(), Grpc(13, "")),
        row("an unknown encoding", hello.clone(), Grpc(12, "")).header("grpc-encoding", "snappy"),
        row("flags other than 0 and 1", b"\x02\0\0\0\0".to_vec(), Grpc(13, "0x02")),
        row("a trailers frame in a request", b"\x80\0\0\0\0".to_vec(), Grpc(13, "0x80")),
        row("bytes that are not protobuf", b"\0\0\0\0\x02\xff\xff".to_vec(), Grpc(13, "")),
        row("a string that is not UTF-8", b"\0\0\0\0\x03\n\x01\xff".to_vec(), Grpc(13, "")),
        row("bytes that are not gzip", b"\x01\0\0\0\x01x".to_vec(), Grpc(13, ""))
            .header("grpc-encoding", "gzip"),
        row("text that is not base64", "!!!!", Grpc(13, "")).content_type(TEXT),
        row("truncated base64", unpadded, Grpc(13, "")).content_type(TEXT),
        row("an invalid timeout", hello.clone(), Grpc(3, "\"1x\"")).header("grpc-timeout", "1x"),
        row("a timeout of nine digits", hello.clone(), Grpc(3, "123456789m"))
            .header("grpc-timeout", "123456789m"),
        row("an empty timeout", hello.clone(), Grpc(3, "\"\"")).header("grpc-timeout", ""),
        row("a timeout of zero", hello.clone(), Grpc(4, "")).header("grpc-timeout", "0m"),
        row("a timeout of zero, in text", text.clone(), Grpc(4, ""))
            .content_type(TEXT)
            .header("grpc-timeout", "0m"),
        row("a deadline before the response", slow, Grpc(4, "200ms")).header("grpc-timeout", "200m"),
        row("a deadline between two messages", hello, Grpc(4, "200ms"))
            .path(HELLOS)
            .header("grpc-timeout", "200m"),
        row("a deadline between two messages, in text", text.clone(), Grpc(4, "200ms"))
            .path(HELLOS)
            .content_type(TEXT)
            .header("grpc-timeout", "200m"),
        row("text", text, Grpc(0, "")).content_type(TEXT),
    ]
}

fn raw_request(row: &Row) -> Vec<u8> {
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", row.method, row.path);
    for (name, value) in &row.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "content-length: {}\r\n\r\n", row.body.len()).unwrap();
    [head.as_bytes(), &row.body].concat()
}

/// Returns the status code and message of a response, from its head or from its trailers frame.
fn grpc_status(answer: &str) -> Option<(u8, String)> {
    let text = match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains("grpc-web-text") && !head.contains("grpc-status") => {
            let body: String = body.split("\r\n").skip(1).step_by(2).collect();
            // Each part of a response is encoded and padded separately.
            let groups: Result<Vec<_>, _> =
                body.as_bytes().chunks(4).map(|group| STANDARD.decode(group)).collect();
            String::from_utf8_lossy(&groups.ok()?.concat()).into_owned()
        }
        _ => answer.to_owned(),
    };
    let value = |name: &str| Some(text.split_once(name)?.1.split("\r\n").next()?.trim().to_owned());
    let message = value("grpc-message:").unwrap_or_default();
    let message = percent_encoding::percent_decode_str(&message).decode_utf8().ok()?.into_owned();
    Some((value("grpc-status:")?.parse().ok()?, message))
}

#[tokio::test]
async fn each_rule_is_kept() {
    let server = Server::samples().await;
    let mut failures = Vec::new();
    for row in rows() {
        let answer = exchange(server.address, &raw_request(&row)).await;
        let passes = match row.expected {
            Http(status, header) => {
                answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(header)
            }
            Grpc(code, message) => {
                answer.starts_with("HTTP/1.1 200 ")
                    && grpc_status(&answer)
                        .is_some_and(|status| status.0 == code && status.1.contains(message))
            }
        };
        if !passes {
            failures.push(format!(
                "{} {} with {:?}: {}\n{answer}\n",
                row.method, row.path, row.headers, row.rule
            ));
        }
        assert!(!answer.contains("<html"), "a gRPC call never gets HTML: {answer}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn the_frames_of_a_forwarded_request_keep_the_same_rules() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let _answering = upstream.answering(|mut call| async move {
        call.read().await;
        call.trailers_only(&[("grpc-status", "0")]);
    });
    for (body, code, message) in [
        (&b"\x00\0\0\0\0"[..], 0, ""),
        (b"\x01\0\0\0\x01x", 0, ""),
        (b"", 0, ""),
        (b"\x02\0\0\0\0", 13, "0x02"),
        (b"\x7f\0\0\0\0", 13, "0x7f"),
        (b"\x80\0\0\0\0", 13, "0x80"),
        (b"\x00\0\0\0\0\x81\0\0\0\x01x", 13, "0x81"),
        (b"\x00\xff\xff\xff\xff", 8, "4294967295"),
        (b"\0\0\0", 13, "ended inside"),
        (b"\0\0\0\0\x05\n\x03a", 13, "ended inside"),
    ] {
        for content_type in [WEB, TEXT] {
            let body = if content_type == TEXT { STANDARD.encode(body).into_bytes() } else { body.to_vec() };
            let row =
                row("", body.clone(), Grpc(0, "")).path("/any.Service/Method").content_type(content_type);
            let answer = exchange(server.address, &raw_request(&row)).await;
            let status = grpc_status(&answer);
            assert!(
                status.as_ref().is_some_and(|status| status.0 == code && status.1.contains(message)),
                "{body:?}: {status:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_response_to_an_unknown_encoding_lists_the_known_ones() {
    let server = Server::start(samples()).await;
    let row =
        row("", frame(&HelloRequest::default()).to_vec(), Grpc(12, "")).header("grpc-encoding", "snappy");
    let answer = exchange(server.address, &raw_request(&row)).await;
    assert!(answer.contains("grpc-accept-encoding: gzip,identity"), "{answer}");
}

#[tokio::test]
async fn an_invalid_request_does_not_reach_the_handler() {
    let (server, mut events) = Probe::start().await;
    for body in [&b""[..], b"\0\0\0\0\0\0\0\0\0\0", b"\0\0\0\0\x09", b"\x07\0\0\0\0"] {
        exchange(server.address, &raw_request(&row("", body, Grpc(13, "")).path("/Message/Stream"))).await;
    }
    assert!(events.is_silent());
    assert_eq!(server.calls.open(), 0);
}

#[tokio::test]
async fn an_early_response_is_delivered_and_the_connection_stays_usable() {
    let server = Server::samples().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = frame(&HelloRequest { name: "ada".to_owned() });
    for (method, length, expected) in [
        ("PUT", 500_000, "HTTP/1.1 405 "),
        ("PUT", 300_000, "HTTP/1.1 405 "),
        ("POST", body.len(), "HTTP/1.1 200 "),
    ] {
        let head = format!(
            "{method} {HELLO} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {WEB}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if method == "POST" {
            stream.write_all(&body).await.unwrap();
        }
        let mut answer = String::new();
        while !answer.contains("\r\n\r\n") {
            let mut piece = [0; 1024];
            let read = soon("an answer", stream.read(&mut piece)).await.unwrap();
            assert!(read > 0, "closed after {answer:?}");
            answer += &String::from_utf8_lossy(&piece[..read]);
        }
        assert!(answer.starts_with(expected), "{answer}");
        if method == "PUT" {
            // The client sends the announced body only now.
            soon("room for the body", stream.write_all(&vec![0; length])).await.unwrap();
        }
    }
}
