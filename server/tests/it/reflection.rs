//! Reflection for hosted and forwarded services together.

use axum::Router;
use drawbridge::Bridge;
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use futures_util::stream;
use prost::Message as _;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ExtensionRequest, ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;
use tonic_reflection::server::v1::ServerReflectionServer;

use crate::support::client::{Wire, frame};
use crate::support::reflection::{
    Extensions, PATH, V1, V1ALPHA, ask, ask_in, by_name, came, channel, code, exposed, file, first_message,
    list, named, question, reflecting, symbol, upstream,
};
use crate::support::upstream::{bridge_to, upstream_at};
use crate::support::{Server, samples, soon};

#[tokio::test]
async fn it_lists_hosted_services_and_those_that_are_forwarded() {
    let rest = upstream(&[
        file("shop.proto", "shop.Orders", "Order", None),
        file("greet.proto", "greet.Greeter", "Hello", None),
        // Blocked as an administrative service, and routed to the other upstream.
        file("channelz.proto", "grpc.channelz.v1.Channelz", "Server", None),
        file("other.proto", "other.Thing", "Thing", None),
    ])
    .await;
    let other = upstream(&[
        file("other.proto", "other.Known", "Known", None),
        // Not routed to this upstream.
        file("pay.proto", "pay.Cards", "Card", None),
    ])
    .await;
    let bridge = samples().upstream(upstream_at(rest.address)).upstream(named(&other, "other"));
    let server = Server::start(exposed(bridge)).await;
    let expected = ["Message", "greet.Greeter", V1, V1ALPHA, "other.Known", "shop.Orders"];
    assert_eq!(list(server.address).await, expected);
}

#[tokio::test]
async fn a_symbol_is_resolved_by_the_server_that_has_it() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let other = upstream(&[file("other.proto", "other.Known", "Known", None)]).await;
    // Its route is the service, so no route covers the package of its messages.
    let pay = upstream(&[file("pay.proto", "pay.Cards", "Card", None)]).await;
    let bridge = samples()
        .upstream(upstream_at(rest.address))
        .upstream(named(&other, "other"))
        .upstream(named(&pay, "pay.Cards"));
    let server = Server::start(exposed(bridge)).await;
    for (name, expected) in [
        ("greet.Greeter", "greet.proto"),
        ("greet.Greeter.SayHello", "greet.proto"),
        ("greet.HelloRequest", "greet.proto"),
        ("Message", "message.proto"),
        ("shop.Orders", "shop.proto"),
        ("shop.Order", "shop.proto"),
        ("other.Known", "other.proto"),
        ("pay.Cards", "pay.proto"),
        ("pay.Card", "pay.proto"),
        (V1, "reflection_v1.proto"),
        (V1ALPHA, "reflection_v1alpha.proto"),
    ] {
        let answers = ask(server.address, &[symbol(name)]).await;
        assert_eq!(came(&answers[0]).0, expected, "{name}");
    }
}

#[tokio::test]
async fn an_unknown_symbol_is_an_error_response_and_the_stream_continues() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let server = Server::start(exposed(samples().upstream(upstream_at(rest.address)))).await;
    let asked = [symbol("shop.Nothing"), by_name("nothing.proto"), symbol("shop.Orders")];
    let answers = ask(server.address, &asked).await;
    assert_eq!((code(&answers[0]), code(&answers[1])), (Code::NotFound as i32, Code::NotFound as i32));
    assert_eq!(came(&answers[2]).0, "shop.proto");
    let nothing = ServerReflectionRequest::default();
    let mut client = ServerReflectionClient::new(channel(server.address));
    let mut stream = client.server_reflection_info(stream::iter([nothing])).await.unwrap().into_inner();
    let answer = soon("an answer", stream.message()).await.unwrap().unwrap();
    assert_eq!(code(&answer.message_response.unwrap()), Code::InvalidArgument as i32);
}

#[tokio::test]
async fn a_file_name_is_resolved_by_the_server_that_answered_last() {
    let a = upstream(&[
        file("shared.proto", "a.Shared", "OfA", None),
        file("a.proto", "a.A", "A", Some("shared.proto")),
    ])
    .await;
    let b = upstream(&[
        file("shared.proto", "b.Shared", "OfB", None),
        file("b.proto", "b.B", "B", Some("shared.proto")),
    ])
    .await;
    let bridge = Bridge::new().upstream(named(&a, "a")).upstream(named(&b, "b"));
    let server = Server::start(exposed(bridge)).await;
    let shared = by_name("shared.proto");
    let asked = [symbol("b.B"), shared.clone(), symbol("a.A"), shared.clone(), shared];
    let answers: Vec<_> = ask(server.address, &asked).await.iter().map(first_message).collect();
    assert_eq!(answers, ["B", "OfB", "A", "OfA", "OfA"]);
}

#[tokio::test]
async fn a_symbol_is_resolved_by_the_server_that_its_calls_go_to() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "OfRest", None)]).await;
    let a =
        upstream(&[file("shop.proto", "shop.Orders", "OfA", None), file("a.proto", "a.A", "A", None)]).await;
    let bridge = bridge_to(rest.address).upstream(named(&a, "a"));
    let server = Server::start(exposed(bridge)).await;
    let answers = ask(server.address, &[symbol("a.A"), symbol("shop.Orders")]).await;
    assert_eq!(answers.iter().map(first_message).collect::<Vec<_>>(), ["A", "OfRest"]);
}

#[tokio::test]
async fn descriptors_are_those_of_the_server_that_its_calls_go_to() {
    let rest = upstream(&[
        file("message.proto", "x.Message", "OfUpstream", None),
        file("greet.proto", "greet.Greeter", "OfUpstream", None),
    ])
    .await;
    let hosted = Server::start(exposed(samples().upstream(upstream_at(rest.address)))).await;
    let answers = ask(hosted.address, &[symbol("greet.Greeter"), by_name("message.proto")]).await;
    assert_eq!(answers.iter().map(first_message).collect::<Vec<_>>(), ["HelloRequest", "Request"]);
    // The bridge has all descriptors, and hosts none of the services.
    let bridge = bridge_to(rest.address).descriptors(FILE_DESCRIPTOR_SET).unwrap();
    let forwarded = Server::start(exposed(bridge)).await;
    for asked in [symbol("greet.Greeter"), by_name("message.proto")] {
        assert_eq!(first_message(&ask(forwarded.address, &[asked]).await[0]), "OfUpstream");
    }
    assert_eq!(list(forwarded.address).await, ["greet.Greeter", V1, V1ALPHA, "x.Message"]);
}

#[tokio::test]
async fn a_service_that_is_not_exposed_has_no_descriptor() {
    let rest = upstream(&[file("channelz.proto", "grpc.channelz.v1.Channelz", "Server", None)]).await;
    for (pattern, open) in [("grpc.reflection.*", false), ("*", true)] {
        let bridge = bridge_to(rest.address).expose([pattern.parse().unwrap()]);
        let server = Server::start(bridge).await;
        let listed = list(server.address).await.contains(&"grpc.channelz.v1.Channelz".to_owned());
        assert_eq!(listed, open, "{pattern}");
        for name in ["grpc.channelz.v1.Channelz", "grpc.channelz.v1.Server"] {
            let answers = ask(server.address, &[symbol(name)]).await;
            assert_eq!(matches!(answers[0], MessageResponse::FileDescriptorResponse(_)), open, "{name}");
        }
    }
}

#[tokio::test]
async fn clients_and_upstreams_may_use_v1_or_v1alpha() {
    let files = [file("shop.proto", "shop.Orders", "Order", None)];
    let old = Bridge::new().add_service(reflecting(&files).build_v1alpha().unwrap());
    for server in [Server::start(old).await, upstream(&files).await] {
        let server = Server::start(exposed(bridge_to(server.address))).await;
        for _ in 0..2 {
            assert_eq!(list(server.address).await, [V1, V1ALPHA, "shop.Orders"]);
            assert_eq!(came(&ask(server.address, &[symbol("shop.Orders")]).await[0]).0, "shop.proto");
        }
        let request = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "shop.Orders".to_owned(),
            )),
        };
        let mut client = AlphaClient::new(channel(server.address));
        let mut stream = client.server_reflection_info(stream::iter([request])).await.unwrap().into_inner();
        let answer = soon("an answer", stream.message()).await.unwrap().unwrap();
        // Both versions have the same encoding.
        let answer = ServerReflectionResponse::decode(&*answer.encode_to_vec()).unwrap();
        assert_eq!(came(&answer.message_response.unwrap()).0, "shop.proto");
    }
}

#[tokio::test]
async fn a_version_that_is_not_exposed_is_unimplemented() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let server = Server::start(bridge_to(rest.address).expose([V1.parse().unwrap()])).await;
    assert_eq!(list(server.address).await, [V1, "shop.Orders"]);
    let mut client = AlphaClient::new(channel(server.address));
    let request = v1alpha::ServerReflectionRequest::default();
    let refused = client.server_reflection_info(stream::iter([request])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(refused.message().contains("does not expose"), "{refused}");
}

#[tokio::test]
async fn without_an_upstream_nothing_is_exposed() {
    let server = Server::start(exposed(samples())).await;
    let refused =
        ask_in(server.address, &[MessageRequest::ListServices(String::new())], None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_upstream_that_is_routed_reflection_answers_alone() {
    let files = [file("shop.proto", "shop.Orders", "Order", None)];
    let only = upstream(&files).await;
    let bridge = samples().upstream(named(&only, "grpc.reflection"));
    let server = Server::start(exposed(bridge)).await;
    assert_eq!(list(server.address).await, ["shop.Orders"]);
}

#[tokio::test]
async fn a_hosted_reflection_service_is_included() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // It has descriptors that the bridge does not have.
    let own = reflecting(&[file("own.proto", "own.Kept", "Kept", None)]).build_v1().unwrap();
    let bridge = Bridge::new().add_service(own).upstream(upstream_at(rest.address));
    let server = Server::start(exposed(bridge)).await;
    let answers = ask(server.address, &[symbol("own.Kept"), symbol("shop.Orders")]).await;
    assert_eq!((came(&answers[0]).0.as_str(), came(&answers[1]).0.as_str()), ("own.proto", "shop.proto"));
}

#[tokio::test]
async fn it_works_over_grpc_web_and_in_a_router_without_a_fallback() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // A router without a fallback has routes for its own services only.
    let bridge = exposed(Bridge::new().upstream(named(&rest, "shop")));
    let router =
        Router::new().route("/", axum::routing::get(|| async { "mine" })).merge(bridge.into_router());
    for wire in Wire::ALL {
        let body = frame(&question(symbol("shop.Orders")));
        let answer = wire.call_router(router.clone(), PATH, body, &[]).await;
        let (answers, ending) = answer.finish::<ServerReflectionResponse>().await;
        assert_eq!(ending.code, 0, "{wire:?}");
        assert_eq!(came(answers[0].message_response.as_ref().unwrap()).0, "shop.proto");
    }
}

#[tokio::test]
async fn extensions_are_resolved_by_the_server_that_has_them() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let extensions = Server::start(Bridge::new().add_service(ServerReflectionServer::new(Extensions))).await;
    let bridge = samples().upstream(upstream_at(rest.address)).upstream(named(&extensions, "ext"));
    let server = Server::start(exposed(bridge)).await;
    let extension = |number| {
        let containing_type = "shop.Order".to_owned();
        MessageRequest::FileContainingExtension(ExtensionRequest {
            containing_type,
            extension_number: number,
        })
    };
    let numbers = |of: &str| MessageRequest::AllExtensionNumbersOfType(of.to_owned());
    let asked = [numbers("shop.Order"), extension(100), extension(7), numbers("shop.Nothing")];
    let answers = ask(server.address, &asked).await;
    let numbers = |answer: &MessageResponse| match answer {
        MessageResponse::AllExtensionNumbersResponse(numbers) => numbers.extension_number.clone(),
        other => panic!("no numbers: {other:?}"),
    };
    assert_eq!(numbers(&answers[0]), [100, 101], "the first upstream has none");
    assert_eq!(came(&answers[1]).0, "extensions.proto");
    assert_eq!(code(&answers[2]), Code::NotFound as i32);
    assert_eq!(numbers(&answers[3]), [0_i32; 0], "the response of the first upstream");
}
