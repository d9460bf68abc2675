//! The example does what it says.

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use drawbridge::{Bridge, Calls, ConnectionOptions};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::Endpoint;

/// An address at which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.and_then(|nobody| nobody.local_addr()).expect("a port")
}

/// Starts the example, with orders forwarded to this address.
async fn start_before(orders: SocketAddr) -> SocketAddr {
    let (router, calls) = drawbridge_example_axum::router(&format!("http://{orders}")).expect("an address");
    serve(router, calls).await
}

async fn start() -> SocketAddr {
    start_before(nobody().await).await
}

async fn serve(router: Router, calls: Calls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let options = ConnectionOptions::default();
    tokio::spawn(drawbridge::serve(listener, router, calls, options, std::future::pending()));
    address
}

async fn say(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{request}\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn a_hosted_service_answers_native_clients_within_the_default_deadline() {
    let address = start().await;
    let channel = Endpoint::try_from(format!("http://{address}")).expect("an address").connect_lazy();
    let reply = GreeterClient::new(channel).say_hello(HelloRequest { name: "Ada".to_owned() }).await;
    assert_eq!(reply.expect("a reply").into_inner().message, "Hello Ada, who waits 30s");
}

#[tokio::test]
async fn own_routes_and_the_own_fallback_stand_beside_it() {
    let address = start().await;
    assert!(say(address, "GET /healthz HTTP/1.1").await.ends_with("fine"));
    for path in ["/", "/anything", "/no.such/Service"] {
        assert!(say(address, &format!("GET {path} HTTP/1.1")).await.ends_with("a page of my own"), "{path}");
    }
}

#[tokio::test]
async fn layers_of_ones_own_stand_around_all_of_it() {
    let (router, calls) =
        drawbridge_example_axum::router(&format!("http://{}", nobody().await)).expect("an address");
    let own = map_response(|mut response: Response| async {
        response.headers_mut().insert("x-own", HeaderValue::from_static("1"));
        response
    });
    let address = serve(router.layer(own), calls).await;
    for request in ["GET /healthz HTTP/1.1", SHOP] {
        let answer = say(address, request).await;
        assert!(answer.contains("x-own: 1"), "{answer}");
    }
}

/// A call of a service that is forwarded.
const SHOP: &str =
    "POST /shop.Orders/List HTTP/1.1\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 0";

#[tokio::test]
async fn a_forwarded_package_is_forwarded() {
    let orders = Router::new().fallback(|| async {
        [("content-type", "application/grpc"), ("grpc-status", "0"), ("x-shelf", "7")]
    });
    let orders = serve(orders, Bridge::new().calls()).await;
    let answer = say(start_before(orders).await, SHOP).await;
    assert!(answer.contains("grpc-status: 0") && answer.contains("x-shelf: 7"), "{answer}");
}

#[tokio::test]
async fn the_failure_of_a_forwarded_call_is_told() {
    let address = start().await;
    for path in ["/shop.Orders/List", "/shop.v1.Orders/List"] {
        let answer = say(address, &SHOP.replace("/shop.Orders/List", path)).await;
        assert!(answer.contains("grpc-status: 14"), "{answer}");
    }
}
