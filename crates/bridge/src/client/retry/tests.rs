//! The attempts of a call, against a scripted channel. Time is paused.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::{RetryPolicy, Throttle};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{BoxError, Layer as _, Service, ServiceExt as _};

use super::RetryLayer;

/// The channel's response to one attempt.
enum Reply {
    /// Trailers-only, with this code and this `grpc-retry-pushback-ms`.
    Status(Code, Option<&'static str>),
    /// A head without a status, a message, and trailers with this code.
    Head(Code),
    /// An error of the channel.
    Disconnect,
}

/// An attempt as the channel received it.
#[derive(Debug)]
struct Attempt {
    /// Since the start of the test.
    at: Duration,
    headers: HeaderMap,
    body: Bytes,
}

impl Attempt {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A channel with scripted replies, and the attempts that it received.
#[derive(Clone)]
struct Channel {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    started: Instant,
}

impl Channel {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        Self { replies, attempts: Arc::default(), started: Instant::now() }
    }

    fn service(
        &self,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static {
        let channel = self.clone();
        tower::service_fn(move |request: Request<Body>| {
            let channel = channel.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let at = channel.started.elapsed();
                channel.attempts.lock().unwrap().push(Attempt { at, headers: head.headers, body });
                match channel.replies.lock().unwrap().pop_front().expect("no further attempt") {
                    Reply::Status(code, pushback) => {
                        let mut response = Status::new(code, "scripted").into_http();
                        if let Some(pushback) = pushback {
                            let value = HeaderValue::from_static(pushback);
                            response.headers_mut().insert("grpc-retry-pushback-ms", value);
                        }
                        Ok(response)
                    }
                    Reply::Head(code) => {
                        let trailers = HeaderMap::from_iter([(
                            HeaderName::from_static("grpc-status"),
                            HeaderValue::from(code as i32),
                        )]);
                        let body = Full::from("message").map_err(|never: Infallible| match never {});
                        Ok(Response::new(Body::new(body.with_trailers(async { Some(Ok(trailers)) }))))
                    }
                    Reply::Disconnect => Err("the connection was lost".into()),
                }
            }
        })
    }

    fn attempts(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.attempts.lock().unwrap())
    }
}

/// Up to four attempts, with a backoff of 100 ms that doubles.
fn layer() -> RetryLayer {
    let policy = RetryPolicy::new(4, [Code::Unavailable]);
    RetryLayer::new(policy.with_backoff(Duration::from_millis(100), 2.0, Duration::from_secs(5)))
}

fn request(timeout: Option<&'static str>) -> Request<Body> {
    let body = Body::new(Full::from("request").map_err(|never: Infallible| match never {}));
    let mut request = Request::post("http://localhost/a.B/C").body(body).unwrap();
    if let Some(timeout) = timeout {
        request.headers_mut().insert("grpc-timeout", HeaderValue::from_static(timeout));
    }
    request
}

/// Makes a call, and returns its status, from the trailers or the trailers-only head.
async fn call(
    layer: &RetryLayer,
    channel: &Channel,
    timeout: Option<&'static str>,
) -> Result<Status, BoxError> {
    let response = layer.layer(channel.service()).oneshot(request(timeout)).await?;
    let (head, body) = response.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or(head.headers);
    Ok(Status::from_header_map(&trailers).unwrap())
}

const UNAVAILABLE: Reply = Reply::Status(Code::Unavailable, None);
const OK: Reply = Reply::Head(Code::Ok);

fn ms(from: f64, to: f64) -> std::ops::RangeInclusive<Duration> {
    // The runtime's clock has a resolution of one millisecond.
    Duration::from_secs_f64(from / 1000.0)..=Duration::from_secs_f64((to + 1.0) / 1000.0)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_sends_its_number_and_the_remaining_timeout() {
    let channel = Channel::new([UNAVAILABLE, Reply::Disconnect, UNAVAILABLE, OK]);
    assert_eq!(call(&layer(), &channel, Some("5S")).await.unwrap().code(), Code::Ok);
    let attempts = channel.attempts();
    let previous: Vec<_> =
        attempts.iter().map(|attempt| attempt.header("grpc-previous-rpc-attempts")).collect();
    assert_eq!(previous, [None, Some("1"), Some("2"), Some("3")]);
    assert_eq!(attempts[0].header("grpc-timeout"), Some("5S"));
    for (attempt, backoffs) in
        attempts.iter().zip([(0.0, 0.0), (80.0, 120.0), (240.0, 360.0), (560.0, 840.0)])
    {
        assert!(ms(backoffs.0, backoffs.1 + 2.0).contains(&attempt.at), "{:?} of {backoffs:?}", attempt.at);
        let remaining: drawbridge_core::Timeout = attempt.header("grpc-timeout").unwrap().parse().unwrap();
        assert_eq!(remaining.duration() + attempt.at, Duration::from_secs(5));
        assert_eq!(attempt.body, "request");
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_fails_with_the_last_failure() {
    let channel = Channel::new([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]);
    let status = call(&layer(), &channel, None).await.unwrap();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "scripted"));
    let channel = Channel::new([UNAVAILABLE, Reply::Status(Code::NotFound, None)]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::NotFound);
    let channel = Channel::new([UNAVAILABLE, Reply::Disconnect, Reply::Disconnect, Reply::Disconnect]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap_err().to_string(), "the connection was lost");
}

#[tokio::test(start_paused = true)]
async fn a_backoff_beyond_the_deadline_fails_the_call_at_once() {
    let channel = Channel::new([UNAVAILABLE, UNAVAILABLE]);
    let status = call(&layer(), &channel, Some("150m")).await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().ends_with("the last one failed with UNAVAILABLE: scripted"), "{status}");
    let last = channel.attempts().pop().unwrap().at;
    assert_eq!(channel.started.elapsed(), last, "no backoff after the last attempt");
}

#[tokio::test(start_paused = true)]
async fn pushback_sets_the_backoff() {
    for (pushback, backoff) in [("1500", 1500.0), ("0", 0.0)] {
        let channel = Channel::new([Reply::Status(Code::Unavailable, Some(pushback)), OK]);
        assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Ok);
        assert!(ms(backoff, backoff).contains(&channel.attempts()[1].at), "{pushback}");
    }
}

#[tokio::test(start_paused = true)]
async fn pushback_that_is_negative_or_malformed_forbids_a_retry() {
    for pushback in ["-1", "soon", ""] {
        let channel = Channel::new([Reply::Status(Code::Unavailable, Some(pushback))]);
        assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Unavailable, "{pushback:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_response_commits_the_call() {
    let channel = Channel::new([UNAVAILABLE, Reply::Head(Code::Unavailable)]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Unavailable);
    assert_eq!(channel.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_throttle_stops_retries_to_a_failing_server() {
    // With two of the four tokens lost nothing is retried. Each success returns one token.
    let layer = layer().with_throttle(Throttle::new(4, 1.0));
    for (replies, attempts) in [
        (vec![UNAVAILABLE, UNAVAILABLE], 2),
        (vec![UNAVAILABLE], 1),
        (vec![OK], 1),
        (vec![OK], 1),
        (vec![OK], 1),
        (vec![UNAVAILABLE, OK], 2),
    ] {
        let channel = Channel::new(replies);
        call(&layer, &channel, None).await.unwrap();
        assert_eq!(channel.attempts().len(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_over_the_buffer_limit_is_not_retried() {
    let channel = Channel::new([UNAVAILABLE]);
    let long = Body::new(Full::from(vec![7; 256 * 1024 + 1]).map_err(|never: Infallible| match never {}));
    let response = layer().layer(channel.service()).oneshot(request(None).map(|_| long)).await.unwrap();
    assert_eq!(Status::from_header_map(response.headers()).unwrap().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_during_a_backoff_ends_its_attempts() {
    let channel = Channel::new([UNAVAILABLE]);
    let call = layer().layer(channel.service()).oneshot(request(None));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(channel.attempts().len(), 1);
}
