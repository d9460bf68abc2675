//! Serves the connections of one listener.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, Service};

use super::connection::Connection;
use super::listener::{KEEPALIVE, Listener};
use super::options::ConnectionOptions;
use super::phase::Phase;
use super::shutdown::Shutdown;
use super::stream_task::StreamExecutor;
use crate::call::Calls;

/// How long connections may flush their last responses once the server stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How many headers of a request over HTTP/1.1 are read. A request with more is answered 431 by hyper.
const MAX_HEADERS_READ: usize = 256;

/// Serves `service`, such as a [`BridgeService`](crate::BridgeService) or an axum router, on `listener`, over HTTP/1.1 and
/// HTTP/2, with TLS or without, until `shutdown` resolves.
///
/// Then it accepts no more calls on the connections that are open (GOAWAY, `connection: close`), and closes those without calls. After
/// [`ConnectionOptions::drain_delay`] it accepts no more connections. Open calls may
/// go on for [`ConnectionOptions::grace`] from then on; what is left of `calls` is then ended with UNAVAILABLE ([`Calls::abort_all`]).
/// `calls` is `None` for a service without a CALL layer. The future resolves once all connections are closed, at the latest five
/// seconds after the grace period. If [`Calls::abort_all`] was called before
/// `shutdown` resolves, nothing is waited for.
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
    listener: L,
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
    let shutdown = Shutdown::begin(shutdown, calls.as_ref());
    serve_until(listener, service, calls.as_ref(), options, shutdown).await;
}

/// Serves as [`serve`] does, until `shutdown` says how to stop.
pub(super) async fn serve_until<L, S, B>(
    mut listener: L,
    service: S,
    calls: Option<&Calls>,
    options: ConnectionOptions,
    shutdown: impl Future<Output = Shutdown>,
) where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let builder = builder(&options);
    let (phase, watched) = watch::channel(Phase::Running);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut grace = options.grace;
    let mut listener_closes = pin!(sleep(Duration::ZERO));
    loop {
        tokio::select! {
            how = &mut shutdown, if *watched.borrow() == Phase::Running => {
                let drain_delay = match how {
                    Shutdown::Drain => options.drain_delay,
                    Shutdown::Now => {
                        grace = Duration::ZERO;
                        Duration::ZERO
                    }
                };
                phase.send_replace(Phase::Draining);
                listener_closes.as_mut().reset(Instant::now() + drain_delay);
            }
            () = &mut listener_closes, if *watched.borrow() == Phase::Draining => break,
            Some(_) = connections.join_next() => {}
            (stream, info) = listener.next_connection() => {
                let connection = Connection {
                    builder: builder.clone(),
                    service: service.clone(),
                    phase: watched.clone(),
                    info,
                };
                connection.spawn(stream, options.clone(), &mut connections);
            }
        }
    }
    drop(listener);
    phase.send_replace(Phase::Closed);
    let in_time = timeout(grace, all_closed(&mut connections)).await.is_ok();
    if let Some(calls) = calls {
        calls.abort_all();
    }
    if !in_time && timeout(FLUSH_TIMEOUT, all_closed(&mut connections)).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "closed connections whose clients did not read their last responses"
        );
    }
}

async fn all_closed(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

fn builder(options: &ConnectionOptions) -> auto::Builder<StreamExecutor> {
    let mut builder = auto::Builder::new(StreamExecutor::new(options.reader_timeout));
    builder
        .http1()
        .timer(TokioTimer::new())
        // The time between two requests: that of a head is limited by the connection.
        .header_read_timeout(options.idle_timeout)
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
