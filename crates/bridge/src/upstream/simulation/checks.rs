//! What must hold while a simulation runs, and at its end.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_core::EndReason;
use tonic::Code;

use super::attempts::check_last;
use super::network::{SimNetwork, server_at};
use super::world::{CallRecord, Outcome, TICK, World};
use crate::upstream::pool::Pool;

/// Checks that pools keep their limits.
pub(super) fn limits(world: &World, network: &SimNetwork, pools: &[Arc<Pool>]) {
    for pool in pools {
        let snapshot = pool.snapshot();
        let ejected = snapshot.endpoints.iter().filter(|endpoint| endpoint.is_ejected).count();
        let count = snapshot.endpoints.len();
        world.check(ejected <= count / 2, format_args!("{ejected} of {count} addresses are ejected"));
        world.check(
            ejected == snapshot.ejected,
            format_args!("{ejected} are ejected, and not {}", snapshot.ejected),
        );
        let most = world.plan.options.max_waiting;
        world.check(snapshot.waiting <= most, format_args!("{} calls wait, of {most}", snapshot.waiting));
        for endpoint in &snapshot.endpoints {
            let (open, most) =
                (endpoint.connections.len() + endpoint.connecting, world.plan.options.max_connections);
            world.check(open <= most, format_args!("{}: {open} connections of {most}", endpoint.socket));
            // With those that are retired. They do not keep an address from having one that is not.
            let all = network.connections(server_at(endpoint.socket));
            let is_kept = open <= 1 || all <= most;
            world.check(is_kept, format_args!("{}: {open} of {all} connections of {most}", endpoint.socket));
            for (open, most) in &endpoint.connections {
                let is_kept = open <= most;
                world.check(is_kept, format_args!("{}: {open} streams of {most}", endpoint.socket));
            }
        }
    }
}

/// Checks that nothing is left of the calls, after all of them have ended.
pub(super) fn leaks(world: &World, network: &SimNetwork, pools: &[Arc<Pool>]) {
    for pool in pools {
        let snapshot = pool.snapshot();
        world.check(snapshot.waiting == 0, format_args!("{} calls wait", snapshot.waiting));
        for endpoint in &snapshot.endpoints {
            let socket = endpoint.socket;
            world.check(
                endpoint.connecting == 0,
                format_args!("{socket}: {} connecting", endpoint.connecting),
            );
            world.check(
                endpoint.unanswered == 0,
                format_args!("{socket}: {} unanswered", endpoint.unanswered),
            );
            let leases: usize = endpoint.connections.iter().map(|(open, _)| open).sum();
            world.check(leases == 0, format_args!("{socket}: {leases} streams are leased"));
        }
        let known: usize = snapshot.endpoints.iter().map(|endpoint| endpoint.connections.len()).sum();
        let open: usize = (0..network.servers.len()).map(|server| network.connections(server)).sum();
        world.check(open == known, format_args!("{open} connections are open, and the pool has {known}"));
    }
    for server in &network.servers {
        let open = server.open_calls();
        world.check(open == 0, format_args!("server {}: {open} calls are open", server.index));
    }
}

/// Checks that no connection is left, after the bridge was dropped.
pub(super) fn connections(world: &World, network: &SimNetwork) {
    for server in &network.servers {
        let (ours, theirs) = (network.connections(server.index), server.open_connections());
        world.check(
            ours + theirs == 0,
            format_args!("server {}: {ours} + {theirs} connections", server.index),
        );
    }
}

/// Checks how a call has ended.
pub(super) fn call(world: &World, index: usize, record: &CallRecord) {
    let plan = &world.plan.calls[index];
    let (Some(called), Some((at, outcome))) = (record.called, record.outcome) else {
        return world.violated(format_args!("call {index} has not ended"));
    };
    let [(ended, reason)] = &record.ends[..] else {
        let drained = world.plan.drain.is_some_and(|drain| world.at(drain) <= called);
        let may_have_none = drained && record.ends.is_empty() && outcome == Outcome::Status(14);
        return world.check(may_have_none, format_args!("call {index} has the ends {:?}", record.ends));
    };
    let granted = plan.timeout.map(Duration::from_millis);
    if let Some(granted) = granted {
        let took = ended.duration_since(called);
        world.check(took <= granted + TICK, format_args!("call {index} took {took:?} of {granted:?}"));
        check_last(world, index, record, called + granted, *ended);
        let is_early = matches!(reason, EndReason::DeadlineExceeded { .. }) && took < granted;
        world.check(!is_early, format_args!("call {index} had {granted:?} and was ended after {took:?}"));
    }
    let leaves = plan.leaves.map(|leaves| called + Duration::from_millis(leaves));
    if let Some(leaves) = leaves {
        world.check(at <= leaves + TICK, format_args!("call {index}: its caller could not leave"));
    }
    let expected = match (outcome, reason) {
        (Outcome::Left, _) => true,
        (Outcome::Status(_), EndReason::ClientGone) => false,
        (Outcome::Status(code), EndReason::Completed(with)) => code == code_of(*with),
        (Outcome::Status(code), reason) => {
            reason.status().is_some_and(|status| code == code_of(status.code()))
        }
    };
    world.check(expected, format_args!("call {index} ended as {reason:?}, and its caller got {outcome:?}"));
}

fn code_of(code: Code) -> u16 {
    u16::try_from(i32::from(code)).unwrap_or(u16::MAX)
}
