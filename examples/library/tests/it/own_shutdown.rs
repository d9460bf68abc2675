//! Calls finish within the grace period, and are aborted after it, with either server.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use drawbridge::{Bridge, Calls};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::own_shutdown::{with_axum, with_serve};
use drawbridge_proto::greet::HelloReply;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::{Code, Streaming};

use crate::support::{bob, greeter, listen};

/// More than a test takes.
const LONG: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug)]
enum Server {
    Axum,
    Drawbridge,
}

const BOTH: [Server; 2] = [Server::Axum, Server::Drawbridge];

impl Server {
    async fn run(
        self,
        listener: TcpListener,
        (router, calls): (Router, Calls),
        stop: oneshot::Receiver<()>,
        grace: Duration,
    ) {
        let stop = async move { stop.await.unwrap() };
        match self {
            Self::Axum => with_axum(listener, router, calls, stop, grace).await.unwrap(),
            Self::Drawbridge => with_serve(listener, router, calls, stop, grace).await,
        }
    }

    /// Opens a stream whose greetings are `every` apart, stops the server, and returns the stream and the server.
    async fn stop_during_stream(
        self,
        every: Duration,
        grace: Duration,
    ) -> (Streaming<HelloReply>, JoinHandle<()>, SocketAddr) {
        let mut bridge = Bridge::new().add_service(GreeterServer::new(MyGreeter { every }));
        let calls = bridge.calls();
        let (listener, address) = listen().await;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(self.run(listener, (bridge.into_router(), calls.clone()), stopped, grace));
        let stream = greeter(address).say_hellos(bob()).await.unwrap().into_inner();
        assert_eq!(calls.open(), 1);
        stop.send(()).unwrap();
        (stream, server, address)
    }
}

#[tokio::test]
async fn an_open_call_may_finish() {
    for server in BOTH {
        let (mut stream, stopped, _) = server.stop_during_stream(Duration::from_millis(50), LONG).await;
        let mut greetings = 0;
        while stream.message().await.unwrap().is_some() {
            greetings += 1;
        }
        assert_eq!(greetings, 3, "{server:?}");
        drop(stream);
        // It returns although the grace period is not over.
        stopped.await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_aborted_with_unavailable() {
    for server in BOTH {
        let (mut stream, stopped, _) = server.stop_during_stream(LONG, Duration::from_millis(50)).await;
        let status = stream.message().await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{server:?}: {status}");
        drop(stream);
        stopped.await.unwrap();
    }
}

#[tokio::test]
async fn no_connection_is_accepted_while_open_calls_finish() {
    for server in BOTH {
        let (stream, stopped, address) = server.stop_during_stream(LONG, LONG).await;
        // The listener closes a moment after the signal.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!stopped.is_finished(), "{server:?}: the stream is still open");
        drop(stream);
        stopped.await.unwrap();
    }
}
