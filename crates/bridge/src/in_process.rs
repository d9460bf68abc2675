//! A server in the same process.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::DuplexStream;
use tonic::transport::{Channel, Endpoint};
use tower::{BoxError, Service, ServiceExt as _};

/// How many bytes are buffered in each direction of a connection.
const BUFFER: usize = 64 * 1024;

/// How many streams a connection may have: in effect any number, since both ends are ours and calls are limited elsewhere.
const MAX_STREAMS: u32 = 1_000_000;

/// Returns a channel to `service`, such as a [`BridgeService`](crate::BridgeService) or an axum router, over HTTP/2 in
/// memory. As over a network, deadlines are sent as `grpc-timeout`, and a cancelled call resets its stream.
///
/// The connection is opened by the first call, and closed when the last clone of the channel is dropped.
pub fn in_process<S, B>(service: S) -> Channel
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let connector = tower::service_fn(move |_: Uri| {
        let service = service.clone();
        async move {
            let (near, far) = tokio::io::duplex(BUFFER);
            tokio::spawn(serve(far, service));
            Ok::<_, Infallible>(TokioIo::new(near))
        }
    });
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector)
}

async fn serve<S, B>(stream: DuplexStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let service =
        hyper::service::service_fn(move |request: Request<Incoming>| service.clone().oneshot(request));
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        // A client that disconnects with many open calls causes as many resets at once. That is not an attack.
        .max_pending_accept_reset_streams(MAX_STREAMS as usize)
        .max_local_error_reset_streams(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an in-process connection ended");
    }
}
