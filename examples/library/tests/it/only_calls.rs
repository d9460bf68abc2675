//! The CALL layer on a tonic server keeps deadlines over streams, and sees callers leave.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Calls, EndReason};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::only_calls::{layer, serve};
use tokio::sync::oneshot;
use tonic::Code;

use crate::support::{bob, ends, greeter, listen};

/// Serves greetings so far apart that no stream gets to its second one.
async fn start() -> (SocketAddr, Calls, oneshot::Sender<()>) {
    let (listener, address) = listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let layer = layer();
    let calls = layer.calls();
    let greeter = MyGreeter { every: Duration::from_secs(3600) };
    // Without a sender it never stops.
    let stopped = async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::spawn(serve(listener, layer, greeter, stopped));
    (address, calls, stop)
}

#[tokio::test]
async fn a_deadline_ends_a_response_stream() {
    let (address, calls, _stop) = start().await;
    let mut ends = ends(&calls);
    let mut request = tonic::Request::new(bob());
    // tonic's channel keeps this only up to the head of the response, so what ends the stream is the server.
    request.set_timeout(Duration::from_secs(1));
    let mut stream = greeter(address).say_hellos(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    let (_, end) = ends.next().await;
    assert!(matches!(end, EndReason::DeadlineExceeded { .. }), "{end}");
}

#[tokio::test]
async fn a_caller_that_leaves_ends_its_call() {
    let (address, calls, _stop) = start().await;
    let mut ends = ends(&calls);
    let stream = greeter(address).say_hellos(bob()).await.unwrap();
    assert_eq!(calls.open(), 1);
    drop(stream);
    assert_eq!(ends.next().await.1, EndReason::ClientGone);
}

#[tokio::test]
async fn a_shutdown_ends_open_calls_with_unavailable() {
    let (address, _calls, stop) = start().await;
    let mut stream = greeter(address).say_hellos(bob()).await.unwrap().into_inner();
    stop.send(()).unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
}
