//! CPU time of a call and of a message that is forwarded.

use anyhow::Result;

use super::pair::ENVOY;
use crate::cpu;
use crate::limits::{self, Limits};
use crate::program::Program;
use crate::table::{Peer, Table};
use crate::workload::{Unit, Workload};

/// The floor, whose limit depends on the row.
pub(super) const FLOOR: Peer = Peer::new("floor");

const UNITS: [(Unit, Limits); 3] =
    [(Unit::Unary, limits::UNARY), (Unit::Small, limits::SMALL), (Unit::Large, limits::LARGE)];

/// Measures the bridge, Envoy and all others in the same rounds.
pub(super) async fn measure(
    table: &mut Table,
    pair: &[Program; 2],
    others: &[(Peer, Program)],
) -> Result<()> {
    let programs: Vec<_> = pair.iter().chain(others.iter().map(|(_, program)| program)).cloned().collect();
    for (unit, Limits { of_envoy, of_floor }) in UNITS {
        for ((workload, of_envoy), of_floor) in Workload::of(unit).into_iter().zip(of_envoy).zip(of_floor) {
            let name = format!("CPU per {}", workload.name());
            if !table.wants(&name) {
                continue;
            }
            let mut figures = cpu::rounds(&programs, workload).await?.into_iter();
            let ours = figures.next().flatten().unwrap_or_default();
            let peers = others
                .iter()
                .map(|(peer, _)| if peer.name == FLOOR.name { FLOOR.within(of_floor) } else { *peer });
            let peers = [ENVOY.within(of_envoy)].into_iter().chain(peers);
            table.add(name, "µs", ours, peers.zip(figures));
        }
    }
    Ok(())
}
