//! A bridge that is used on several runtimes, one after the other or at a time.

use drawbridge::Bridge;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tower::ServiceExt as _;

use super::support::{Hello, read, request};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn stream(timeout: &str) -> Request<Body> {
    request("/greet.Greeter/SayHellos", "application/grpc", &[("grpc-timeout", timeout)])
}

#[test]
fn a_deadline_is_kept_after_the_runtime_of_an_earlier_one_is_gone() {
    let service = Bridge::new().add_service(GreeterServer::new(Hello)).into_service();
    // Its deadline is the first, and its call is still open when the runtime goes.
    let first = runtime();
    let held = first.block_on(service.clone().oneshot(stream("1H"))).unwrap();
    drop(first);
    let (_, code) = runtime().block_on(async { read(service.oneshot(stream("50m")).await.unwrap()).await });
    assert_eq!(code, Some(4));
    drop(held);
}

#[test]
fn a_deadline_is_kept_while_the_runtime_of_an_earlier_one_is_not_driven() {
    let service = Bridge::new().add_service(GreeterServer::new(Hello)).into_service();
    let idle = runtime();
    let held = idle.block_on(service.clone().oneshot(stream("10m"))).unwrap();
    let (_, code) = runtime().block_on(async { read(service.oneshot(stream("50m")).await.unwrap()).await });
    assert_eq!(code, Some(4));
    // The first deadline has passed, and is kept as soon as its runtime runs again.
    assert_eq!(idle.block_on(read(held)).1, Some(4));
}
