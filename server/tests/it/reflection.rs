//! Reflection that answers for hosted and forwarded services together.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use drawbridge::{Bridge, Upstream};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, ExtensionRequest, FileDescriptorResponse,
    ServerReflectionRequest, ServerReflectionResponse,
};
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::Builder;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use crate::support::client::{Wire, frame};
use crate::support::program::Program;
use crate::support::upstream::{RawUpstream, bridge_to, map, upstream_at};
use crate::support::{Server, samples, soon};

const V1: &str = "grpc.reflection.v1.ServerReflection";
const V1ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";
const PATH: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// A file of a package with a service, a message of this name, and perhaps an import.
fn file(name: &str, service: &str, message: &str, import: Option<&str>) -> FileDescriptorProto {
    let (package, service) = service.rsplit_once('.').unwrap();
    let named = |name: &str| Some(name.to_owned());
    FileDescriptorProto {
        name: named(name),
        package: named(package),
        dependency: import.map(str::to_owned).into_iter().collect(),
        message_type: vec![DescriptorProto { name: named(message), ..Default::default() }],
        service: vec![ServiceDescriptorProto { name: named(service), ..Default::default() }],
        ..Default::default()
    }
}

fn reflecting(files: &[FileDescriptorProto]) -> Builder<'static> {
    Builder::configure()
        .register_file_descriptor_set(FileDescriptorSet { file: files.to_vec() })
        .include_reflection_service(false)
}

/// An upstream that has these files, and says so as tonic does.
async fn upstream(files: &[FileDescriptorProto]) -> Server {
    Server::start(Bridge::new().serve(reflecting(files).build_v1().unwrap())).await
}

fn exposed(bridge: Bridge) -> Bridge {
    bridge.expose(["grpc.reflection.*".parse().unwrap()])
}

fn named(server: &Server, service: &str) -> Upstream {
    upstream_at(server.address).for_service(service).unwrap()
}

fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

fn question(asked: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: "here".to_owned(), message_request: Some(asked) }
}

/// Asks these questions in one stream, and returns the answers.
async fn ask(address: SocketAddr, asked: &[MessageRequest]) -> Vec<MessageResponse> {
    ask_in(address, asked, None).await.unwrap()
}

async fn ask_in(
    address: SocketAddr,
    asked: &[MessageRequest],
    time: Option<Duration>,
) -> Result<Vec<MessageResponse>, Status> {
    let questions: Vec<_> = asked.iter().cloned().map(question).collect();
    let mut request = Request::new(stream::iter(questions.clone()));
    if let Some(time) = time {
        request.set_timeout(time);
    }
    let mut client = ServerReflectionClient::new(channel(address));
    let mut stream = soon("answers", client.server_reflection_info(request)).await?.into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = soon("an answer", stream.message()).await? {
        assert_eq!(answer.original_request.as_ref(), questions.get(answers.len()));
        assert_eq!(answer.valid_host, "here");
        answers.push(answer.message_response.unwrap());
    }
    assert_eq!(answers.len(), questions.len());
    Ok(answers)
}

fn services(answer: &MessageResponse) -> Vec<&str> {
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("no list: {answer:?}") };
    list.service.iter().map(|service| service.name.as_str()).collect()
}

async fn list(address: SocketAddr) -> Vec<String> {
    let answers = ask(address, &[MessageRequest::ListServices(String::new())]).await;
    services(&answers[0]).into_iter().map(str::to_owned).collect()
}

fn symbol(name: &str) -> MessageRequest {
    MessageRequest::FileContainingSymbol(name.to_owned())
}

fn by_name(name: &str) -> MessageRequest {
    MessageRequest::FileByFilename(name.to_owned())
}

/// Returns the name of the file that came, with its messages.
fn came(answer: &MessageResponse) -> (String, Vec<String>) {
    let MessageResponse::FileDescriptorResponse(files) = answer else { panic!("no file: {answer:?}") };
    let file = FileDescriptorProto::decode(&*files.file_descriptor_proto[0]).unwrap();
    let messages = file.message_type.iter().map(|message| message.name().to_owned()).collect();
    (file.name().to_owned(), messages)
}

fn first_message(answer: &MessageResponse) -> String {
    came(answer).1.remove(0)
}

fn code(answer: &MessageResponse) -> i32 {
    let MessageResponse::ErrorResponse(error) = answer else { panic!("no error: {answer:?}") };
    error.error_code
}

#[tokio::test]
async fn it_lists_what_is_hosted_and_what_would_be_forwarded() {
    let rest = upstream(&[
        file("shop.proto", "shop.Orders", "Order", None),
        file("greet.proto", "greet.Greeter", "Hello", None),
        // Closed, and somebody else's.
        file("channelz.proto", "grpc.channelz.v1.Channelz", "Server", None),
        file("other.proto", "other.Thing", "Thing", None),
    ])
    .await;
    let other = upstream(&[
        file("other.proto", "other.Known", "Known", None),
        // Never called here.
        file("pay.proto", "pay.Cards", "Card", None),
    ])
    .await;
    let bridge = samples().upstream(upstream_at(rest.address)).upstream(named(&other, "other"));
    let server = Server::start(exposed(bridge)).await;
    let expected = ["Message", "greet.Greeter", V1, V1ALPHA, "other.Known", "shop.Orders"];
    assert_eq!(list(server.address).await, expected);
}

#[tokio::test]
async fn whoever_has_a_symbol_is_asked_for_it() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let other = upstream(&[file("other.proto", "other.Known", "Known", None)]).await;
    // Named for the service alone, so that its messages are in nobody's package.
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
async fn what_nobody_knows_is_an_answer_and_the_stream_goes_on() {
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
async fn files_of_the_same_name_come_from_whoever_answered_last() {
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
async fn a_symbol_is_asked_where_its_calls_go_though_others_have_it_too() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "OfRest", None)]).await;
    let a =
        upstream(&[file("shop.proto", "shop.Orders", "OfA", None), file("a.proto", "a.A", "A", None)]).await;
    let bridge = bridge_to(rest.address).upstream(named(&a, "a"));
    let server = Server::start(exposed(bridge)).await;
    let answers = ask(server.address, &[symbol("a.A"), symbol("shop.Orders")]).await;
    assert_eq!(answers.iter().map(first_message).collect::<Vec<_>>(), ["A", "OfRest"]);
}

#[tokio::test]
async fn contracts_are_those_of_whoever_takes_the_calls() {
    let rest = upstream(&[
        file("message.proto", "x.Message", "OfUpstream", None),
        file("greet.proto", "greet.Greeter", "OfUpstream", None),
    ])
    .await;
    let hosted = Server::start(exposed(samples().upstream(upstream_at(rest.address)))).await;
    let answers = ask(hosted.address, &[symbol("greet.Greeter"), by_name("message.proto")]).await;
    assert_eq!(answers.iter().map(first_message).collect::<Vec<_>>(), ["HelloRequest", "Request"]);
    // The bridge was told of all contracts, and hosts none of them.
    let bridge = bridge_to(rest.address).descriptors(FILE_DESCRIPTOR_SET).unwrap();
    let forwarded = Server::start(exposed(bridge)).await;
    for asked in [symbol("greet.Greeter"), by_name("message.proto")] {
        assert_eq!(first_message(&ask(forwarded.address, &[asked]).await[0]), "OfUpstream");
    }
    assert_eq!(list(forwarded.address).await, ["greet.Greeter", V1, V1ALPHA, "x.Message"]);
}

#[tokio::test]
async fn a_closed_service_has_no_contract_here() {
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
async fn an_upstream_that_does_not_tell_is_left_out() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // No reflection; nobody there; an answer that has no end.
    let silent = Server::start(Bridge::new()).await;
    let gone = RawUpstream::start().await.address;
    let breaking = RawUpstream::start().await;
    let broken = upstream_at(breaking.address).for_service("broken").unwrap();
    let _answering = breaking.answering(|mut call| async move {
        let mut stream = call.begin(&[]);
        stream.send_trailers(map(&[("x-end", "without a status")])).unwrap();
    });
    let bridge = samples()
        .upstream(upstream_at(rest.address))
        .upstream(named(&silent, "silent"))
        .upstream(upstream_at(gone).for_service("gone").unwrap())
        .upstream(broken);
    let server = Server::start(exposed(bridge)).await;
    let expected = ["Message", "greet.Greeter", V1, V1ALPHA, "shop.Orders"];
    assert_eq!(list(server.address).await, expected);
    for name in ["silent", "gone", "broken"] {
        let answers = ask(server.address, &[symbol(&format!("{name}.Service")), symbol("shop.Orders")]).await;
        // Whoever has it and does not answer is no reason to say that there is nothing.
        assert_eq!(code(&answers[0]) == Code::NotFound as i32, name == "silent", "{name}");
        assert_eq!(came(&answers[1]).0, "shop.proto");
    }
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_left_out_in_half_of_the_callers_time() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let mut hanging = RawUpstream::start().await;
    let bridge = bridge_to(rest.address).upstream(upstream_at(hanging.address).for_service("hang").unwrap());
    let server = Server::start(exposed(bridge)).await;
    let asked = [MessageRequest::ListServices(String::new())];
    let (answers, reason) =
        tokio::join!(ask_in(server.address, &asked, Some(Duration::from_secs(4))), async {
            hanging.call().await.reset().await
        });
    assert_eq!(services(&answers.unwrap()[0]), [V1, V1ALPHA, "shop.Orders"]);
    assert_eq!(reason, h2::Reason::CANCEL);
}

#[tokio::test]
async fn either_name_of_the_protocol_is_spoken_to_callers_and_to_upstreams() {
    let files = [file("shop.proto", "shop.Orders", "Order", None)];
    let old = Bridge::new().serve(reflecting(&files).build_v1alpha().unwrap());
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
        // The same bytes under the other name.
        let answer = ServerReflectionResponse::decode(&*answer.encode_to_vec()).unwrap();
        assert_eq!(came(&answer.message_response.unwrap()).0, "shop.proto");
    }
}

#[tokio::test]
async fn a_name_that_is_not_exposed_stays_closed() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let server = Server::start(bridge_to(rest.address).expose([V1.parse().unwrap()])).await;
    assert_eq!(list(server.address).await, [V1, "shop.Orders"]);
    let mut client = AlphaClient::new(channel(server.address));
    let request = v1alpha::ServerReflectionRequest::default();
    let refused = client.server_reflection_info(stream::iter([request])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(refused.message().contains("--expose"), "{refused}");
}

#[tokio::test]
async fn without_an_upstream_nothing_is_exposed() {
    let server = Server::start(exposed(samples())).await;
    let refused =
        ask_in(server.address, &[MessageRequest::ListServices(String::new())], None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_upstream_that_is_named_for_reflection_answers_alone() {
    let files = [file("shop.proto", "shop.Orders", "Order", None)];
    let only = upstream(&files).await;
    let bridge = samples().upstream(named(&only, "grpc.reflection"));
    let server = Server::start(exposed(bridge)).await;
    assert_eq!(list(server.address).await, ["shop.Orders"]);
}

#[tokio::test]
async fn a_hosted_reflection_service_is_asked_too() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // It knows what the bridge was not told.
    let own = reflecting(&[file("own.proto", "own.Kept", "Kept", None)]).build_v1().unwrap();
    let bridge = Bridge::new().serve(own).upstream(upstream_at(rest.address));
    let server = Server::start(exposed(bridge)).await;
    let answers = ask(server.address, &[symbol("own.Kept"), symbol("shop.Orders")]).await;
    assert_eq!((came(&answers[0]).0.as_str(), came(&answers[1]).0.as_str()), ("own.proto", "shop.proto"));
}

#[tokio::test]
async fn a_question_to_an_upstream_is_a_child_of_the_call_that_asks() {
    let mut raw = RawUpstream::start().await;
    let server = Server::start(exposed(raw.bridge())).await;
    let mut connection = Wire::GRPC.connect(server.address).await;
    let body = frame(&question(MessageRequest::ListServices(String::new())));
    let headers = [
        ("authorization", "Bearer b"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-request-id", "order-17"),
        ("grpc-timeout", "300S"),
    ];
    let asking = tokio::spawn(async move {
        Wire::GRPC.call_with(&mut connection, PATH, body, &headers).await.ending().await
    });
    let mut arrived = raw.call().await;
    assert_eq!(arrived.head.uri.path(), PATH);
    assert_eq!(arrived.headers("authorization"), ["Bearer b"]);
    assert_eq!(arrived.headers("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(arrived.headers("x-request-id"), ["order-17"]);
    assert_eq!(arrived.headers("content-type"), ["application/grpc"]);
    assert_eq!(arrived.headers("grpc-timeout").len(), 1);
    asking.abort();
    assert_eq!(arrived.reset().await, h2::Reason::CANCEL);
}

#[tokio::test]
async fn browsers_and_routers_of_ones_own_have_it_too() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // A router without a fallback has routes for what it answers.
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

/// Reflection that knows of extensions, as tonic's does not.
struct Extensions;

#[tonic::async_trait]
impl ServerReflection for Extensions {
    type ServerReflectionInfoStream = BoxStream<'static, Result<ServerReflectionResponse, Status>>;

    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let answers = request.into_inner().map(|question| {
            let answer = match question?.message_request {
                Some(MessageRequest::AllExtensionNumbersOfType(of)) if of == "shop.Order" => {
                    let extension_number = vec![100, 101];
                    MessageResponse::AllExtensionNumbersResponse(ExtensionNumberResponse {
                        base_type_name: of,
                        extension_number,
                    })
                }
                Some(MessageRequest::FileContainingExtension(extension))
                    if extension.extension_number == 100 =>
                {
                    let file = file("extensions.proto", "ext.Nothing", "Nothing", None).encode_to_vec();
                    MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
                        file_descriptor_proto: vec![file],
                    })
                }
                _ => MessageResponse::ErrorResponse(ErrorResponse {
                    error_code: Code::NotFound as i32,
                    error_message: "not here".to_owned(),
                }),
            };
            Ok(v1::ServerReflectionResponse { message_response: Some(answer), ..Default::default() })
        });
        Ok(Response::new(answers.boxed()))
    }
}

#[tokio::test]
async fn extensions_are_told_by_whoever_has_some() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let extensions = Server::start(Bridge::new().serve(ServerReflectionServer::new(Extensions))).await;
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
    assert_eq!(numbers(&answers[0]), [100, 101], "the first to answer has none");
    assert_eq!(came(&answers[1]).0, "extensions.proto");
    assert_eq!(code(&answers[2]), Code::NotFound as i32);
    assert_eq!(numbers(&answers[3]), [0_i32; 0], "as the first to answer says");
}

#[tokio::test]
async fn the_program_tells_of_its_samples_and_of_upstreams_and_logs_who_does_not_tell() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let gone = RawUpstream::start().await.address;
    let (rest, gone) = (format!("http://{}", rest.address), format!("gone=http://{gone}"));
    let arguments = ["--samples", "--upstream", &rest, "--upstream", &gone, "--expose", "grpc.reflection.*"];
    let mut program = Program::start(&arguments).await;
    let listed = list(program.socket()).await;
    for service in ["shop.Orders", "greet.Greeter", "drawbridge.calls.v1.Calls", "grpc.health.v1.Health"] {
        assert!(listed.iter().any(|name| name == service), "{service} of {listed:?}");
    }
    let line = program.logged("an upstream lists no services").await;
    assert_eq!(format!("gone=http://{}", line["upstream"].as_str().unwrap()), gone);
    assert_eq!(line["code"], "UNAVAILABLE");
}
