//! What the CALL layer costs: the same router with it and without it, in one run.

// A measurement that fails to measure shall panic, and nanoseconds of a round fit into any mantissa.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tower::layer::util::Identity;

use super::*;
use crate::connection::{ConnectionOptions, serve};

/// The program's allocator, which its calls are measured with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The most that the server's CPU time per call may be with the layer, as a multiple of that without.
const LIMIT: f64 = 1.10;

const ROUNDS: usize = 21;
const CALLS_PER_ROUND: usize = 4_000;

/// How many calls are on their way at a time.
const CONCURRENT: usize = 16;

/// How calls are made.
#[derive(Clone, Copy, Debug)]
enum Wire {
    /// gRPC over one connection of HTTP/2.
    Grpc,
    /// gRPC-Web over as many connections of HTTP/1.1 as there are calls at a time.
    GrpcWeb,
}

/// A server on a thread of its own, whose CPU time is that of the server alone.
struct Measured {
    address: SocketAddr,
    schedstat: PathBuf,
}

impl Measured {
    fn start(name: &str, router: impl FnOnce(Bridge) -> Router + Send + 'static) -> Self {
        let (told, started) = std::sync::mpsc::channel();
        let server = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let schedstat = fs::canonicalize("/proc/thread-self").unwrap().join("schedstat");
                told.send(Self { address: listener.local_addr().unwrap(), schedstat }).unwrap();
                let (_, health) = tonic_health::server::health_reporter();
                let mut bridge = Bridge::new().serve(health);
                let calls = bridge.calls();
                serve(listener, router(bridge), calls, ConnectionOptions::default(), std::future::pending())
                    .await;
            });
        };
        thread::Builder::new().name(name.to_owned()).spawn(server).unwrap();
        started.recv().unwrap()
    }

    /// Returns the CPU time that the server has used so far, in nanoseconds.
    fn cpu_ns(&self) -> u64 {
        let text = fs::read_to_string(&self.schedstat).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    }

    /// Makes the calls of a round, and returns the server's CPU time for each, in nanoseconds.
    async fn round(&self, wire: Wire, timeout: Option<&'static str>) -> f64 {
        let mut clients = Vec::new();
        for _ in 0..CONCURRENT {
            clients.push(match (wire, clients.first()) {
                (Wire::Grpc, Some(Client::Grpc(first))) => Client::Grpc(first.clone()),
                _ => Client::connect(wire, self.address).await,
            });
        }
        let before = self.cpu_ns();
        let mut busy: FuturesUnordered<_> = clients
            .into_iter()
            .map(|mut client| async move {
                for _ in 0..CALLS_PER_ROUND / CONCURRENT {
                    client.call(timeout).await;
                }
            })
            .collect();
        while busy.next().await.is_some() {}
        let used = self.cpu_ns() - before;
        used as f64 / CALLS_PER_ROUND as f64
    }
}

enum Client {
    Grpc(http2::SendRequest<Full<Bytes>>),
    GrpcWeb(http1::SendRequest<Full<Bytes>>),
}

impl Client {
    async fn connect(wire: Wire, address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = TokioIo::new(stream);
        match wire {
            Wire::Grpc => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
                tokio::spawn(connection);
                Self::Grpc(sender)
            }
            Wire::GrpcWeb => {
                let (sender, connection) = http1::handshake(stream).await.unwrap();
                tokio::spawn(connection);
                Self::GrpcWeb(sender)
            }
        }
    }

    async fn call(&mut self, timeout: Option<&'static str>) {
        const PATH: &str = "/grpc.health.v1.Health/Check";
        let request = Request::post(match self {
            Self::Grpc(_) => format!("http://localhost{PATH}"),
            Self::GrpcWeb(_) => PATH.to_owned(),
        });
        let request = request.header(
            "content-type",
            match self {
                Self::Grpc(_) => "application/grpc",
                Self::GrpcWeb(_) => "application/grpc-web+proto",
            },
        );
        let mut request = request.body(Full::from(&[0; 5][..])).unwrap();
        if let Self::GrpcWeb(_) = self {
            request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        }
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", HeaderValue::from_static(timeout));
        }
        let answer = match self {
            Self::Grpc(sender) => sender.send_request(request).await,
            Self::GrpcWeb(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await
            }
        };
        let body = answer.unwrap().into_body().collect().await.unwrap();
        assert!(!body.to_bytes().is_empty(), "a message");
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test]
#[ignore = "a measurement, which needs a release build and the machine for itself: cargo xtask cost"]
async fn of_a_unary_call() {
    crate::init_logging("off", crate::LogFormat::Text).unwrap();
    let with = Measured::start("with", Bridge::into_router);
    let without = Measured::start("without", |bridge| super::router(bridge.stack(Identity::new()), false));
    println!("CPU time of the server per unary call, in microseconds (median of {ROUNDS} rounds):");
    println!("                              without     with    ratio");
    let mut all = Vec::new();
    for (name, wire, timeout) in [
        ("gRPC, h2c", Wire::Grpc, None),
        ("gRPC, h2c, deadline", Wire::Grpc, Some("10S")),
        ("gRPC-Web, HTTP/1.1", Wire::GrpcWeb, None),
        ("gRPC-Web, HTTP/1.1, deadline", Wire::GrpcWeb, Some("10S")),
    ] {
        let (mut bare, mut full, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (a, b) = (without.round(wire, timeout).await, with.round(wire, timeout).await);
            bare.push(a);
            full.push(b);
            ratios.push(b / a);
        }
        let (bare, full) = (median(&mut bare) / 1000.0, median(&mut full) / 1000.0);
        println!("{name:<28} {bare:>8.2} {full:>8.2} {:>8.3}", median(&mut ratios));
        all.append(&mut ratios);
    }
    // One row alone wanders by a few hundredths from run to run.
    let ratio = median(&mut all);
    println!("{:<46} {ratio:>8.3}", "all of them");
    assert!(ratio <= LIMIT, "the CALL layer costs more than it may: {ratio:.3} of {LIMIT}");
}
