//! Names whose addresses change.

use std::time::Duration;

use super::sim::{GOOD, Mode, Sim, after, call};
use crate::upstream::PoolOptions;

const ONE: &str = "10.0.0.1:50051";
const TWO: &str = "10.0.0.2:50051";
const THREE: &str = "10.0.0.3:50051";
const NAME: &str = "pods.test";
const URL: &str = "http://pods.test:50051";

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn each_address_of_a_name_gets_its_share() {
    let sim = Sim::new();
    sim.name(NAME, &[ONE, TWO, THREE]);
    let nodes = [ONE, TWO, THREE].map(|address| sim.node(address, after(1)));
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    for _ in 0..1_500 {
        assert_eq!(call(&router).await, 0);
    }
    let counts = nodes.map(|node| node.calls());
    assert!(counts.iter().all(|count| (400..=600).contains(count)), "{counts:?}");
    assert_eq!(sim.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_again_and_its_connections_follow() {
    let sim = Sim::new();
    sim.name(NAME, &[ONE]);
    let (one, two) = (sim.node(ONE, GOOD), sim.node(TWO, GOOD));
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    assert_eq!(call(&router).await, 0);
    sim.name(NAME, &[TWO]);
    seconds(29).await;
    assert_eq!(call(&router).await, 0);
    assert_eq!((one.calls(), two.calls()), (2, 0));

    // A call that is open when its address is removed goes on.
    one.set(after(10_000));
    let open = tokio::spawn({
        let router = router.clone();
        async move { call(&router).await }
    });
    seconds(2).await;
    assert_eq!(call(&router).await, 0);
    assert_eq!((one.calls(), two.calls(), one.open()), (3, 1, 1));
    assert_eq!(open.await.unwrap(), 0);
    seconds(1).await;
    assert_eq!(one.open(), 0, "closed with its last call");
    assert_eq!(sim.lookups(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_known_addresses_stay_while_lookups_fail() {
    let sim = Sim::new();
    sim.name(NAME, &[ONE]);
    let one = sim.node(ONE, GOOD);
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    for _ in 0..10 {
        assert_eq!(call(&router).await, 0);
        sim.name(NAME, &[]);
        seconds(20).await;
    }
    assert!(sim.lookups() > 5 && one.calls() == 10, "{} lookups", sim.lookups());
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_asks_for_a_lookup_at_once_and_five_seconds_apart() {
    let sim = Sim::new();
    sim.name(NAME, &[ONE]);
    let (one, two) = (sim.node(ONE, Mode::Refuses), sim.node(TWO, GOOD));
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    for _ in 0..3 {
        assert_eq!(call(&router).await, 14);
    }
    assert_eq!(sim.lookups(), 1);
    sim.name(NAME, &[TWO]);
    seconds(5).await;
    assert_eq!(sim.lookups(), 2);
    assert_eq!(call(&router).await, 0);
    assert_eq!((one.calls(), two.calls()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_name_without_addresses_is_unavailable_until_it_has_one() {
    let sim = Sim::new();
    let one = sim.node(ONE, GOOD);
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    assert_eq!(call(&router).await, 14);
    sim.name(NAME, &[ONE]);
    assert_eq!(call(&router).await, 0, "it waits for the next lookup");
    assert_eq!((one.calls(), sim.lookups()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_unused_name_is_not_resolved() {
    let sim = Sim::new();
    sim.name(NAME, &[ONE]);
    let one = sim.node(ONE, GOOD);
    let router = sim.bridge(&[URL], PoolOptions::new()).into_router();
    assert_eq!(call(&router).await, 0);
    seconds(1_000).await;
    let lookups = sim.lookups();
    seconds(1_000).await;
    assert_eq!((sim.lookups(), one.open()), (lookups, 0));
    assert_eq!(call(&router).await, 0);
    assert_eq!(one.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_as_many_connections_as_it_should_and_they_share_its_calls() {
    let sim = Sim::new();
    let one = sim.node(ONE, after(10));
    let options = PoolOptions::new().with_min_connections(4);
    let router = sim.bridge(&["http://10.0.0.1:50051"], options).into_router();
    for _ in 0..3 {
        assert_eq!(call(&router).await, 0);
    }
    assert_eq!((one.connects(), one.open()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_replaced_at_its_age() {
    let sim = Sim::new();
    let one = sim.node(ONE, GOOD);
    let options = PoolOptions::new().with_max_connection_age(Duration::from_secs(100));
    let router = sim.bridge(&["http://10.0.0.1:50051"], options).into_router();
    let mut connects = Vec::new();
    for _ in 0..5 {
        for _ in 0..8 {
            assert_eq!(call(&router).await, 0);
            seconds(11).await;
        }
        connects.push(one.connects());
    }
    // 88 s are less than the least age, and 440 s are at most four and at least three connections' ages.
    assert_eq!(connects[0], 1);
    assert!((4..=5).contains(&connects[4]), "{connects:?}");
    assert!(one.open() <= 1, "retired ones are closed");
}
