//! Calls of Connect by GET.

use drawbridge::Bridge;
use drawbridge_proto::greet::HelloReply;
use http::Method;
use prost::Message as _;

use crate::support::Server;
use crate::support::connect::{FORWARDED, HELLO, forwarding_with, hello, send};
use crate::support::upstream::RawUpstream;

/// A bridge that knows the upstream's one service by its name.
fn bridge_to_named(address: std::net::SocketAddr) -> Bridge {
    Bridge::new().upstream(format!("any.Service=http://{address}").parse().unwrap())
}

#[tokio::test]
async fn a_safe_method_is_called_with_get() {
    let (server, _answering) = forwarding_with(
        |bridge| bridge.allow_get([FORWARDED[1..].parse().unwrap()]),
        |call, body| {
            assert_eq!(call.head.method, Method::POST);
            assert_eq!(call.head.uri.path_and_query().unwrap().as_str(), FORWARDED);
            assert_eq!(call.headers("content-type"), ["application/grpc+proto"]);
            assert!(call.headers("grpc-timeout")[0].len() > 5);
            call.complete(&body.into(), &[]);
        },
    )
    .await;
    let target = format!("{FORWARDED}?connect=v1&encoding=proto&base64=1&message=CgNhZGE&grpc-timeout=5S");
    for answer in send(&server, "GET", &target, &[], b"").await {
        assert_eq!((answer.status, answer.header("vary")), (200, Some("accept-encoding")));
        assert_eq!(answer.body, hello("ada"));
    }
    for answer in send(&server, "HEAD", &target, &[], b"").await {
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("5")));
        assert!(answer.body.is_empty());
    }
    for answer in send(&server, "PUT", &target, &[], b"").await {
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST, OPTIONS")));
    }
    for (query, status) in [
        ("connect=v1&message=", 415),
        ("connect=v1&encoding=xml", 415),
        ("connect=v2&encoding=proto", 400),
        ("encoding=proto&base64=1&message=a", 400),
        ("encoding=proto&grpc-timeout=5", 400),
        ("encoding=proto&grpc-timeout=0S", 504),
    ] {
        for answer in send(&server, "GET", &format!("{FORWARDED}?{query}"), &[], b"").await {
            assert_eq!(answer.status, status, "{query}: {:?}", answer.body);
        }
    }
    // Through an upstream for all services, any other path may be that of a page.
    assert_eq!(send(&server, "GET", "/other.Service/Method", &[], b"").await[0].status, 404);
}

#[tokio::test]
async fn a_method_that_may_have_side_effects_is_not_called_with_get() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(bridge_to_named(upstream.address)).await;
    let target = format!("{FORWARDED}?connect=v1&encoding=proto&message=");
    for answer in send(&server, "GET", &target, &[], b"").await {
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, OPTIONS")));
    }
    assert_eq!(upstream.connections(), 0);
    // The contract of this one says that it has none.
    let server = Server::samples().await;
    let target = format!("{HELLO}?connect=v1&encoding=proto&base64=1&message=CgNhZGE");
    for answer in send(&server, "GET", &target, &[], b"").await {
        assert_eq!(HelloReply::decode(answer.body).unwrap().message, "Hello Ada Lovelace");
    }
}

#[tokio::test]
async fn a_get_from_another_site_needs_an_allowed_origin() {
    let (server, _answering) = forwarding_with(
        |bridge| {
            bridge
                .allow_get(["*".parse().unwrap()])
                .allow_origins([http::HeaderValue::from_static("https://app.example")])
        },
        |call, body| call.complete(&body.into(), &[]),
    )
    .await;
    let target = format!("{FORWARDED}?encoding=proto");
    let cross_site = ("sec-fetch-site", "cross-site");
    for (headers, status) in [
        (&[][..], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[cross_site], 403),
        (&[cross_site, ("origin", "https://evil.example")], 403),
        (&[cross_site, ("origin", "https://app.example")], 200),
    ] {
        for answer in send(&server, "GET", &target, headers, b"").await {
            assert_eq!(answer.status, status, "{headers:?}");
        }
    }
}
