//! A bridge inside an axum program of one's own: a service that is hosted, services that are forwarded, and routes that
//! have nothing to do with gRPC, on one port.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use drawbridge::{Bridge, CallContext, Calls, DeadlinePolicy, Upstream, UpstreamError};
use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use tonic::{Request, Response, Status};

/// A service of one's own.
#[derive(Clone, Copy, Debug)]
pub struct MyGreeter;

#[tonic::async_trait]
impl Greeter for MyGreeter {
    type SayHellosStream = tonic::codegen::BoxStream<HelloReply>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        // What the bridge knows of the call, a handler may ask it: here, how long its caller waits.
        let deadline = CallContext::current().and_then(|call| call.deadline());
        let waits =
            deadline.map_or("forever".to_owned(), |deadline| format!("{:?}", deadline.granted().duration()));
        let name = request.into_inner().name;
        Ok(Response::new(HelloReply { message: format!("Hello {name}, who waits {waits}") }))
    }

    async fn say_hellos(&self, _: Request<HelloRequest>) -> Result<Response<Self::SayHellosStream>, Status> {
        Err(Status::unimplemented("one greeting has to do"))
    }
}

/// Builds the program's router, and returns with it the list of its calls, which [`drawbridge::serve`] ends at the end.
///
/// # Errors
///
/// Returns an error where `orders` is no address.
pub fn router(orders: &str) -> Result<(Router, Calls), UpstreamError> {
    let mut bridge = Bridge::new()
        .add_service(GreeterServer::new(MyGreeter))
        .upstream(Upstream::new(orders)?.for_service("shop")?)
        .deadlines(DeadlinePolicy::new().with_default(Duration::from_secs(30)));
    let calls = bridge.calls();
    let own =
        Router::new().route("/healthz", get(|| async { "fine" })).fallback(|| async { "a page of my own" });
    Ok((own.merge(bridge.into_router()), calls))
}
