//! How long a connection may be silent, and when it closes. Time is paused: it passes only while everything waits.

use std::time::Duration;

use drawbridge::{Bridge, ConnectionInfo, ConnectionOptions, Limits, Listener, serve};
use drawbridge_gateway::samples::MessageService;
use drawbridge_proto::message::message_server::MessageServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// HTTP/2's preface, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Connections in memory: a socket would keep time from passing.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Stream = DuplexStream;

    async fn next_connection(&mut self) -> (DuplexStream, ConnectionInfo) {
        match self.0.recv().await {
            Some(stream) => (stream, ConnectionInfo::new()),
            None => std::future::pending().await,
        }
    }
}

struct Server {
    pipes: mpsc::UnboundedSender<DuplexStream>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a bridge with the sample `Message`. What is no call gets 404.
    fn start(options: ConnectionOptions) -> Self {
        let (pipes, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        // Half a request may stay for as long as its connection.
        let limits = Limits::new().with_request_idle_timeout(None);
        let mut bridge = Bridge::new().limits(limits).add_service(MessageServer::new(MessageService::new()));
        let calls = bridge.calls();
        let service = bridge.fallback_unimplemented().into_service();
        let task = tokio::spawn(serve(Pipes(accepted), service, calls, options, async {
            // An error means that the test has ended.
            let _ = stopped.await;
        }));
        Self { pipes, stop, task }
    }

    fn connect(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        self.pipes.send(far).unwrap();
        near
    }

    /// Connects, sends these bytes, and returns after how many seconds the server has closed the connection.
    async fn closed_after(&self, bytes: &[u8]) -> u64 {
        let mut stream = self.connect();
        let start = Instant::now();
        stream.write_all(bytes).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        start.elapsed().as_secs()
    }

    /// Stops the server, and returns after how many seconds it has ended.
    async fn stop(self) -> u64 {
        let start = Instant::now();
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        start.elapsed().as_secs()
    }
}

/// Reads until the server waits for more.
async fn read_some(stream: &mut DuplexStream) -> String {
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_whole_first_head_is_closed_after_ten_seconds() {
    let server = Server::start(ConnectionOptions::new());
    for bytes in [&b""[..], b"P", &PREFACE[..12], &PREFACE[..24], &PREFACE[..30], &REQUEST[..20]] {
        assert_eq!(server.closed_after(bytes).await, 10, "{}", bytes.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_from_its_first_byte_and_an_idle_connection_620() {
    let server = Server::start(ConnectionOptions::new());
    assert_eq!(server.closed_after(REQUEST).await, 620);
    let mut stream = server.connect();
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 404"));
    tokio::time::sleep(Duration::from_secs(500)).await;
    let start = Instant::now();
    stream.write_all(&REQUEST[..20]).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_http2_connection_without_requests_stays_while_it_answers_pings() {
    let server = Server::start(ConnectionOptions::new());
    let stream = server.connect();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!connection.is_finished());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_call_does_not_delay_a_shutdown() {
    for bytes in [&b""[..], b"P", &PREFACE[..24], &REQUEST[..20], REQUEST] {
        let server = Server::start(ConnectionOptions::new().with_grace(Duration::from_secs(20)));
        let mut stream = server.connect();
        stream.write_all(bytes).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(server.stop().await, 0, "{}", bytes.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn an_http2_client_that_answers_nothing_delays_a_shutdown_by_a_second() {
    let server = Server::start(ConnectionOptions::new().with_grace(Duration::from_secs(20)));
    let mut stream = server.connect();
    stream.write_all(PREFACE).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.stop().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_half_a_message_ends_with_the_grace_period() {
    let server = Server::start(ConnectionOptions::new().with_grace(Duration::from_secs(20)));
    let mut stream = server.connect();
    let head = b"POST /Message/Stream HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream.write_all(b"\0\0\0").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (seconds, response) = tokio::join!(server.stop(), async {
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        String::from_utf8_lossy(&response).into_owned()
    });
    assert_eq!(seconds, 20);
    assert!(
        response.contains("grpc-status: 14") && response.contains("grpc-retry-pushback-ms: "),
        "{response}"
    );
}

#[tokio::test(start_paused = true)]
async fn connections_are_accepted_until_the_drain_delay_is_over_and_each_makes_one_call() {
    let delay = Duration::from_secs(5);
    let server = Server::start(ConnectionOptions::new().with_drain_delay(delay));
    let Server { pipes, stop, task } = server;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    pipes.send(far).unwrap();
    near.write_all(REQUEST).await.unwrap();
    let mut response = String::new();
    near.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 404") && response.contains("connection: close"), "{response}");
    let start = Instant::now();
    task.await.unwrap();
    assert!((900..=1_000).contains(&start.elapsed().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_leaves_and_its_calls_have_the_grace_period() {
    let (age, grace) = (Duration::from_secs(100), Duration::from_secs(20));
    let server = Server::start(ConnectionOptions::new().with_max_age(Some(age)).with_grace(grace));
    let idle = server.closed_after(REQUEST).await;
    assert!((90..=110).contains(&idle), "{idle}");
    let head = b"POST /Message/Stream HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\ncontent-length: 100\r\n\r\n";
    let busy = server.closed_after(head).await;
    assert!((110..=130).contains(&busy), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_is_not_made_is_no_connection() {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let tls = drawbridge::Tls::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
    let options = ConnectionOptions::new().with_tls(tls).with_grace(Duration::from_secs(20));
    let server = Server::start(options.clone());
    assert_eq!(server.closed_after(b"\x16\x03").await, 10);
    let mut stream = server.connect();
    stream.write_all(b"\x16\x03").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.stop().await, 0);
}
