//! Greets users by their display names.

use std::time::Duration;

use drawbridge_proto::greet::greeter_server::Greeter;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tonic::{Request, Response, Status};

use super::status::status_of;
use crate::directory::Directory;

/// The `greet.Greeter` service, over a user directory.
#[derive(Clone, Debug)]
pub struct GreeterService {
    directory: Directory,
    interval: Duration,
}

impl GreeterService {
    /// Creates the service. Its stream greets once a second.
    pub const fn new(directory: Directory) -> Self {
        Self { directory, interval: Duration::from_secs(1) }
    }

    /// Sets the time between two greetings.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
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
        let interval = self.interval;
        let greetings = stream::repeat(message).then(move |message| async move {
            tokio::time::sleep(interval).await;
            Ok(HelloReply { message })
        });
        Ok(Response::new(greetings.boxed()))
    }
}
