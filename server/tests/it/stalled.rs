//! Clients that stop in the middle of a request or of a response.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drawbridge::{Bridge, ConnectionOptions, EndReason, Limits};
use http_body_util::channel::Channel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::support::client::{Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::upstream::RawUpstream;
use crate::support::{Server, soon};

const HOSTED: &str = "/Message/Stream";
const FORWARDED: &str = "/any.Service/Method";

/// A bridge that reports the end of each call.
fn reporting(bridge: Bridge) -> (Bridge, mpsc::UnboundedReceiver<EndReason>) {
    let (ends, received) = mpsc::unbounded_channel();
    let bridge = bridge.on_call_end(move |call| {
        let _ = ends.send(call.end_reason().unwrap().clone());
    });
    (bridge, received)
}

/// A request with this body.
fn request<B>(path: &str, content_type: &str, body: B) -> http::Request<Body>
where
    B: http_body::Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    http::Request::post(format!("http://localhost{path}"))
        .version(http::Version::HTTP_2)
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(Body::new(body))
        .unwrap()
}

/// Waits for an event by the paused clock.
async fn in_time<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), event).await.expect("it does not take for ever")
}

fn limit() -> Duration {
    Limits::new().request_idle_timeout.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_grpc_web_request_that_stalls_ends_its_call() {
    for content_type in ["application/grpc-web", "application/grpc-web-text"] {
        let (hosted, _events) = Probe::hosted();
        let (bridge, mut ends) = reporting(hosted);
        let (mut sender, body) = Channel::<Bytes>::new(1);
        // A part of a message, in either form.
        let part = if content_type.ends_with("text") { &b"AAAA"[..] } else { &[0, 0, 0] };
        sender.send_data(Bytes::from_static(part)).await.unwrap();
        let start = Instant::now();
        let response =
            in_time(bridge.into_router().oneshot(request(HOSTED, content_type, body))).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "4", "{content_type}");
        assert!((limit()..=limit() * 5 / 4).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(ends.recv().await, Some(EndReason::RequestStalled { after: limit() }));
    }
}

#[tokio::test(start_paused = true)]
async fn empty_pieces_of_a_request_do_not_keep_its_call_open() {
    let (hosted, _events) = Probe::hosted();
    let (bridge, mut ends) = reporting(hosted);
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let _sending = tokio::spawn(async move {
        while sender.send_data(Bytes::new()).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let call = bridge.into_router().oneshot(request(HOSTED, "application/grpc-web", body));
    assert_eq!(in_time(call).await.unwrap().headers()["grpc-status"], "4");
    assert_eq!(ends.recv().await, Some(EndReason::RequestStalled { after: limit() }));
}

#[tokio::test(start_paused = true)]
async fn a_request_may_come_slowly() {
    let (hosted, _events) = Probe::hosted();
    let (bridge, mut ends) = reporting(hosted);
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let start = Instant::now();
    let sending = async {
        // No pause is as long as the limit; all together are.
        for byte in frame(&told("fail")) {
            tokio::time::sleep(limit() * 9 / 10).await;
            sender.send_data(Bytes::copy_from_slice(&[byte])).await.unwrap();
        }
        drop(sender);
    };
    let call = bridge.into_router().oneshot(request(HOSTED, "application/grpc-web", body));
    let (response, ()) = tokio::join!(in_time(call), sending);
    assert_eq!(response.unwrap().headers()["grpc-status"], "9");
    assert!(start.elapsed() > limit() * 4);
    assert!(matches!(ends.recv().await, Some(EndReason::Completed(_))));
}

#[tokio::test(start_paused = true)]
async fn native_requests_may_pause_for_as_long_as_they_like() {
    let (hosted, _events) = Probe::hosted();
    let (bridge, mut ends) = reporting(hosted);
    let router = bridge.into_router();
    // Its watch runs meanwhile.
    let (_stalled, body) = Channel::<Bytes>::new(1);
    let stalled = router.clone().oneshot(request(HOSTED, "application/grpc-web", body));
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let sending = async {
        tokio::time::sleep(limit() * 10).await;
        sender.send_data(frame(&told("fail"))).await.unwrap();
        drop(sender);
    };
    let call = router.oneshot(request(HOSTED, "application/grpc", body));
    let (stalled, response, ()) = tokio::join!(in_time(stalled), in_time(call), sending);
    assert_eq!(stalled.unwrap().headers()["grpc-status"], "4");
    assert_eq!(response.unwrap().headers()["grpc-status"], "9");
    assert_eq!(ends.recv().await, Some(EndReason::RequestStalled { after: limit() }));
    assert!(matches!(ends.recv().await, Some(EndReason::Completed(_))));
}

#[tokio::test]
async fn a_forwarded_request_that_stalls_ends_its_call_over_each_version_of_http() {
    // As short as the test can bear: what is tested is that the end comes.
    let timeout = Duration::from_millis(20);
    let limits = Limits::new().with_request_idle_timeout(Some(timeout));
    for head in [
        "POST /any.Service/Method HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\n\
         transfer-encoding: chunked\r\n\r\n",
        "POST /any.Service/Method HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\n\
         content-length: 10\r\n\r\n\0\0\0\0\x05",
    ] {
        let upstream = RawUpstream::start().await;
        let (bridge, mut ends) = reporting(upstream.bridge().limits(limits));
        let server = Server::start(bridge).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.contains("grpc-status: 4") {
            let mut bytes = [0; 4096];
            let count = soon("the answer", stream.read(&mut bytes)).await.unwrap();
            assert!(count > 0, "{answer}");
            answer.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        assert_eq!(ends.recv().await, Some(EndReason::RequestStalled { after: timeout }));
    }
    let upstream = RawUpstream::start().await;
    let (bridge, mut ends) = reporting(upstream.bridge().limits(limits));
    let server = Server::start(bridge).await;
    let mut connection = Wire::WEB_H2.connect_streaming(server.address).await;
    let (_sender, body) = Channel::<Bytes>::new(1);
    let answer = Wire::WEB_H2.stream_with(&mut connection, FORWARDED, body).await;
    assert_eq!(answer.ending().await.code, 4);
    assert_eq!(ends.recv().await, Some(EndReason::RequestStalled { after: timeout }));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_reads_does_not_stall() {
    let (bridge, mut ends) = reporting(Bridge::new().add_named_service(
        "slow.Service",
        tower::service_fn(|request: http::Request<tonic::body::Body>| async move {
            // Longer than the limit.
            tokio::time::sleep(limit() * 3).await;
            drop(request);
            Ok::<_, std::convert::Infallible>(tonic::Status::aborted("late").into_http::<tonic::body::Body>())
        }),
    ));
    let (_sender, body) = Channel::<Bytes>::new(1);
    let call = bridge.into_router().oneshot(request("/slow.Service/Method", "application/grpc-web", body));
    assert_eq!(in_time(call).await.unwrap().headers()["grpc-status"], "10");
    assert!(matches!(ends.recv().await, Some(EndReason::Completed(_))));
}

/// A client over HTTP/2 whose window is never opened.
async fn closed_window(
    server: &Server,
    path: &str,
) -> (h2::client::ResponseFuture, h2::client::SendRequest<Bytes>) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut client, connection) =
        h2::client::Builder::new().initial_window_size(10).handshake::<_, Bytes>(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    client = client.ready().await.unwrap();
    let (response, mut body) = client.send_request(request, false).unwrap();
    body.send_data(frame(&told("k")), true).unwrap();
    (response, client)
}

/// Reads a response to its error, without opening the window.
async fn reset_of(response: http::Response<h2::RecvStream>) -> Option<h2::Reason> {
    let mut body = response.into_body();
    loop {
        match soon("the end of the stream", body.data()).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error.reason(),
            None => return None,
        }
    }
}

#[tokio::test]
async fn a_stream_whose_reader_stalls_is_reset() {
    let timeout = Duration::from_millis(40);
    let mut upstream = RawUpstream::start().await;
    let (bridge, mut ends) = reporting(upstream.bridge());
    let options = ConnectionOptions::new().with_reader_timeout(timeout);
    let server = Server::start_with(bridge, options).await;
    let (response, client) = closed_window(&server, FORWARDED).await;
    let (response, mut stream) = tokio::join!(response, async { upstream.call().await.begin(&[]) });
    stream.send_data(Bytes::from(vec![0; 60_000]), false).unwrap();
    assert_eq!(reset_of(response.unwrap()).await, Some(h2::Reason::CANCEL));
    assert_eq!(ends.recv().await, Some(EndReason::ReaderStalled { after: timeout }));
    let reset = soon("the reset", std::future::poll_fn(|cx| stream.poll_reset(cx))).await;
    assert_eq!(reset.unwrap(), h2::Reason::CANCEL);
    // The connection goes on.
    client.ready().await.unwrap();
}

#[tokio::test]
async fn a_response_that_is_complete_does_not_stay_with_a_reader_that_stalls() {
    let timeout = Duration::from_millis(40);
    let mut upstream = RawUpstream::start().await;
    let options = ConnectionOptions::new().with_reader_timeout(timeout);
    let server = Server::start_with(upstream.bridge(), options).await;
    let (response, _client) = closed_window(&server, FORWARDED).await;
    let message = Bytes::from([&[0, 0, 8, 0, 0][..], &vec![0; 512 * 1024]].concat());
    let (response, ()) = tokio::join!(response, async { upstream.call().await.complete(&message, &[]) });
    assert_eq!(reset_of(response.unwrap()).await, Some(h2::Reason::CANCEL));
}
