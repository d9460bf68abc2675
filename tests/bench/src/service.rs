//! The service that is called: behind the bridges as their upstream, or hosted.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use drawbridge::{Bridge, CallLayer, ConnectionOptions, GrpcWebLayer};
use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::message::message_server::{Message, MessageServer};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// The service, and what it knows of its streams.
#[derive(Clone, Default)]
pub(crate) struct Service {
    open: Arc<AtomicUsize>,
    awaited: Arc<Mutex<HashMap<String, oneshot::Sender<Instant>>>>,
}

impl Service {
    /// How many silent streams are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Awaits the drop of the silent stream of this key, and returns when it was dropped. Call it before the stream is opened.
    pub(crate) fn dropped(&self, key: &str) -> oneshot::Receiver<Instant> {
        let (sender, receiver) = oneshot::channel();
        self.awaited.lock().unwrap().insert(key.to_owned(), sender);
        receiver
    }
}

/// A silent stream, for as long as it is there.
struct Open(Service, String);

impl Drop for Open {
    fn drop(&mut self) {
        let now = Instant::now();
        if let Some(sender) = self.0.awaited.lock().unwrap().remove(&self.1) {
            // The receiver is gone if the measurement has failed.
            let _: Result<(), Instant> = sender.send(now);
        }
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tonic::async_trait]
impl Greeter for Service {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: request.into_inner().name }))
    }

    async fn say_hellos(&self, _: Request<HelloRequest>) -> Result<Response<Self::SayHellosStream>, Status> {
        Err(Status::unimplemented("nobody measures it"))
    }
}

#[tonic::async_trait]
impl Message for Service {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    /// A key such as `100x20000` asks for so many bytes in each of so many messages; any other for a stream that is silent, one
    /// that begins with `first` after a first message.
    async fn stream(&self, request: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let key = request.into_inner().key;
        let numbers =
            key.split_once('x').and_then(|(size, count)| Some((size.parse().ok()?, count.parse().ok()?)));
        let Some((size, count)) = numbers else {
            self.open.fetch_add(1, Ordering::SeqCst);
            let first = key.starts_with("first").then(|| Ok(Progress { message: "first".to_owned() }));
            let open = Open(self.clone(), key);
            let silence = stream::once(async move {
                let _open = open;
                std::future::pending().await
            });
            return Ok(Response::new(stream::iter(first).chain(silence).boxed()));
        };
        let message = Progress { message: "x".repeat(size) };
        let messages = stream::iter(0..count).then(move |_: u64| {
            let message = message.clone();
            async move {
                // Otherwise tonic would put many messages into one frame.
                tokio::task::yield_now().await;
                Ok(message)
            }
        });
        Ok(Response::new(messages.boxed()))
    }
}

/// Serves the service in this process, as an upstream.
pub(crate) async fn upstream() -> Result<(SocketAddr, Service)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = Service::default();
    let routes =
        Routes::new(GreeterServer::new(service.clone())).add_service(MessageServer::new(service.clone()));
    tokio::spawn(serve(listener, routes.into_axum_router()));
    Ok((address, service))
}

async fn serve(listener: TcpListener, router: Router) {
    let options = ConnectionOptions::new().with_max_streams(100_000);
    drawbridge::serve(listener, router, None, options, std::future::pending()).await;
}

/// The service behind a bridge's router.
pub(crate) fn with_bridge(service: Service) -> Router {
    Bridge::new()
        .add_service(GreeterServer::new(service.clone()))
        .add_service(MessageServer::new(service))
        .into_router()
}

/// The service behind tonic-web's layer, in axum.
pub(crate) fn with_tonic_web(service: Service) -> Router {
    let routes = Routes::new(GreeterServer::new(service.clone())).add_service(MessageServer::new(service));
    routes.into_axum_router().layer(tonic_web::GrpcWebLayer::new())
}

/// The service behind [`GrpcWebLayer`] and [`CallLayer`], in axum.
pub(crate) fn with_call_layer(service: Service) -> Router {
    let routes = Routes::new(GreeterServer::new(service.clone())).add_service(MessageServer::new(service));
    routes.into_axum_router().layer(CallLayer::new()).layer(GrpcWebLayer::new())
}

/// The same without the CALL layer.
pub(crate) fn without_call_layer(service: Service) -> Router {
    let routes = Routes::new(GreeterServer::new(service.clone())).add_service(MessageServer::new(service));
    routes.into_axum_router().layer(GrpcWebLayer::new())
}

/// Serves a router as a process of its own, on one thread, and prints its port.
pub(crate) fn host(router: fn(Service) -> Router) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        serve(listener, router(Service::default())).await;
        Ok(())
    })
}
