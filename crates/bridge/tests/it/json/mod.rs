//! Calls with JSON.

mod calls;
mod contracts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drawbridge::{BridgeService, MethodPattern, Upstream};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::{Request, Response, StatusCode, Version};
use http_body_util::Full;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::ServiceExt as _;

use crate::support::{Hello, read, soon};

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
        let builder =
            || tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(contract);
        let v1 = (reflection == Reflection::V1).then(|| builder().build_v1().unwrap());
        let alpha = (reflection == Reflection::V1Alpha).then(|| builder().build_v1alpha().unwrap());
        let mut services = RoutesBuilder::default();
        if let Some(v1) = v1 {
            services.add_service(v1);
        }
        if let Some(alpha) = alpha {
            services.add_service(alpha);
        }
        Self::with(address, services).await
    }

    async fn with(address: &str, mut services: RoutesBuilder) -> Self {
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
        let (stop, stopping) = oneshot::channel::<()>();
        services.add_service(GreeterServer::new(Hello));
        let server = Server::builder().layer(counted).add_routes(services.routes());
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
