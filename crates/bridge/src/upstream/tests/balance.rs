//! Which address a call goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::sim::{GOOD, Mode, Sim, UNAVAILABLE, after, call, call_within};
use crate::upstream::PoolOptions;

const ONE: &str = "10.0.0.1:50051";
const TWO: &str = "10.0.0.2:50051";
const URLS: [&str; 2] = ["http://10.0.0.1:50051", "http://10.0.0.2:50051"];

/// Calls with this many callers until the time is over, and returns how many calls succeeded and failed after the first second.
async fn callers(router: &axum::Router, callers: usize, time: Duration) -> (usize, usize) {
    let (start, counts) = (Instant::now(), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
    let mut all = JoinSet::new();
    for _ in 0..callers {
        let (router, counts) = (router.clone(), Arc::clone(&counts));
        all.spawn(async move {
            while start.elapsed() < time {
                let failed = call(&router).await != 0;
                // Time passes only while everything waits.
                tokio::time::sleep(Duration::from_millis(5)).await;
                if start.elapsed() > Duration::from_secs(1) {
                    counts[usize::from(failed)].fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    all.join_all().await;
    (counts[0].load(Ordering::SeqCst), counts[1].load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn equal_addresses_get_equal_shares_of_sequential_calls() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, after(1)), sim.node(TWO, after(1))];
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    for _ in 0..2_000 {
        assert_eq!(call(&router).await, 0);
    }
    let counts = nodes.map(|node| node.calls());
    assert!(counts.iter().all(|count| (900..=1_100).contains(count)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn one_slow_response_does_not_shift_the_shares() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, after(1)), sim.node(TWO, after(1))];
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    for _ in 0..4 {
        assert_eq!(call(&router).await, 0);
    }
    nodes[0].set(after(50));
    while nodes[0].calls() < 5 {
        call(&router).await;
    }
    nodes[0].set(after(1));
    let before = nodes.each_ref().map(|node| node.calls());
    for _ in 0..2_000 {
        assert_eq!(call(&router).await, 0);
    }
    let counts = [nodes[0].calls() - before[0], nodes[1].calls() - before[1]];
    assert!(counts.iter().all(|count| (900..=1_100).contains(count)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fast_address_gets_more_calls_than_a_slow_one() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, after(200)), sim.node(TWO, after(10))];
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    callers(&router, 10, Duration::from_secs(4)).await;
    let [slow, fast] = nodes.map(|node| node.calls());
    assert!(fast > 10 * slow && slow > 0, "{slow} of {fast}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_fails_at_once_is_ejected() {
    for bad in [UNAVAILABLE, Mode::Resets] {
        let sim = Sim::new();
        sim.node(ONE, after(50));
        let failing = sim.node(TWO, bad);
        let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
        let (good, failed) = callers(&router, 10, Duration::from_secs(5)).await;
        assert!(failed * 100 < (good + failed) * 3, "{bad:?}: {failed} of {} failed", good + failed);
        assert!(failing.calls() >= 7, "{bad:?}: seven failures in a row eject");

        failing.set(GOOD);
        let before = failing.calls();
        // Its fourth ejection may last for twelve seconds.
        for _ in 0..10 {
            let (_, failed) = callers(&router, 2, Duration::from_secs(2)).await;
            assert_eq!(failed, 0, "{bad:?}");
            if failing.calls() > before + 50 {
                break;
            }
        }
        assert!(failing.calls() > before + 50, "{bad:?}: readmitted after its probe call");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_half_of_the_addresses_are_ejected() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, UNAVAILABLE), sim.node(TWO, UNAVAILABLE)];
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    let (_, failed) = callers(&router, 1, Duration::from_secs(5)).await;
    assert!(failed > 500, "all calls are sent: {failed}");
    let [one, two] = nodes.map(|node| node.calls());
    assert!(one.min(two) < 100 && one + two > 500, "one of them is ejected: {one}, {two}");
}

#[tokio::test(start_paused = true)]
async fn few_calls_are_lost_to_a_stopped_address() {
    for latency in [1, 50, 200] {
        let sim = Sim::new();
        let stopped = sim.node(ONE, after(latency));
        sim.node(TWO, after(latency));
        let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
        for _ in 0..20 {
            assert_eq!(call(&router).await, 0);
        }
        stopped.set(Mode::Stopped);
        let mut failed = 0;
        for _ in 0..100 {
            failed += usize::from(call_within(&router, "1S").await.0 != 0);
        }
        assert!(failed <= 2, "{failed} of 100 failed, with {latency} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_leave_a_stopped_address_before_their_deadlines() {
    let sim = Sim::new();
    let stopped = sim.node(ONE, after(5));
    sim.node(TWO, after(5));
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    callers(&router, 10, Duration::from_secs(2)).await;
    let before = stopped.calls();
    stopped.set(Mode::Stopped);
    let mut all = JoinSet::new();
    for _ in 0..10 {
        let router = router.clone();
        all.spawn(async move {
            let mut failed = 0;
            for _ in 0..100 {
                failed += usize::from(call_within(&router, "1S").await.0 != 0);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            failed
        });
    }
    let failed: usize = all.join_all().await.into_iter().sum();
    assert!(failed <= 20, "{failed} of 1,000 failed, after {before} calls");
}

#[tokio::test(start_paused = true)]
async fn a_retry_takes_another_address() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, after(1)), sim.node(TWO, after(1))];
    let rule = "2:UNAVAILABLE:1ms..1ms".parse().unwrap();
    let router = sim.bridge(&URLS, PoolOptions::new()).retry(rule).into_router();
    callers(&router, 4, Duration::from_millis(20)).await;
    // The other address is so slow that it would not be chosen.
    nodes[1].set(after(3_000));
    callers(&router, 4, Duration::from_secs(4)).await;
    nodes[0].set(UNAVAILABLE);
    let before = nodes.each_ref().map(|node| node.calls());
    assert_eq!(call(&router).await, 0);
    let calls = [nodes[0].calls() - before[0], nodes[1].calls() - before[1]];
    assert_eq!(calls, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn deadlines_that_pass_in_silence_eject_an_address() {
    let sim = Sim::new();
    let nodes = [sim.node(ONE, after(1)), sim.node(TWO, after(1))];
    let router = sim.bridge(&URLS, PoolOptions::new()).into_router();
    for _ in 0..20 {
        assert_eq!(call(&router).await, 0);
    }
    nodes[0].set(Mode::Stopped);
    let mut all = JoinSet::new();
    for _ in 0..40 {
        let router = router.clone();
        all.spawn(async move { call_within(&router, "1S").await.0 });
    }
    let codes = all.join_all().await;
    let failed = codes.iter().filter(|code| **code == 4).count();
    assert!((7..=30).contains(&failed), "those that were sent there at first: {failed}");
    // It is ejected, however slow the other one is.
    nodes[1].set(after(300));
    for _ in 0..2 {
        assert_eq!(call_within(&router, "350m").await.0, 0);
    }
    nodes[0].set(after(1));
    let before = nodes[0].calls();
    for _ in 0..100 {
        assert_eq!(call_within(&router, "1S").await.0, 0);
    }
    assert!(nodes[0].calls() > before, "readmitted");
}
