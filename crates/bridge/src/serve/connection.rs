//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tower::{BoxError, Service};

use super::activity::Activity;
use super::connection_info::ConnectionInfo;
use super::connection_service::ConnectionService;
use super::options::ConnectionOptions;
use super::phase::Phase;
use super::stream_task::StreamExecutor;
use super::watched_stream::WatchedStream;
use crate::random;
#[cfg(feature = "tls")]
use crate::tls::{PeerCertificates, Tls};

/// How long an HTTP/2 connection that leaves waits for requests that are on their way.
const GOAWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// One connection, from its first byte.
pub(super) struct Connection<S> {
    pub(super) builder: auto::Builder<StreamExecutor>,
    pub(super) service: S,
    pub(super) info: ConnectionInfo,
    pub(super) phase: watch::Receiver<Phase>,
}

/// What a connection waits for, no longer than a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The first head, or HTTP/2's preface.
    FirstHead,
    /// The rest of a head over HTTP/1.1.
    Head,
    /// The requests that were on their way when an HTTP/2 connection was told to leave.
    LastRequests,
}

impl<S, B> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// Serves a connection in a task of its own, so that a slow TLS handshake delays only its own connection.
    pub(super) fn spawn(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        options: ConnectionOptions,
        connections: &mut JoinSet<()>,
    ) {
        let first_head = Instant::now() + options.head_timeout;
        #[cfg(feature = "tls")]
        if let Some(tls) = options.tls.clone() {
            connections.spawn(self.serve_tls(tls, stream, options, first_head));
            return;
        }
        connections.spawn(self.serve(stream, options, first_head));
    }

    /// Serves HTTP over TLS. The first head has to be complete at `first_head`.
    #[cfg(feature = "tls")]
    async fn serve_tls(
        mut self,
        tls: Tls,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        options: ConnectionOptions,
        first_head: Instant,
    ) {
        let mut phase = self.phase.clone();
        let accepted = tokio::select! {
            accepted = tokio::time::timeout_at(first_head, tls.accept(stream)) => accepted,
            // A handshake is no call.
            _ = phase.wait_for(|phase| *phase == Phase::Closed) => return,
        };
        match accepted {
            Ok(Ok(stream)) => {
                if let Some(certificates) = PeerCertificates::of(&stream) {
                    self.info = self.info.with_extension(certificates);
                }
                self.serve(stream, options, first_head).await;
            }
            Ok(Err(error)) => log_end(self.info.peer(), &error),
            Err(elapsed) => log_end(self.info.peer(), &elapsed),
        }
    }

    /// Serves HTTP. The first head has to be complete at `first_head`.
    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        options: ConnectionOptions,
        first_head: Instant,
    ) {
        let Self { builder, service, info, mut phase } = self;
        let peer = info.peer();
        let activity = Arc::new(Activity::new(options.max_streams));
        // A client that connects while the server drains may make its first call.
        let is_late = *phase.borrow() != Phase::Running;
        let service = ConnectionService::new(service, info, Arc::clone(&activity), is_late);
        let stream = TokioIo::new(WatchedStream::new(stream, Arc::clone(&activity)));
        let mut connection = pin!(builder.serve_connection(stream, service));
        let leaves_at = if is_late { Phase::Closed } else { Phase::Draining };
        // At random, so that connections that were opened together do not come back together.
        let too_old = options.max_age.map(|age| Instant::now() + age.mul_f64(0.9 + 0.2 * random::fraction()));
        let has_changed = phase.clone();
        let mut leave = pin!(async move {
            tokio::select! {
                biased;
                // An error is the loss of the server, which drops this connection.
                _ = phase.wait_for(|phase| *phase >= leaves_at) => {}
                () = until(too_old) => {}
            }
        });
        // The task in which `leave` will wake this connection. It is polled again for a reason only: each poll takes a lock.
        let mut registered: Option<Waker> = None;
        let mut must_leave = |cx: &mut Context<'_>| {
            let is_registered = registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
            if is_registered && too_old.is_none() && has_changed.has_changed().is_ok_and(|changed| !changed) {
                return false;
            }
            registered = Some(cx.waker().clone());
            leave.as_mut().poll(cx).is_ready()
        };
        let mut is_leaving = false;
        let mut timer = pin!(sleep_until(first_head));
        let mut awaited = Some(Awaited::FirstHead);
        let mut grace_ends = too_old.map(|at| Box::pin(sleep_until(at + options.grace)));
        let served = poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    return Poll::Ready(result);
                }
                let is_asked = is_late && activity.is_established();
                if is_leaving || !(is_asked || must_leave(cx)) {
                    break;
                }
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            let is_quiet = !activity.has_open_requests() && !activity.is_write_blocked();
            if is_leaving && is_quiet && !activity.is_http2() {
                // What arrived of another request is no call.
                return Poll::Ready(Ok(()));
            }
            let now_awaited = if is_leaving && is_quiet {
                Some(Awaited::LastRequests)
            } else if !activity.is_established() {
                Some(Awaited::FirstHead)
            } else if activity.is_reading_head() {
                Some(Awaited::Head)
            } else {
                None
            };
            if now_awaited != awaited {
                awaited = now_awaited;
                match awaited {
                    Some(Awaited::LastRequests) => timer.as_mut().reset(Instant::now() + GOAWAY_TIMEOUT),
                    Some(Awaited::Head) => timer.as_mut().reset(Instant::now() + options.head_timeout),
                    Some(Awaited::FirstHead) | None => {}
                }
            }
            if let Some(awaited) = awaited
                && timer.as_mut().poll(cx).is_ready()
            {
                tracing::debug!(?awaited, "closed a connection after a timeout");
                return Poll::Ready(Ok(()));
            }
            match &mut grace_ends {
                Some(grace_ends) => grace_ends.as_mut().poll(cx).map(Ok),
                None => Poll::Pending,
            }
        });
        if let Err(error) = served.await {
            log_end(peer, &*error);
        }
    }
}

/// Records that a connection broke, or that its client did not keep to TLS or HTTP.
fn log_end(peer: Option<SocketAddr>, error: &dyn std::error::Error) {
    tracing::debug!(peer = peer.map(tracing::field::display), %error, "connection ended");
}

/// Waits until a time, or for ever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
