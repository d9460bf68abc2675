//! Figures of the bridge and of Envoy.

use crate::table::{Peer, Table};

pub(super) const ENVOY: Peer = Peer::new("Envoy");

/// The figures of all rounds, of two targets.
pub(super) type Pair = [Vec<f64>; 2];

/// Adds a row with the figures of the bridge and of Envoy.
pub(super) fn add(
    table: &mut Table,
    name: &str,
    unit: &'static str,
    limit: Option<f64>,
    [ours, envoy]: Pair,
) {
    table.add(name, unit, ours, [(Peer { limit, ..ENVOY }, Some(envoy))]);
}
