//! Puts the parts together: services and the page, behind the one stack.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body as AxumBody;
use axum::response::IntoResponse;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use crate::call::{CallLayer, Calls, DeadlinePolicy};
use crate::front::classify::{Kind, classify};
use crate::front::content_type::{FrontProtocol, normalize};
use crate::front::cors;
use crate::front::host::HostPolicy;
use crate::front::read_on::ReadOn;
use crate::front::request_rules::{MethodKinds, RequestRules};
use crate::front::text::FromText;
use crate::page::Page;

#[cfg(all(test, target_os = "linux"))]
mod cost;

/// How much a bridge takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most calls that are open at a time. A call beyond gets `RESOURCE_EXHAUSTED`.
    pub max_calls: usize,
    /// The longest message that a caller may send, in bytes. A longer one ends its call with `RESOURCE_EXHAUSTED`.
    pub max_message_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 20_000, max_message_bytes: 4 * 1024 * 1024 }
    }
}

/// Builds a router that serves tonic services to native clients and to browsers.
///
/// ```
/// # use drawbridge::samples::MessageService;
/// # use drawbridge_proto::message::message_server::MessageServer;
/// use drawbridge::Bridge;
///
/// let router = Bridge::new()
///     .serve(MessageServer::new(MessageService::default()))
///     .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)?
///     .into_router();
/// # Ok::<(), prost::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Bridge {
    routes: Routes,
    services: HashSet<&'static str>,
    kinds: MethodKinds,
    page: Option<Page>,
    hosts: HostPolicy,
    origins: Vec<HeaderValue>,
    deadlines: DeadlinePolicy,
    limits: Limits,
    calls: Option<Calls>,
}

impl Bridge {
    /// Creates a bridge without services and page, which grants any deadline and lets no other origin call.
    pub fn new() -> Self {
        let routes = Routes::from(Router::new().fallback(unknown_service));
        Self { routes, ..Self::default() }
    }

    /// Hosts a tonic service.
    #[must_use]
    pub fn serve<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.services.insert(S::NAME);
        self
    }

    /// Tells the methods of hosted services, from an encoded `FileDescriptorSet`, so that a request with the wrong
    /// number of messages for its method is refused.
    ///
    /// # Errors
    ///
    /// Returns an error where the bytes are no such set.
    pub fn descriptors(mut self, descriptors: &[u8]) -> Result<Self, prost::DecodeError> {
        self.kinds.add(descriptors)?;
        Ok(self)
    }

    /// Serves a page to every GET that is no gRPC call.
    #[must_use]
    pub fn page(mut self, page: Page) -> Self {
        self.page = Some(page);
        self
    }

    /// Sets the names that requests may be sent to. By default any is allowed.
    #[must_use]
    pub fn hosts(mut self, hosts: HostPolicy) -> Self {
        self.hosts = hosts;
        self
    }

    /// Lets the pages of these origins call, besides the server's own. Each is a scheme and authority, such as
    /// `https://app.example`.
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Sets the time that calls are granted.
    #[must_use]
    pub fn deadlines(mut self, deadlines: DeadlinePolicy) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Sets how much the bridge takes on. To be set before [`Bridge::calls`] is asked for.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lists this bridge's calls together with those of another, under the limit that the list was made with.
    #[must_use]
    pub fn share_calls(mut self, calls: Calls) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Returns the list of the calls that are open, which stays true when the router is in use.
    pub fn calls(&mut self) -> Calls {
        self.calls.get_or_insert_with(|| Calls::new(self.limits.max_calls)).clone()
    }

    /// Returns the router.
    ///
    /// It answers every request, in HTTP/1.1 and h2. The address of a caller is known where the router is served
    /// with [`axum::extract::ConnectInfo`] of a `SocketAddr`, as [`serve`](crate::serve) does.
    pub fn into_router(mut self) -> Router {
        let calls = CallLayer { calls: self.calls(), deadlines: self.deadlines };
        self.stack(calls)
    }

    /// Puts the stack together, with the given layer in the place of the calls.
    fn stack<L>(self, calls: L) -> Router
    where
        L: Layer<RequestRules<Routes>>,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        let services = Arc::new(self.services);
        let kinds = Arc::new(self.kinds);
        let max_message_bytes = self.limits.max_message_bytes;
        // Outermost first. Each line stands where it does for the reason beside it.
        let grpc = ServiceBuilder::new()
            // An answer that is no gRPC must be readable cross-origin too, so CORS stands before all that answers.
            .layer(cors::layer(&self.origins))
            // tonic-web knows four exact content-types and nothing else, so what comes to it is made exact.
            .layer_fn(|inner| ContentType { inner })
            // The status that ends a call must be encoded for the browser, so tonic-web stands before the calls.
            .layer(GrpcWebLayer::new())
            .layer(calls)
            // A broken rule is the end of one call, with its status, so the rules stand inside it.
            .layer_fn(|inner| RequestRules::new(inner, Arc::clone(&kinds), max_message_bytes))
            .service(self.routes.prepare());
        let door =
            FrontDoor { hosts: self.hosts, services, grpc: BoxCloneSyncService::new(grpc), page: self.page };
        Router::new().fallback_service(door)
    }
}

async fn unknown_service(request: Request<AxumBody>) -> Response<AxumBody> {
    let path = request.uri().path();
    Status::unimplemented(format!("no service is known at {path:?}")).into_http()
}

/// The first to see a request: it decides whose it is.
#[derive(Clone, Debug)]
struct FrontDoor {
    hosts: HostPolicy,
    services: Arc<HashSet<&'static str>>,
    grpc: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    page: Option<Page>,
}

impl Service<Request<AxumBody>> for FrontDoor {
    type Response = Response<AxumBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<AxumBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<AxumBody>) -> Self::Future {
        let door = self.clone();
        Box::pin(async move { Ok(door.answer(request).await) })
    }
}

impl FrontDoor {
    async fn answer(self, request: Request<AxumBody>) -> Response<AxumBody> {
        if let Some(host) = self.hosts.refused(&request) {
            tracing::warn!(host = ?host, path = ?request.uri().path(), "refused a request to a foreign host name");
            let words = "this server answers on loopback names only; see --allow-host\n";
            return (StatusCode::MISDIRECTED_REQUEST, words).into_response();
        }
        match (classify(&request, &self.services), self.page) {
            (Kind::Grpc, _) => {
                let method = request.method().clone();
                let request = if request.version() < Version::HTTP_2 {
                    request.map(|body| Body::new(ReadOn::new(body)))
                } else {
                    request.map(Body::new)
                };
                let Ok(mut response) = self.grpc.oneshot(request).await;
                cors::finish(&method, &mut response);
                response.map(AxumBody::new)
            }
            (Kind::Page, Some(page)) => page.answer(request).await,
            (Kind::Page | Kind::Unknown, _) => {
                (StatusCode::NOT_FOUND, "nothing is served here\n").into_response()
            }
        }
    }
}

/// Refuses what is no gRPC, and makes exact what is.
#[derive(Clone, Debug)]
struct ContentType<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for ContentType<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match normalize(&mut request) {
            Ok(FrontProtocol::GrpcWebText) => {
                Either::Left(self.inner.call(request.map(|body| Body::new(FromText::new(body)))))
            }
            Ok(_) => Either::Left(self.inner.call(request)),
            Err(answer) => Either::Right(ready(Ok(*answer))),
        }
    }
}
