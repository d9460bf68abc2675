//! Each form of gRPC, over each version of HTTP that can carry it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::transport::Endpoint;

use crate::support::client::{Wire, frame};
use crate::support::{Server, soon};

fn hello(name: &str) -> HelloRequest {
    HelloRequest { name: name.to_owned() }
}

#[tokio::test]
async fn a_unary_call_is_answered_in_each_form() {
    let server = Server::samples().await;
    for wire in Wire::ALL {
        let answer = wire.call(server.address, "/greet.Greeter/SayHello", &hello("ada")).await;
        assert_eq!(answer.http_status, 200);
        let (messages, ending) = answer.finish::<HelloReply>().await;
        assert_eq!(messages, [HelloReply { message: "Hello Ada Lovelace".to_owned() }], "{wire:?}");
        assert_eq!((ending.code, ending.words.as_str()), (0, ""), "{wire:?}");
    }
}

#[tokio::test]
async fn an_unknown_user_is_greeted_by_the_given_name() {
    let server = Server::samples().await;
    let answer = Wire::GRPC.call(server.address, "/greet.Greeter/SayHello", &hello("Zoë 🦊")).await;
    assert_eq!(answer.finish::<HelloReply>().await.0[0].message, "Hello Zoë 🦊");
}

#[tokio::test]
async fn a_stream_has_ten_messages_in_each_form() {
    let server = Server::samples().await;
    for wire in Wire::ALL {
        for key in ["alpha", "", &"ü".repeat(128)] {
            let request = KeyRequest { key: key.to_owned() };
            let (messages, ending) =
                wire.call(server.address, "/Message/Stream", &request).await.finish::<Progress>().await;
            let expected: Vec<_> = [
                "+",
                "++",
                "+++",
                "++++",
                "+++++",
                "++++++",
                "+++++++",
                "++++++++",
                "+++++++++",
                "++++++++++",
            ]
            .map(|progress| Progress { message: format!("key: {key}, progress: {progress}") })
            .into();
            assert_eq!(messages, expected, "{wire:?}");
            assert_eq!(ending.code, 0, "{wire:?}");
        }
    }
}

#[tokio::test]
async fn a_key_of_257_bytes_is_an_invalid_argument() {
    let server = Server::samples().await;
    let request = KeyRequest { key: "k".repeat(257) };
    for wire in Wire::ALL {
        let ending = wire.call(server.address, "/Message/Stream", &request).await.ending().await;
        assert_eq!(ending.code, 3, "{wire:?}");
        assert!(ending.words.contains("257") && ending.words.contains("256"), "{}", ending.words);
    }
}

#[tokio::test]
async fn a_stream_of_greetings_ends_when_its_caller_disconnects() {
    let server = Server::samples().await;
    for wire in Wire::ALL {
        let mut answer = wire.call(server.address, "/greet.Greeter/SayHellos", &hello("grace")).await;
        for _ in 0..25 {
            let reply: HelloReply = answer.message().await.expect("a greeting");
            assert_eq!(reply.message, "Hello Grace Hopper");
        }
        drop(answer);
        soon("the call to end", async {
            while server.calls.open() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_text_request_gets_a_text_response_whatever_its_accept_header() {
    let server = Server::samples().await;
    let body = STANDARD.encode(frame(&hello("ada")));
    for accept in [None, Some("*/*"), Some("application/grpc-web+proto")] {
        let mut request = Request::post("/greet.Greeter/SayHello")
            .header("host", "localhost")
            .header("content-type", "application/grpc-web-text");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let request = request.body(Full::from(Bytes::from(body.clone()))).unwrap();
        let response = Wire::TEXT_H1.connect(server.address).await.send(request).await;
        assert_eq!(response.headers()["content-type"], "application/grpc-web-text+proto", "{accept:?}");
        let text = response.collect().await.unwrap().to_bytes();
        assert!(text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)), "{text:?}");
    }
}

#[tokio::test]
async fn a_text_request_may_consist_of_several_base64_parts() {
    let server = Server::samples().await;
    let framed = frame(&hello("ada"));
    let body: String = framed.chunks(4).map(|part| STANDARD.encode(part)).collect();
    assert!(body.trim_end_matches('=').contains('='), "padding inside: {body}");
    let request = Request::post("/greet.Greeter/SayHello")
        .header("host", "localhost")
        .header("content-type", "application/grpc-web-text")
        .body(Full::from(Bytes::from(body)))
        .unwrap();
    let response = Wire::TEXT_H1.connect(server.address).await.send(request).await;
    let text = response.collect().await.unwrap().to_bytes();
    let decoded: Vec<u8> = text.chunks(4).flat_map(|group| STANDARD.decode(group).unwrap()).collect();
    let reply = frame(&HelloReply { message: "Hello Ada Lovelace".to_owned() });
    assert!(decoded.starts_with(&reply), "{text:?}");
}

#[tokio::test]
async fn case_and_parameters_of_a_content_type_do_not_matter() {
    let server = Server::samples().await;
    for content_type in
        ["application/grpc-web+proto; charset=utf-8", "Application/gRPC-Web", "application/grpc-web;a=b"]
    {
        let wire = Wire { content_type, ..Wire::WEB_H1 };
        let (messages, ending) = wire
            .call(server.address, "/greet.Greeter/SayHello", &hello("ada"))
            .await
            .finish::<HelloReply>()
            .await;
        assert_eq!((messages.len(), ending.code), (1, 0), "{content_type}");
    }
}

#[tokio::test]
async fn a_tonic_client_has_many_streams_on_one_connection() {
    let server = Server::samples().await;
    let channel = Endpoint::try_from(format!("http://{}", server.address)).unwrap().connect().await.unwrap();
    let streams = (0..20).map(|number| {
        let mut client = MessageClient::new(channel.clone());
        async move {
            let stream = client.stream(KeyRequest { key: number.to_string() }).await.unwrap().into_inner();
            stream.map(|message| message.unwrap().message).collect::<Vec<_>>().await
        }
    });
    for (number, messages) in futures_util::future::join_all(streams).await.into_iter().enumerate() {
        assert_eq!(messages.len(), 10);
        assert_eq!(messages[9], format!("key: {number}, progress: ++++++++++"));
    }
}

#[tokio::test]
async fn the_program_answers_health_checks_and_reflection() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    use tonic_reflection::pb::{v1, v1alpha};

    let program = crate::support::program::Program::start(&[]).await;
    let channel = Endpoint::try_from(program.address.clone()).unwrap().connect().await.unwrap();

    let mut health = HealthClient::new(channel.clone());
    for service in ["", "Message", "greet.Greeter"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request).await.unwrap().into_inner().status;
        assert_eq!(status, ServingStatus::Serving as i32, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "no.such".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    let request = v1::ServerReflectionRequest {
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let mut answers =
        client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    let v1::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"Message") && names.contains(&"greet.Greeter"), "{names:?}");

    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            "greet.Greeter".to_owned(),
        )),
        ..Default::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers =
        client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    let files =
        matches!(answer, v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_));
    assert!(files, "{answer:?}");
}
