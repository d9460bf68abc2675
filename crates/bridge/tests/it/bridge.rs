//! The whole bridge: what it takes for gRPC, where the rest goes, and interceptors.

use axum::Router;
use axum::routing::post;
use drawbridge::{Bridge, Upstream};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::{Request, StatusCode};
use tonic::body::Body;
use tonic::{Status, transport::Server};
use tower::ServiceExt as _;

use super::support::{Hello, read, request};

fn json(path: &str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::empty()).unwrap()
}

/// A router of one's own, with a path that looks like that of a method.
fn own() -> Router {
    Router::new().route("/api/login", post(|| async { "logged in" })).fallback(|| async { "a page" })
}

#[tokio::test]
async fn a_fallback_serves_beside_hosted_services_and_a_catch_all() {
    let bridge = Bridge::new()
        .add_service(GreeterServer::new(Hello))
        .upstream(Upstream::new("http://127.0.0.1:9").unwrap())
        .fallback(own());
    let service = bridge.into_router();
    let page = service.clone().oneshot(Request::get("/about").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(read(page).await.0, "a page");
    let call = request("/greet.Greeter/SayHello", "application/grpc", &[]);
    assert_eq!(read(service.clone().oneshot(call).await.unwrap()).await.1, Some(0));
    // By default a client that calls a method with the wrong content-type learns what is wrong.
    let login = Request::post("/api/login").header("content-type", "text/plain").body(Body::empty()).unwrap();
    let login = service.oneshot(login).await.unwrap();
    assert_eq!(login.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn with_a_required_content_type_all_else_reaches_the_fallback() {
    let bridge = Bridge::new()
        .add_service(GreeterServer::new(Hello))
        .upstream(Upstream::new("http://127.0.0.1:9").unwrap())
        .require_grpc_content_type()
        .fallback(own());
    let service = bridge.into_router();
    let login = service.clone().oneshot(json("/api/login")).await.unwrap();
    assert_eq!((login.status(), read(login).await.0.as_str()), (StatusCode::OK, "logged in"));
    let call = request("/greet.Greeter/SayHello", "application/grpc-web", &[]);
    assert!(read(service.oneshot(call).await.unwrap()).await.0.contains("Hello ada"));
}

#[tokio::test]
async fn interceptors_run_inside_hosted_and_forwarded_calls() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_service(GreeterServer::new(Hello)).serve_with_incoming(incoming));
    let intercept = |bridge: Bridge| {
        bridge.intercept(|mut head| async move {
            if head.headers.get("authorization").is_none_or(|token| token != "Bearer secret") {
                return Err(Status::unauthenticated("send the token"));
            }
            head.headers.insert("x-user", "ann".parse().unwrap());
            Ok(head)
        })
    };
    let hosted = intercept(Bridge::new().add_service(GreeterServer::new(Hello)));
    let forwarded = intercept(Bridge::new().upstream(Upstream::new(&upstream).unwrap()));
    for (name, mut bridge) in [("hosted", hosted), ("forwarded", forwarded)] {
        let ended = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = ended.clone();
        bridge.calls().on_end(move |call| {
            seen.lock().unwrap().push(call.end_reason().map(drawbridge::EndReason::code));
        });
        let service = bridge.into_service();
        let call =
            |headers: &[(&str, &str)]| request("/greet.Greeter/SayHello", "application/grpc-web", headers);
        let refused = read(service.clone().oneshot(call(&[])).await.unwrap()).await;
        assert_eq!(refused.1, Some(16), "{name}");
        let allowed = service.oneshot(call(&[("authorization", "Bearer secret")])).await.unwrap();
        let text = read(allowed).await.0;
        assert!(text.contains("Hello ada, says ann"), "{name}: {text}");
        let codes: Vec<_> = ended.lock().unwrap().iter().flatten().map(|code| *code as i32).collect();
        assert_eq!(codes, [16, 0], "{name}: a refusal is the end of a call");
    }
}
