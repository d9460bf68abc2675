//! The service that the examples host: an ordinary tonic handler.

use std::time::Duration;

use drawbridge_proto::greet::greeter_server::Greeter;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

/// The user who makes a call. Authentication inserts it into the extensions of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

/// Greets the user, or by the name in the request if no user is known.
#[derive(Clone, Debug)]
pub struct MyGreeter {
    /// The time before each of the three greetings of a stream.
    pub every: Duration,
}

impl Default for MyGreeter {
    fn default() -> Self {
        Self { every: Duration::from_millis(10) }
    }
}

#[tonic::async_trait]
impl Greeter for MyGreeter {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let reply = greeting(&request);
        tracing::info!(message = reply.message, "greeting");
        let mut response = Response::new(reply);
        response.metadata_mut().insert("x-mood", MetadataValue::from_static("sunny"));
        Ok(response)
    }

    async fn say_hellos(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<Self::SayHellosStream>, Status> {
        let every = self.every;
        let greetings = stream::repeat(greeting(&request)).take(3).then(move |reply| async move {
            tokio::time::sleep(every).await;
            Ok(reply)
        });
        Ok(Response::new(greetings.boxed()))
    }
}

fn greeting(request: &Request<HelloRequest>) -> HelloReply {
    let user = request.extensions().get::<User>();
    let name = user.map_or(&request.get_ref().name, |User(name)| name);
    HelloReply { message: format!("Hello {name}") }
}
