//! Where contracts come from, and when they are asked for.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drawbridge::{Bridge, DescriptorFiles, Upstream};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::StatusCode;
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tokio::net::TcpListener;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::server_reflection_server::{ServerReflection, ServerReflectionServer};
use tonic_reflection::pb::v1::{
    ErrorResponse, FileDescriptorResponse, ServerReflectionRequest, ServerReflectionResponse,
};

use super::{Greeting, Reflection, SAY_HELLO, all, framed, post, request, send};
use crate::support::{read, soon};

/// Returns the contract of the greeter with another name of the request's field.
fn renamed() -> Vec<u8> {
    let mut set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    for file in &mut set.file {
        let messages = file.message_type.iter_mut().filter(|message| message.name() == "HelloRequest");
        for field in messages.flat_map(|message| &mut message.field) {
            field.name = Some("full_name".to_owned());
            field.json_name = Some("fullName".to_owned());
        }
    }
    set.encode_to_vec()
}

#[tokio::test]
async fn an_upstream_is_asked_under_both_names_of_reflection_and_callers_are_not_let_in() {
    for reflection in [Reflection::V1, Reflection::V1Alpha] {
        let upstream = Greeting::start("127.0.0.1:0", reflection, FILE_DESCRIPTOR_SET).await;
        let service = Bridge::new().upstream(upstream.upstream()).json(all()).into_service();
        for _ in 0..3 {
            assert_eq!(post(&service, "{}").await.0, StatusCode::OK);
        }
        let asked = upstream.asked.load(Ordering::SeqCst);
        assert_eq!(asked, if reflection == Reflection::V1 { 1 } else { 2 });
        for content_type in ["application/grpc", "application/grpc+json"] {
            let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
            let response = send(&service, request(path, content_type, framed(&["{}"]))).await;
            assert_eq!(read(response).await.1, Some(12));
        }
        assert_eq!(upstream.asked.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test]
async fn without_a_contract_the_error_names_both_ways_to_give_one() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::None, FILE_DESCRIPTOR_SET).await;
    let service = Bridge::new().upstream(upstream.upstream()).json(all()).into_service();
    for _ in 0..3 {
        let (status, body) = post(&service, "{}").await;
        assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{body}");
        assert!(body.contains("enable reflection") && body.contains("--descriptors FILE"), "{body}");
    }
    // Both names, once.
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 2);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contracts.binpb");
    std::fs::write(&file, FILE_DESCRIPTOR_SET).unwrap();
    let files = DescriptorFiles::open([file.clone()]).unwrap();
    let bridge = Bridge::new().upstream(upstream.upstream()).descriptor_files(files);
    let service = bridge.json(all()).into_service();
    assert_eq!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::OK);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 2);

    std::fs::write(&file, "not a descriptor").unwrap();
    let error = DescriptorFiles::open([file]).unwrap_err().to_string();
    assert!(error.contains("contracts.binpb is not an encoded FileDescriptorSet"), "{error}");
}

#[tokio::test]
async fn the_next_call_after_a_restart_knows_the_new_contract() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    let service = Bridge::new().upstream(upstream.upstream()).json(all()).into_service();
    assert_eq!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::OK);
    let address = upstream.stop().await;
    let upstream = Greeting::start(&address, Reflection::V1, &renamed()).await;
    let (status, body) = post(&service, r#"{"fullName": "ada"}"#).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"message":"Hello ada, says nobody"}"#));
    assert_eq!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_question_goes_on_when_its_first_call_leaves() {
    // An upstream that accepts connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let service = Bridge::new().upstream(upstream).json(all()).into_service();
    let mut call = request(SAY_HELLO, "application/json", "{}");
    call.headers_mut().insert("connect-timeout-ms", "50".parse().unwrap());
    assert_eq!(send(&service, call).await.status(), StatusCode::GATEWAY_TIMEOUT);
    // The connection of the question is still there, and another call waits for the same one.
    let (mut connection, _) = soon(listener.accept()).await.unwrap();
    let mut preface = [0; 24];
    soon(tokio::io::AsyncReadExt::read_exact(&mut connection, &mut preface)).await.unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let mut call = request(SAY_HELLO, "application/json", "{}");
    call.headers_mut().insert("connect-timeout-ms", "50".parse().unwrap());
    assert_eq!(send(&service, call).await.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}

/// The greeter's contract in two files, of which reflection answers one at a time, as grpc-go's does. A third one is imported and missing.
#[derive(Clone)]
struct OneFileAtATime(Arc<Mutex<Vec<FileDescriptorProto>>>);

impl OneFileAtATime {
    fn new() -> Self {
        let this = Self(Arc::default());
        this.set(FILE_DESCRIPTOR_SET);
        this
    }

    /// Answers another contract from now on.
    fn set(&self, contract: &[u8]) {
        let set = FileDescriptorSet::decode(contract).unwrap();
        let mut service = set.file.into_iter().find(|file| file.package() == "greet").unwrap();
        let messages = FileDescriptorProto {
            name: Some("messages.proto".to_owned()),
            package: service.package.clone(),
            syntax: service.syntax.clone(),
            message_type: std::mem::take(&mut service.message_type),
            ..FileDescriptorProto::default()
        };
        service.dependency = vec!["messages.proto".to_owned(), "options.proto".to_owned()];
        *self.0.lock().unwrap() = vec![service, messages];
    }
}

#[tonic::async_trait]
impl ServerReflection for OneFileAtATime {
    type ServerReflectionInfoStream = BoxStream<'static, Result<ServerReflectionResponse, Status>>;

    async fn server_reflection_info(
        &self,
        requests: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let files = self.0.lock().unwrap().clone();
        let answer = move |request: ServerReflectionRequest| {
            let found = match request.message_request {
                Some(MessageRequest::FileContainingSymbol(_)) => files.first(),
                Some(MessageRequest::FileByFilename(name)) => files.iter().find(|file| file.name() == name),
                _ => None,
            };
            let response = found.map_or_else(
                || {
                    MessageResponse::ErrorResponse(ErrorResponse {
                        error_code: 5,
                        error_message: String::new(),
                    })
                },
                |file| {
                    let file_descriptor_proto = vec![file.encode_to_vec()];
                    MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })
                },
            );
            ServerReflectionResponse { message_response: Some(response), ..Default::default() }
        };
        let answers = requests.into_inner().map(move |request| request.map(&answer));
        Ok(Response::new(answers.boxed()))
    }
}

#[tokio::test]
async fn the_files_that_a_file_imports_are_asked_for_in_the_same_stream() {
    let mut services = RoutesBuilder::default();
    services.add_service(ServerReflectionServer::new(OneFileAtATime::new()));
    let upstream = Greeting::with("127.0.0.1:0", services).await;
    let service = Bridge::new().upstream(upstream.upstream()).json(all()).into_service();
    assert_eq!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::OK);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_file_of_descriptors_is_read_again_when_it_changes() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::None, FILE_DESCRIPTOR_SET).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contracts.binpb");
    std::fs::write(&file, FILE_DESCRIPTOR_SET).unwrap();
    let files = DescriptorFiles::open([file.clone()]).unwrap();
    let bridge = Bridge::new().upstream(upstream.upstream()).descriptor_files(files);
    let service = bridge.json(all()).into_service();
    assert_eq!(post(&service, r#"{"fullName": "ada"}"#).await.0, StatusCode::BAD_REQUEST);
    std::fs::write(&file, renamed()).unwrap();
    // It is looked at once a second.
    soon(async {
        while post(&service, r#"{"fullName": "ada"}"#).await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    std::fs::write(&file, "not a descriptor").unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(post(&service, r#"{"fullName": "ada"}"#).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_field_that_is_not_known_is_asked_for_again() {
    let reflection = OneFileAtATime::new();
    let mut services = RoutesBuilder::default();
    services.add_service(ServerReflectionServer::new(reflection.clone()));
    let upstream = Greeting::with("127.0.0.1:0", services).await;
    let service = Bridge::new().upstream(upstream.upstream()).json(all()).into_service();
    assert_eq!(post(&service, r#"{"fullName": "ada"}"#).await.0, StatusCode::BAD_REQUEST);
    reflection.set(&renamed());
    // At most once a second.
    assert_eq!(post(&service, r#"{"fullName": "ada"}"#).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(post(&service, r#"{"fullName": "ada"}"#).await.0, StatusCode::OK);
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_services_of_all_threads_share_a_contract() {
    let upstream = Greeting::start("127.0.0.1:0", Reflection::V1, FILE_DESCRIPTOR_SET).await;
    let bridge = Bridge::new().upstream(upstream.upstream());
    for service in bridge.json(all()).into_services(3) {
        assert_eq!(post(&service, r#"{"name": "ada"}"#).await.0, StatusCode::OK);
    }
    assert_eq!(upstream.asked.load(Ordering::SeqCst), 1);
}
