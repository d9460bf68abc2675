//! Runs a simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::network::{SimNetwork, address};
use super::plan::{Mode, NAME, Plan};
use super::world::World;
use super::{caller, checks};
use crate::random::seeded;
use crate::upstream::Upstream;
use crate::upstream::network::Network;
use crate::{Bridge, Calls};

/// Longer than anything that ends by itself takes.
const END: Duration = Duration::from_secs(2_000);

/// What has happened in a simulation.
#[derive(Debug)]
pub(super) struct Report {
    /// All events.
    pub(super) log: Vec<String>,
    /// What must not happen and did.
    pub(super) violations: Vec<String>,
}

/// Runs the simulation of a seed. The same seed gives the same report.
pub(super) fn run(seed: u64) -> Report {
    seeded::set(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(simulate(Plan::new(seed)))
}

async fn simulate(plan: Plan) -> Report {
    let world = Arc::new(World::new(plan));
    let network = Arc::new(SimNetwork::new(&world));
    if timeout(END, scenario(&world, &network)).await.is_err() {
        world.violated(format_args!("the simulation does not end"));
    }
    let calls = world.calls().clone();
    for (index, record) in calls.iter().enumerate() {
        checks::call(&world, index, record);
    }
    let (log, violations) = world.take_log();
    Report { log, violations }
}

fn bridge(network: &Arc<SimNetwork>) -> Bridge {
    let plan = &network.world.plan;
    let through = Network { resolve: Arc::clone(network) as _, connect: Arc::clone(network) as _ };
    let upstream = |place: String| {
        let upstream = Upstream::new(&format!("http://{place}")).expect("a valid address");
        upstream.pool(plan.options).through(through.clone())
    };
    let bridge = match plan.names {
        Some(_) => Bridge::new().upstream(upstream(format!("{NAME}:50051"))),
        None => (0..plan.servers.len())
            .fold(Bridge::new(), |bridge, server| bridge.upstream(upstream(address(server).to_string()))),
    };
    match &plan.retry {
        Some(retry) => bridge.retry(retry.rule().parse().expect("a valid rule")),
        None => bridge,
    }
}

async fn scenario(world: &Arc<World>, network: &Arc<SimNetwork>) {
    let mut bridge = bridge(network);
    let calls = bridge.calls();
    calls.set_logging(false);
    let ended = Arc::clone(world);
    calls.on_end(move |call| {
        let index =
            call.request_id().as_str().strip_prefix("call-").and_then(|index| index.parse::<usize>().ok());
        let (Some(index), Some(reason)) = (index, call.end_reason()) else {
            return ended.violated(format_args!("the end of an unknown call: {call:?}"));
        };
        ended.log(format_args!("call {index}: ended as {reason:?}"));
        ended.calls()[index].ends.push((tokio::time::Instant::now(), reason.clone()));
    });
    let service = bridge.into_service();
    let pools: Vec<_> = service.routes().pools().cloned().collect();

    let mut background = JoinSet::new();
    for server in &network.servers {
        background.spawn(Arc::clone(server).run());
    }
    let requests = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for index in 0..world.plan.calls.len() {
        callers.spawn(caller::call(Arc::clone(world), service.clone(), index, Arc::clone(&requests)));
    }
    if let Some(at) = world.plan.drain {
        background.spawn(drain(Arc::clone(world), calls.clone(), at));
    }
    while !callers.is_empty() {
        tokio::select! {
            biased;
            _ = callers.join_next() => {}
            () = world.event.notified() => checks::limits(world, network, &pools),
        }
    }

    world.log(format_args!("all calls have ended"));
    background.join_all().await;
    for server in &network.servers {
        if matches!(server.mode(), Mode::Stopped) {
            server.set(Mode::Up);
        }
    }
    // Connections that are being opened are open, or have failed.
    sleep(2 * world.plan.options.connect_timeout + Duration::from_millis(500)).await;
    world.check(calls.open() == 0, format_args!("{} calls are open", calls.open()));
    let left = requests.load(Ordering::Relaxed);
    world.check(left == 0, format_args!("{left} requests are left"));
    checks::limits(world, network, &pools);
    checks::leaks(world, network, &pools);

    let pools: Vec<_> = pools.into_iter().map(|pool| Arc::downgrade(&pool)).collect();
    drop(service);
    sleep(Duration::from_secs(10)).await;
    let left = pools.iter().filter(|pool| pool.upgrade().is_some()).count();
    world.check(left == 0, format_args!("{left} pools are left"));
    checks::connections(world, network);
}

/// Ends all calls at a time of the plan.
async fn drain(world: Arc<World>, calls: Calls, at: u64) {
    sleep_until(world.at(at)).await;
    world.log(format_args!("all calls are aborted"));
    calls.abort_all();
    sleep(Duration::from_millis(1)).await;
    world.check(calls.open() == 0, format_args!("{} calls are open after the drain", calls.open()));
}
