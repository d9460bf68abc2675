//! An upstream of which the test sees each request as it came, and says each frame of the answer.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use drawbridge::{Bridge, PoolOptions, Upstream};
use h2::server::{Builder, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::soon;

/// A call as it came to the upstream.
pub struct Arrived {
    /// Which of the connections it came by, from 0.
    pub connection: usize,
    pub head: http::request::Parts,
    pub body: RecvStream,
    pub answer: SendResponse<Bytes>,
}

/// The upstream. Dropping it closes its connections and its port.
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

    /// Starts an upstream that takes so many streams on each connection.
    pub async fn with_room(streams: u32) -> Self {
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
        let (told, calls) = mpsc::unbounded_channel();
        let (connections, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, still) = (Arc::clone(&connections), Arc::clone(&open));
        let (leaving, left) = watch::channel(false);
        let (busy, looks_up) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut all = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = count.fetch_add(1, Ordering::SeqCst);
                let (builder, told) = (builder.clone(), told.clone());
                let still = Open::one_more(&still);
                let (mut left, mut looks_up) = (left.clone(), looks_up.clone());
                left.mark_unchanged();
                looks_up.mark_unchanged();
                all.spawn(async move {
                    let _still = still;
                    let mut h2 = builder.handshake::<_, Bytes>(stream).await.unwrap();
                    loop {
                        let call = tokio::select! {
                            call = h2.accept() => call,
                            Ok(()) = left.changed() => {
                                h2.graceful_shutdown();
                                continue;
                            }
                            Ok(()) = looks_up.changed() => {
                                while *looks_up.borrow_and_update() {
                                    looks_up.changed().await.unwrap();
                                }
                                continue;
                            }
                        };
                        let Some(Ok((request, answer))) = call else { break };
                        let (head, body) = request.into_parts();
                        let _ = told.send(Arrived { connection, head, body, answer });
                    }
                });
            }
        });
        Self { address, calls, connections, open, leaving, busy, task }
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Says GOAWAY on the connections that there are.
    pub fn go_away(&self) {
        self.leaving.send_replace(true);
    }

    /// Looks at nothing that comes, or again at all of it.
    pub fn be_busy(&self, busy: bool) {
        self.busy.send_replace(busy);
    }

    pub async fn call(&mut self) -> Arrived {
        soon("a call at the upstream", self.calls.recv()).await.unwrap()
    }

    /// Answers each call as `f` does, until the upstream is dropped.
    pub fn answering<F, A>(mut self, f: F) -> Answering
    where
        F: Fn(Arrived) -> A + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let (_, nothing) = mpsc::unbounded_channel();
        let mut calls = std::mem::replace(&mut self.calls, nothing);
        let task = tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                tokio::spawn(f(call));
            }
        });
        Answering { upstream: self, task }
    }

    /// A bridge in front of this upstream, for whatever comes.
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

/// An upstream that answers by itself.
pub struct Answering {
    pub upstream: RawUpstream,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Open(Arc<AtomicUsize>);

impl Open {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
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

impl Arrived {
    /// Reads what the caller sends, to its end.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(data) = soon("the request's body", self.body.data()).await {
            let data = data.unwrap();
            self.body.flow_control().release_capacity(data.len()).unwrap();
            all.extend_from_slice(&data);
        }
        all
    }

    /// Begins the answer, with these headers besides the usual one.
    pub fn begin(&mut self, headers: &[(&str, &str)]) -> SendStream<Bytes> {
        self.answer.send_response(head(headers), false).unwrap()
    }

    /// Answers with one message and a status.
    pub fn complete(&mut self, message: &Bytes, trailers: &[(&str, &str)]) {
        let mut stream = self.begin(&[]);
        stream.send_data(message.clone(), false).unwrap();
        stream.send_trailers(map(&[&[("grpc-status", "0")], trailers].concat())).unwrap();
    }

    /// Answers with nothing but a head.
    pub fn trailers_only(&mut self, headers: &[(&str, &str)]) {
        self.answer.send_response(head(headers), true).unwrap();
    }

    /// Waits until the call's stream is reset, before any answer has begun, and returns the reason.
    pub async fn reset(&mut self) -> h2::Reason {
        soon("a reset", std::future::poll_fn(|cx| self.answer.poll_reset(cx))).await.unwrap()
    }

    pub fn headers(&self, name: &str) -> Vec<&str> {
        self.head.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

/// Waits until the stream of an answer that has begun is reset, and returns the reason.
pub async fn reset_of(stream: &mut SendStream<Bytes>) -> h2::Reason {
    std::future::poll_fn(|cx| stream.poll_reset(cx)).await.unwrap()
}

/// Begins an answer that says nothing more until its caller leaves.
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
