//! Deadlines and retries for the calls that a handler makes, on a tonic server without a `Bridge`.

use std::time::Duration;

use drawbridge::{CallLayer, Propagation, PropagationLayer, Retry, RetryLayer, RetryPolicy};
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tower::ServiceBuilder;

/// A client of the greeter. Its type names the layers, so an alias keeps it readable.
pub type Client = GreeterClient<Retry<Propagation<Channel>>>;

/// Creates a client. It works outside of any call too: then calls have the deadline of their own request, or none.
pub fn client(channel: Channel) -> Client {
    let policy = RetryPolicy::new(3, [Code::Unavailable]).with_backoff(
        Duration::from_millis(5),
        2.0,
        Duration::from_millis(100),
    );
    let channel = ServiceBuilder::new()
        // Outermost: each attempt is a call of its own, with what is left of the deadline.
        .layer(RetryLayer::new(policy))
        .layer(PropagationLayer::new())
        .service(channel);
    GreeterClient::new(channel)
}

/// Greets with the words of another greeter. Nothing here mentions deadlines or cancellation: child calls inherit both.
#[derive(Clone, Debug)]
pub struct Relay {
    client: Client,
}

#[tonic::async_trait]
impl Greeter for Relay {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        // Metadata of the caller is not passed on by itself, and here it is not wanted.
        let reply = self.client.clone().say_hello(request.into_inner()).await?;
        Ok(Response::new(reply.into_inner()))
    }

    async fn say_hellos(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<Self::SayHellosStream>, Status> {
        let greetings = self.client.clone().say_hellos(request.into_inner()).await?;
        Ok(Response::new(greetings.into_inner().into_stream().boxed()))
    }
}

/// Hosts the relay. The CALL layer is what child calls inherit from.
pub fn relay(channel: Channel, calls: CallLayer) -> axum::Router {
    Routes::new(GreeterServer::new(Relay { client: client(channel) })).into_axum_router().layer(calls)
}
