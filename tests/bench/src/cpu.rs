//! CPU time for a unit of work, in rounds that take turns, so that what else the machine does concerns all targets.

use anyhow::{Context as _, Result};

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
        let failed = format!("{program} failed at the {}", workload.name());
        workload.run(&target, &mut clients, workload.round()).await.with_context(|| failed.clone())?;
        running.push(Some((target, clients, failed, Vec::new())));
    }
    for _ in 0..ROUNDS {
        for (target, clients, failed, figures) in running.iter_mut().flatten() {
            let before = target.cpu();
            let units =
                workload.run(target, clients, workload.round()).await.with_context(|| failed.clone())?;
            figures.push(target.cpu().saturating_sub(before).as_secs_f64() * 1e6 / units as f64);
        }
    }
    Ok(running.into_iter().map(|target| target.map(|(_, _, _, figures)| figures)).collect())
}
