//! What a connection costs: CPU time to open and close it, memory while it is idle.

use anyhow::Result;

use super::pair::{Pair, add};
use crate::bridge::Bridge;
use crate::certificate::Certificate;
use crate::cpu;
use crate::load::{Client, Wire};
use crate::open_files;
use crate::program::Program;
use crate::table::Table;
use crate::target::Target;
use crate::workload::{Unit, Workload};

/// Connections that are idle at the same time, after a call over each.
const IDLE: usize = 5_000;

/// Connections that are opened before the memory is first read.
const BEFORE: usize = 100;

pub(super) async fn measure(table: &mut Table, bridge: &Bridge, envoy: &Bridge) -> Result<()> {
    let plain = [Program::Bridge(bridge.clone()), Program::Envoy(envoy.clone())];
    // A connection over HTTP/1.1 is one that clients open often.
    let [workload, _] = Workload::of(Unit::Connection);
    let name = format!("CPU per {}", workload.name());
    if table.wants(&name) {
        add(table, &name, "µs", None, pair(cpu::rounds(&plain, workload).await?));
    }
    let name = format!("CPU per TLS {}", workload.name());
    if table.wants(&name) {
        let certificate = Certificate::generate()?;
        let programs = [
            Program::Bridge(bridge.clone().with_certificate(&certificate)),
            Program::Envoy(envoy.clone().with_certificate(&certificate)),
        ];
        add(table, &name, "µs", None, pair(cpu::rounds(&programs, workload).await?));
    }
    for wire in [Wire::H1, Wire::H2] {
        let name = format!("memory per idle connection of {IDLE}, {wire}");
        if table.wants(&name) {
            add(table, &name, "bytes", None, idle(&plain, wire).await?);
        }
    }
    Ok(())
}

fn pair(figures: Vec<Option<Vec<f64>>>) -> Pair {
    let mut figures = figures.into_iter().flatten();
    [(); 2].map(|()| figures.next().unwrap_or_default())
}

/// Measures the memory of connections over which one call was made.
async fn idle(programs: &[Program; 2], wire: Wire) -> Result<Pair> {
    open_files::allow(IDLE + BEFORE + 500)?;
    let mut figures = Pair::default();
    for (program, figures) in programs.iter().zip(&mut figures) {
        let target = Target::start(program).await?;
        let _first = connections(&target, wire, BEFORE).await?;
        let before = target.resident();
        let _clients = connections(&target, wire, IDLE).await?;
        figures.push((target.resident() - before) as f64 / IDLE as f64);
    }
    Ok(figures)
}

async fn connections(target: &Target, wire: Wire, count: usize) -> Result<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(wire, target.address).await?;
        client.unary().await?;
        clients.push(client);
    }
    Ok(clients)
}
