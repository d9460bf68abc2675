//! Instructions that a program executes for a unit of work, counted by callgrind.
//!
//! The program runs twice under callgrind, and the second run does more units than the first. The difference of the two
//! counts, divided by the difference of the units, has no start-up, no warm-up and no shutdown in it. Switching the counter
//! on and off in one run would do the same, but `callgrind_control` attaches to the process by ptrace, which many
//! containers forbid, and it switches at a moment of its own rather than between two calls.
//!
//! How much a call costs depends on how much the program finds to do at each wake-up. For the same count in each run,
//! clients, upstream and program share one CPU, and the program is scheduled as a batch job, which does not interrupt the
//! others: when it runs, they have done all that they can. What else a busy machine does to the order is taken out by the
//! median of three pairs of runs.
//!
//! Callgrind counts instructions in user space. What the kernel does in a system call is in the CPU time only.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::one_cpu;
use crate::program::Program;
use crate::service;
use crate::table::median;
use crate::target::Target;
use crate::workload::Workload;

/// How often the two runs are made; the median counts.
const REPEATS: usize = 3;

/// The program `valgrind`.
pub(crate) struct Callgrind {
    pub(crate) valgrind: PathBuf,
}

/// A finished run: what was done, and the instructions from start to end.
struct Run {
    units: usize,
    instructions: u64,
}

impl Callgrind {
    /// Returns the instructions for a unit of the workload. `program` makes the program for an upstream.
    pub(crate) fn per_unit(
        &self,
        workload: Workload,
        program: impl Fn(SocketAddr) -> Program + Sync,
    ) -> Result<f64> {
        let mut figures = Vec::new();
        for _ in 0..REPEATS {
            let [short, long] = workload.counted().map(|each| self.run(workload, each, &program));
            let (short, long) = (short?, long?);
            let instructions = long.instructions as f64 - short.instructions as f64;
            figures.push(instructions / (long.units - short.units) as f64);
        }
        Ok(median(figures))
    }

    /// Runs the program until each client has done `each` units, with an upstream and clients of its own.
    fn run(
        &self,
        workload: Workload,
        each: usize,
        program: &(impl Fn(SocketAddr) -> Program + Sync),
    ) -> Result<Run> {
        let run = || {
            one_cpu::keep_this_thread_on_one()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (upstream, _) = service::upstream().await?;
                self.count(&program(upstream), workload, each).await
            })
        };
        // The thread's CPU is inherited by the processes that it starts, and by no other thread.
        thread::scope(|scope| scope.spawn(run).join()).expect("a measurement that fails returns an error")
    }

    async fn count(&self, program: &Program, workload: Workload, each: usize) -> Result<Run> {
        let folder = TempDir::new()?;
        let (out, log) = (folder.path().join("out"), folder.path().join("log"));
        let mut command = Command::new("chrt");
        command.args(["--batch", "0"]).arg(&self.valgrind);
        command.args(["--tool=callgrind", "--vgdb=no", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", out.display()));
        command.arg(format!("--log-file={}", log.display()));
        let counted = async {
            let target = Target::start_under(command, program).await?;
            let mut clients = workload.connect_counted(&target).await?;
            let units = workload.run_counted(&target, &mut clients, each).await?;
            drop(clients);
            // Callgrind writes its file when the process ends.
            target.stop().await?;
            let text = fs::read_to_string(&out).context("callgrind wrote no file")?;
            anyhow::Ok(Run { units, instructions: instructions_in(&text)? })
        };
        counted.await.with_context(|| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            format!("no instructions of {program} were counted; valgrind's log: {:?}", log.trim())
        })
    }
}

/// Adds the totals of a callgrind file, which has one for each of its parts.
fn instructions_in(text: &str) -> Result<u64> {
    let events = text.lines().find_map(|line| line.strip_prefix("events: ")).unwrap_or_default();
    let column = events.split(' ').position(|event| event == "Ir");
    let column = column.with_context(|| format!("no event Ir in callgrind's file, but {events:?}"))?;
    let mut sum = None;
    for totals in text.lines().filter_map(|line| line.strip_prefix("totals: ")) {
        let total = totals.split(' ').nth(column).and_then(|number| number.parse::<u64>().ok());
        let total = total.with_context(|| format!("not a number of instructions: {totals:?}"))?;
        sum = Some(sum.unwrap_or(0) + total);
    }
    sum.context("no totals in callgrind's file: the program has not ended as it should")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 7\ncmd: drawbridge\npart: 1\n\n\
        desc: Trigger: Program termination\n\npositions: line\nevents: Ir\nsummary: 99\n\n\
        ob=(1) drawbridge\nfl=(1) ???\nfn=(1) main\n0 10\ncfn=(2)\ncalls=1 0\n0 20\n\ntotals: 140123456\n";

    #[test]
    fn the_total_of_instructions_is_read() {
        assert_eq!(instructions_in(FILE).unwrap(), 140_123_456);
    }

    #[test]
    fn the_totals_of_several_parts_are_added() {
        let two = format!("{FILE}\npart: 2\nevents: Ir\ntotals: 44\n");
        assert_eq!(instructions_in(&two).unwrap(), 140_123_500);
    }

    #[test]
    fn instructions_are_told_from_other_events() {
        let file = "events: Bc Ir\ntotals: 5 123\n";
        assert_eq!(instructions_in(file).unwrap(), 123);
    }

    #[test]
    fn a_file_without_totals_is_an_error() {
        let cut = FILE.split("totals").next().unwrap();
        assert!(instructions_in(cut).unwrap_err().to_string().contains("no totals"));
        assert!(instructions_in("").unwrap_err().to_string().contains("no event Ir"));
    }
}
