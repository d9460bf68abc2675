//! Rules of Connect, over raw sockets: what its clients receive, hosted and forwarded.

use std::io::Write as _;

use bytes::Bytes;
use drawbridge::{HostPolicy, Limits};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use prost::Message as _;
use serde_json::json;

use crate::support::client::frame;
use crate::support::connect::{
    FORWARDED, HELLO, HELLOS, PROTO, STREAM, forwarding, forwarding_with, gzip, hello, post, send,
};
use crate::support::{Server, exchange, samples};

#[tokio::test]
async fn a_unary_call_has_its_message_as_body() {
    let server = Server::samples().await;
    for answer in post(&server, HELLO, &[PROTO, ("connect-protocol-version", "1")], &hello("ada")).await {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/proto")));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        assert_eq!(HelloReply::decode(answer.body).unwrap().message, "Hello Ada Lovelace");
    }
}

#[tokio::test]
async fn each_mistake_of_a_unary_request_has_its_http_status_and_code() {
    let server = Server::start(samples().limits(Limits::new().with_max_message_bytes(100))).await;
    let ada = hello("ada");
    let long = hello(&"n".repeat(200));
    for (headers, body, status, code, part) in [
        (&[PROTO, ("connect-timeout-ms", "1s")][..], &ada[..], 400, "invalid_argument", "\"1s\""),
        (&[PROTO, ("connect-timeout-ms", "12345678901")], &ada, 400, "invalid_argument", "12345678901"),
        (&[PROTO, ("connect-timeout-ms", "0")], &ada, 504, "deadline_exceeded", ""),
        (&[PROTO, ("connect-protocol-version", "2")], &ada, 400, "invalid_argument", "\"2\""),
        (&[PROTO, ("content-encoding", "foo")], &ada, 501, "unimplemented", "foo"),
        (&[PROTO, ("content-encoding", "gzip")], &ada, 500, "internal", ""),
        (&[PROTO], b"\xff\xff", 500, "internal", ""),
        (&[PROTO], &long, 429, "resource_exhausted", "100"),
    ] {
        for answer in post(&server, HELLO, headers, body).await {
            let json = answer.json();
            assert_eq!((answer.status, json["code"].as_str()), (status, Some(code)), "{headers:?}: {json}");
            assert!(json.to_string().contains(&part.replace('"', "\\\"")), "{json}");
        }
    }
    for answer in post(&server, "/greet.Greeter/NoSuchMethod", &[PROTO], &ada).await {
        assert_eq!((answer.status, &answer.json()["code"]), (501, &json!("unimplemented")));
    }
    for path in ["/no.such.Service/Method", "/greet.Greeter/SayHello/"] {
        for answer in post(&server, path, &[PROTO], &ada).await {
            assert_eq!(answer.status, 404, "{path}");
            if path.starts_with("/no") {
                assert_eq!(answer.json()["code"], "unimplemented");
            }
        }
    }
}

#[tokio::test]
async fn a_content_type_that_the_method_does_not_have_is_415_and_names_those_that_are_known() {
    let server = Server::samples().await;
    for (path, content_type) in [
        (HELLO, "text/plain"),
        (HELLO, "application/json; charset=latin1"),
        (HELLO, "application/connect+foo"),
        (HELLO, "application/connect+proto"),
        (HELLOS, "application/proto"),
    ] {
        for answer in post(&server, path, &[("content-type", content_type)], b"").await {
            assert_eq!(answer.status, 415, "{path}, {content_type}");
            let accepted = answer.header("accept-post").unwrap();
            for each in ["application/grpc-web+proto", "application/proto", "application/connect+proto"] {
                assert!(accepted.split(", ").any(|name| name == each), "{accepted}");
            }
        }
    }
    // No content type at all.
    assert_eq!(post(&server, HELLO, &[], b"").await[0].status, 415);
    for answer in send(&server, "DELETE", HELLO, &[PROTO], b"").await {
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST, OPTIONS")));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_status_whatever_ends_it() {
    let server = Server::samples().await;
    let ada = frame(&HelloRequest { name: "ada".to_owned() });
    for (headers, body, code) in [
        (&[STREAM, ("connect-timeout-ms", "30")][..], &ada[..], "deadline_exceeded"),
        (&[STREAM, ("connect-timeout-ms", "x")], &ada, "invalid_argument"),
        (&[STREAM, ("connect-protocol-version", "2")], &ada, "invalid_argument"),
        (&[STREAM, ("connect-content-encoding", "foo")], &ada, "unimplemented"),
        (&[STREAM], b"", "unimplemented"),
        (&[STREAM], &ada.repeat(2), "unimplemented"),
        (&[STREAM], b"\x01\0\0\0\0", "internal"),
        (&[STREAM], b"\x02\0\0\0\x02{}", "internal"),
        (&[STREAM], b"\0\0\0\0\x09", "internal"),
    ] {
        for answer in post(&server, HELLOS, headers, body).await {
            assert_eq!(answer.end()["error"]["code"], code, "{headers:?}, {body:?}");
        }
    }
    for answer in post(&server, "/no.such.Service/Method", &[STREAM], &ada).await {
        assert_eq!(answer.end()["error"]["code"], "unimplemented");
    }
}

#[tokio::test]
async fn compressed_messages_are_passed_on_as_they_are() {
    let compressed = gzip(&hello("ada"));
    let (server, _answering) = forwarding(|call, body| {
        assert_eq!(call.headers("grpc-encoding"), ["gzip"]);
        assert_eq!(call.headers("grpc-accept-encoding"), ["gzip,br"]);
        for name in
            ["content-encoding", "accept-encoding", "connect-content-encoding", "connect-accept-encoding"]
        {
            assert_eq!(call.headers(name), [""; 0], "{name}");
        }
        let mut stream = call.begin(&[("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip,br")]);
        stream.send_data(body.into(), false).unwrap();
        stream
            .send_trailers([("grpc-status".parse().unwrap(), "0".parse().unwrap())].into_iter().collect())
            .unwrap();
    })
    .await;
    let unary = [PROTO, ("content-encoding", "gzip"), ("accept-encoding", "gzip;q=1.0, br, *;q=0")];
    for answer in post(&server, FORWARDED, &unary, &compressed).await {
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
        assert_eq!(answer.body, compressed);
        assert_eq!(answer.header("grpc-encoding"), None);
    }
    let stream = [STREAM, ("connect-content-encoding", "gzip"), ("connect-accept-encoding", "gzip, br")];
    let mut framed = vec![1];
    framed.extend(u32::try_from(compressed.len()).unwrap().to_be_bytes());
    framed.extend(&compressed);
    for answer in post(&server, FORWARDED, &stream, &framed).await {
        assert_eq!(answer.header("connect-content-encoding"), Some("gzip"));
        assert!(answer.body.starts_with(&framed));
        assert_eq!(answer.end(), json!({}));
    }
}

#[tokio::test]
async fn metadata_passes_in_both_directions() {
    let (server, _answering) = forwarding(|call, _| {
        assert_eq!(call.headers("x-shelf"), ["7", "8"]);
        assert_eq!(call.headers("x-id-bin"), ["AAEC"]);
        assert_eq!(call.headers("connect-protocol-version"), [""; 0]);
        let timeout = call.headers("grpc-timeout")[0];
        assert!(timeout.ends_with('u') && timeout.len() >= 7, "{timeout}");
        let mut stream = call.begin(&[("x-a", "1"), ("x-a", "2")]);
        stream.send_data(Bytes::from_static(b"\0\0\0\0\0"), false).unwrap();
        let trailers = [("grpc-status", "0"), ("x-b", "3"), ("x-c-bin", "AAE")];
        let trailers = trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        stream.send_trailers(trailers.collect()).unwrap();
    })
    .await;
    let metadata = [
        ("x-shelf", "7"),
        ("x-shelf", "8"),
        ("x-id-bin", "AAEC"),
        ("connect-timeout-ms", "50000"),
        ("connect-protocol-version", "1"),
    ];
    for answer in post(&server, FORWARDED, &[&[PROTO][..], &metadata].concat(), b"").await {
        assert_eq!(answer.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            (answer.header("trailer-x-b"), answer.header("trailer-x-c-bin")),
            (Some("3"), Some("AAE"))
        );
    }
    for answer in post(&server, FORWARDED, &[&[STREAM][..], &metadata].concat(), b"\0\0\0\0\0").await {
        assert_eq!(answer.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(answer.end(), json!({ "metadata": { "x-b": ["3"], "x-c-bin": ["AAE"] } }));
    }
}

#[tokio::test]
async fn an_error_of_an_upstream_has_its_details_and_metadata() {
    let (server, _answering) = forwarding(|call, _| {
        call.trailers_only(&[
            ("grpc-status", "5"),
            ("grpc-message", "no %C3%BC"),
            ("grpc-status-details-bin", "CAUSAm5vGgkKA2EuQhICAQI="),
            ("x-a", "1"),
        ]);
    })
    .await;
    let error = json!({
        "code": "not_found",
        "message": "no ü",
        "details": [{ "type": "a.B", "value": "AQI" }],
    });
    for answer in post(&server, FORWARDED, &[PROTO], b"").await {
        assert_eq!((answer.status, answer.json(), answer.header("x-a")), (404, error.clone(), Some("1")));
        assert_eq!(answer.header("grpc-status"), None);
    }
    for answer in post(&server, FORWARDED, &[STREAM], b"\0\0\0\0\0").await {
        assert_eq!(answer.end()["error"], error);
        assert_eq!(answer.end()["metadata"]["x-a"], json!(["1"]));
    }
}

#[tokio::test]
async fn a_unary_response_is_held_up_to_its_limit() {
    let limits = Limits::new().with_max_held_response_bytes(10);
    let (server, _answering) = forwarding_with(
        |bridge| bridge.limits(limits),
        |call, body| {
            let message = frame(&HelloRequest { name: "n".repeat(body.len() - 5) });
            call.complete(&message, &[]);
        },
    )
    .await;
    // The message has two bytes around its text.
    for (length, status) in [(8, 200), (9, 429)] {
        for answer in post(&server, FORWARDED, &[PROTO], &vec![0; length]).await {
            assert_eq!(answer.status, status, "{length}: {:?}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_method_that_streams_cannot_be_called_as_a_unary_one() {
    let (server, _answering) = forwarding(|call, body| call.complete(&body.repeat(2).into(), &[])).await;
    for answer in post(&server, FORWARDED, &[PROTO], b"").await {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (501, Some("unimplemented")));
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_reads_errors_too() {
    let origin = "https://app.example";
    let server = Server::start(samples().allow_origins([http::HeaderValue::from_static(origin)])).await;
    for (path, status) in
        [(HELLO, 200), ("/greet.Greeter/NoSuchMethod", 501), ("/no.such.Service/Method", 404)]
    {
        for answer in post(&server, path, &[PROTO, ("origin", origin)], &hello("ada")).await {
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (status, Some(origin)),
                "{path}"
            );
        }
    }
    let preflight = [
        ("origin", origin),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "connect-timeout-ms"),
    ];
    for answer in send(&server, "OPTIONS", HELLO, &preflight, b"").await {
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET,POST"));
        assert_eq!(answer.header("access-control-allow-headers"), Some("connect-timeout-ms"));
    }
}

#[tokio::test]
async fn a_refusal_by_the_head_is_an_error_of_connect() {
    let loopback = HostPolicy::Loopback { also: vec![] };
    let server = Server::start(samples().hosts(loopback)).await;
    let padding = "x".repeat(20_000);
    for answer in post(&server, HELLO, &[PROTO, ("x-padding", &padding)], b"").await {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (431, Some("resource_exhausted")));
    }
    for answer in post(&server, HELLOS, &[STREAM, ("x-padding", &padding)], b"").await {
        assert_eq!(answer.end()["error"]["code"], "resource_exhausted");
    }
    let foreign = format!(
        "POST {HELLO} HTTP/1.1\r\nhost: rebound.example\r\ncontent-type: application/proto\r\nconnection: close\r\n\
         content-length: 0\r\n\r\n"
    );
    let answer = exchange(server.address, foreign.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("permission_denied"), "{answer}");
    // A path that is none of a method may be that of a page.
    for path in ["/", "/greet.Greeter/SayHello/"] {
        for answer in post(&server, path, &[PROTO], b"").await {
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (404, Some("text/plain; charset=utf-8"))
            );
        }
        for answer in post(&server, path, &[STREAM], b"").await {
            assert_eq!(answer.end()["error"]["code"], "unimplemented");
        }
    }
}

#[tokio::test]
async fn a_chunked_message_is_read_whole() {
    let server = Server::start(samples().limits(Limits::new().with_max_message_bytes(100))).await;
    let request = |chunks: &[&[u8]]| {
        let mut request = format!(
            "POST {HELLO} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for chunk in chunks.iter().chain([&&b""[..]]) {
            write!(request, "{:x}\r\n", chunk.len()).unwrap();
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request
    };
    let ada = hello("ada");
    let answer = exchange(server.address, &request(&[&ada[..2], &ada[2..]])).await;
    assert!(answer.contains("Hello Ada Lovelace"), "{answer}");
    let answer = exchange(server.address, &request(&[&[0; 60], &[0; 60]])).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("resource_exhausted"), "{answer}");
}
