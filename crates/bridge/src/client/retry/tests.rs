//! The attempts of a call, against a channel that fails as it is told. Time is paused.

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

/// What the channel answers to one attempt.
enum Says {
    /// Trailers-only, with this code and perhaps a pushback.
    Status(Code, Option<&'static str>),
    /// A head, and then trailers with this code.
    Head(Code),
    /// The connection broke.
    Broken,
}

/// An attempt as the channel saw it.
#[derive(Debug)]
struct Seen {
    after: Duration,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A channel that answers as it was told, and what it has seen.
#[derive(Clone)]
struct Channel {
    says: Arc<Mutex<VecDeque<Says>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    began: Instant,
}

impl Channel {
    fn new(says: impl IntoIterator<Item = Says>) -> Self {
        let says = Arc::new(Mutex::new(says.into_iter().collect()));
        Self { says, seen: Arc::default(), began: Instant::now() }
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
                let after = channel.began.elapsed();
                channel.seen.lock().unwrap().push(Seen { after, headers: head.headers, body });
                match channel.says.lock().unwrap().pop_front().expect("no further attempt") {
                    Says::Status(code, pushback) => {
                        let mut answer = Status::new(code, "as told").into_http();
                        if let Some(pushback) = pushback {
                            let value = HeaderValue::from_static(pushback);
                            answer.headers_mut().insert("grpc-retry-pushback-ms", value);
                        }
                        Ok(answer)
                    }
                    Says::Head(code) => {
                        let trailers = HeaderMap::from_iter([(
                            HeaderName::from_static("grpc-status"),
                            HeaderValue::from(code as i32),
                        )]);
                        let body = Full::from("message").map_err(|never: Infallible| match never {});
                        Ok(Response::new(Body::new(body.with_trailers(async { Some(Ok(trailers)) }))))
                    }
                    Says::Broken => Err("the connection broke".into()),
                }
            }
        })
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// Up to four attempts, 100 ms before the second and twice as much before each further one.
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

/// Makes a call, and returns its status. That of an answer with a head is in its trailers.
async fn call(
    layer: &RetryLayer,
    channel: &Channel,
    timeout: Option<&'static str>,
) -> Result<Status, BoxError> {
    let answer = layer.layer(channel.service()).oneshot(request(timeout)).await?;
    let (head, body) = answer.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or(head.headers);
    Ok(Status::from_header_map(&trailers).unwrap())
}

const UNAVAILABLE: Says = Says::Status(Code::Unavailable, None);
const OK: Says = Says::Head(Code::Ok);

fn ms(from: f64, to: f64) -> std::ops::RangeInclusive<Duration> {
    // The clock of the runtime goes by milliseconds.
    Duration::from_secs_f64(from / 1000.0)..=Duration::from_secs_f64((to + 1.0) / 1000.0)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_says_which_it_is_and_what_time_is_left() {
    let channel = Channel::new([UNAVAILABLE, Says::Broken, UNAVAILABLE, OK]);
    assert_eq!(call(&layer(), &channel, Some("5S")).await.unwrap().code(), Code::Ok);
    let seen = channel.seen();
    let previous: Vec<_> = seen.iter().map(|seen| seen.header("grpc-previous-rpc-attempts")).collect();
    assert_eq!(previous, [None, Some("1"), Some("2"), Some("3")]);
    assert_eq!(seen[0].header("grpc-timeout"), Some("5S"));
    for (seen, sums) in seen.iter().zip([(0.0, 0.0), (80.0, 120.0), (240.0, 360.0), (560.0, 840.0)]) {
        assert!(ms(sums.0, sums.1 + 2.0).contains(&seen.after), "{:?} of {sums:?}", seen.after);
        let left: drawbridge_core::Timeout = seen.header("grpc-timeout").unwrap().parse().unwrap();
        assert_eq!(left.duration() + seen.after, Duration::from_secs(5));
        assert_eq!(seen.body, "request");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_the_calls() {
    let channel = Channel::new([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]);
    let status = call(&layer(), &channel, None).await.unwrap();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "as told"));
    let channel = Channel::new([UNAVAILABLE, Says::Status(Code::NotFound, None)]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::NotFound);
    let channel = Channel::new([UNAVAILABLE, Says::Broken, Says::Broken, Says::Broken]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap_err().to_string(), "the connection broke");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_outlast_the_deadline_is_not_begun() {
    let channel = Channel::new([UNAVAILABLE, UNAVAILABLE]);
    let status = call(&layer(), &channel, Some("150m")).await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().ends_with("the last one failed with UNAVAILABLE: as told"), "{status}");
    let last = channel.seen().pop().unwrap().after;
    assert_eq!(channel.began.elapsed(), last, "nothing is slept after the last attempt");
}

#[tokio::test(start_paused = true)]
async fn a_server_says_when_to_try_again() {
    for (pushback, after) in [("1500", 1500.0), ("0", 0.0)] {
        let channel = Channel::new([Says::Status(Code::Unavailable, Some(pushback)), OK]);
        assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Ok);
        assert!(ms(after, after).contains(&channel.seen()[1].after), "{pushback}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_says_not_to_try_again() {
    for pushback in ["-1", "soon", ""] {
        let channel = Channel::new([Says::Status(Code::Unavailable, Some(pushback))]);
        assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Unavailable, "{pushback:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_of_an_answer_commits_the_call_to_its_attempt() {
    let channel = Channel::new([UNAVAILABLE, Says::Head(Code::Unavailable)]);
    assert_eq!(call(&layer(), &channel, None).await.unwrap().code(), Code::Unavailable);
    assert_eq!(channel.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_anyway_is_not_asked_more_often() {
    // Of four tokens two may be lost before nothing is tried again; a whole one comes back with each success.
    let layer = layer().with_throttle(Throttle::new(4, 1.0));
    for (says, attempts) in [
        (vec![UNAVAILABLE, UNAVAILABLE], 2),
        (vec![UNAVAILABLE], 1),
        (vec![OK], 1),
        (vec![OK], 1),
        (vec![OK], 1),
        (vec![UNAVAILABLE, OK], 2),
    ] {
        let channel = Channel::new(says);
        call(&layer, &channel, None).await.unwrap();
        assert_eq!(channel.seen().len(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_too_long_to_keep_is_sent_once() {
    let channel = Channel::new([UNAVAILABLE]);
    let long = Body::new(Full::from(vec![7; 256 * 1024 + 1]).map_err(|never: Infallible| match never {}));
    let answer = layer().layer(channel.service()).oneshot(request(None).map(|_| long)).await.unwrap();
    assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_sends_nothing_more() {
    let channel = Channel::new([UNAVAILABLE]);
    let call = layer().layer(channel.service()).oneshot(request(None));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(channel.seen().len(), 1);
}
