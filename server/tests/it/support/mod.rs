//! Helpers of the tests.

pub mod attempts;
pub mod balancer;
pub mod client;
pub mod connect;
pub mod console;
pub mod frames;
pub mod probe;
pub mod program;
pub mod reflection;
pub mod relay;
pub mod reusing;
pub mod trailers;
pub mod upstream;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Bridge, Calls, ConnectionOptions};
use drawbridge_gateway::directory::Directory;
use drawbridge_gateway::samples::{GreeterService, MessageService};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::message_server::MessageServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;

/// How long a test waits before it fails. No test passes because of it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits for a future, and fails with its description if it takes too long.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(TIMEOUT, future).await;
    in_time.unwrap_or_else(|_elapsed| panic!("{what} did not come within {TIMEOUT:?}"))
}

/// Sends raw bytes, and returns everything that the server sends until it closes the connection.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon("the end of the answer", stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A running server. Dropping it closes its connections at once.
pub struct Server {
    pub address: SocketAddr,
    pub calls: Calls,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(bridge: Bridge) -> Self {
        Self::start_with(bridge, ConnectionOptions::default()).await
    }

    pub async fn start_with(mut bridge: Bridge, limits: ConnectionOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = bridge.calls();
        let (shutdown, stopped) = oneshot::channel();
        let router = bridge.fallback_unimplemented().into_router();
        let served = drawbridge::serve(listener, router, calls.clone(), limits, async {
            // An error means that the test has ended.
            let _ = stopped.await;
        });
        Self { address, calls, shutdown: Some(shutdown), task: tokio::spawn(served) }
    }

    /// Starts a server with the sample services of [`samples`].
    pub async fn samples() -> Self {
        Self::start(samples()).await
    }

    /// Shuts the server down, and waits until it has stopped.
    pub async fn stop(mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            let _ = shutdown.send(());
        }
        soon("the server's end", &mut self.task).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The sample services, with intervals of a millisecond instead of a second.
pub fn samples() -> Bridge {
    let interval = Duration::from_millis(1);
    let directory = Directory::in_memory().unwrap();
    Bridge::new()
        .add_service(
            MessageServer::new(MessageService::new().with_interval(interval))
                .accept_compressed(CompressionEncoding::Gzip),
        )
        .add_service(
            GreeterServer::new(GreeterService::new(directory).with_interval(interval))
                .accept_compressed(CompressionEncoding::Gzip),
        )
        .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)
        .unwrap()
}

/// A server without a practical limit of streams per connection.
pub async fn roomy(bridge: Bridge) -> Server {
    let options = ConnectionOptions::new().with_max_streams(10_000);
    Server::start_with(bridge, options).await
}
