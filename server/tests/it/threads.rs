//! A bridge on several threads: its connections, its limits, its list of calls and its shutdown.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drawbridge::{Bridge, BridgeService, Calls, ConnectionOptions, Limits, PoolOptions, ThreadListeners};
use drawbridge_proto::message::message_server::{Message, MessageServer};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::Status;
use tower::service_fn;

use crate::support::client::{Answer, Connection, Wire, frame};
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, hold};
use crate::support::{exchange, soon};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A bridge on several threads. Dropping it closes its connections at once.
struct Threads {
    address: SocketAddr,
    calls: Calls,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Threads {
    fn start(threads: usize, mut bridge: Bridge, options: ConnectionOptions) -> Self {
        let listeners = ThreadListeners::bind(LOOPBACK, threads).unwrap();
        let address = listeners.local_addr();
        let calls = bridge.calls();
        let services: Vec<BridgeService> = bridge.fallback_unimplemented().into_services(threads);
        let (shutdown, stopped) = oneshot::channel();
        let served = drawbridge::serve_on_threads(listeners, services, calls.clone(), options, async {
            // An error means that the test has ended.
            let _ = stopped.await;
        });
        Self { address, calls, shutdown, task: tokio::spawn(served) }
    }

    /// Opens connections one after the other. Each has made a call, so that it is accepted before the next one arrives.
    async fn connections(&self, count: usize) -> Vec<Connection> {
        let mut connections = Vec::new();
        for _ in 0..count {
            let mut connection = Wire::GRPC.connect(self.address).await;
            assert_eq!(call(&mut connection, "/no.Such/Method").await.ending().await.code, 12);
            connections.push(connection);
        }
        connections
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn call(connection: &mut Connection, path: &str) -> Answer {
    Wire::GRPC.call_with(connection, path, frame(&told("k")), &[]).await
}

/// Streams one message, and no more until it is released.
#[derive(Clone, Default)]
struct Gate(Arc<Notify>);

#[tonic::async_trait]
impl Message for Gate {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(
        &self,
        _: tonic::Request<KeyRequest>,
    ) -> Result<tonic::Response<Self::StreamStream>, Status> {
        let released = Arc::clone(&self.0);
        let once = stream::once(async { Ok(Progress { message: "waits".to_owned() }) });
        let rest = stream::once(async move {
            released.notified().await;
            Ok(Progress { message: "released".to_owned() })
        });
        Ok(tonic::Response::new(once.chain(rest).boxed()))
    }
}

fn gate() -> (Bridge, Gate) {
    let gate = Gate::default();
    (Bridge::new().add_service(MessageServer::new(gate.clone())), gate)
}

/// Serves the name of its thread, and closes the connection if the path is `/close`.
async fn thread_name(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let mut response = Response::new(Full::from(name));
    if request.uri().path() == "/close" {
        response.headers_mut().insert("connection", "close".parse().unwrap());
    }
    Ok(response)
}

/// Serves [`thread_name`] on this many threads, until the result is dropped.
fn names(threads: usize) -> (SocketAddr, oneshot::Sender<()>) {
    serve_names(ThreadListeners::bind(LOOPBACK, threads).unwrap())
}

fn serve_names(listeners: ThreadListeners) -> (SocketAddr, oneshot::Sender<()>) {
    let address = listeners.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let services = (0..listeners.threads()).map(|_| service_fn(thread_name)).collect();
    tokio::spawn(drawbridge::serve_on_threads(listeners, services, None, ConnectionOptions::new(), async {
        let _ = stopped.await;
    }));
    (address, stop)
}

/// Opens a connection, and returns it with the name of its thread.
async fn on_thread(address: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut read = [0; 1024];
    let length = soon("the name of a thread", stream.read(&mut read)).await.unwrap();
    let text = String::from_utf8_lossy(&read[..length]).into_owned();
    (stream, text.rsplit("\r\n").next().unwrap().to_owned())
}

#[tokio::test]
async fn few_connections_are_spread_evenly() {
    for (threads, count) in [(2, 1), (2, 2), (2, 3), (3, 6), (4, 50)] {
        let (address, _stop) = names(threads);
        let mut by_thread: HashMap<String, Vec<TcpStream>> = HashMap::new();
        for _ in 0..count {
            let (stream, name) = on_thread(address).await;
            by_thread.entry(name).or_default().push(stream);
        }
        let mut counts: Vec<_> = by_thread.values().map(Vec::len).collect();
        counts.sort_unstable();
        assert_eq!(counts.len(), threads.min(count), "{counts:?}");
        let (fewest, most) = (counts[0], counts[counts.len() - 1]);
        assert!(most <= fewest + 1 + fewest / 8, "{counts:?}");
    }
}

#[tokio::test]
async fn closed_connections_do_not_count() {
    let (address, _stop) = names(2);
    for _ in 0..100 {
        exchange(address, b"GET /close HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    }
    let (_first, one) = on_thread(address).await;
    let (_second, other) = on_thread(address).await;
    assert_ne!(one, other);
}

#[tokio::test]
async fn connections_over_the_limit_wait_until_there_is_room() {
    let listeners = ThreadListeners::bind(LOOPBACK, 2).unwrap().with_max_connections(3);
    let (address, _stop) = serve_names(listeners);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(on_thread(address).await);
    }
    let mut waiting = TcpStream::connect(address).await.unwrap();
    waiting.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), waiting.read_u8()).await;
    assert!(early.is_err(), "no response while there is no room");
    drop(open.pop());
    soon("a response", waiting.read_u8()).await.unwrap();
}

#[tokio::test]
async fn an_address_is_listened_on_once() {
    let listeners = ThreadListeners::bind(LOOPBACK, 2).unwrap();
    for threads in [1, 2] {
        let error = ThreadListeners::bind(listeners.local_addr(), threads).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{threads}");
    }
    drop(listeners);
}

#[tokio::test]
async fn all_calls_are_one_list_with_one_limit() {
    let (bridge, _gate) = gate();
    let bridge = bridge.limits(Limits::new().with_max_calls(3));
    let server = Threads::start(2, bridge, ConnectionOptions::new());
    let mut connections = server.connections(2).await;
    let mut open = Vec::new();
    for connection in [0, 1, 0] {
        open.push(call(&mut connections[connection], "/Message/Stream").await);
    }
    assert_eq!(server.calls.open(), 3);
    for connection in &mut connections {
        assert_eq!(call(connection, "/Message/Stream").await.ending().await.code, 8);
    }
    server.calls.abort_all();
    for answer in open {
        assert_eq!(answer.finish::<Progress>().await.1.code, 14);
    }
}

#[tokio::test]
async fn an_upstream_gets_no_more_connections_than_it_takes() {
    for (max, expected) in [(1, 1), (2, 2), (200, 3)] {
        let upstream = RawUpstream::start().await;
        let options = PoolOptions::new().with_max_connections(max);
        let server = Threads::start(3, upstream.bridge_with(options), ConnectionOptions::new());
        let answering = upstream.answering(hold);
        let mut connections = Vec::new();
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut connection = Wire::GRPC.connect(server.address).await;
            open.push(call(&mut connection, "/any.Service/Method").await);
            connections.push(connection);
        }
        assert_eq!(server.calls.open(), 3);
        assert_eq!(answering.upstream.connections(), expected, "of {max}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_the_calls_of_all_threads_with_a_status() {
    let (bridge, _gate) = gate();
    let mut server = Threads::start(2, bridge, ConnectionOptions::new());
    let mut connections = server.connections(2).await;
    let mut open = Vec::new();
    for connection in &mut connections {
        let mut answer = call(connection, "/Message/Stream").await;
        answer.message::<Progress>().await.expect("the stream has begun");
        open.push(answer);
    }
    stop(&mut server);
    for answer in open {
        assert_eq!(answer.finish::<Progress>().await.1.code, 14);
    }
    soon("the server's end", &mut server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thread_without_calls_does_not_cut_the_grace_period_of_the_others() {
    let (bridge, gate) = gate();
    let grace = Duration::from_secs(60);
    let mut server = Threads::start(2, bridge, ConnectionOptions::new().with_grace(grace));
    let mut connection = server.connections(1).await.remove(0);
    let mut answer = call(&mut connection, "/Message/Stream").await;
    answer.message::<Progress>().await.expect("the stream has begun");
    stop(&mut server);
    // Both threads have noticed once no connection is accepted.
    soon("the listeners to close", async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.0.notify_one();
    let (rest, ending) = answer.finish::<Progress>().await;
    assert_eq!((rest.len(), ending.code), (1, 0));
    drop(connection);
    soon("the server's end", &mut server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_closes_its_connections() {
    let (bridge, _gate) = gate();
    let server = Threads::start(2, bridge, ConnectionOptions::new());
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        soon("a response", stream.read_u8()).await.unwrap();
        streams.push(stream);
    }
    drop(server);
    for mut stream in streams {
        // A reset is an end too.
        let _ = soon("the connection's end", stream.read_to_end(&mut Vec::new())).await;
    }
}

/// Begins the shutdown.
fn stop(server: &mut Threads) {
    let (unused, _) = oneshot::channel();
    std::mem::replace(&mut server.shutdown, unused).send(()).unwrap();
}
