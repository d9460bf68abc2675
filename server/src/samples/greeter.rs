//! Greets users by the names that the directory has for them.

use std::time::Duration;

use drawbridge_proto::greet::greeter_server::Greeter;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tonic::{Request, Response, Status};

use super::status_of;
use crate::directory::Directory;

/// The `greet.Greeter` service, over a user directory.
#[derive(Clone, Debug)]
pub struct GreeterService {
    directory: Directory,
    every: Duration,
}

impl GreeterService {
    /// Creates the service. Its stream greets once a second.
    pub const fn new(directory: Directory) -> Self {
        Self::every(directory, Duration::from_secs(1))
    }

    /// Creates the service with another time between two greetings.
    pub const fn every(directory: Directory, every: Duration) -> Self {
        Self { directory, every }
    }

    async fn greeting(&self, name: String) -> Result<String, Status> {
        let user = self.directory.lookup(&name).await.map_err(status_of)?;
        let name = user.map_or(name, |user| user.display_name);
        Ok(format!("Hello {name}"))
    }
}

#[tonic::async_trait]
impl Greeter for GreeterService {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = self.greeting(request.into_inner().name).await?;
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hellos(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<Self::SayHellosStream>, Status> {
        let message = self.greeting(request.into_inner().name).await?;
        let every = self.every;
        let greetings = stream::repeat(message).then(move |message| async move {
            tokio::time::sleep(every).await;
            Ok(HelloReply { message })
        });
        Ok(Response::new(greetings.boxed()))
    }
}
