//! A gRPC-Web bridge: hosts tonic services and forwards calls to gRPC servers, for browsers and for native clients, and
//! keeps deadlines and cancellation over whole calls, response bodies included.
//!
//! [`Bridge`] is the whole stack. Each of its layers also works alone, on any tonic `Server` or axum `Router`.
//!
//! ```
//! # use drawbridge_proto::greet::{HelloReply, HelloRequest, greeter_server::{Greeter, GreeterServer}};
//! # use tonic::{Request, Response, Status};
//! # struct MyGreeter;
//! # #[tonic::async_trait]
//! # impl Greeter for MyGreeter {
//! #     type SayHellosStream = futures_util::stream::Empty<Result<HelloReply, Status>>;
//! #     async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
//! #         Ok(Response::new(HelloReply::default()))
//! #     }
//! #     async fn say_hellos(&self, _: Request<HelloRequest>) -> Result<Response<Self::SayHellosStream>, Status> {
//! #         Err(Status::unimplemented(""))
//! #     }
//! # }
//! use drawbridge::{Bridge, Upstream};
//!
//! let router = Bridge::new()
//!     .add_service(GreeterServer::new(MyGreeter))
//!     .upstream("shop=http://127.0.0.1:50051".parse::<Upstream>()?)
//!     .into_router()
//!     .route("/", axum::routing::get(|| async { "a route of my own" }));
//! # Ok::<(), drawbridge::UpstreamError>(())
//! ```
//!
//! # Reading order
//!
//! In the order of a call through the server. A module uses only modules below it in this list.
//!
//! 1. [`serve`]: accepts connections over HTTP/1.1 and HTTP/2, with TLS or without, and ends them.
//! 2. [`Bridge`]: the stack that each request passes; the ingress that classifies requests.
//! 3. [`CallsService`] (the console): lists open and recent calls, ends a call, and lists services.
//! 4. `json`: translates calls with JSON messages for services with protobuf.
//! 5. `reflection`: answers reflection for hosted and forwarded services together.
//! 6. [`Upstream`]: forwards calls, with pools of HTTP/2 connections and [`RetryRule`]s.
//! 7. [`PropagationLayer`] and [`RetryLayer`]: layers for the clients that handlers use.
//! 8. [`CallLayer`]: opens a [`CallContext`] for each call, enforces its deadline, and records its one [`EndReason`].
//! 9. `connect`: translates between Connect and gRPC.
//! 10. [`GrpcWebLayer`]: translates between gRPC-Web and gRPC. `web` also holds the rules for requests, and CORS.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | yes | [`Bridge::into_router`], and the caller's address from axum's `ConnectInfo` |
//! | `descriptors` | yes | [`Bridge::descriptors`]: checks the number of messages of a request |
//! | `upstream` | yes | [`Bridge::upstream`]: forwards calls |
//! | `cors` | | [`Bridge::allow_origins`] |
//! | `tls` | | [`Tls`] for `serve`, and `https://` upstreams |
//! | `serve` | | [`serve`] |
//! | `console` | | [`CallsService`] |
//! | `reflection` | | reflection for hosted and forwarded services together |
//! | `json` | | [`Bridge::json`]: calls with JSON messages |
//! | `channel` | | [`in_process`]: a tonic channel to a service in the same process |

#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features on, dead code is an error. With some of them off, what only they use is left out by the compiler.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "channel",
        feature = "console",
        feature = "cors",
        feature = "descriptors",
        feature = "json",
        feature = "reflection",
        feature = "serve",
        feature = "tls",
        feature = "upstream"
    )),
    allow(dead_code)
)]

mod body;
mod bridge;
mod call;
mod client;
mod connect;
#[cfg(feature = "console")]
mod console;
mod hosted_services;
#[cfg(feature = "channel")]
mod in_process;
#[cfg(feature = "json")]
mod json;
mod method_kinds;
mod method_pattern;
mod peer;
mod plain_response;
mod query_message;
mod random;
#[cfg(feature = "reflection")]
mod reflection;
mod refusal;
mod safe_methods;
#[cfg(feature = "serve")]
mod serve;
mod service;
#[cfg(any(feature = "serve", feature = "upstream"))]
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "upstream")]
mod upstream;
mod web;

#[cfg(feature = "descriptors")]
pub use bridge::DescriptorError;
pub use bridge::{Bridge, BridgeFuture, BridgeService, Limits};
pub use call::{
    Activity, CallBody, CallContext, CallFuture, CallId, CallLayer, CallService, Calls, DeadlinePolicy,
    OnCallEnd, ParseCallIdError, RequestId, Truncated,
};
pub use client::{Detached, Propagation, PropagationFuture, PropagationLayer, Retry, RetryLayer};
#[cfg(feature = "console")]
pub use console::{CallsService, ConsoleToken, ConsoleTokenError, Services};
pub use drawbridge_core::{Deadline, EndReason, Protocol, RetryPolicy, Throttle, Timeout};
#[cfg(feature = "channel")]
pub use in_process::in_process;
#[cfg(feature = "json")]
pub use json::{DescriptorFiles, DescriptorFilesError};
pub use method_pattern::{MethodPattern, ParseMethodPatternError};
pub use peer::PeerAddr;

pub use refusal::{is_preflight, refuse};
#[cfg(feature = "serve")]
pub use serve::{ConnectionInfo, ConnectionOptions, Listener, ThreadListeners, serve, serve_on_threads};
pub use service::GrpcService;
#[cfg(feature = "tls")]
pub use tls::{PeerCertificates, Tls, TlsError};
#[cfg(feature = "upstream")]
pub use upstream::{
    ParseProxyRangeError, ParseRetryRuleError, ParseServicePatternError, PoolOptions, ProxyRange, RetryRule,
    ServicePattern, Upstream, UpstreamError,
};
pub use web::{
    ExposeMetadata, ExposeMetadataLayer, GrpcWebBody, GrpcWebFuture, GrpcWebLayer, GrpcWebService, HostPolicy,
};
