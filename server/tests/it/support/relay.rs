//! A handler that forwards its call to another server, as a child call.

use std::time::Duration;

use drawbridge::{Bridge, CallContext, Detached, Propagation, PropagationLayer};
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::message_server::{Message, MessageServer};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tower::Layer as _;

/// A client whose calls are children of the current call.
pub type Child = MessageClient<Propagation<Channel>>;

pub fn child(channel: Channel) -> Child {
    MessageClient::new(PropagationLayer::new().layer(channel))
}

/// A `Message` service that gets its responses from another one.
#[derive(Clone)]
pub struct Relay {
    pub next: Child,
    /// How long the relay waits before the child call.
    pub pause: Duration,
    /// The child's own timeout.
    pub timeout: Option<Duration>,
    pub detached: bool,
    calls: mpsc::UnboundedSender<CallContext>,
}

impl Relay {
    /// Returns the relay, and the calls that it receives.
    pub fn to(next: Channel) -> (Self, mpsc::UnboundedReceiver<CallContext>) {
        Self::through(PropagationLayer::new(), next)
    }

    /// Returns a relay whose child calls pass this layer.
    pub fn through(layer: PropagationLayer, next: Channel) -> (Self, mpsc::UnboundedReceiver<CallContext>) {
        let (sender, calls) = mpsc::unbounded_channel();
        let next = MessageClient::new(layer.layer(next));
        (Self { next, pause: Duration::ZERO, timeout: None, detached: false, calls: sender }, calls)
    }

    pub fn hosted(self) -> Bridge {
        Bridge::new().add_service(MessageServer::new(self))
    }
}

#[tonic::async_trait]
impl Message for Relay {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let _ = self.calls.send(CallContext::current().expect("a handler runs inside its call"));
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let mut child = Request::new(request.into_inner());
        if let Some(timeout) = self.timeout {
            child.set_timeout(timeout);
        }
        if self.detached {
            child.extensions_mut().insert(Detached);
        }
        let response = self.next.clone().stream(child).await?;
        Ok(Response::new(response.into_inner().boxed()))
    }
}
