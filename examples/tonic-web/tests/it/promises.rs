//! Which promises of a bridge hold behind tonic-web, and which need the bridge's own translation.
//!
//! Each row of a table is a request and what comes back from three servers of the same services: tonic-web alone, tonic-web
//! with the CALL layer (this example), and a bridge. A row fails if any of the three changes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response as AxumResponse;
use axum::routing::post;
use drawbridge::{Bridge, CallLayer, Protocol};
use drawbridge_example_tonic_web::{Messages, PlainGreeter, grpc};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::message_server::MessageServer;
use futures_util::stream;
use tokio::sync::mpsc::unbounded_channel;
use tonic::service::Routes;

use crate::wire::{Request, Response, frame, serve};

const EVERY: Duration = Duration::from_millis(1);

/// A service that is not tonic's, with responses that break off.
fn broken() -> Router {
    let response = |frames: Vec<Result<Bytes, std::io::Error>>| {
        let mut response = AxumResponse::new(Body::from_stream(stream::iter(frames)));
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(header::CONTENT_TYPE, grpc);
        response
    };
    Router::new()
        .route(
            "/broken.Service/Error",
            post(move || async move {
                response(vec![Ok(frame(0, b"a message").into()), Err(std::io::Error::other("broken"))])
            }),
        )
        .route(
            "/broken.Service/Cut",
            post(move || async move { response(vec![Ok(frame(0, b"a message")[..8].to_vec().into())]) }),
        )
}

/// The three servers.
struct Servers {
    /// tonic-web alone.
    alone: SocketAddr,
    /// tonic-web with the CALL layer.
    here: SocketAddr,
    bridge: SocketAddr,
}

impl Servers {
    async fn start() -> Self {
        let greeter = || GreeterServer::new(PlainGreeter { every: EVERY });
        let messages = || MessageServer::new(Messages { every: EVERY });
        let alone = Routes::new(messages()).add_service(greeter()).into_axum_router();
        let bridge = Bridge::new()
            .add_service(greeter())
            .add_service(messages())
            .add_named_service("broken.Service", broken())
            .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)
            .unwrap()
            .allow_origins([HeaderValue::from_static("https://app.example")])
            .fallback_unimplemented();
        let tonic_web = tonic_web::GrpcWebLayer::new;
        let broken_here = broken().layer(CallLayer::new()).layer(tonic_web());
        Self {
            alone: serve(alone.merge(broken()).layer(tonic_web())).await,
            here: serve(grpc(EVERY, CallLayer::new()).merge(broken_here)).await,
            bridge: serve(bridge.into_router()).await,
        }
    }

    /// Compares what each server answers with what the rows say, and tells all differences at once.
    async fn check(&self, rows: &[Row]) {
        let mut differences = String::new();
        for row in rows {
            let servers = [
                ("tonic-web alone", self.alone),
                ("tonic-web with the CALL layer", self.here),
                ("a bridge", self.bridge),
            ];
            for ((server, address), expected) in servers.into_iter().zip(row.responses) {
                let seen = summary(&row.request.response(address).await);
                if seen != expected {
                    writeln!(differences, "{}: {server} answers {seen:?}, not {expected:?}", row.promise)
                        .unwrap();
                }
            }
        }
        assert!(differences.is_empty(), "\n{differences}");
    }
}

/// A promise, the request that shows it, and what the servers answer.
struct Row {
    promise: &'static str,
    request: Request,
    /// From tonic-web alone, from tonic-web with the CALL layer, and from a bridge.
    responses: [&'static str; 3],
}

impl Row {
    /// A promise that tonic-web keeps, alone or not.
    fn everywhere(promise: &'static str, request: Request, response: &'static str) -> Self {
        Self { promise, request, responses: [response; 3] }
    }

    /// A promise that tonic-web does not keep, and that needs the CALL layer.
    fn with_call_layer(promise: &'static str, request: Request, responses: [&'static str; 3]) -> Self {
        Self { promise, request, responses }
    }

    /// A promise that the CALL layer cannot keep behind tonic-web, and that needs a bridge.
    fn with_bridge(
        promise: &'static str,
        request: Request,
        tonic_web: &'static str,
        bridge: &'static str,
    ) -> Self {
        Self { promise, request, responses: [tonic_web, tonic_web, bridge] }
    }
}

/// Says in a few words what a response is.
fn summary(response: &Response) -> String {
    if response.status == 0 {
        return "closed without a response".to_owned();
    }
    if response.status != 200 {
        let allow = response.header("allow").map(|allow| format!(", allow {allow}")).unwrap_or_default();
        return format!("HTTP {}{allow}", response.status);
    }
    let form = response.header("content-type").unwrap_or("no content-type").replace("application/", "");
    let messages = response.messages();
    let status = response.grpc_status().map_or("no status".to_owned(), |status| format!("status {status}"));
    let end = if response.complete { "" } else { ", broken off" };
    format!("{form}: messages {messages}, {status}, chunks {}{end}", response.chunks.len())
}

fn hello() -> Request {
    Request::call("/greet.Greeter/SayHello", &HelloRequest { name: "Ada".to_owned() })
}

fn progress() -> Request {
    Request::call("/Message/Stream", &KeyRequest { key: "ada".to_owned() })
}

fn broken_call(path: &'static str) -> Request {
    Request::call(path, &())
}

#[tokio::test]
async fn these_promises_hold_with_tonic_web_alone() {
    let rows = [
        Row::everywhere(
            "an unknown method is status 12",
            broken_call("/greet.Greeter/NoSuchMethod"),
            "grpc-web+proto: messages 0, status 12, chunks 0",
        ),
        Row::everywhere(
            "an unknown service is status 12",
            broken_call("/no.such.Service/Method"),
            "grpc-web+proto: messages 0, status 12, chunks 0",
        ),
        Row::everywhere(
            "an unknown flag of a frame is status 13",
            hello().body(frame(4, b"")),
            "grpc-web+proto: messages 0, status 13, chunks 0",
        ),
    ];
    Servers::start().await.check(&rows).await;
}

#[tokio::test]
async fn these_promises_need_the_call_layer() {
    let rows = [
        Row::with_call_layer(
            "a deadline that has passed is status 4",
            progress().header("grpc-timeout", "0m"),
            [
                "grpc-web+proto: messages 10, status 0, chunks 11",
                "grpc-web+proto: messages 0, status 4, chunks 0",
                "grpc-web+proto: messages 0, status 4, chunks 0",
            ],
        ),
        Row::with_call_layer(
            "a malformed timeout is status 3",
            progress().header("grpc-timeout", "1x"),
            [
                "grpc-web+proto: messages 10, status 0, chunks 11",
                "grpc-web+proto: messages 0, status 3, chunks 0",
                "grpc-web+proto: messages 0, status 3, chunks 0",
            ],
        ),
        Row::with_call_layer(
            "a body that fails ends with a status",
            broken_call("/broken.Service/Error"),
            [
                "closed without a response",
                "grpc-web+proto: messages 1, status 2, chunks 2",
                "grpc-web+proto: messages 1, status 2, chunks 1",
            ],
        ),
    ];
    Servers::start().await.check(&rows).await;
}

#[tokio::test]
async fn these_promises_need_a_bridge() {
    let rows = [
        Row::with_bridge(
            "a message and the trailers after it are one write",
            hello(),
            "grpc-web+proto: messages 1, status 0, chunks 2",
            "grpc-web+proto: messages 1, status 0, chunks 1",
        ),
        Row::with_bridge(
            "parameters of a content-type do not matter",
            hello().header("content-type", "application/grpc-web+proto; charset=utf-8"),
            "HTTP 400",
            "grpc-web+proto: messages 1, status 0, chunks 1",
        ),
        Row::with_bridge(
            "upper case in a content-type does not matter",
            hello().header("content-type", "Application/gRPC-Web+Proto"),
            "HTTP 400",
            "grpc-web+proto: messages 1, status 0, chunks 1",
        ),
        Row::with_bridge(
            "a request in text is answered in text",
            hello().header("content-type", "application/grpc-web-text").body("AAAAAAUKA0FkYQ=="),
            "grpc-web+proto: messages 1, status 0, chunks 2",
            "grpc-web-text+proto: messages 1, status 0, chunks 1",
        ),
        Row::with_bridge(
            "a binary request is answered in binary, whatever it accepts",
            hello().header("accept", "application/grpc-web-text"),
            "grpc-web-text+proto: messages 1, status 0, chunks 2",
            "grpc-web+proto: messages 1, status 0, chunks 1",
        ),
        Row::with_bridge(
            "a codec that is not known is 415",
            hello().header("content-type", "application/grpc-web+json"),
            "HTTP 400",
            "HTTP 415",
        ),
        Row::with_bridge(
            "a content-type that is not gRPC's is 415",
            hello().header("content-type", "application/json"),
            "HTTP 400",
            "HTTP 415",
        ),
        Row::with_bridge(
            "native gRPC over HTTP/1.1 is 505",
            hello().header("content-type", "application/grpc"),
            "HTTP 400",
            "HTTP 505",
        ),
        Row::with_bridge(
            "a method other than POST is 405 and says what is allowed",
            hello().method("GET"),
            "HTTP 405",
            "HTTP 405, allow POST, OPTIONS",
        ),
        Row::with_bridge(
            "a preflight is answered",
            hello()
                .method("OPTIONS")
                .without_header("content-type")
                .header("origin", "https://app.example")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "x-grpc-web"),
            "HTTP 400",
            "HTTP 204",
        ),
        Row::with_bridge(
            "a request without a message is status 12",
            hello().body(""),
            "grpc-web+proto: messages 0, status 13, chunks 0",
            "grpc-web+proto: messages 0, status 12, chunks 0",
        ),
        Row::with_bridge(
            "a second message of a unary request is status 12",
            hello().body([frame(0, b""), frame(0, b"")].concat()),
            "grpc-web+proto: messages 1, status 0, chunks 2",
            "grpc-web+proto: messages 0, status 12, chunks 0",
        ),
        Row::with_bridge(
            "malformed base64 is status 13",
            hello().header("content-type", "application/grpc-web-text").body("!!!!"),
            "grpc-web+proto: messages 0, status 13, chunks 0",
            "grpc-web-text+proto: messages 0, status 13, chunks 0",
        ),
        Row::with_bridge(
            // A trailers frame after half a message would be read as the rest of it.
            "a response that ends inside of a message is broken off",
            broken_call("/broken.Service/Cut"),
            "grpc-web+proto: messages 0, no status, chunks 1",
            "grpc-web+proto: messages 0, no status, chunks 1, broken off",
        ),
    ];
    Servers::start().await.check(&rows).await;
}

#[tokio::test]
async fn the_log_of_a_call_does_not_know_that_it_came_through_tonic_web() {
    let layer = CallLayer::new();
    let (sender, mut protocols) = unbounded_channel();
    layer.calls().on_end(move |call| sender.send(call.protocol()).expect("the test waits for it"));
    let address = serve(grpc(EVERY, layer)).await;
    hello().response(address).await;
    // A bridge says `GrpcWeb`: its own translation leaves the form of the request in an extension.
    assert_eq!(protocols.recv().await, Some(Protocol::Grpc));
}
