//! Upstreams with reflection for the descriptors of a test, and a client that queries them.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Bridge, Upstream};
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
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ServerReflectionRequest,
    ServerReflectionResponse,
};
use tonic_reflection::server::Builder;
use tonic_reflection::server::v1::ServerReflection;

use super::upstream::upstream_at;
use super::{Server, soon};

pub const V1: &str = "grpc.reflection.v1.ServerReflection";
pub const V1ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";
pub const PATH: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// A file descriptor with a service, a message and an optional import.
pub fn file(name: &str, service: &str, message: &str, import: Option<&str>) -> FileDescriptorProto {
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

pub fn reflecting(files: &[FileDescriptorProto]) -> Builder<'static> {
    Builder::configure()
        .register_file_descriptor_set(FileDescriptorSet { file: files.to_vec() })
        .include_reflection_service(false)
}

/// An upstream with these files and tonic's reflection service.
pub async fn upstream(files: &[FileDescriptorProto]) -> Server {
    Server::start(Bridge::new().add_service(reflecting(files).build_v1().unwrap())).await
}

pub fn exposed(bridge: Bridge) -> Bridge {
    bridge.expose(["grpc.reflection.*".parse().unwrap()])
}

pub fn named(server: &Server, service: &str) -> Upstream {
    upstream_at(server.address).for_service(service).unwrap()
}

pub fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

pub fn question(asked: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: "here".to_owned(), message_request: Some(asked) }
}

/// Sends these requests in one stream, and returns the responses.
pub async fn ask(address: SocketAddr, asked: &[MessageRequest]) -> Vec<MessageResponse> {
    ask_in(address, asked, None).await.unwrap()
}

pub async fn ask_in(
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

pub fn services(answer: &MessageResponse) -> Vec<&str> {
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("no list: {answer:?}") };
    list.service.iter().map(|service| service.name.as_str()).collect()
}

pub async fn list(address: SocketAddr) -> Vec<String> {
    let answers = ask(address, &[MessageRequest::ListServices(String::new())]).await;
    services(&answers[0]).into_iter().map(str::to_owned).collect()
}

pub fn symbol(name: &str) -> MessageRequest {
    MessageRequest::FileContainingSymbol(name.to_owned())
}

pub fn by_name(name: &str) -> MessageRequest {
    MessageRequest::FileByFilename(name.to_owned())
}

/// Returns the name of the first file of a response, and its messages.
pub fn came(answer: &MessageResponse) -> (String, Vec<String>) {
    let MessageResponse::FileDescriptorResponse(files) = answer else { panic!("no file: {answer:?}") };
    let file = FileDescriptorProto::decode(&*files.file_descriptor_proto[0]).unwrap();
    let messages = file.message_type.iter().map(|message| message.name().to_owned()).collect();
    (file.name().to_owned(), messages)
}

pub fn first_message(answer: &MessageResponse) -> String {
    came(answer).1.remove(0)
}

pub fn code(answer: &MessageResponse) -> i32 {
    let MessageResponse::ErrorResponse(error) = answer else { panic!("no error: {answer:?}") };
    error.error_code
}

/// Reflection with extensions, which tonic's does not have.
pub struct Extensions;

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
            Ok(ServerReflectionResponse { message_response: Some(answer), ..Default::default() })
        });
        Ok(Response::new(answers.boxed()))
    }
}
