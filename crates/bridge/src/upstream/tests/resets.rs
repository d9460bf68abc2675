//! Callers that reset their streams.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::sim::{Sim, after, call};
use crate::upstream::PoolOptions;

#[tokio::test(start_paused = true)]
async fn connections_that_resets_have_spent_are_replaced_one_after_the_other() {
    let sim = Sim::new();
    let node = sim.node("10.0.0.1:50051", after(3_600_000));
    let router = sim.bridge(&["http://10.0.0.1:50051"], PoolOptions::new()).into_router();
    // One of the streams of each connection stays open, and so does the connection.
    let mut kept = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        let (router_of_kept, connects) = (router.clone(), node.connects());
        kept.push(tokio::spawn(async move { call(&router_of_kept).await }));
        for _ in 0..20 {
            let _ = timeout(Duration::from_millis(1), call(&router)).await;
        }
        assert!(node.connects() > 0 && node.connects() >= connects);
    }
    // Without a pause there are hundreds.
    assert!((40..100).contains(&node.connects()), "{} connections in ten seconds", node.connects());
}
