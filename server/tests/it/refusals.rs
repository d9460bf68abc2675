//! Refusals before a call opens: each is a gRPC status that the caller can read, from another origin too.

use bytes::Bytes;
use drawbridge::{Bridge, HostPolicy};
use drawbridge_proto::greet::HelloRequest;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::Full;

use crate::support::client::Wire;
use crate::support::upstream::RawUpstream;
use crate::support::{Server, exchange, samples};

const ALLOWED: &str = "https://app.example";
const NOT_ALLOWED: &str = "https://evil.example";
const HELLO: &str = "/greet.Greeter/SayHello";

fn hosted() -> Bridge {
    samples().allow_origins([HeaderValue::from_static(ALLOWED)])
}

/// Sends one request with these further headers. Returns the head of the response, whose content type is checked.
async fn refused(server: &Server, wire: Wire, path: &str, headers: &[(&str, &str)]) -> HeaderMap {
    let answer = wire.call_with_headers(server.address, path, &HelloRequest::default(), headers).await;
    assert_eq!(answer.http_status, 200, "{wire:?}, {path}");
    let content_type = answer.headers["content-type"].to_str().unwrap();
    assert!(content_type.starts_with(wire.content_type), "{content_type} to {}", wire.content_type);
    answer.headers
}

fn words(headers: &HeaderMap) -> String {
    let message = headers["grpc-message"].to_str().unwrap();
    percent_encoding::percent_decode_str(message).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn a_head_over_a_limit_is_resource_exhausted_and_names_the_limit() {
    let server = Server::start(hosted()).await;
    let padding = "x".repeat(20_000);
    let large = vec![("x-padding", padding.as_str()), ("origin", ALLOWED)];
    let mut many = vec![("x-t", "1"); 120];
    many.push(("origin", ALLOWED));
    for wire in Wire::GRPC_AND_WEB {
        let headers = refused(&server, wire, HELLO, &large).await;
        assert_eq!(headers["grpc-status"], "8", "{wire:?}");
        assert!(words(&headers).contains("16384"), "{}", words(&headers));
        assert_eq!(headers["access-control-allow-origin"], ALLOWED);
        assert!(headers["access-control-expose-headers"].to_str().unwrap().contains("grpc-status"));
    }
    for wire in [Wire::WEB_H1, Wire::TEXT_H1] {
        let headers = refused(&server, wire, HELLO, &many).await;
        assert_eq!(headers["grpc-status"], "8", "{wire:?}");
        assert!(words(&headers).contains("100"), "{}", words(&headers));
        assert_eq!(headers["access-control-allow-origin"], ALLOWED);
    }
}

#[tokio::test]
async fn a_refusal_before_the_request_was_read_keeps_the_connection() {
    let server = Server::start(hosted()).await;
    let mut connection = Wire::WEB_H1.connect(server.address).await;
    let padding = "x".repeat(20_000);
    for (headers, code) in [(&[("x-padding", padding.as_str())][..], 8), (&[], 0)] {
        let body = crate::support::client::frame(&HelloRequest { name: "n".repeat(200) });
        let answer = Wire::WEB_H1.call_with(&mut connection, HELLO, body, headers).await;
        let status = answer.finish::<drawbridge_proto::greet::HelloReply>().await.1;
        assert_eq!(status.code, code, "{}", status.words);
    }
}

#[tokio::test]
async fn a_host_name_that_is_not_allowed_is_a_status_too() {
    let server = Server::start(hosted().hosts(HostPolicy::Loopback { also: vec![] })).await;
    let call = |origin: &str, content_type: &str| {
        format!(
            "POST {HELLO} HTTP/1.1\r\nhost: rebound.example\r\norigin: {origin}\r\ncontent-type: {content_type}\r\n\
             connection: close\r\ncontent-length: 0\r\n\r\n"
        )
    };
    for content_type in ["application/grpc-web+proto", "application/grpc-web-text+proto"] {
        let answer = exchange(server.address, call(ALLOWED, content_type).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(&format!("content-type: {content_type}\r\n")), "{answer}");
        assert!(answer.contains("grpc-status: 7"), "{answer}");
        assert!(answer.contains(&format!("access-control-allow-origin: {ALLOWED}")), "{answer}");
        let answer = exchange(server.address, call(NOT_ALLOWED, content_type).as_bytes()).await;
        assert!(answer.contains("grpc-status: 7"), "{answer}");
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    }
    let answer = exchange(server.address, call(ALLOWED, "text/plain").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

#[tokio::test]
async fn a_preflight_to_any_path_or_host_is_answered_so_that_the_refusal_can_be_read() {
    let upstream = RawUpstream::start().await;
    let bridges = [
        hosted(),
        hosted().hosts(HostPolicy::Loopback { also: vec![] }),
        upstream.bridge().allow_origins([HeaderValue::from_static(ALLOWED)]),
    ];
    for bridge in bridges {
        let server = Server::start(bridge).await;
        for (path, host) in [
            ("/api/greet.Greeter/SayHello", "localhost"),
            ("/greet.Greeter/Say%48ello", "localhost"),
            ("/", "localhost"),
            (HELLO, "rebound.example"),
        ] {
            for (origin, readable) in [(ALLOWED, true), (NOT_ALLOWED, false)] {
                let request = Request::options(path)
                    .header("host", host)
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "content-type,x-grpc-web")
                    .body(Full::from(Bytes::new()))
                    .unwrap();
                let response = Wire::WEB_H1.connect(server.address).await.send(request).await;
                assert_eq!(response.status(), 204, "{path} at {host}");
                let allowed = response.headers().contains_key("access-control-allow-origin");
                assert_eq!(allowed, readable, "{path} at {host} from {origin}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_to_a_path_that_is_none_is_unimplemented_and_readable() {
    let server = Server::start(hosted()).await;
    for path in ["/api/greet.Greeter/SayHello", "/greet.Greeter/SayHello/", "/"] {
        for wire in Wire::GRPC_AND_WEB {
            let headers = refused(&server, wire, path, &[("origin", ALLOWED)]).await;
            assert_eq!(headers["grpc-status"], "12", "{wire:?}, {path}");
            assert_eq!(headers["access-control-allow-origin"], ALLOWED);
        }
    }
}

#[tokio::test]
async fn a_request_with_two_hosts_is_400() {
    let server = Server::start(hosted()).await;
    for hosts in ["host: localhost\r\nhost: localhost\r\n", "host: localhost\r\nHost: other.example\r\n"] {
        for content_type in ["application/grpc-web+proto", "text/plain"] {
            let request = format!(
                "POST {HELLO} HTTP/1.1\r\n{hosts}content-type: {content_type}\r\nconnection: close\r\n\
                 content-length: 5\r\n\r\n\0\0\0\0\0"
            );
            let answer = exchange(server.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
        }
    }
}
