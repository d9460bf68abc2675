//! An upstream whose requests a test inspects, and whose responses it sends frame by frame.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use drawbridge::{Bridge, EndReason, PoolOptions, Upstream};
use h2::server::{Builder, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::soon;

/// A call as the upstream received it.
pub struct Arrived {
    /// The index of its connection, from 0.
    pub connection: usize,
    pub head: http::request::Parts,
    pub body: RecvStream,
    pub answer: SendResponse<Bytes>,
}

/// An upstream. Dropping it closes its connections and its port.
pub struct RawUpstream {
    pub address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Arrived>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    leaving: watch::Sender<bool>,
    busy: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl RawUpstream {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts an upstream that accepts this many concurrent streams on each connection.
    pub async fn with_max_streams(streams: u32) -> Self {
        Self::start_with(|builder| {
            builder.max_concurrent_streams(streams);
        })
        .await
    }

    pub async fn start_with(configure: impl FnOnce(&mut Builder)) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").await.unwrap(), configure)
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        Self::listening(TcpListener::bind(address).await.unwrap(), |_| {})
    }

    fn listening(listener: TcpListener, configure: impl FnOnce(&mut Builder)) -> Self {
        let address = listener.local_addr().unwrap();
        let mut builder = Builder::new();
        configure(&mut builder);
        let (sender, calls) = mpsc::unbounded_channel();
        let (connections, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (accepted, open_count) = (Arc::clone(&connections), Arc::clone(&open));
        let (leaving, going_away) = watch::channel(false);
        let (busy, is_busy) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut all = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = accepted.fetch_add(1, Ordering::SeqCst);
                let (builder, sender) = (builder.clone(), sender.clone());
                let open = OpenConnection::new(&open_count);
                let (mut going_away, mut is_busy) = (going_away.clone(), is_busy.clone());
                going_away.mark_unchanged();
                is_busy.mark_unchanged();
                all.spawn(async move {
                    let _open = open;
                    let mut h2 = builder.handshake::<_, Bytes>(stream).await.unwrap();
                    loop {
                        let call = tokio::select! {
                            call = h2.accept() => call,
                            Ok(()) = going_away.changed() => {
                                h2.graceful_shutdown();
                                continue;
                            }
                            Ok(()) = is_busy.changed() => {
                                while *is_busy.borrow_and_update() {
                                    is_busy.changed().await.unwrap();
                                }
                                continue;
                            }
                        };
                        let Some(Ok((request, answer))) = call else { break };
                        let (head, body) = request.into_parts();
                        let _ = sender.send(Arrived { connection, head, body, answer });
                    }
                });
            }
        });
        Self { address, calls, connections, open, leaving, busy, task }
    }

    /// Returns how many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns how many connections are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Sends GOAWAY on all open connections.
    pub fn go_away(&self) {
        self.leaving.send_replace(true);
    }

    /// Pauses or resumes reading from connections.
    pub fn set_busy(&self, busy: bool) {
        self.busy.send_replace(busy);
    }

    pub async fn call(&mut self) -> Arrived {
        soon("a call at the upstream", self.calls.recv()).await.unwrap()
    }

    /// Responds to each call with `f`, until the result is dropped.
    pub fn answering<F, A>(mut self, f: F) -> Answering
    where
        F: Fn(Arrived) -> A + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let (_, closed) = mpsc::unbounded_channel();
        let mut calls = std::mem::replace(&mut self.calls, closed);
        let task = tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                tokio::spawn(f(call));
            }
        });
        Answering { upstream: self, task }
    }

    /// Returns a bridge with this upstream as its catch-all.
    pub fn bridge(&self) -> Bridge {
        bridge_to(self.address)
    }

    pub fn bridge_with(&self, options: PoolOptions) -> Bridge {
        Bridge::new().upstream(upstream_at(self.address).pool(options))
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An upstream that responds in a task.
pub struct Answering {
    pub upstream: RawUpstream,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts an open connection until it is dropped.
struct OpenConnection(Arc<AtomicUsize>);

impl OpenConnection {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn upstream_at(address: SocketAddr) -> Upstream {
    Upstream::new(&format!("http://{address}")).unwrap()
}

pub fn bridge_to(address: SocketAddr) -> Bridge {
    Bridge::new().upstream(upstream_at(address))
}

/// Makes a bridge report the causes of calls whose upstream has failed: what its operator learns, and no caller.
pub fn with_causes(bridge: Bridge) -> (Bridge, mpsc::UnboundedReceiver<String>) {
    let (sender, causes) = mpsc::unbounded_channel();
    let bridge = bridge.on_call_end(move |call| {
        if let Some(cause) = call.end_reason().and_then(EndReason::cause) {
            // The test may have ended.
            let _ = sender.send(cause.to_owned());
        }
    });
    (bridge, causes)
}

impl Arrived {
    /// Reads the body of the request to its end.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(data) = soon("the request's body", self.body.data()).await {
            let data = data.unwrap();
            self.body.flow_control().release_capacity(data.len()).unwrap();
            all.extend_from_slice(&data);
        }
        all
    }

    /// Sends the head of the response, with these headers and a content type.
    pub fn begin(&mut self, headers: &[(&str, &str)]) -> SendStream<Bytes> {
        self.answer.send_response(head(headers), false).unwrap()
    }

    /// Responds with one message and the status OK.
    pub fn complete(&mut self, message: &Bytes, trailers: &[(&str, &str)]) {
        let mut stream = self.begin(&[]);
        stream.send_data(message.clone(), false).unwrap();
        stream.send_trailers(map(&[&[("grpc-status", "0")], trailers].concat())).unwrap();
    }

    /// Sends a trailers-only response.
    pub fn trailers_only(&mut self, headers: &[(&str, &str)]) {
        self.answer.send_response(head(headers), true).unwrap();
    }

    /// Waits until the stream of a call without a response is reset, and returns the reason.
    pub async fn reset(&mut self) -> h2::Reason {
        soon("a reset", std::future::poll_fn(|cx| self.answer.poll_reset(cx))).await.unwrap()
    }

    pub fn headers(&self, name: &str) -> Vec<&str> {
        self.head.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

/// Waits until the stream of a response is reset, and returns the reason.
pub async fn reset_of(stream: &mut SendStream<Bytes>) -> h2::Reason {
    std::future::poll_fn(|cx| stream.poll_reset(cx)).await.unwrap()
}

/// Sends the head of a response, and nothing more until the caller cancels.
pub async fn hold(mut call: Arrived) {
    reset_of(&mut call.begin(&[])).await;
}

fn head(headers: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = map(headers);
    if !response.headers().contains_key("content-type") {
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    }
    response
}

pub fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    map
}
