//! The rounds: each contestant in turn, so that whatever else the machine does concerns all of them.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::contestant::{Contestant, Kind};
use crate::load::{self, Client, Wire};
use crate::service::{self, Service};
use crate::table::{Row, Table};

const ROUNDS: usize = 9;
const CALLS: usize = 6_000;
const AT_A_TIME: usize = 32;
const STREAMS: usize = 8;
const IDLE: usize = 10_000;
const IDLE_ON_EACH: usize = 100;
const CANCELS: usize = 1_000;
const STARTS: usize = 5;

const WIRES: [(Wire, &str); 2] = [(Wire::H1, "HTTP/1.1"), (Wire::H2, "HTTP/2")];

/// Measures everything whose name contains `only`, and prints it.
pub(crate) async fn all(bridge: &str, envoy: &str, only: &str) -> Result<()> {
    let (upstream, service) = service::upstream().await?;
    let bridge = Kind::Bridge(bridge.to_owned(), upstream);
    let envoy = Kind::Envoy(envoy.to_owned(), upstream);
    let floor = Kind::Floor(upstream);
    let (limits, none) = ([0.4, 0.5, 0.75], [f64::INFINITY; 3]);

    let mut forwarded = Table::new(["", "Drawbridge", "Envoy"], only);
    let kinds = [bridge.clone(), envoy];
    calls(&mut forwarded, &kinds, limits).await?;
    if forwarded.wants("memory per idle stream") {
        forwarded.add(Row::new("memory per idle stream", "bytes", 0.25), idle(&kinds, &service).await?);
    }
    if forwarded.wants("from abort to the handler's drop") {
        let (p50, p99) = cancels(&kinds, &service).await?;
        forwarded.add(us("from abort to the handler's drop, p50", 1.0), p50);
        forwarded.add(us("the same, p99", 1.0), p99);
    }
    if forwarded.wants("start to first answer") {
        forwarded.add(Row::new("start to first answer", "ms", f64::INFINITY), starts(&kinds).await?);
    }
    forwarded.print();

    let mut least = Table::new(["over the least of a bridge", "Drawbridge", "the least"], only);
    calls(&mut least, &[bridge, floor], none).await?;
    least.print();

    let mut hosted = Table::new(["a hosted service", "Drawbridge", "bare tonic-web"], only);
    let kinds = [Kind::Hosting("hosted"), Kind::Hosting("bare")];
    unary_calls(&mut hosted, &kinds, 1.15).await?;
    hosted.print();
    ensure!(forwarded.holds() && hosted.holds(), "a figure is over its limit");
    Ok(())
}

/// Measures what calls cost, with the limits for unary calls and for messages of either length.
async fn calls(table: &mut Table, kinds: &[Kind; 2], [unary, small, large]: [f64; 3]) -> Result<()> {
    unary_calls(table, kinds, unary).await?;
    for (wire, version) in WIRES {
        for (size, length, count, most) in
            [(100, "100 bytes", 8_000, small), (64 * 1024, "64 KB", 200, large)]
        {
            let name = format!("CPU per message of {length}, {version}");
            if table.wants(&name) {
                table.add(us(name, most), stream(kinds, wire, size, count).await?);
            }
        }
    }
    Ok(())
}

async fn unary_calls(table: &mut Table, kinds: &[Kind; 2], most: f64) -> Result<()> {
    for (wire, version) in WIRES {
        let name = format!("CPU per unary call, {version}");
        if table.wants(&name) {
            table.add(us(name, most), unary(kinds, wire).await?);
        }
    }
    Ok(())
}

fn us(name: impl AsRef<str>, most: f64) -> Row {
    Row::new(name, "µs", most)
}

type Pair = [Vec<f64>; 2];

async fn unary(kinds: &[Kind; 2], wire: Wire) -> Result<Pair> {
    cpu(kinds, wire, AT_A_TIME, CALLS, async |clients| load::unary(clients, CALLS).await).await
}

async fn stream(kinds: &[Kind; 2], wire: Wire, size: usize, messages: usize) -> Result<Pair> {
    cpu(kinds, wire, STREAMS, STREAMS * messages, async |clients| {
        load::streams(clients, size, messages).await
    })
    .await
}

/// Returns the CPU time of each round over what was done in it, in microseconds.
async fn cpu(
    kinds: &[Kind; 2],
    wire: Wire,
    clients: usize,
    done: usize,
    work: impl AsyncFn(&mut [Client]) -> Result<()>,
) -> Result<Pair> {
    let mut running = Vec::new();
    for kind in kinds {
        let contestant = Contestant::start(kind).await?;
        let mut clients = Client::some(wire, contestant.address, clients).await?;
        work(&mut clients).await?;
        running.push((contestant, clients));
    }
    let mut figures = Pair::default();
    for _ in 0..ROUNDS {
        for ((contestant, clients), figures) in running.iter_mut().zip(&mut figures) {
            let before = contestant.cpu();
            work(clients).await?;
            figures.push(contestant.cpu().saturating_sub(before).as_secs_f64() * 1e6 / done as f64);
        }
    }
    Ok(figures)
}

async fn idle(kinds: &[Kind; 2], service: &Service) -> Result<Pair> {
    let mut figures = Pair::default();
    for (kind, figures) in kinds.iter().zip(&mut figures) {
        let contestant = Contestant::start(kind).await?;
        let before = contestant.resident();
        let mut answers = Vec::new();
        for index in 0..IDLE / IDLE_ON_EACH {
            let mut client = Client::connect(Wire::H2, contestant.address).await?;
            for each in 0..IDLE_ON_EACH {
                let key = format!("idle {index} {each}");
                answers.push(client.open(&key).await?);
            }
        }
        until(|| service.open() == IDLE).await?;
        figures.push((contestant.resident() - before) as f64 / IDLE as f64);
        drop(answers);
        until(|| service.open() == 0).await?;
    }
    Ok(figures)
}

async fn cancels(kinds: &[Kind; 2], service: &Service) -> Result<(Pair, Pair)> {
    let mut running = Vec::new();
    for kind in kinds {
        let contestant = Contestant::start(kind).await?;
        let client = Client::connect(Wire::H2, contestant.address).await?;
        running.push((contestant, client));
    }
    let (mut p50, mut p99) = (Pair::default(), Pair::default());
    for round in 0..ROUNDS {
        for (index, (_, client)) in running.iter_mut().enumerate() {
            let mut took = Vec::new();
            for each in 0..CANCELS / ROUNDS {
                let key = format!("cancel {round} {each}");
                let answer = client.open(&key).await?;
                let begun = std::time::Instant::now();
                drop(answer);
                let dropped = loop {
                    match service.dropped(&key) {
                        Some(dropped) => break dropped,
                        None => tokio::time::sleep(Duration::from_micros(200)).await,
                    }
                    ensure!(begun.elapsed() < Duration::from_secs(10), "a stream was not dropped");
                };
                took.push((dropped - begun).as_secs_f64() * 1e6);
            }
            took.sort_by(f64::total_cmp);
            p50[index].push(took[took.len() / 2]);
            p99[index].push(took[took.len() * 99 / 100]);
        }
    }
    Ok((p50, p99))
}

async fn starts(kinds: &[Kind; 2]) -> Result<Pair> {
    let mut figures = Pair::default();
    for _ in 0..STARTS {
        for (kind, figures) in kinds.iter().zip(&mut figures) {
            figures.push(Contestant::start(kind).await?.cold_start.as_secs_f64() * 1e3);
        }
    }
    Ok(figures)
}

async fn until(condition: impl Fn() -> bool) -> Result<()> {
    for _ in 0..60_000 {
        if condition() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    anyhow::bail!("the streams were not all there, or not all gone, within a minute")
}
