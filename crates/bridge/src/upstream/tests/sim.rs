//! A network in memory: names, and servers that behave as a test says.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::Bridge;
use crate::upstream::address::Address;
use crate::upstream::network::Network;
use crate::upstream::resolve::Resolve;
use crate::upstream::transport::{Connect, Transport};
use crate::upstream::{PoolOptions, Upstream};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Answers each call with this status, after this time.
    Answers(u16, Duration),
    /// Resets each call.
    Resets,
    /// Neither reads nor writes, as a process after SIGSTOP does.
    Stopped,
    /// Accepts a connection, and never speaks on it.
    Mute,
    /// Refuses connections.
    Refuses,
}

/// Answers with OK at once.
pub(super) const GOOD: Mode = Mode::Answers(0, Duration::ZERO);

/// Answers with UNAVAILABLE at once.
pub(super) const UNAVAILABLE: Mode = Mode::Answers(14, Duration::ZERO);

pub(super) const fn after(millis: u64) -> Mode {
    Mode::Answers(0, Duration::from_millis(millis))
}

/// A server in memory.
pub(super) struct Node {
    mode: watch::Sender<Mode>,
    calls: AtomicUsize,
    connects: AtomicUsize,
    open: AtomicUsize,
}

impl Node {
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Returns how many calls have arrived.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Returns how often it was connected to, with and without success.
    pub(super) fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    /// Returns how many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    async fn serve(&self, io: DuplexStream) -> Result<(), h2::Error> {
        let mut mode = self.mode.subscribe();
        if *mode.borrow() == Mode::Mute {
            // Never speaks on this connection, whatever it does on later ones.
            let _io = io;
            return std::future::pending().await;
        }
        // Leaves the loop if the network is dropped.
        let stopped = |mode: &Mode| *mode == Mode::Stopped;
        let _ = mode.wait_for(|mode| !stopped(mode)).await;
        let mut h2 = h2::server::handshake(io).await?;
        loop {
            if mode.wait_for(|mode| !stopped(mode)).await.is_err() {
                return Ok(());
            }
            mode.mark_unchanged();
            let call = tokio::select! {
                biased;
                _ = mode.changed() => continue,
                call = h2.accept() => call,
            };
            let Some(call) = call else { return Ok(()) };
            let (request, answer) = call?;
            self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(respond(*mode.borrow(), request, answer));
        }
    }
}

async fn respond(mode: Mode, request: Request<h2::RecvStream>, mut answer: SendResponse<Bytes>) {
    // Held until the response is complete: a dropped one is a reset.
    let _request = request;
    let Mode::Answers(code, delay) = mode else {
        answer.send_reset(h2::Reason::INTERNAL_ERROR);
        return;
    };
    tokio::time::sleep(delay).await;
    let head = Response::builder().header("content-type", "application/grpc");
    // Fails if the call was cancelled.
    if code == 0 {
        let Ok(mut stream) = answer.send_response(head.body(()).unwrap(), false) else { return };
        let _ = stream.send_data(Bytes::from_static(&[0; 5]), false);
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.into());
        let _ = stream.send_trailers(trailers);
    } else {
        let _ = answer.send_response(head.header("grpc-status", code).body(()).unwrap(), true);
    }
}

/// The network.
#[derive(Default)]
pub(super) struct Sim {
    nodes: Mutex<BTreeMap<SocketAddr, Arc<Node>>>,
    names: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
    lookups: AtomicUsize,
}

impl Sim {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a server at a socket address.
    pub(super) fn node(&self, address: &str, mode: Mode) -> Arc<Node> {
        let node = Arc::new(Node {
            mode: watch::Sender::new(mode),
            calls: AtomicUsize::new(0),
            connects: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        self.nodes.lock().unwrap().insert(address.parse().unwrap(), Arc::clone(&node));
        node
    }

    /// Sets the addresses of a name. Without any, lookups fail.
    pub(super) fn name(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.names.lock().unwrap().insert(name.to_owned(), addresses);
    }

    /// Returns how many lookups there were.
    pub(super) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }

    /// Returns a bridge to these servers, which share all calls.
    pub(super) fn bridge(self: &Arc<Self>, urls: &[&str], options: PoolOptions) -> Bridge {
        let network = || Network { resolve: Arc::clone(self) as _, connect: Arc::clone(self) as _ };
        urls.iter().fold(Bridge::new(), |bridge, url| {
            bridge.upstream(Upstream::new(url).unwrap().pool(options).through(network()))
        })
    }
}

impl Resolve for Sim {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if let Ok(address) = host.parse() {
                return Ok(vec![SocketAddr::new(address, port)]);
            }
            let addresses = self.names.lock().unwrap().get(host).cloned().unwrap_or_default();
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "no such name"));
            }
            Ok(addresses)
        })
    }
}

/// Counts an open connection until it is dropped.
struct Open(Arc<Node>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connect for Sim {
    fn connect<'a>(
        &'a self,
        _: &'a Address,
        socket: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let node = self.nodes.lock().unwrap().get(&socket).cloned();
            let node = node.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            node.connects.fetch_add(1, Ordering::SeqCst);
            if *node.mode.borrow() == Mode::Refuses {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (client, server) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                node.open.fetch_add(1, Ordering::SeqCst);
                let open = Open(node);
                // How it ends is up to the client.
                let _ = open.0.serve(server).await;
            });
            Ok(Box::new(client) as _)
        })
    }
}

/// Calls a method of a bridge, and returns the status with its message.
pub(super) async fn call_within(router: &Router, timeout: &str) -> (i32, String) {
    let mut request = Request::post("/any.Service/Method")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc");
    if !timeout.is_empty() {
        request = request.header("grpc-timeout", timeout);
    }
    let request = request.body(Body::new(Full::from(Bytes::from_static(&[0; 5])))).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let in_head = status(response.headers());
    let body = response.into_body().collect().await.unwrap();
    in_head.or_else(|| body.trailers().and_then(status)).expect("each call has a status")
}

/// Calls a method without a deadline, and returns the code.
pub(super) async fn call(router: &Router) -> i32 {
    call_within(router, "").await.0
}

fn status(headers: &HeaderMap) -> Option<(i32, String)> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    let message = headers.get("grpc-message").map(|message| message.to_str().unwrap().replace("%20", " "));
    Some((code, message.unwrap_or_default()))
}
