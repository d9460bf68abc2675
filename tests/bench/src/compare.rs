//! Two builds of the bridge in one run: a revision and the working tree.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::bridge::Bridge;
use crate::callgrind::Callgrind;
use crate::comparison::{Comparison, Row};
use crate::cpu;
use crate::program::Program;
use crate::service;
use crate::table::median;
use crate::workload::{Unit, Workload};

/// The two builds, and what to measure of them.
pub(crate) struct Compare {
    /// The bridge of the revision.
    pub(crate) old: PathBuf,
    /// What the revision is called in the table.
    pub(crate) revision: String,
    /// The bridge of the working tree.
    pub(crate) new: PathBuf,
    pub(crate) callgrind: Callgrind,
    /// Measures only the rows whose names contain this.
    pub(crate) only: String,
    /// The largest ratio of instructions that is allowed, in any row.
    pub(crate) max_ratio: Option<f64>,
}

impl Compare {
    /// Measures and prints the table.
    ///
    /// # Errors
    ///
    /// When a ratio of instructions is over the limit, when `only` selects no row, and when a measurement fails.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (upstream, _) = runtime.block_on(service::upstream())?;
        let mut comparison = Comparison::new(&self.revision, self.max_ratio);
        let units = [Unit::Unary, Unit::Small, Unit::Large, Unit::HostedUnary];
        for workload in units.into_iter().flat_map(Workload::of) {
            if !workload.name().contains(&self.only) {
                continue;
            }
            let [old, new] = [&self.old, &self.new].map(|path| {
                move |upstream| match workload.unit {
                    Unit::HostedUnary => Program::Samples(path.clone()),
                    _ => Program::Bridge(Bridge::new(path, upstream)),
                }
            });
            let instructions =
                [self.callgrind.per_unit(workload, old)?, self.callgrind.per_unit(workload, new)?];
            let programs = [old(upstream), new(upstream)];
            let figures = runtime.block_on(cpu::rounds(&programs, workload))?;
            let mut cpu = figures.into_iter().flatten().map(median);
            let cpu = [(); 2].map(|()| cpu.next().unwrap_or(f64::NAN));
            let row = Row { name: workload.name(), cpu, instructions };
            eprintln!("{row}");
            comparison.add(row);
        }
        ensure!(!comparison.is_empty(), "no row has {:?} in its name", self.only);
        println!("\n{comparison}");
        comparison.check()
    }
}
