//! Streams the progress of a job, until its caller disconnects.

use std::time::Duration;

use drawbridge_proto::message::message_server::Message;
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tonic::{Request, Response, Status};

/// The number of messages of a stream.
const MESSAGES: usize = 10;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 256;

/// The `Message` service: ten messages, by default one per second. The job stops when its stream is dropped.
#[derive(Clone, Debug)]
pub struct MessageService {
    interval: Duration,
}

impl Default for MessageService {
    fn default() -> Self {
        Self::new()
    }
}

impl MessageService {
    /// Creates the service. It sends one message per second.
    pub const fn new() -> Self {
        Self { interval: Duration::from_secs(1) }
    }

    /// Sets the time between two messages, and before the first one.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
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
                "the key has {length} bytes: expected at most {MAX_KEY_BYTES}"
            )));
        }
        let interval = self.interval;
        let messages = stream::iter(1..=MESSAGES).then(move |count| {
            let message = format!("key: {key}, progress: {}", "+".repeat(count));
            async move {
                tokio::time::sleep(interval).await;
                tracing::info!("{}", message.escape_debug());
                Ok(Progress { message })
            }
        });
        Ok(Response::new(messages.boxed()))
    }
}
