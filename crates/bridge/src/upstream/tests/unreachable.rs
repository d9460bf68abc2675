//! Upstreams that cannot be connected to, and what their callers learn.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::sim::{GOOD, Mode, Sim, call, call_within};
use crate::upstream::PoolOptions;

const ONE: &str = "10.0.0.1:50051";
const URL: &str = "http://10.0.0.1:50051";

#[tokio::test(start_paused = true)]
async fn a_dead_upstream_is_connected_to_with_a_backoff_and_not_for_each_call() {
    let sim = Sim::new();
    let node = sim.node(ONE, Mode::Refuses);
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        let router = router.clone();
        callers.spawn(async move {
            while start.elapsed() < Duration::from_secs(60) {
                assert_eq!(call(&router).await, 14);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    callers.join_all().await;
    // After 0.5, 1, 2, 4, 8, 16 and 30 s, each up to a fifth less.
    assert!((5..=9).contains(&node.connects()), "{}", node.connects());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_next_attempt_or_fails_at_once_with_its_time() {
    let sim = Sim::new();
    let node = sim.node(ONE, Mode::Refuses);
    let options = PoolOptions::new().with_max_wait(Duration::from_secs(3));
    let router = sim.bridge(&[URL], options).into_router();
    for _ in 0..3 {
        assert_eq!(call(&router).await, 14);
    }
    let attempts = node.connects();
    assert_eq!(attempts, 3, "the second and third call wait half a second and a second");
    let start = Instant::now();
    let (code, words) = call_within(&router, "1S").await;
    assert_eq!((code, start.elapsed()), (14, Duration::ZERO), "the deadline comes first");
    assert!(words.contains("the next attempt to connect is in "), "{words}");
    node.set(GOOD);
    assert_eq!(call(&router).await, 0, "within the wait of 3 s");
    assert_eq!(node.connects(), attempts + 1);

    node.set(Mode::Refuses);
    // The connection stays until it is idle.
    tokio::time::sleep(Duration::from_secs(180)).await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(call(&router).await, 14);
        waits.push(start.elapsed());
    }
    let longest = *waits.iter().max().unwrap();
    assert!(longest <= Duration::from_secs(3) && waits[4] == Duration::ZERO, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_never_speaks_costs_an_attempt_and_not_the_call() {
    let sim = Sim::new();
    sim.name("two.test", &[ONE, "10.0.0.2:50051"]);
    let mute = sim.node(ONE, Mode::Mute);
    let good = sim.node("10.0.0.2:50051", GOOD);
    let router = sim.bridge(&["http://two.test:50051"], PoolOptions::new()).into_router();
    let start = Instant::now();
    assert_eq!(call(&router).await, 0);
    assert_eq!(start.elapsed(), Duration::from_millis(250));
    assert_eq!((mute.connects(), good.calls()), (1, 1));
}
