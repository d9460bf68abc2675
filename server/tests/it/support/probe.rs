//! A handler that behaves as its key says, and reports when it starts and when it is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};

use drawbridge::{Bridge, CallContext};
use drawbridge_proto::message::message_server::{Message, MessageServer};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, future, stream};
use tokio::sync::mpsc;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::{Server, soon};

/// An event of a call to the probe.
#[derive(Debug)]
pub enum Event {
    /// The handler has started, with this context.
    Started(CallContext),
    /// The handler, or its response stream, was dropped while this context was current.
    Released(Option<CallContext>),
}

/// The probe, hosted as the `Message` service.
#[derive(Clone)]
pub struct Probe(mpsc::UnboundedSender<Event>);

/// The events of a probe.
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Probe {
    pub fn hosted() -> (Bridge, Events) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let bridge = Bridge::new()
            .add_service(MessageServer::new(Self(sender)))
            .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)
            .unwrap();
        (bridge, Events(receiver))
    }

    /// Returns the probe behind a channel, without a socket.
    pub fn in_process() -> (Channel, Events) {
        let (bridge, events) = Self::hosted();
        (drawbridge::in_process(bridge.into_router()), events)
    }

    pub async fn start() -> (Server, Events) {
        let (bridge, events) = Self::hosted();
        (Server::start(bridge).await, events)
    }
}

impl Events {
    pub async fn started(&mut self) -> CallContext {
        match soon("the handler to start", self.0.recv()).await {
            Some(Event::Started(context)) => context,
            other => panic!("expected the handler to start, got {other:?}"),
        }
    }

    pub async fn released(&mut self) -> Option<CallContext> {
        match soon("the handler to be dropped", self.0.recv()).await {
            Some(Event::Released(context)) => context,
            other => panic!("expected the handler to be dropped, got {other:?}"),
        }
    }

    /// Returns whether there is no further event.
    pub fn is_silent(&mut self) -> bool {
        self.0.try_recv().is_err()
    }
}

struct Released(mpsc::UnboundedSender<Event>);

impl Drop for Released {
    fn drop(&mut self) {
        // An error means that the test has ended.
        let _ = self.0.send(Event::Released(CallContext::current()));
    }
}

/// A stream that reports its drop.
struct Reported(
    BoxStream<'static, Result<Progress, Status>>,
    #[expect(dead_code, reason = "held for its drop")] Released,
);

impl Stream for Reported {
    type Item = Result<Progress, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

fn progress(message: impl Into<String>) -> Progress {
    Progress { message: message.into() }
}

#[tonic::async_trait]
impl Message for Probe {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    /// Behaves as the key says: `wait` never responds, `silent` returns a stream without messages, `three` sends three
    /// messages and then none, `always` sends messages without end, `large` the same with large messages, `panic` and
    /// `panic later` panic, `cancel` and `cancel later` cancel their own call, `trailers` sends trailers.
    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let context = CallContext::current().expect("a handler runs inside its call");
        let in_request =
            request.extensions().get::<CallContext>().expect("the request has its call's context");
        assert_eq!(context.call_id(), in_request.call_id());
        let _ = self.0.send(Event::Started(context.clone()));
        let released = Released(self.0.clone());
        let key = request.into_inner().key;
        let silence = stream::once(future::pending());
        let one = stream::iter([Ok(progress("one"))]);
        let stream = match key.as_str() {
            "wait" => return future::pending().await,
            "panic" => panic!("the probe was told to panic"),
            "cancel" => {
                context.cancel("the probe gives up");
                return future::pending().await;
            }
            "trailers" => {
                let mut trailers = MetadataMap::new();
                trailers.append("x-shelf", "7".parse().unwrap());
                trailers.append("x-shelf", "8".parse().unwrap());
                context.set_trailers(trailers);
                one.boxed()
            }
            "fail" => return Err(Status::failed_precondition("the probe was told to fail")),
            "silent" => silence.boxed(),
            "three" => {
                stream::iter(["one", "two", "three"].map(|word| Ok(progress(word)))).chain(silence).boxed()
            }
            "always" => stream::repeat_with(|| Ok(progress("again"))).boxed(),
            "large" => stream::repeat_with(|| Ok(progress("x".repeat(64 * 1024)))).boxed(),
            "panic later" => one
                .chain(stream::once(async {
                    // tonic sends what it has encoded when the stream is pending.
                    tokio::task::yield_now().await;
                    panic!("the probe was told to panic")
                }))
                .boxed(),
            "cancel later" => one
                .chain(stream::once(async move {
                    tokio::task::yield_now().await;
                    context.cancel("the probe gives up");
                    Ok(progress("too late"))
                }))
                .boxed(),
            other => stream::iter([Ok(progress(other))]).boxed(),
        };
        Ok(Response::new(Reported(stream, released).boxed()))
    }
}

/// A request with the key for the probe.
pub fn told(key: &str) -> KeyRequest {
    KeyRequest { key: key.to_owned() }
}
