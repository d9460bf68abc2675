//! CPU time for a unit of work, in rounds that take turns, so that what else the machine does concerns all targets.

use anyhow::{Context as _, Result};

use crate::load::Client;
use crate::program::Program;
use crate::target::Target;
use crate::workload::Workload;

/// How many rounds each target has.
const ROUNDS: usize = 9;

/// Returns the CPU time for a unit of the workload in each round, in microseconds, for each program. It is `None` for a program
/// that does not speak the version of HTTP, and for one that [may fail](Program::may_fail) and does.
pub(crate) async fn rounds(programs: &[Program], workload: Workload) -> Result<Vec<Option<Vec<f64>>>> {
    let mut running = Vec::new();
    for program in programs {
        let started = if program.speaks(workload.wire) {
            let started = Running::start(program, workload).await;
            tolerate(started, program, workload)?
        } else {
            None
        };
        running.push(started);
    }
    for _ in 0..ROUNDS {
        for (slot, program) in running.iter_mut().zip(programs) {
            if let Some(target) = slot {
                let measured = target.measure(workload).await;
                if tolerate(measured, program, workload)?.is_none() {
                    *slot = None;
                }
            }
        }
    }
    Ok(running.into_iter().map(|target| Some(target?.figures)).collect())
}

/// A target, its clients, and the figures of the rounds so far.
struct Running {
    target: Target,
    clients: Vec<Client>,
    figures: Vec<f64>,
}

impl Running {
    /// Starts the program, and warms it up with a round.
    async fn start(program: &Program, workload: Workload) -> Result<Self> {
        let target = Target::start(program).await?;
        let mut clients = workload.connect(&target).await?;
        workload.run(&target, &mut clients, workload.round()).await?;
        Ok(Self { target, clients, figures: Vec::new() })
    }

    async fn measure(&mut self, workload: Workload) -> Result<()> {
        let before = self.target.cpu();
        let units = workload.run(&self.target, &mut self.clients, workload.round()).await?;
        let used = self.target.cpu().saturating_sub(before);
        self.figures.push(used.as_secs_f64() * 1e6 / units as f64);
        Ok(())
    }
}

/// Prints the failure of a program that may fail. Any other failure ends the measurement.
fn tolerate<T>(result: Result<T>, program: &Program, workload: Workload) -> Result<Option<T>> {
    let result = result.with_context(|| format!("{program} failed at the {}", workload.name()));
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if program.may_fail() => {
            eprintln!("left out: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::workload::Unit;

    #[test]
    fn only_a_peer_without_limits_may_fail() {
        let [workload, _] = Workload::of(Unit::Small);
        let upstream = ([127, 0, 0, 1], 1).into();
        let naive = Program::Naive("naive".into(), upstream);
        assert_eq!(tolerate(Err::<(), _>(anyhow!("cut")), &naive, workload).unwrap(), None);
        assert_eq!(tolerate(Ok(1), &naive, workload).unwrap(), Some(1));
        let floor = Program::Floor("floor".into(), upstream);
        let error = tolerate(Err::<(), _>(anyhow!("cut")), &floor, workload).unwrap_err();
        assert_eq!(format!("{error:#}"), "floor failed at the message of 100 bytes, HTTP/1.1: cut");
    }
}
