//! In which forms calls have JSON, and what is refused.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use drawbridge::{Bridge, MethodPattern, Upstream};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::StatusCode;
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use tonic::body::Body;

use super::{Greeting, Reflection, SAY_HELLO, SAY_HELLOS, all, framed, post, request, send};
use crate::support::{Hello, read, soon};

#[tokio::test]
async fn every_form_of_a_call_may_have_json_hosted_and_forwarded() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    let hosted =
        Bridge::new().add_service(GreeterServer::new(Hello)).descriptors(FILE_DESCRIPTOR_SET).unwrap();
    let forwarded = Bridge::new().upstream(upstream.upstream());
    for (name, bridge) in [("hosted", hosted), ("forwarded", forwarded)] {
        let service = bridge.json(all()).into_service();
        assert_eq!(
            post(&service, r#"{"name": "ada"}"#).await,
            (StatusCode::OK, r#"{"message":"Hello ada, says nobody"}"#.to_owned()),
            "{name}"
        );
        for content_type in ["application/grpc+json", "application/grpc-web+json"] {
            let response =
                send(&service, request(SAY_HELLO, content_type, framed(&[r#"{"name":"ada"}"#]))).await;
            assert_eq!(response.headers()["content-type"], content_type, "{name}");
            let (body, code) = read(response).await;
            assert!(body.contains(r#"{"message":"Hello ada, says nobody"}"#), "{name}: {body:?}");
            assert!(
                code == Some(0) || body.contains("grpc-status:0") || body.contains("grpc-status: 0"),
                "{body:?}"
            );
        }
        // A stream, whose first message comes before its end.
        let call = request(SAY_HELLOS, "application/connect+json", framed(&["{}"]));
        let mut body = send(&service, call).await.into_body();
        let frame = soon(body.frame()).await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, framed(&[r#"{"message":"Hello"}"#]), "{name}");
    }
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
    assert_eq!(upstream.with_credentials.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_message_that_is_malformed_ends_the_call_with_its_place() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    let hosted =
        Bridge::new().add_service(GreeterServer::new(Hello)).descriptors(FILE_DESCRIPTOR_SET).unwrap();
    for bridge in [hosted, Bridge::new().upstream(upstream.upstream())] {
        let service = bridge.json(all()).into_service();
        for (json, part) in [
            ("{\n  \"name\": 7\n}", "name: expected a string, found 7 (line 2, column 11)"),
            (r#"{"nam": "ada"}"#, "has no field \\\"nam\\\" (line 1, column 2)"),
            ("", "found the end of the text (line 1, column 1)"),
        ] {
            let (status, body) = post(&service, json).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
            assert!(body.contains("invalid_argument") && body.contains(part), "{body}");
        }
        // In the middle of a stream.
        let call = request(SAY_HELLOS, "application/grpc+json", framed(&["{}", "{"]));
        assert_eq!(read(send(&service, call).await).await.1, Some(3));
        // Clients of Connect may have a newer contract.
        let mut call = request(SAY_HELLO, "application/json", r#"{"nam": "ada"}"#);
        call.headers_mut().insert("connect-protocol-version", "1".parse().unwrap());
        assert_eq!(send(&service, call).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn only_methods_that_are_named_have_json() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    let one: [MethodPattern; 1] = ["greet.Greeter/SayHellos".parse().unwrap()];
    let hosted =
        Bridge::new().add_service(GreeterServer::new(Hello)).descriptors(FILE_DESCRIPTOR_SET).unwrap();
    let service = hosted.json(one.clone()).into_service();
    let (status, body) = post(&service, "{}").await;
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{body}");
    // The upstream gets what it got before, and refuses it.
    let service = Bridge::new().upstream(upstream.upstream()).json(one).into_service();
    assert_ne!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::OK);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 0);
    let without = Bridge::new().add_service(GreeterServer::new(Hello)).into_service();
    assert_eq!(post(&without, "{}").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_malformed_message_ends_a_response_that_has_begun() {
    let server = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    // A method that streams in both directions.
    let upstream = format!("grpc.reflection=http://{}", server.address).parse::<Upstream>().unwrap();
    let service = Bridge::new().upstream(upstream).json(all()).into_service();
    let (mut messages, body) = Channel::<Bytes>::new(1);
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let mut call = request(path, "application/grpc+json", "");
    *call.body_mut() = Body::new(body);
    messages.send_data(framed(&[r#"{"listServices": ""}"#]).into()).await.unwrap();
    let mut response = send(&service, call).await.into_body();
    assert!(soon(response.frame()).await.unwrap().unwrap().is_data());
    messages.send_data(framed(&["{"]).into()).await.unwrap();
    let trailers = soon(response.frame()).await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "3");
    assert!(trailers["grpc-message"].to_str().unwrap().contains("the%20end%20of%20the%20text"));
}
