//! What of a request reaches the upstream, and what of a response reaches the caller.

use bytes::Bytes;
use drawbridge_proto::message::Response as Progress;
use http::HeaderMap;

use crate::support::Server;
use crate::support::client::{Answer, Wire, frame};
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, map};

const PATH: &str = "/any.Service/Method";

fn texts<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

/// Makes one call, to which the upstream responds with `answer`. Returns both ends of the call.
async fn once(
    upstream: &mut RawUpstream,
    server: &Server,
    wire: Wire,
    headers: &[(&str, &str)],
    answer: impl FnOnce(&mut Arrived),
) -> (Answer, Arrived) {
    let key = told("k");
    tokio::join!(wire.call_with_headers(server.address, PATH, &key, headers), async {
        let mut arrived = upstream.call().await;
        assert_eq!(arrived.read().await, frame(&key), "{wire:?}");
        answer(&mut arrived);
        arrived
    })
}

fn reply() -> Bytes {
    frame(&Progress { message: "anything".to_owned() })
}

#[tokio::test]
async fn messages_are_passed_on_unchanged_in_each_form_of_grpc() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for wire in Wire::ALL {
        let (answer, arrived) =
            once(&mut upstream, &server, wire, &[], |call| call.complete(&reply(), &[])).await;
        assert_eq!((arrived.head.uri.path(), arrived.head.method.as_str()), (PATH, "POST"));
        assert_eq!(arrived.head.uri.authority().unwrap().as_str(), upstream.address.to_string());
        assert_eq!(arrived.headers("te"), ["trailers"]);
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!((messages[0].message.as_str(), ending.code), ("anything", 0), "{wire:?}");
    }
    assert_eq!(upstream.connections(), 1, "all calls share one connection");
}

#[tokio::test]
async fn metadata_is_passed_on_with_duplicates_and_binary_values() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let sent = [
        ("x-shelf", "7"),
        ("x-shelf", "8"),
        ("x-id-bin", "AAEC"),
        ("x-id-bin", "/w"),
        ("authorization", "Bearer b"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("grpc-accept-encoding", "gzip"),
    ];
    for wire in Wire::GRPC_AND_WEB {
        let (answer, arrived) = once(&mut upstream, &server, wire, &sent, |call| {
            let mut stream = call.begin(&[("x-row", "1"), ("x-row", "2"), ("x-key-bin", "AAEC")]);
            stream.send_data(reply(), false).unwrap();
            let end = [("grpc-status", "5"), ("grpc-message", "no%20such"), ("x-end", "a"), ("x-end", "b")];
            stream.send_trailers(map(&end)).unwrap();
        })
        .await;
        assert_eq!(arrived.headers("x-shelf"), ["7", "8"]);
        assert_eq!(arrived.headers("x-id-bin"), ["AAEC", "/w"]);
        for (name, value) in &sent[4..] {
            assert_eq!(arrived.headers(name), [*value], "{wire:?}");
        }
        assert_eq!(texts(&answer.headers, "x-row"), ["1", "2"], "{wire:?}");
        assert_eq!(texts(&answer.headers, "x-key-bin"), ["AAEC"]);
        let trailers = answer.trailers_after::<Progress>().await;
        assert_eq!(texts(&trailers, "x-end"), ["a", "b"], "{wire:?}");
        assert_eq!(
            (texts(&trailers, "grpc-status"), texts(&trailers, "grpc-message")),
            (vec!["5"], vec!["no%20such"])
        );
    }
}

#[tokio::test]
async fn a_trailers_only_response_stays_trailers_only() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for wire in Wire::GRPC_AND_WEB {
        let only = [("grpc-status", "7"), ("grpc-message", "not%20you"), ("x-end", "a"), ("x-end", "b")];
        let (answer, _) = once(&mut upstream, &server, wire, &[], |call| call.trailers_only(&only)).await;
        assert_eq!(texts(&answer.headers, "grpc-status"), ["7"], "{wire:?}: the status is in the head");
        assert_eq!(texts(&answer.headers, "x-end"), ["a", "b"]);
        let ending = answer.ending().await;
        assert_eq!((ending.code, ending.words.as_str()), (7, "not you"));
    }
}

#[tokio::test]
async fn the_status_in_the_trailers_replaces_one_in_the_head() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for wire in Wire::ALL {
        let (answer, _) = once(&mut upstream, &server, wire, &[], |call| {
            let mut stream = call.begin(&[("grpc-status", "9"), ("grpc-message", "early")]);
            stream.send_trailers(map(&[("grpc-status", "8")])).unwrap();
        })
        .await;
        assert!(!answer.headers.contains_key("grpc-status"), "{wire:?}");
        assert_eq!(answer.ending().await.code, 8, "{wire:?}");
    }
}

#[tokio::test]
async fn a_content_type_that_is_not_one_of_calls_is_refused_with_415() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    // A page of another origin can send them without a preflight, or nobody knows them.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let wire = Wire { content_type, ..Wire::WEB_H1 };
        let answer = wire.call(server.address, PATH, &told("k")).await;
        assert_eq!(answer.http_status, 415, "{content_type}");
        let accepted = answer.headers["accept-post"].to_str().unwrap();
        assert!(accepted.contains("application/connect+proto") && accepted.contains("application/json"));
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn a_status_of_the_bridge_has_the_codec_of_its_request() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let content_type =
            if wire == Wire::GRPC { "application/grpc+json" } else { "application/grpc-web+json" };
        let wire = Wire { content_type, ..wire };
        let headers = [("grpc-timeout", "0m")];
        let answer = wire.call_with_headers(server.address, PATH, &told("k"), &headers).await;
        assert_eq!(answer.headers["content-type"], content_type);
        assert_eq!(answer.ending().await.code, 4);
    }
}

#[tokio::test]
async fn the_codec_of_the_content_type_is_passed_on() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for (content_type, wire, at_upstream, at_caller) in [
        ("application/grpc+json", Wire::GRPC, "application/grpc+json", "application/grpc+json"),
        ("application/grpc+proto", Wire::GRPC, "application/grpc+proto", "application/grpc+proto"),
        ("application/grpc-web+json", Wire::WEB_H1, "application/grpc+json", "application/grpc-web+json"),
        (
            "application/grpc-web-text+foo",
            Wire::TEXT_H2,
            "application/grpc+foo",
            "application/grpc-web-text+foo",
        ),
        ("application/grpc-web", Wire::WEB_H2, "application/grpc", "application/grpc-web+proto"),
    ] {
        let wire = Wire { content_type, ..wire };
        let (answer, arrived) = once(&mut upstream, &server, wire, &[], |call| {
            call.trailers_only(&[("content-type", at_upstream), ("grpc-status", "0")]);
        })
        .await;
        assert_eq!(arrived.headers("content-type"), [at_upstream]);
        assert_eq!(answer.headers["content-type"], at_caller);
    }
}

#[tokio::test]
async fn hop_by_hop_headers_are_not_passed_on() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let sent = [
        ("connection", "x-hop, grpc-timeout"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic b"),
        ("te", "gzip"),
        ("grpc-timeout", "30S"),
        ("x-parent-call-id", "1"),
        ("x-shelf", "7"),
    ];
    let (answer, arrived) = once(&mut upstream, &server, Wire::WEB_H1, &sent, |call| {
        let names = [("content-length", "27"), ("trailer", "x-end"), ("access-control-allow-origin", "*")];
        let mut stream = call.begin(&[&names[..], &[("x-row", "1")]].concat());
        stream.send_data(reply(), false).unwrap();
        stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    for name in [
        "connection",
        "x-hop",
        "keep-alive",
        "proxy-authorization",
        "x-parent-call-id",
        "host",
        "content-length",
    ] {
        assert!(!arrived.head.headers.contains_key(name), "{name}");
    }
    assert_eq!((arrived.headers("te"), arrived.headers("x-shelf")), (vec!["trailers"], vec!["7"]));
    // A `connection` header that names `grpc-timeout` removes the caller's, and not the remaining timeout that the bridge sends.
    assert!(arrived.head.headers.contains_key("grpc-timeout"));
    for name in ["content-length", "trailer", "access-control-allow-origin"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.headers["x-row"], "1");
    let (messages, _) = answer.finish::<Progress>().await;
    assert_eq!(messages.len(), 1, "whatever content-length the upstream sends");
}

#[tokio::test]
async fn content_length_is_not_passed_on() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (sent, answered) = (frame(&told("k")).len().to_string(), reply().len().to_string());
    for wire in Wire::ALL {
        // The client computes the length of the other forms.
        let headers = [("content-length", sent.as_str())];
        let headers = if wire == Wire::GRPC || wire == Wire::WEB_H2 { &headers[..] } else { &[] };
        let (answer, arrived) = once(&mut upstream, &server, wire, headers, |call| {
            let mut stream = call.begin(&[("content-length", &answered)]);
            stream.send_data(reply(), false).unwrap();
            stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
        })
        .await;
        assert!(!arrived.head.headers.contains_key("content-length"), "{wire:?}");
        assert!(!answer.headers.contains_key("content-length"), "{wire:?}");
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (1, 0), "{wire:?}");
    }
}

#[tokio::test]
async fn the_client_address_is_the_peers_unless_a_trusted_proxy_sends_another() {
    let claims = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1"), ("x-real-ip", "1.1.1.1")];
    for (trusted, forwarded_for, forwarded, real_ip) in [
        ("10.0.0.0/8", "127.0.0.1", "for=127.0.0.1", None),
        ("127.0.0.0/8", "1.1.1.1, 127.0.0.1", "for=1.1.1.1, for=127.0.0.1", Some("1.1.1.1")),
    ] {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge().trusted_proxies([trusted.parse().unwrap()])).await;
        let (_, arrived) =
            once(&mut upstream, &server, Wire::WEB_H1, &claims, |call| call.complete(&reply(), &[])).await;
        assert_eq!(arrived.headers("x-forwarded-for"), [forwarded_for]);
        assert_eq!(arrived.headers("forwarded"), [forwarded]);
        assert_eq!(arrived.headers("x-real-ip"), real_ip.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn response_metadata_is_exposed_to_an_allowed_origin() {
    let mut upstream = RawUpstream::start().await;
    let bridge = upstream.bridge().allow_origins(["https://app.example".parse().unwrap()]);
    let server = Server::start(bridge).await;
    let origin = [("origin", "https://app.example")];
    let (answer, _) = once(&mut upstream, &server, Wire::WEB_H1, &origin, |call| {
        let mut stream = call.begin(&[("x-row", "1"), ("access-control-expose-headers", "x-lie")]);
        stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    assert_eq!(
        answer.headers["access-control-expose-headers"],
        "grpc-status,grpc-message,grpc-status-details-bin,x-row,x-request-id"
    );
}
