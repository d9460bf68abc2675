//! Many simulations. `DRAWBRIDGE_SIM_SEED=7` runs seed 7 only and prints what happens, `DRAWBRIDGE_SIM_SEED=0..1000000` runs many.

use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::plan::Plan;
use super::run::{Report, run};
use super::world::lock;

/// How many seeds run in CI.
const SEEDS: u64 = 2_000;

/// Returns the seeds to run, and whether their events are printed.
fn seeds() -> (Range<u64>, bool) {
    let Ok(text) = env::var("DRAWBRIDGE_SIM_SEED") else { return (0..SEEDS, false) };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text:?} is not a seed"));
    match text.split_once("..") {
        Some((from, to)) => (number(from)..number(to), false),
        None => (number(&text)..number(&text) + 1, true),
    }
}

/// Returns a report in words, with how to repeat it.
fn describe(seed: u64, report: &Report) -> String {
    let Report { log, violations } = report;
    let log = log.join("\n");
    format!(
        "{:#?}\n{log}\n\nseed {seed}: {violations:#?}\nrepeat it with DRAWBRIDGE_SIM_SEED={seed}",
        Plan::new(seed)
    )
}

#[test]
fn all_seeds_keep_the_rules() {
    let (seeds, prints) = seeds();
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || lock(&failed).is_some() {
                        return;
                    }
                    let report = run(seed);
                    if prints {
                        println!("{}", describe(seed, &report));
                    }
                    if !report.violations.is_empty() {
                        lock(&failed).get_or_insert((seed, report));
                    }
                }
            });
        }
    });
    if let Some((seed, report)) = &*lock(&failed) {
        panic!("{}", describe(*seed, report));
    }
}

/// Seeds that have found faults. Another generator of plans makes other plans of them.
const FOUND: [(u64, &str); 5] = [
    (4, "connections were opened for calls that had left the queue"),
    (5, "a call that had waited for a stream was sent with the timeout that it had before"),
    (167, "connections that were retired and still open did not count"),
    (413, "all addresses of a name were ejected after the others were removed"),
    (544, "a silent connection was not noticed, since data of a slow caller had overtaken the ping"),
];

#[test]
fn seeds_that_have_found_faults_keep_the_rules() {
    for (seed, fault) in FOUND {
        let report = run(seed);
        assert!(report.violations.is_empty(), "{fault}: {}", describe(seed, &report));
    }
}

#[test]
fn a_seed_always_gives_the_same_events() {
    for seed in 0..100 {
        let [one, two] = [run(seed), run(seed)];
        assert_eq!(one.log, two.log, "seed {seed}");
    }
}
