//! Memory of an idle stream.

use std::time::Duration;

use anyhow::{Result, bail};

use super::pair::{Pair, add};
use crate::limits;
use crate::load::{Client, Wire};
use crate::program::Program;
use crate::service::Service;
use crate::table::Table;
use crate::target::Target;

const IDLE: usize = 10_000;
const ON_EACH_CONNECTION: usize = 100;

pub(super) async fn measure(table: &mut Table, programs: &[Program; 2], service: &Service) -> Result<()> {
    let name = format!("memory per idle stream of {IDLE}");
    if !table.wants(&name) {
        return Ok(());
    }
    let mut figures = Pair::default();
    for (program, figures) in programs.iter().zip(&mut figures) {
        let target = Target::start(program).await?;
        let before = target.resident();
        let mut answers = Vec::new();
        for index in 0..IDLE / ON_EACH_CONNECTION {
            let mut client = Client::connect(Wire::H2, target.address).await?;
            for each in 0..ON_EACH_CONNECTION {
                let key = format!("idle {index} {each}");
                answers.push(client.open(&key).await?);
            }
        }
        until(|| service.open() == IDLE).await?;
        figures.push((target.resident() - before) as f64 / IDLE as f64);
        drop(answers);
        until(|| service.open() == 0).await?;
    }
    add(table, &name, "bytes", Some(limits::IDLE_STREAM), figures);
    Ok(())
}

async fn until(condition: impl Fn() -> bool) -> Result<()> {
    for _ in 0..60_000 {
        if condition() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("the streams were not all open, or not all closed, within a minute")
}
