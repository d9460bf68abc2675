//! What a target is asked to do: calls of one kind over one version of HTTP.

use anyhow::Result;

use crate::load::{self, Client, Wire};
use crate::target::Target;

const UNARY_CLIENTS: usize = 32;
const STREAMS: usize = 8;

/// What one unit of work is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A unary call.
    Unary,
    /// A unary call of the health service, which the program hosts itself.
    HostedUnary,
    /// A message of 100 bytes in a stream.
    Small,
    /// A message of 64 KB in a stream.
    Large,
}

/// Calls of one kind over one version of HTTP.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) unit: Unit,
    wire: Wire,
}

impl Workload {
    /// The workloads of a unit: one for each version of HTTP.
    pub(crate) fn of(unit: Unit) -> [Self; 2] {
        [Wire::H1, Wire::H2].map(|wire| Self { unit, wire })
    }

    /// What it is called in tables, such as `unary call, HTTP/2`.
    pub(crate) fn name(self) -> String {
        let unit = match self.unit {
            Unit::Unary => "unary call",
            Unit::HostedUnary => "hosted unary call",
            Unit::Small => "message of 100 bytes",
            Unit::Large => "message of 64 KB",
        };
        format!("{unit}, {}", self.wire)
    }

    /// Connects the clients that work at the same time in a round.
    pub(crate) async fn connect(self, target: &Target) -> Result<Vec<Client>> {
        let clients = match self.unit {
            Unit::Unary | Unit::HostedUnary => UNARY_CLIENTS,
            Unit::Small | Unit::Large => STREAMS,
        };
        Client::some(self.wire, target.address, clients).await
    }

    /// Connects the clients that work at the same time under callgrind: one stream, because several share a connection to the
    /// upstream, and in which order they do so differs from run to run.
    pub(crate) async fn connect_counted(self, target: &Target) -> Result<Vec<Client>> {
        let clients = match self.unit {
            Unit::Unary | Unit::HostedUnary => UNARY_CLIENTS,
            Unit::Small | Unit::Large => 1,
        };
        Client::some(self.wire, target.address, clients).await
    }

    /// How many units each client does in a round whose CPU time is measured.
    pub(crate) fn round(self) -> usize {
        match self.unit {
            Unit::Unary | Unit::HostedUnary => 190,
            Unit::Small => 8_000,
            Unit::Large => 200,
        }
    }

    /// How many units each client does in the shorter and in the longer run under callgrind.
    pub(crate) fn counted(self) -> [usize; 2] {
        match self.unit {
            Unit::Unary | Unit::HostedUnary => [30, 130],
            Unit::Small => [8_000, 40_000],
            Unit::Large => [500, 2_500],
        }
    }

    /// Has each client do `each` units, and returns how many that were in all.
    pub(crate) async fn run(self, clients: &mut [Client], each: usize) -> Result<usize> {
        match self.unit {
            Unit::Unary => load::repeat(clients, each, Client::unary).await?,
            Unit::HostedUnary => load::repeat(clients, each, Client::health).await?,
            Unit::Small => load::streams(clients, 100, each).await?,
            Unit::Large => load::streams(clients, 64 * 1024, each).await?,
        }
        Ok(clients.len() * each)
    }

    /// The same under callgrind: unary calls begin at the same time, so that the target finds the same to do in each run.
    pub(crate) async fn run_counted(self, clients: &mut [Client], each: usize) -> Result<usize> {
        match self.unit {
            Unit::Unary => load::repeat_together(clients, each, Client::unary).await?,
            Unit::HostedUnary => load::repeat_together(clients, each, Client::health).await?,
            Unit::Small | Unit::Large => return self.run(clients, each).await,
        }
        Ok(clients.len() * each)
    }
}
