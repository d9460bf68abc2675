//! The services: ordinary tonic handlers that know nothing of deadlines and cancellation.

use std::time::Duration;

use drawbridge_proto::greet::greeter_server::Greeter;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::message::message_server::Message;
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, stream};
use tonic::{Request, Response, Status};

/// The `Message` service: ten messages that report progress.
#[derive(Clone, Debug)]
pub struct Messages {
    /// The time before each message.
    pub every: Duration,
}

/// The `greet.Greeter` service: greets once, or until its caller has enough.
#[derive(Clone, Debug)]
pub struct PlainGreeter {
    /// The time before each greeting of a stream.
    pub every: Duration,
}

#[tonic::async_trait]
impl Message for Messages {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let key = request.into_inner().key;
        let messages = stream::iter(1..=10)
            .map(move |count| Progress { message: format!("key: {key}, progress: {}", "+".repeat(count)) });
        Ok(Response::new(paced(messages, self.every)))
    }
}

#[tonic::async_trait]
impl Greeter for PlainGreeter {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(greeting(&request.into_inner())))
    }

    async fn say_hellos(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<Self::SayHellosStream>, Status> {
        let greetings = stream::repeat(greeting(&request.into_inner()));
        Ok(Response::new(paced(greetings, self.every)))
    }
}

fn greeting(request: &HelloRequest) -> HelloReply {
    HelloReply { message: format!("Hello {}", request.name) }
}

/// Sends messages with a pause before each. Dropping the stream ends the pause, and with it the work.
fn paced<T: Send + 'static>(
    messages: impl Stream<Item = T> + Send + 'static,
    every: Duration,
) -> BoxStream<'static, Result<T, Status>> {
    let paced = messages.then(move |message| async move {
        tokio::time::sleep(every).await;
        Ok(message)
    });
    paced.boxed()
}
