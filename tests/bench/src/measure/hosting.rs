//! CPU time of a call of a hosted service.

use anyhow::Result;

use crate::cpu;
use crate::limits;
use crate::program::Program;
use crate::table::{Peer, Table};
use crate::workload::{Unit, Workload};

/// Measures the bridge beside bare tonic-web and connect-go, and the CALL layer beside its absence.
pub(super) async fn measure(table: &mut Table, connect_go: Option<Program>) -> Result<()> {
    let mut programs = vec![Program::Hosting("bridge"), Program::Hosting("tonic-web")];
    programs.extend(connect_go);
    let peers = [Peer::new("bare tonic-web in axum").within(limits::HOSTED), Peer::new("connect-go")];
    calls(table, "hosted", &programs, &peers).await?;

    let programs = [Program::Hosting("call-layer"), Program::Hosting("no-call-layer")];
    let peer = Peer::new("the same without the layer").within(limits::CALL_LAYER);
    calls(table, "hosted with the CALL layer", &programs, &[peer]).await
}

async fn calls(table: &mut Table, how: &str, programs: &[Program], peers: &[Peer]) -> Result<()> {
    for workload in Workload::of(Unit::Unary) {
        let name = format!("CPU per {}, {how}", workload.name());
        if table.wants(&name) {
            let mut figures = cpu::rounds(programs, workload).await?.into_iter();
            let ours = figures.next().flatten().unwrap_or_default();
            table.add(name, "µs", ours, peers.iter().copied().zip(figures));
        }
    }
    Ok(())
}
