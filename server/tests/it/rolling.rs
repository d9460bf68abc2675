//! Restarts of two bridges behind a balancer, while calls are open.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::frame::TRAILERS;
use drawbridge_proto::message::Response as Progress;
use http::HeaderMap;
use tokio::task::JoinSet;

use crate::support::balancer::Balancer;
use crate::support::client::{Wire, frame};
use crate::support::probe::told;
use crate::support::program::{Program, command};
use crate::support::reusing::ReusingClient;
use crate::support::soon;
use crate::support::upstream::{Answering, Arrived, RawUpstream};

const UNARY: &str = "/rolling.Test/Unary";
const STREAM: &str = "/rolling.Test/Stream";

/// How many callers share a connection over HTTP/2.
const PER_CONNECTION: usize = 10;

/// How much is done.
#[derive(Clone, Copy)]
struct Size {
    /// How many callers make unary calls, and how many open streams. Half of each use HTTP/1.1.
    callers: usize,
    restarts: usize,
    /// How long a unary call takes, and the time between two messages of a stream.
    call: Duration,
    drain_delay: &'static str,
    drain: &'static str,
}

impl Size {
    /// The size of a run in `cargo test`, or that of `cargo xtask rolling`.
    fn from_environment() -> Self {
        let Ok(callers) = std::env::var("DRAWBRIDGE_ROLLING") else {
            let call = Duration::from_millis(50);
            return Self { callers: 8, restarts: 3, call, drain_delay: "500ms", drain: "1500ms" };
        };
        let callers = callers.parse().unwrap();
        let restarts = std::env::var("DRAWBRIDGE_ROLLING_RESTARTS").unwrap().parse().unwrap();
        Self { callers, restarts, call: Duration::from_secs(1), drain_delay: "1s", drain: "4s" }
    }
}

/// What has happened to the calls.
#[derive(Debug, Default)]
struct Tally {
    is_over: AtomicBool,
    /// How many unary calls the upstream has received.
    received: AtomicUsize,
    unary_calls: AtomicUsize,
    /// How many streams have sent their head.
    streams_opened: AtomicUsize,
    /// How many streams have ended with a pushback, each of which is opened again.
    streams_ended: AtomicUsize,
}

impl Tally {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn add(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

/// An upstream with a unary method, and one that streams until its caller leaves.
async fn upstream(tally: &Arc<Tally>, call: Duration) -> Answering {
    let message = frame(&Progress { message: "done".to_owned() });
    let tally = Arc::clone(tally);
    RawUpstream::start().await.answering(move |mut arrived: Arrived| {
        let (message, tally) = (message.clone(), Arc::clone(&tally));
        async move {
            if arrived.head.uri.path() == UNARY {
                Tally::add(&tally.received);
                arrived.read().await;
                tokio::time::sleep(call).await;
                arrived.complete(&message, &[]);
                return;
            }
            let mut stream = arrived.begin(&[]);
            while stream.send_data(message.clone(), false).is_ok() {
                let reset = poll_fn(|cx| stream.poll_reset(cx));
                if tokio::time::timeout(call, reset).await.is_ok() {
                    break;
                }
            }
        }
    })
}

/// Starts a bridge at this address: port 0 is a free one.
async fn bridge(address: &str, upstream: SocketAddr, size: Size) -> Program {
    let upstream = format!("http://{upstream}");
    let arguments = [
        ["--listen", address],
        ["--upstream", &upstream],
        ["--drain-delay", size.drain_delay],
        ["--drain", size.drain],
        ["--log", "warn"],
    ];
    Program::start_by(command(), arguments.as_flattened()).await
}

/// Returns the trailers of a response body, whether they are a frame of it or not.
fn trailers_of(bytes: &Bytes, trailers: Option<HeaderMap>) -> Option<Vec<(String, String)>> {
    if let Some(trailers) = trailers {
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        return Some(trailers.iter().map(text).collect());
    }
    let mut rest = &bytes[..];
    while let [flags, a, b, c, d, after @ ..] = rest {
        let (payload, after) = after.split_at_checked(u32::from_be_bytes([*a, *b, *c, *d]) as usize)?;
        if *flags == TRAILERS {
            let pair = |line: &str| {
                line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            };
            return std::str::from_utf8(payload).unwrap().lines().map(pair).collect();
        }
        rest = after;
    }
    None
}

/// Calls a method, calls `on_head` when the head of the response has come, and returns the status and the pushback.
async fn call(client: &ReusingClient, path: &str, on_head: impl FnOnce()) -> (i32, Option<u64>) {
    let answer = client.call(path, frame(&told("rolling"))).await;
    on_head();
    let (bytes, trailers, is_whole) = answer.bytes().await;
    let trailers = trailers_of(&bytes, trailers);
    assert!(
        is_whole,
        "{path}: the response is cut after {} bytes, its trailers are {trailers:?}",
        bytes.len()
    );
    let trailers =
        trailers.unwrap_or_else(|| panic!("{path}: there are no trailers in {} bytes", bytes.len()));
    let value = |name: &str| trailers.iter().find(|(found, _)| found == name).map(|(_, value)| value);
    let status = value("grpc-status").unwrap().parse().unwrap();
    (status, value("grpc-retry-pushback-ms").map(|value| value.parse().unwrap()))
}

/// Makes one unary call after another, with pauses, in which the connection is idle. Each must succeed.
async fn call_until_over(client: Arc<ReusingClient>, tally: Arc<Tally>, size: Size) {
    while !tally.is_over() {
        let (status, _) = call(&client, UNARY, || {}).await;
        assert_eq!(status, 0, "a unary call has failed over {:?}", client.wire());
        Tally::add(&tally.unary_calls);
        tokio::time::sleep(size.call.mul_f64(rand::random_range(0.0..0.25))).await;
    }
}

/// Opens a stream, and opens it again when it has ended. Each must end with UNAVAILABLE and a pushback.
async fn stream_until_over(client: Arc<ReusingClient>, tally: Arc<Tally>) {
    loop {
        let (status, pushback) = call(&client, STREAM, || Tally::add(&tally.streams_opened)).await;
        assert_eq!(status, 14, "a stream has ended over {:?}", client.wire());
        let pushback = pushback.expect("a pushback");
        assert!(pushback < 1_000, "{pushback}");
        Tally::add(&tally.streams_ended);
        tokio::time::sleep(Duration::from_millis(pushback)).await;
    }
}

/// The clients of so many callers: one for each over HTTP/1.1, and a shared one for some of them over HTTP/2.
fn clients(address: SocketAddr, callers: usize, http2: Wire) -> Vec<Arc<ReusingClient>> {
    let over_http1 = (0..callers / 2).map(|_| Arc::new(ReusingClient::new(Wire::WEB_H1, address)));
    let shared: Vec<_> = (0..callers.div_ceil(2 * PER_CONNECTION))
        .map(|_| Arc::new(ReusingClient::new(http2, address)))
        .collect();
    let over_http2 = (0..callers - callers / 2).map(|index| Arc::clone(&shared[index / PER_CONNECTION]));
    over_http1.chain(over_http2).collect()
}

/// Waits until a counter has grown by so many, unless a caller fails before.
async fn grown(what: &str, counter: &AtomicUsize, by: usize) {
    let start = counter.load(Ordering::SeqCst);
    let has_grown = async {
        while counter.load(Ordering::SeqCst) < start + by {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, has_grown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_behind_a_balancer_fail_no_unary_call_and_end_each_stream_with_a_pushback() {
    let size = Size::from_environment();
    let tally = Arc::new(Tally::default());
    let upstream = upstream(&tally, size.call).await;
    let upstream = upstream.upstream.address;
    let mut bridges =
        [bridge("127.0.0.1:0", upstream, size).await, bridge("127.0.0.1:0", upstream, size).await];
    let balancer = Balancer::start(&bridges.each_ref().map(Program::socket)).await;

    let (mut unary, mut streams) = (JoinSet::new(), JoinSet::new());
    let unary_clients = clients(balancer.address, size.callers, Wire::WEB_H2);
    for client in &unary_clients {
        unary.spawn(call_until_over(Arc::clone(client), Arc::clone(&tally), size));
    }
    let opened = grown("open streams", &tally.streams_opened, size.callers);
    let stream_clients = clients(balancer.address, size.callers, Wire::GRPC);
    for client in &stream_clients {
        streams.spawn(stream_until_over(Arc::clone(client), Arc::clone(&tally)));
    }
    opened.await;

    for restart in 0..size.restarts {
        let index = restart % bridges.len();
        let address = bridges[index].socket().to_string();
        bridges[index].send("-TERM").await;
        assert_eq!(bridges[index].exit().await, Some(0));
        bridges[index] = bridge(&address, upstream, size).await;
        balancer.healthy(index).await;
        grown("calls after a restart", &tally.unary_calls, size.callers).await;
    }

    tally.is_over.store(true, Ordering::SeqCst);
    while let Some(caller) = soon("the end of the callers", unary.join_next()).await {
        caller.unwrap();
    }
    // A stream that was ended by the last restart is opened again.
    let reopened = async {
        let [opened, ended] = [&tally.streams_opened, &tally.streams_ended];
        while opened.load(Ordering::SeqCst) < ended.load(Ordering::SeqCst) + size.callers {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("streams that are opened again", reopened).await;
    assert!(streams.try_join_next().is_none(), "a stream has failed");
    let Tally { received, unary_calls, streams_ended, .. } = &*tally;
    let [received, unary_calls, streams_ended] =
        [received, unary_calls, streams_ended].map(|counter| counter.load(Ordering::SeqCst));
    let sent_again = unary_clients.iter().chain(&stream_clients).fold([0; 3], |sum, client| {
        let [unsent, refused, stale] = client.sent_again();
        [sum[0] + unsent, sum[1] + refused, sum[2] + stale]
    });
    println!(
        "{} restarts, {unary_calls} unary calls, {streams_ended} streams opened again, \
         requests sent again: {} not sent, {} refused, {} over a connection that was closed",
        size.restarts, sent_again[0], sent_again[1], sent_again[2]
    );
    assert_eq!(received, unary_calls, "the upstream has received a call twice");
    assert!(streams_ended >= size.callers, "{streams_ended}");
}
