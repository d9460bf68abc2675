//! Reports the progress of a piece of work, until its caller leaves.

use std::time::Duration;

use drawbridge_proto::message::message_server::Message;
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tonic::{Request, Response, Status};

/// How many messages a stream has.
const MESSAGES: usize = 10;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 256;

/// The `Message` service: ten messages, a second apart. Leaving the stream drops the work at the message it is at.
#[derive(Clone, Debug)]
pub struct MessageService {
    every: Duration,
}

impl Default for MessageService {
    fn default() -> Self {
        Self::every(Duration::from_secs(1))
    }
}

impl MessageService {
    /// Creates the service with another time between two messages, and before the first.
    pub const fn every(every: Duration) -> Self {
        Self { every }
    }
}

#[tonic::async_trait]
impl Message for MessageService {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let KeyRequest { key } = request.into_inner();
        if key.len() > MAX_KEY_BYTES {
            let length = key.len();
            return Err(Status::invalid_argument(format!(
                "key of {length} bytes: at most {MAX_KEY_BYTES} are taken"
            )));
        }
        let every = self.every;
        let messages = stream::iter(1..=MESSAGES).then(move |count| {
            let message = format!("key: {key}, progress: {}", "+".repeat(count));
            async move {
                tokio::time::sleep(every).await;
                tracing::info!("{}", message.escape_debug());
                Ok(Progress { message })
            }
        });
        Ok(Response::new(messages.boxed()))
    }
}
