//! CPU time for a unit of work, in rounds that take turns, so that what else the machine does concerns all targets.

use anyhow::Result;

use crate::program::Program;
use crate::target::Target;
use crate::workload::Workload;

/// How many rounds each target has.
const ROUNDS: usize = 9;

/// Returns the CPU time for a unit of the workload in each round, in microseconds, for each program. It is `None` for a program
/// that does not speak the version of HTTP.
pub(crate) async fn rounds(programs: &[Program], workload: Workload) -> Result<Vec<Option<Vec<f64>>>> {
    let mut running = Vec::new();
    for program in programs {
        if !program.speaks(workload.wire) {
            running.push(None);
            continue;
        }
        let target = Target::start(program).await?;
        let mut clients = workload.connect(&target).await?;
        workload.run(&target, &mut clients, workload.round()).await?;
        running.push(Some((target, clients, Vec::new())));
    }
    for _ in 0..ROUNDS {
        for (target, clients, figures) in running.iter_mut().flatten() {
            let before = target.cpu();
            let units = workload.run(target, clients, workload.round()).await?;
            figures.push(target.cpu().saturating_sub(before).as_secs_f64() * 1e6 / units as f64);
        }
    }
    Ok(running.into_iter().map(|target| target.map(|(_, _, figures)| figures)).collect())
}
