//! Serves the connections of one listener.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::{BoxError, Service, ServiceExt};

use super::connection_info::ConnectionInfo;
use super::listener::{KEEPALIVE, Listener};
use super::options::ConnectionOptions;
use crate::call::Calls;
#[cfg(feature = "tls")]
use crate::tls::PeerCertificates;

/// How long connections may flush their last responses once the server stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How many headers of a request over HTTP/1.1 are read. A request with more is answered 431 by hyper.
const MAX_HEADERS_READ: usize = 256;

/// How long a TLS handshake may take.
#[cfg(feature = "tls")]
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves `service`, such as a [`BridgeService`](crate::BridgeService) or an axum router, on `listener`, over HTTP/1.1 and
/// HTTP/2, with TLS or without, until `shutdown` resolves.
///
/// Then it accepts no more connections, and no more calls on those that are open (GOAWAY, `connection: close`). Open calls may
/// go on for [`ConnectionOptions::grace`]; what is left of `calls` is then ended with UNAVAILABLE ([`Calls::abort_all`]).
/// `calls` is `None` for a service without a CALL layer. The future resolves once all connections are closed, at the latest five
/// seconds after the grace period.
///
/// Each request has extensions from its connection: the client's address as [`PeerAddr`](crate::PeerAddr), or with the feature
/// `axum` as `ConnectInfo<SocketAddr>`; the client's certificates, if TLS asked for them, as `PeerCertificates`; and what the
/// [`Listener`] has added.
///
/// Dropping the future closes the listener and all connections at once.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use drawbridge::{Bridge, ConnectionOptions, Upstream, serve};
/// use tokio::net::TcpListener;
///
/// let mut bridge = Bridge::new().upstream(Upstream::new("http://127.0.0.1:50051")?);
/// let calls = bridge.calls();
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// serve(listener, bridge.into_service(), calls, ConnectionOptions::new(), std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve<L, S, B>(
    mut listener: L,
    service: S,
    calls: impl Into<Option<Calls>>,
    options: ConnectionOptions,
    shutdown: impl Future<Output = ()>,
) where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let calls = calls.into();
    let builder = builder(&options);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, info) = listener.next_connection() => {
                let connection = Connection {
                    builder: builder.clone(),
                    service: service.clone(),
                    watcher: graceful.watcher(),
                    info,
                };
                let options = options.clone();
                connections.spawn(async move {
                    let peer = connection.info.peer();
                    if let Err(error) = connection.keep(stream, options).await {
                        tracing::debug!(peer = peer.map(tracing::field::display), error, "connection ended");
                    }
                });
            }
        }
    }
    drop(listener);
    let mut closed = std::pin::pin!(graceful.shutdown());
    let all_closed = timeout(options.grace, &mut closed).await.is_ok();
    if let Some(calls) = calls {
        calls.abort_all();
    }
    if !all_closed && timeout(FLUSH_TIMEOUT, closed).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "closed connections whose clients did not read their last responses"
        );
    }
}

/// One connection, from its first byte.
struct Connection<S> {
    builder: auto::Builder<TokioExecutor>,
    service: S,
    watcher: Watcher,
    info: ConnectionInfo,
}

impl<S, B> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// Serves a connection in a task of its own, so that a slow TLS handshake delays only its own connection.
    #[cfg_attr(not(feature = "tls"), allow(unused_variables, unused_mut))]
    async fn keep(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        options: ConnectionOptions,
    ) -> Result<(), BoxError> {
        #[cfg(feature = "tls")]
        if let Some(tls) = options.tls {
            let stream = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
            if let Some(certificates) = PeerCertificates::of(&stream) {
                self.info = self.info.with_extension(certificates);
            }
            return self.serve(stream).await;
        }
        self.serve(stream).await
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(), BoxError> {
        let Self { builder, service, watcher, info } = self;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            info.extend(request.extensions_mut());
            service.clone().oneshot(request)
        });
        watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await
    }
}

fn builder(options: &ConnectionOptions) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        // More than a bridge takes, so that it can refuse a request with a status.
        .max_headers(MAX_HEADERS_READ)
        // hyper does not go below 8 KiB.
        .max_buf_size((options.max_header_bytes as usize).max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.max_streams)
        .max_header_list_size(options.max_header_bytes)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        // A browser that leaves a page resets all its streams in one write, some before they were accepted.
        .max_pending_accept_reset_streams(options.max_streams as usize);
    builder
}
