//! CORS: which responses pages of other origins can read.

use bytes::Bytes;
use drawbridge_proto::message::Request as KeyRequest;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;

use crate::support::client::Wire;
use crate::support::{Server, samples};

const ALLOWED: &str = "https://app.example";
const NOT_ALLOWED: &str = "https://evil.example";

async fn server() -> Server {
    Server::start(samples().allow_origins([HeaderValue::from_static(ALLOWED)])).await
}

async fn preflight(server: &Server, origin: &str, path: &str) -> (StatusCode, HeaderMap) {
    let request = Request::options(path)
        .header("host", "localhost")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-grpc-web,x-user-agent,grpc-timeout,x-shelf-bin",
        )
        .body(Full::from(Bytes::new()))
        .unwrap();
    let (head, _) = Wire::WEB_H1.connect(server.address).await.send(request).await.into_parts();
    (head.status, head.headers)
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_allowed() {
    let server = server().await;
    for path in ["/greet.Greeter/SayHello", "/Message/Stream", "/not.hosted/Here"] {
        let (status, headers) = preflight(&server, ALLOWED, path).await;
        assert_eq!(status, 204, "{path}");
        assert_eq!(headers["access-control-allow-origin"], ALLOWED);
        assert_eq!(headers["access-control-allow-methods"], "GET,POST");
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        for name in ["content-type", "x-grpc-web", "x-user-agent", "grpc-timeout", "x-shelf-bin"] {
            assert!(allowed.contains(name), "{name} in {allowed}");
        }
        assert!(headers.contains_key("access-control-max-age"));
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert!(headers["vary"].to_str().unwrap().contains("origin"));
    }
}

#[tokio::test]
async fn a_preflight_of_another_origin_is_not_allowed() {
    let server = server().await;
    for origin in [NOT_ALLOWED, "null", "https://app.example.evil.example", "http://app.example"] {
        let (_, headers) = preflight(&server, origin, "/greet.Greeter/SayHello").await;
        assert!(!headers.contains_key("access-control-allow-origin"), "{origin}");
    }
}

#[tokio::test]
async fn the_status_of_a_response_is_readable_by_allowed_origins_only() {
    let server = server().await;
    let too_long = KeyRequest { key: "k".repeat(300) };
    for (origin, readable) in [(ALLOWED, true), (NOT_ALLOWED, false)] {
        for wire in [Wire::WEB_H1, Wire::WEB_H2, Wire::TEXT_H1] {
            let headers = [("origin", origin)];
            let answer = wire.call_with_headers(server.address, "/Message/Stream", &too_long, &headers).await;
            let allowed =
                answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
            assert_eq!(allowed, readable.then_some(origin));
            let exposed =
                answer.headers.get("access-control-expose-headers").map(|value| value.to_str().unwrap());
            assert_eq!(exposed.is_some_and(|names| names.starts_with("grpc-status,grpc-message,")), readable);
            assert_eq!(answer.ending().await.code, 3, "{wire:?}");
        }
    }
}

#[tokio::test]
async fn an_http_error_is_readable_by_an_allowed_origin() {
    let server = server().await;
    let request = Request::post("/greet.Greeter/SayHello")
        .header("host", "localhost")
        .header("origin", ALLOWED)
        .header("content-type", "text/plain")
        .body(Full::from(Bytes::new()))
        .unwrap();
    let response = Wire::WEB_H1.connect(server.address).await.send(request).await;
    assert_eq!(response.status(), 415);
    assert_eq!(response.headers()["access-control-allow-origin"], ALLOWED);
}
