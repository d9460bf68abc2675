//! CPU time for a unit of work, in rounds that take turns, so that what else the machine does concerns both targets.

use anyhow::Result;

use crate::program::Program;
use crate::target::Target;
use crate::workload::Workload;

/// How many rounds each target has.
pub(crate) const ROUNDS: usize = 9;

/// Returns the CPU time for a unit of the workload in each round, in microseconds.
pub(crate) async fn rounds(programs: &[Program; 2], workload: Workload) -> Result<[Vec<f64>; 2]> {
    let mut running = Vec::new();
    for program in programs {
        let target = Target::start(program).await?;
        let mut clients = workload.connect(&target).await?;
        workload.run(&mut clients, workload.round()).await?;
        running.push((target, clients));
    }
    let mut figures = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for ((target, clients), figures) in running.iter_mut().zip(&mut figures) {
            let before = target.cpu();
            let units = workload.run(clients, workload.round()).await?;
            figures.push(target.cpu().saturating_sub(before).as_secs_f64() * 1e6 / units as f64);
        }
    }
    Ok(figures)
}
