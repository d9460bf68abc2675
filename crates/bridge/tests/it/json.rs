//! Calls with JSON: in which forms, by which contracts, and what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drawbridge::{Bridge, BridgeService, DescriptorFiles, MethodPattern, Upstream};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::ServiceExt as _;

use super::support::{Hello, read, soon};

const SAY_HELLO: &str = "/greet.Greeter/SayHello";
const SAY_HELLOS: &str = "/greet.Greeter/SayHellos";

/// Which reflection a server has.
#[derive(Clone, Copy, PartialEq)]
enum Reflection {
    V1,
    V1Alpha,
    None,
}

/// A server with the greeter. It stops when this is dropped.
struct Greeting {
    address: String,
    /// How many streams of reflection it has seen, and how many requests had credentials.
    asked: Arc<AtomicUsize>,
    with_credentials: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    stopped: tokio::task::JoinHandle<()>,
}

impl Greeting {
    async fn start(address: &str, reflection: Reflection, contract: &[u8]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, with_credentials) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, credentials) = (Arc::clone(&asked), Arc::clone(&with_credentials));
        let counted = tower::layer::layer_fn(move |inner| {
            let (count, credentials) = (Arc::clone(&count), Arc::clone(&credentials));
            tower::ServiceBuilder::new()
                .map_request(move |request: Request<Body>| {
                    if request.uri().path().contains("ServerReflection/") {
                        count.fetch_add(1, Ordering::SeqCst);
                        let has = request.headers().contains_key("authorization");
                        credentials.fetch_add(usize::from(has), Ordering::SeqCst);
                    }
                    request
                })
                .service(inner)
        });
        let builder =
            || tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(contract);
        let v1 = (reflection == Reflection::V1).then(|| builder().build_v1().unwrap());
        let alpha = (reflection == Reflection::V1Alpha).then(|| builder().build_v1alpha().unwrap());
        let (stop, stopping) = oneshot::channel::<()>();
        let server = Server::builder()
            .layer(counted)
            .add_service(GreeterServer::new(Hello))
            .add_optional_service(v1)
            .add_optional_service(alpha);
        let stopped = tokio::spawn(async move {
            let incoming = TcpIncoming::from(listener);
            let serve = server.serve_with_incoming_shutdown(incoming, async { drop(stopping.await) });
            serve.await.unwrap();
        });
        Self { address, asked, with_credentials, stop: Some(stop), stopped }
    }

    async fn stop(mut self) -> String {
        drop(self.stop.take());
        soon(&mut self.stopped).await.unwrap();
        self.address.clone()
    }

    fn upstream(&self) -> Upstream {
        Upstream::new(&format!("http://{}", self.address)).unwrap()
    }
}

fn all() -> [MethodPattern; 1] {
    ["*".parse().unwrap()]
}

fn request(path: &str, content_type: &str, body: impl Into<bytes::Bytes>) -> Request<Body> {
    let request = Request::post(path).version(Version::HTTP_2).header("content-type", content_type);
    request.header("authorization", "Bearer secret").body(Body::new(Full::from(body.into()))).unwrap()
}

fn framed(messages: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for message in messages {
        body.push(0);
        body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        body.extend(message.as_bytes());
    }
    body
}

async fn send(service: &BridgeService, request: Request<Body>) -> Response<Body> {
    soon(service.clone().oneshot(request)).await.unwrap()
}

/// Calls the greeter by a plain POST of JSON, and returns status and body.
async fn post(service: &BridgeService, json: &'static str) -> (StatusCode, String) {
    let response = send(service, request(SAY_HELLO, "application/json", json)).await;
    (response.status(), read(response).await.0)
}

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
