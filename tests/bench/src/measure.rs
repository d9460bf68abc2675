//! The bridge beside Envoy and beside the floor, its hosted services beside bare tonic-web, and the CALL layer beside its absence.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::cpu::{self, ROUNDS};
use crate::load::{Client, Wire};
use crate::program::Program;
use crate::service::{self, Service};
use crate::table::{Row, Table};
use crate::target::Target;
use crate::workload::{Unit, Workload};

const IDLE: usize = 10_000;
const IDLE_ON_EACH: usize = 100;
const CANCELS: usize = 1_000;
const STARTS: usize = 5;

/// The largest ratios to Envoy that are allowed.
const FORWARDED: [(Unit, f64); 3] = [(Unit::Unary, 0.4), (Unit::Small, 0.5), (Unit::Large, 0.75)];

/// The programs, and what to measure of them.
pub(crate) struct Measure {
    pub(crate) bridge: PathBuf,
    pub(crate) envoy: PathBuf,
    pub(crate) floor: PathBuf,
    /// Measures only the rows whose names contain this.
    pub(crate) only: String,
}

impl Measure {
    /// Measures and prints the tables.
    ///
    /// # Errors
    ///
    /// When a ratio is over its limit, when `only` selects no row, and when a measurement fails.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.measure())
    }

    async fn measure(self) -> Result<()> {
        let (upstream, service) = service::upstream().await?;
        let bridge = Program::Bridge(self.bridge, upstream);
        let envoy = Program::Envoy(self.envoy, upstream);
        let floor = Program::Floor(self.floor, upstream);
        let only = &self.only;

        let mut forwarded = Table::new(["", "Drawbridge", "Envoy"], only);
        let programs = [bridge.clone(), envoy];
        calls(&mut forwarded, &programs, &FORWARDED).await?;
        others(&mut forwarded, &programs, &service).await?;
        forwarded.print();

        let mut least = Table::new(["over the floor", "Drawbridge", "floor"], only);
        calls(&mut least, &[bridge, floor], &FORWARDED.map(|(unit, _)| (unit, f64::INFINITY))).await?;
        least.print();

        let mut hosted = Table::new(["a hosted service", "Drawbridge", "bare tonic-web"], only);
        let programs = [Program::Hosting("bridge"), Program::Hosting("tonic-web")];
        calls(&mut hosted, &programs, &[(Unit::Unary, 1.15)]).await?;
        hosted.print();

        let mut layer = Table::new(["the CALL layer", "with", "without"], only);
        let programs = [Program::Hosting("call-layer"), Program::Hosting("no-call-layer")];
        calls(&mut layer, &programs, &[(Unit::Unary, 1.15)]).await?;
        layer.print();

        let tables = [forwarded, least, hosted, layer];
        ensure!(!tables.iter().all(Table::is_empty), "no row has {only:?} in its name");
        ensure!(tables.iter().all(Table::holds), "a figure is over its limit");
        Ok(())
    }
}

/// Measures the CPU time of each unit, with the largest ratio that is allowed.
async fn calls(table: &mut Table, programs: &[Program; 2], units: &[(Unit, f64)]) -> Result<()> {
    for &(unit, most) in units {
        for workload in Workload::of(unit) {
            let name = format!("CPU per {}", workload.name());
            if table.wants(&name) {
                table.add(Row::new(name, "µs", most), cpu::rounds(programs, workload).await?);
            }
        }
    }
    Ok(())
}

/// Measures what is not CPU time.
async fn others(table: &mut Table, programs: &[Program; 2], service: &Service) -> Result<()> {
    if table.wants("memory per idle stream") {
        table.add(Row::new("memory per idle stream", "bytes", 0.25), idle(programs, service).await?);
    }
    if table.wants("from abort to the handler's drop") {
        let (p50, p99) = cancels(programs, service).await?;
        table.add(Row::new("from abort to the handler's drop, p50", "µs", 1.0), p50);
        table.add(Row::new("the same, p99", "µs", 1.0), p99);
    }
    if table.wants("start to first answer") {
        table.add(Row::new("start to first answer", "ms", f64::INFINITY), starts(programs).await?);
    }
    Ok(())
}

/// The figures of all rounds, of two targets.
type Pair = [Vec<f64>; 2];

async fn idle(programs: &[Program; 2], service: &Service) -> Result<Pair> {
    let mut figures = Pair::default();
    for (program, figures) in programs.iter().zip(&mut figures) {
        let target = Target::start(program).await?;
        let before = target.resident();
        let mut answers = Vec::new();
        for index in 0..IDLE / IDLE_ON_EACH {
            let mut client = Client::connect(Wire::H2, target.address).await?;
            for each in 0..IDLE_ON_EACH {
                let key = format!("idle {index} {each}");
                answers.push(client.open(&key).await?);
            }
        }
        until(|| service.open() == IDLE).await?;
        figures.push((target.resident() - before) as f64 / IDLE as f64);
        drop(answers);
        until(|| service.open() == 0).await?;
    }
    Ok(figures)
}

async fn cancels(programs: &[Program; 2], service: &Service) -> Result<(Pair, Pair)> {
    let mut running = Vec::new();
    for program in programs {
        let target = Target::start(program).await?;
        let client = Client::connect(Wire::H2, target.address).await?;
        running.push((target, client));
    }
    let (mut p50, mut p99) = (Pair::default(), Pair::default());
    for round in 0..ROUNDS {
        for (index, (_, client)) in running.iter_mut().enumerate() {
            let mut took = Vec::new();
            for each in 0..CANCELS / ROUNDS {
                let key = format!("cancel {round} {each}");
                let answer = client.open(&key).await?;
                let begun = Instant::now();
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

async fn starts(programs: &[Program; 2]) -> Result<Pair> {
    let mut figures = Pair::default();
    for _ in 0..STARTS {
        for (program, figures) in programs.iter().zip(&mut figures) {
            figures.push(Target::start(program).await?.cold_start.as_secs_f64() * 1e3);
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
    anyhow::bail!("the streams were not all open, or not all closed, within a minute")
}
