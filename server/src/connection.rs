//! Accepts connections and serves them until told to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::{BoxError, Service, ServiceExt};

use crate::call::Calls;
use crate::keepalive::keep_alive;
use crate::tls::Tls;

/// For how long connections may flush their last answers once the server was told to stop.
const FLUSH: Duration = Duration::from_secs(5);

/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// After how long a silent peer is asked whether it is still there, and how long it may take to answer. Without
/// this, an idle stream to a machine that vanished would never end.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// For how long what was sent may stay unread or unacknowledged. A reader that pauses is honest for a while.
const UNREAD: Duration = Duration::from_mins(2);

/// How connections are kept.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// What connections are encrypted with. Without it they are not.
    pub tls: Option<Tls>,
    /// The most streams that one h2 connection may have open. The server announces it, and refuses streams beyond.
    pub max_streams: u32,
    /// The longest head of a request, in bytes. A longer one is answered 431.
    pub max_header_bytes: u32,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self { tls: None, max_streams: 200, max_header_bytes: 16 * 1024 }
    }
}

/// Serves `service`, such as a router, on `listener`, over HTTP/1.1 and h2, with TLS or without, until `shutdown` resolves.
///
/// Then it accepts no more connections, ends the open calls (`calls`, from [`Bridge::calls`](crate::Bridge::calls))
/// with UNAVAILABLE, tells clients to go away, and returns once all answers are flushed, or after five seconds.
///
/// Dropping the future closes the listener and all connections at once.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    calls: Calls,
    options: ConnectionOptions,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let builder = builder(&options);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, peer) = accept(&listener) => {
                let connection = Connection {
                    builder: builder.clone(),
                    service: service.clone(),
                    watcher: graceful.watcher(),
                    peer,
                };
                let tls = options.tls.clone();
                connections.spawn(async move {
                    if let Err(error) = connection.keep(stream, tls).await {
                        tracing::debug!(%peer, error, "connection ended");
                    }
                });
            }
        }
    }
    drop(listener);
    calls.drain();
    if timeout(FLUSH, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "closed connections that did not read their last answers"
        );
    }
}

/// One connection, from its first byte.
struct Connection<S> {
    builder: auto::Builder<TokioExecutor>,
    service: S,
    watcher: Watcher,
    peer: SocketAddr,
}

impl<S> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn keep(self, stream: TcpStream, tls: Option<Tls>) -> Result<(), BoxError> {
        match tls {
            None => self.serve(stream).await,
            // Whoever is slow at it holds up nobody but himself, and not for long.
            Some(tls) => self.serve(timeout(HANDSHAKE, tls.accept(stream)).await??).await,
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(), BoxError> {
        let Self { builder, service, watcher, peer } = self;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            service.clone().oneshot(request)
        });
        watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await
    }
}

fn builder(limits: &ConnectionOptions) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        // hyper does not go below 8 KiB.
        .max_buf_size((limits.max_header_bytes as usize).max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(limits.max_header_bytes)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        // A page that is left resets all its streams in one write, some before they were accepted. That is honest.
        .max_pending_accept_reset_streams(limits.max_streams as usize);
    builder
}

/// Accepts the next connection. An error that concerns one connection is passed over; one that concerns the process,
/// such as too many open files, is waited out.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                prepare(&stream);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Sets what a connection of small, prompt messages needs. None of it is worth losing the connection for.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set options of a connection");
    }
    keep_alive(stream, KEEPALIVE, KEEPALIVE / 4, UNREAD);
}
