//! The list of calls: limits, hooks, and the end of all calls.

use std::sync::{Arc, Mutex};

use drawbridge::{Bridge, EndReason, Limits};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tonic::Code;
use tower::ServiceExt as _;

use super::support::{Hello, read, request};

const STREAM: &str = "/greet.Greeter/SayHellos";

#[tokio::test]
async fn limits_count_whether_they_are_set_before_or_after_the_list_is_asked_for() {
    for asked_first in [false, true] {
        let mut bridge = Bridge::new().add_service(GreeterServer::new(Hello));
        if asked_first {
            bridge.calls();
        }
        let mut bridge = bridge.limits(Limits::new().with_max_calls(1));
        let calls = bridge.calls();
        let service = bridge.into_service();
        let first = service.clone().oneshot(request(STREAM, "application/grpc", &[])).await.unwrap();
        assert_eq!(calls.open(), 1);
        let second = service.oneshot(request(STREAM, "application/grpc", &[])).await.unwrap();
        assert_eq!(read(second).await.1, Some(8), "asked first: {asked_first}");
        drop(first);
        assert_eq!(calls.open(), 0);
    }
}

#[tokio::test]
async fn a_hook_sees_the_end_of_each_call_once() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ends);
    let mut bridge = Bridge::new().add_service(GreeterServer::new(Hello)).on_call_end(move |call| {
        let end = call.end_reason().cloned().expect("the call has ended");
        seen.lock().unwrap().push((call.method().to_owned(), end));
    });
    let calls = bridge.calls();
    let service = bridge.into_service();
    let unary = service.clone().oneshot(request("/greet.Greeter/SayHello", "application/grpc", &[])).await;
    assert_eq!(read(unary.unwrap()).await.1, Some(0));
    drop(service.clone().oneshot(request(STREAM, "application/grpc", &[])).await.unwrap());
    let aborted = service.clone().oneshot(request(STREAM, "application/grpc", &[])).await.unwrap();
    calls.abort_all();
    assert_eq!(read(aborted).await.1, Some(14));
    let refused = service.oneshot(request(STREAM, "application/grpc", &[])).await.unwrap();
    assert_eq!(read(refused).await.1, Some(14), "no call is admitted any more");
    let ends = ends.lock().unwrap().clone();
    let reasons: Vec<_> = ends.iter().map(|(_, end)| end.clone()).collect();
    assert_eq!(ends[0].0, "/greet.Greeter/SayHello");
    assert_eq!(
        reasons,
        [
            EndReason::Completed(Code::Ok),
            EndReason::ClientGone,
            EndReason::Draining,
            EndReason::Completed(Code::Unavailable)
        ]
    );
}
