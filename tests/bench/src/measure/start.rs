//! The time from a program's start to its first answer.

use anyhow::Result;

use super::pair::{Pair, add};
use crate::program::Program;
use crate::table::Table;
use crate::target::Target;

const STARTS: usize = 5;

pub(super) async fn measure(table: &mut Table, programs: &[Program; 2]) -> Result<()> {
    let name = "start to first answer";
    if !table.wants(name) {
        return Ok(());
    }
    let mut figures = Pair::default();
    for _ in 0..STARTS {
        for (program, figures) in programs.iter().zip(&mut figures) {
            figures.push(Target::start(program).await?.cold_start.as_secs_f64() * 1e3);
        }
    }
    add(table, name, "ms", None, figures);
    Ok(())
}
