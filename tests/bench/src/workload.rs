//! What a target is asked to do: calls of one kind over one version of HTTP.

use anyhow::Result;

use crate::load::{self, Client, Wire};
use crate::target::Target;

/// Clients that make unary calls at the same time.
const UNARY_CLIENTS: usize = 32;
/// Clients that read streams at the same time.
const STREAMS: usize = 8;
/// Clients that open connections at the same time.
const CONNECTING: usize = 16;

/// Connections that clients share over HTTP/2, as the calls of two browsers do.
const CONNECTIONS: usize = 2;
/// The same where connections are spread over threads.
const SPREAD_CONNECTIONS: usize = 16;

/// What one unit of work is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A unary call.
    Unary,
    /// A unary call of clients on enough connections that each thread of a target has some.
    SpreadUnary,
    /// A unary call of the health service, which the program hosts itself.
    HostedUnary,
    /// A message of 100 bytes in a stream.
    Small,
    /// A message of 64 KB in a stream.
    Large,
    /// A connection with one unary call: opened, called over, closed. With TLS if the target serves it.
    Connection,
}

/// Calls of one kind over one version of HTTP.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) unit: Unit,
    pub(crate) wire: Wire,
}

impl Workload {
    /// The workloads of a unit: one for each version of HTTP.
    pub(crate) fn of(unit: Unit) -> [Self; 2] {
        [Wire::H1, Wire::H2].map(|wire| Self { unit, wire })
    }

    /// What it is called in tables, such as `unary call, HTTP/2`.
    pub(crate) fn name(self) -> String {
        let unit = match self.unit {
            Unit::Unary | Unit::SpreadUnary => "unary call",
            Unit::HostedUnary => "hosted unary call",
            Unit::Small => "message of 100 bytes",
            Unit::Large => "message of 64 KB",
            Unit::Connection => "connection with one unary call",
        };
        format!("{unit}, {}", self.wire)
    }

    fn clients(self) -> usize {
        match self.unit {
            Unit::Unary | Unit::SpreadUnary | Unit::HostedUnary => UNARY_CLIENTS,
            Unit::Small | Unit::Large => STREAMS,
            Unit::Connection => 0,
        }
    }

    fn connections(self) -> usize {
        if self.unit == Unit::SpreadUnary { SPREAD_CONNECTIONS } else { CONNECTIONS }
    }

    /// Connects the clients that work at the same time in a round.
    pub(crate) async fn connect(self, target: &Target) -> Result<Vec<Client>> {
        Client::some(self.wire, target.address, self.clients(), self.connections()).await
    }

    /// Connects the clients that work at the same time under callgrind: one stream, because several share a connection to the
    /// upstream, and in which order they do so differs from run to run.
    pub(crate) async fn connect_counted(self, target: &Target) -> Result<Vec<Client>> {
        let clients = match self.unit {
            Unit::Small | Unit::Large => 1,
            _ => self.clients(),
        };
        Client::some(self.wire, target.address, clients, self.connections()).await
    }

    /// How many units each client does in a round whose CPU time is measured.
    pub(crate) fn round(self) -> usize {
        match self.unit {
            Unit::Unary | Unit::SpreadUnary | Unit::HostedUnary => 190,
            Unit::Small => 8_000,
            Unit::Large => 200,
            Unit::Connection => 50,
        }
    }

    /// How many units each client does in the shorter and in the longer run under callgrind.
    pub(crate) fn counted(self) -> [usize; 2] {
        match self.unit {
            Unit::Unary | Unit::SpreadUnary | Unit::HostedUnary => [30, 130],
            Unit::Small => [8_000, 40_000],
            Unit::Large => [500, 2_500],
            Unit::Connection => [10, 40],
        }
    }

    /// Has each client do `each` units, and returns how many that were in all.
    pub(crate) async fn run(self, target: &Target, clients: &mut [Client], each: usize) -> Result<usize> {
        match self.unit {
            Unit::Unary | Unit::SpreadUnary => load::repeat(clients, each, Client::unary).await?,
            Unit::HostedUnary => load::repeat(clients, each, Client::health).await?,
            Unit::Small => load::streams(clients, 100, each).await?,
            Unit::Large => load::streams(clients, 64 * 1024, each).await?,
            Unit::Connection => {
                load::repeat(&mut [(); CONNECTING], each, async |()| target.connect().await?.unary().await)
                    .await?;
                return Ok(CONNECTING * each);
            }
        }
        Ok(clients.len() * each)
    }

    /// The same under callgrind: unary calls begin at the same time, so that the target finds the same to do in each run.
    pub(crate) async fn run_counted(
        self,
        target: &Target,
        clients: &mut [Client],
        each: usize,
    ) -> Result<usize> {
        match self.unit {
            Unit::Unary | Unit::SpreadUnary => load::repeat_together(clients, each, Client::unary).await?,
            Unit::HostedUnary => load::repeat_together(clients, each, Client::health).await?,
            Unit::Small | Unit::Large | Unit::Connection => return self.run(target, clients, each).await,
        }
        Ok(clients.len() * each)
    }
}
