//! What the tests share.

pub mod attempts;
pub mod client;
pub mod console;
pub mod frames;
pub mod probe;
pub mod program;
pub mod reflection;
pub mod relay;
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

/// How long a test waits for what must come before it says that it did not. No test passes by this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must come.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.unwrap_or_else(|_elapsed| panic!("waited in vain for {what}"))
}

/// Sends raw bytes, and returns all that comes back until the server closes the connection.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon("the end of the answer", stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A running server. Dropping it stops it at once.
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
            // A sender that was dropped is a test that has ended.
            let _ = stopped.await;
        });
        Self { address, calls, shutdown: Some(shutdown), task: tokio::spawn(served) }
    }

    /// Starts a server with the sample services, which are quicker here than in the program.
    pub async fn samples() -> Self {
        Self::start(samples()).await
    }

    /// Tells the server to stop, and waits until it has.
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

/// The sample services, with a millisecond for each second of the program's.
pub fn samples() -> Bridge {
    let every = Duration::from_millis(1);
    let directory = Directory::in_memory().unwrap();
    Bridge::new()
        .add_service(
            MessageServer::new(MessageService::every(every)).accept_compressed(CompressionEncoding::Gzip),
        )
        .add_service(
            GreeterServer::new(GreeterService::every(directory, every))
                .accept_compressed(CompressionEncoding::Gzip),
        )
        .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)
        .unwrap()
}

/// A server to which one connection may bring any number of calls.
pub async fn roomy(bridge: Bridge) -> Server {
    let options = ConnectionOptions::new().with_max_streams(10_000);
    Server::start_with(bridge, options).await
}
