//! Two threads: beside Envoy with two workers, and beside one thread.

use std::path::Path;

use anyhow::Result;

use crate::bridge::Bridge;
use crate::callgrind::Callgrind;
use crate::cpu;
use crate::limits::{INSTRUCTIONS_OF_TWO_THREADS, TWO_THREADS};
use crate::program::Program;
use crate::table::{Peer, Table};
use crate::workload::{Unit, Workload};

const TWO_WORKERS: Peer = Peer::new("Envoy, two workers").within(TWO_THREADS);
const ONE_THREAD: Peer = Peer::new("one thread").within(INSTRUCTIONS_OF_TWO_THREADS);

/// Measures CPU time. The programs have two threads each.
pub(super) async fn cpu(table: &mut Table, programs: &[Program; 2]) -> Result<()> {
    for workload in Workload::of(Unit::SpreadUnary) {
        let name = format!("CPU per {}, two threads", workload.name());
        if table.wants(&name) {
            let mut figures = cpu::rounds(programs, workload).await?.into_iter();
            let ours = figures.next().flatten().unwrap_or_default();
            table.add(name, "µs", ours, [TWO_WORKERS].into_iter().zip(figures));
        }
    }
    Ok(())
}

/// Counts instructions with two threads and with one.
pub(super) fn instructions(table: &mut Table, callgrind: &Callgrind, bridge: &Path) -> Result<()> {
    for workload in Workload::of(Unit::SpreadUnary) {
        let name = format!("instructions per {}, two threads", workload.name());
        if table.wants(&name) {
            let count = |threads| {
                let program = |upstream| Program::Bridge(Bridge::new(bridge, upstream).with_threads(threads));
                callgrind.per_unit(workload, program)
            };
            let [two, one] = [count(2)?, count(1)?];
            table.add(name, "in user space", vec![two], [(ONE_THREAD, Some(vec![one]))]);
        }
    }
    Ok(())
}
