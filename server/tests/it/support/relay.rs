//! A handler that passes its call on to another server, as a child.

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

/// A client whose calls inherit from the call that makes them.
pub type Child = MessageClient<Propagation<Channel>>;

pub fn child(channel: Channel) -> Child {
    MessageClient::new(PropagationLayer::new().layer(channel))
}

/// A `Message` service that has its answers from the next. Other servers than those of a test are never meant.
#[derive(Clone)]
pub struct Relay {
    pub next: Child,
    /// For how long the relay keeps a call before it passes it on.
    pub pause: Duration,
    /// The most time that it gives its child.
    pub own: Option<Duration>,
    pub detached: bool,
    seen: mpsc::UnboundedSender<CallContext>,
}

impl Relay {
    /// Returns the relay, and where it tells of the calls that it gets.
    pub fn to(next: Channel) -> (Self, mpsc::UnboundedReceiver<CallContext>) {
        let (seen, calls) = mpsc::unbounded_channel();
        (Self { next: child(next), pause: Duration::ZERO, own: None, detached: false, seen }, calls)
    }

    pub fn hosted(self) -> Bridge {
        Bridge::new().add_service(MessageServer::new(self))
    }
}

#[tonic::async_trait]
impl Message for Relay {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let _ = self.seen.send(CallContext::current().expect("a handler runs inside its call"));
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let mut child = Request::new(request.into_inner());
        if let Some(own) = self.own {
            child.set_timeout(own);
        }
        if self.detached {
            child.extensions_mut().insert(Detached);
        }
        let answer = self.next.clone().stream(child).await?;
        Ok(Response::new(answer.into_inner().boxed()))
    }
}
