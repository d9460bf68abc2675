//! The time from a caller's abort to the drop of the upstream's handler.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::pair::{ENVOY, Pair};
use crate::limits;
use crate::load::{Client, Wire};
use crate::program::Program;
use crate::service::Service;
use crate::table::{Peer, Table, quantile};
use crate::target::Target;

/// How many streams are aborted in each target, in rounds that take turns.
const ABORTS: usize = 10_000;
/// Each round has a connection of its own: Envoy closes one whose first 500 streams were mostly reset within a second.
const ROUNDS: usize = 100;

/// The pause before each stream, in which the programs end what they still do for the last one.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) async fn measure(table: &mut Table, programs: &[Program; 2], service: &Service) -> Result<()> {
    let name = "from abort to the handler's drop";
    if !table.wants(name) {
        return Ok(());
    }
    let figures = aborts(programs, service).await?;
    for ((part, what), limit) in [(0.5, "p50"), (0.99, "p99")].into_iter().zip(limits::ABORT) {
        let [ours, envoy] = figures.clone().map(|figures| vec![quantile(figures, part)]);
        let envoy = (Peer { limit: Some(limit), ..ENVOY }, Some(envoy));
        table.add(format!("{name}, {what} of {ABORTS}"), "µs", ours, [envoy]);
    }
    Ok(())
}

async fn aborts(programs: &[Program; 2], service: &Service) -> Result<Pair> {
    let mut running = Vec::new();
    for program in programs {
        running.push(Target::start(program).await?);
    }
    let mut figures = Pair::default();
    for round in 0..ROUNDS {
        for (target, figures) in running.iter().zip(&mut figures) {
            let mut client = Client::connect(Wire::H2, target.address).await?;
            client.unary().await?;
            for each in 0..ABORTS / ROUNDS {
                let key = format!("abort {round} {each}");
                tokio::time::sleep(PAUSE).await;
                let dropped = service.dropped(&key);
                let answer = client.open(&key).await?;
                let begun = Instant::now();
                drop(answer);
                let dropped = tokio::time::timeout(Duration::from_secs(10), dropped).await;
                let dropped = dropped.context("a stream was not dropped within ten seconds")??;
                figures.push((dropped - begun).as_secs_f64() * 1e6);
            }
        }
    }
    Ok(figures)
}
