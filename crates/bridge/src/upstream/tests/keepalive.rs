//! Connections that have gone silent.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::sim::{Mode, Sim, after, call};
use crate::upstream::PoolOptions;

const ONE: &str = "10.0.0.1:50051";
const URL: &str = "http://10.0.0.1:50051";

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_on_a_silent_connection_ends_within_a_minute() {
    // Also after pings that were answered, which gRPC servers allow once in five minutes.
    for stopped_after in [1, 19, 39, 59, 61, 79, 150, 299, 305] {
        let sim = Sim::new();
        let node = sim.node(ONE, after(10_000_000));
        let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
        let open = tokio::spawn(async move { call(&router).await });
        tokio::time::sleep(Duration::from_secs(stopped_after)).await;
        assert!(!open.is_finished(), "{stopped_after}: it is slow, and not silent");
        node.set(Mode::Stopped);
        let start = Instant::now();
        let ended = timeout(Duration::from_secs(61), open).await.map(Result::unwrap);
        let took = start.elapsed().as_secs();
        assert_eq!(ended, Ok(14), "stopped after {stopped_after} s");
        assert!((20..=60).contains(&took), "stopped after {stopped_after} s, noticed after {took} s");
    }
}
