//! A caller of the bridge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt as _;

use super::world::{Outcome, World};
use crate::BridgeService;

/// Makes a call of the plan, and records what comes of it. `requests` counts the request bodies that exist.
pub(super) async fn call(
    world: Arc<World>,
    service: BridgeService,
    index: usize,
    requests: Arc<AtomicUsize>,
) {
    let plan = &world.plan.calls[index];
    sleep_until(world.at(plan.at)).await;
    world.log(format_args!("call {index}: opens"));
    world.calls()[index].called = Some(Instant::now());
    let mut request = Request::post("/sim.Service/Method")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("x-request-id", format!("call-{index}"));
    if let Some(millis) = plan.timeout {
        request = request.header("grpc-timeout", format!("{millis}m"));
    }
    let request = request.body(body(plan.request, requests)).expect("a valid request");
    let exchange = exchange(&world, index, service, request);
    let outcome = match plan.leaves {
        None => exchange.await,
        Some(millis) => timeout(Duration::from_millis(millis), exchange).await.unwrap_or(Outcome::Left),
    };
    world.log(format_args!("call {index}: {outcome:?}"));
    world.calls()[index].outcome = Some((Instant::now(), outcome));
}

async fn exchange(world: &World, index: usize, service: BridgeService, request: Request<Body>) -> Outcome {
    let Ok(response) = service.oneshot(request).await;
    let mut statuses: Vec<_> = status(response.headers()).into_iter().collect();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => statuses.extend(frame.trailers_ref().and_then(status)),
            Err(error) => world.violated(format_args!("call {index}: its body fails with {error}")),
        }
        sleep(Duration::from_millis(world.plan.calls[index].pause)).await;
    }
    world.check(statuses.len() == 1, format_args!("call {index} has the statuses {statuses:?}"));
    Outcome::Status(statuses.first().copied().unwrap_or(u16::MAX))
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// Counts a request body until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the body of a request: so many messages of so many bytes, with this time between them.
fn body((count, bytes, gap): (u32, usize, u64), requests: Arc<AtomicUsize>) -> Body {
    requests.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(requests);
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(u32::try_from(bytes).expect("a small size"));
    message.put_bytes(0, bytes);
    let message = message.freeze();
    let messages = stream::unfold((count, counted), move |(left, counted)| {
        let message = message.clone();
        async move {
            if left < count && gap > 0 {
                sleep(Duration::from_millis(gap)).await;
            }
            let frame: Result<Frame<Bytes>, Status> = Ok(Frame::data(message));
            (left > 0).then(|| (frame, (left - 1, counted)))
        }
    });
    Body::new(StreamBody::new(messages))
}
