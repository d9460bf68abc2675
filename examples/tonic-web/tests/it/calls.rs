//! What the CALL layer adds to services behind tonic-web.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{CallLayer, Calls, EndReason};
use drawbridge_example_tonic_web::grpc;
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::message::Request as KeyRequest;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::wire::{Request, serve};

const EVERY: Duration = Duration::from_millis(10);

/// How long a test waits for what a correct program does at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// The services on a port of their own, their open calls, and how each call ended.
struct Server {
    address: SocketAddr,
    calls: Calls,
    ends: UnboundedReceiver<EndReason>,
}

impl Server {
    async fn next_end(&mut self) -> EndReason {
        let end = tokio::time::timeout(PATIENCE, self.ends.recv()).await;
        end.expect("a call ends soon").expect("the server has the sender")
    }
}

async fn start() -> Server {
    let layer = CallLayer::new();
    let calls = layer.calls();
    let (sender, ends) = unbounded_channel();
    calls.on_end(move |call| {
        let end = call.end_reason().expect("a hook runs after the end").clone();
        // A test that is over needs no more ends.
        let _ = sender.send(end);
    });
    Server { address: serve(grpc(EVERY, layer)).await, calls, ends }
}

fn greetings() -> Request {
    Request::call("/greet.Greeter/SayHellos", &HelloRequest { name: "Ada".to_owned() })
}

#[tokio::test]
async fn a_stream_has_all_its_messages_and_its_status() {
    let mut server = start().await;
    let stream = Request::call("/Message/Stream", &KeyRequest { key: "ada".to_owned() });
    let response = stream.response(server.address).await;
    assert_eq!((response.messages(), response.grpc_status().as_deref()), (10, Some("0")), "{response:?}");
    assert_eq!(server.next_end().await, EndReason::Completed(tonic::Code::Ok));
}

#[tokio::test]
async fn a_deadline_ends_a_stream_with_status_4_after_its_messages() {
    let mut server = start().await;
    // The stream has no end, so this response is complete only because the deadline ended it.
    let response = greetings().header("grpc-timeout", "1S").response(server.address).await;
    assert!(response.complete, "{response:?}");
    assert!(response.messages() > 0, "{response:?}");
    assert_eq!(response.grpc_status().as_deref(), Some("4"), "{response:?}");
    assert!(matches!(server.next_end().await, EndReason::DeadlineExceeded { .. }));
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_call() {
    let mut server = start().await;
    let mut stream = greetings().send(server.address).await;
    let mut first = [0; 64];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(server.calls.open(), 1);
    drop(stream);
    assert_eq!(server.next_end().await, EndReason::ClientGone);
    assert_eq!(server.calls.open(), 0);
}

#[tokio::test]
async fn a_shutdown_ends_open_streams_with_status_14() {
    let mut server = start().await;
    let mut stream = greetings().send(server.address).await;
    let mut bytes = vec![0; 64];
    stream.read_exact(&mut bytes).await.unwrap();
    server.calls.abort_all();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("grpc-status:14"), "{text}");
    assert_eq!(server.next_end().await, EndReason::Draining);
}
