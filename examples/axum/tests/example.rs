//! The example does what it says.

use std::net::SocketAddr;

use drawbridge::ConnectionOptions;
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::Endpoint;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    // Nobody listens where orders are forwarded to.
    let nobody =
        TcpListener::bind("127.0.0.1:0").await.and_then(|nobody| nobody.local_addr()).expect("a port");
    let (router, calls) = drawbridge_example_axum::router(&format!("http://{nobody}")).expect("an address");
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
async fn a_forwarded_package_is_forwarded_and_its_failure_is_told() {
    let address = start().await;
    let head = "content-type: application/grpc-web+proto\r\ncontent-length: 0";
    for path in ["/shop.Orders/List", "/shop.v1.Orders/List"] {
        let answer = say(address, &format!("POST {path} HTTP/1.1\r\n{head}")).await;
        assert!(answer.contains("grpc-status: 14"), "{answer}");
    }
}
