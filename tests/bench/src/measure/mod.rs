//! The bridge beside its peers: in front of an upstream, and hosting a service itself.

mod aborts;
mod browser;
mod connections;
mod forwarding;
mod hosting;
mod pair;
mod start;
mod streams;
mod threads;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::bridge::Bridge;
use crate::callgrind::Callgrind;
use crate::program::Program;
use crate::report::Report;
use crate::service::{self, Service};
use crate::table::{Peer, Table};

/// The programs, and what to measure of them.
#[derive(Args)]
pub(crate) struct Measure {
    #[arg(long)]
    bridge: PathBuf,
    #[arg(long)]
    envoy: PathBuf,
    #[arg(long)]
    floor: PathBuf,
    #[arg(long)]
    naive: PathBuf,
    /// The folder with the peers that are written in Go: vanguard, connect and grpcwebproxy
    #[arg(long)]
    go_peers: Option<PathBuf>,
    #[arg(long)]
    valgrind: Option<PathBuf>,
    #[command(flatten)]
    in_browser: browser::InBrowser,
    /// Measure only the rows whose names contain this
    #[arg(default_value = "")]
    only: String,
}

impl Measure {
    /// Measures and prints the table.
    ///
    /// # Errors
    ///
    /// When a ratio is over its limit, when `only` selects no row, and when a measurement fails.
    pub(crate) fn run(self) -> Result<()> {
        let mut table = Table::new(&self.only);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (upstream, service) = runtime.block_on(service::upstream())?;
        runtime.block_on(self.measure(&mut table, upstream, &service))?;
        // Outside of the runtime: callgrind's measurements have a runtime each.
        if let Some(valgrind) = self.valgrind.clone() {
            threads::instructions(&mut table, &Callgrind { valgrind }, &self.bridge)?;
        }
        ensure!(!table.is_empty(), "no row has {:?} in its name", self.only);
        let report = Report { bridge: &self.bridge, envoy: &self.envoy, only: &self.only };
        println!("{report}\n{table}");
        let over = table.over();
        ensure!(over.is_empty(), "{} ratios are over their limits\n  {}", over.len(), over.join("\n  "));
        Ok(())
    }

    async fn measure(&self, table: &mut Table, upstream: SocketAddr, service: &Service) -> Result<()> {
        let pair = self.pair(upstream, 1);
        forwarding::measure(table, &pair, &self.others(upstream)).await?;
        threads::cpu(table, &self.pair(upstream, 2)).await?;
        connections::measure(
            table,
            &Bridge::new(&self.bridge, upstream),
            &Bridge::new(&self.envoy, upstream),
        )
        .await?;
        streams::measure(table, &pair, service).await?;
        aborts::measure(table, &pair, service).await?;
        start::measure(table, &pair).await?;
        hosting::measure(table, self.go_peer("connect").map(Program::ConnectGo)).await?;
        self.in_browser.measure(table, &Bridge::new(&self.bridge, upstream)).await
    }

    /// The bridge and Envoy with so many threads.
    fn pair(&self, upstream: SocketAddr, threads: u16) -> [Program; 2] {
        [
            Program::Bridge(Bridge::new(&self.bridge, upstream).with_threads(threads)),
            Program::Envoy(Bridge::new(&self.envoy, upstream).with_threads(threads)),
        ]
    }

    /// What is measured beside the two.
    fn others(&self, upstream: SocketAddr) -> Vec<(Peer, Program)> {
        let mut others = vec![
            (forwarding::FLOOR, Program::Floor(self.floor.clone(), upstream)),
            (Peer::new("naive tonic-web"), Program::Naive(self.naive.clone(), upstream)),
        ];
        if let Some(path) = self.go_peer("vanguard") {
            others.push((Peer::new("vanguard-go"), Program::Vanguard(path, upstream)));
        }
        if let Some(path) = self.go_peer("grpcwebproxy") {
            others.push((Peer::new("grpcwebproxy"), Program::GrpcWebProxy(path, upstream)));
        }
        others
    }

    fn go_peer(&self, name: &str) -> Option<PathBuf> {
        Some(self.go_peers.as_ref()?.join(name))
    }
}
