//! Child calls inherit deadline and end, and are retried within them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use drawbridge::{CallLayer, EndReason};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::only_client::{client, relay};
use drawbridge_example_library::only_grpc_web;
use tonic::{Code, Status};

use crate::support::{bob, channel, ends, greeter, serve};

#[tokio::test]
async fn a_call_that_fails_twice_succeeds_with_its_third_attempt() {
    let attempts = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&attempts);
    let fail_twice = from_fn(move |request: Request, next: Next| {
        let attempt = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            if attempt < 3 { Status::unavailable("not yet").into_http() } else { next.run(request).await }
        }
    });
    let router = only_grpc_web::router(CallLayer::new(), MyGreeter::default()).layer(fail_twice);
    let address = serve(router).await;
    let reply = client(channel(address)).say_hello(bob()).await.unwrap();
    assert_eq!(reply.into_inner().message, "Hello Bob");
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_child_call_has_the_deadline_of_its_parent_and_ends_with_it() {
    // A greeter whose streams stay open, and a relay of it.
    let child = CallLayer::new();
    let mut child_ends = ends(&child.calls());
    let far = serve(only_grpc_web::router(child, MyGreeter { every: Duration::from_secs(3600) })).await;
    let parent = CallLayer::new();
    let mut parent_ends = ends(&parent.calls());
    let near = serve(relay(channel(far), parent)).await;

    // The deadline of the parent travels to the child.
    let mut request = tonic::Request::new(bob());
    request.set_timeout(Duration::from_secs(1));
    let mut stream = greeter(near).say_hellos(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(matches!(parent_ends.next().await.1, EndReason::DeadlineExceeded { .. }));
    // Which of the two sees the deadline first is up to their clocks.
    let end = child_ends.next().await.1;
    assert!(matches!(end, EndReason::DeadlineExceeded { .. } | EndReason::ClientGone), "{end}");

    // So does the end of its caller.
    let stream = greeter(near).say_hellos(bob()).await.unwrap();
    drop(stream);
    assert_eq!(parent_ends.next().await.1, EndReason::ClientGone);
    assert_eq!(child_ends.next().await.1, EndReason::ClientGone);
}
