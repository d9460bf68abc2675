//! The network of a simulation: its names and its servers.

use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};

use super::plan::Mode;
use super::server::Server;
use super::world::{CallRecord, World};
use crate::upstream::address::Address;
use crate::upstream::resolve::Resolve;
use crate::upstream::transport::{Connect, Transport};

const PORT: u16 = 50_051;

/// The network.
pub(super) struct SimNetwork {
    pub(super) world: Arc<World>,
    pub(super) servers: Vec<Arc<Server>>,
    /// How many connections the bridge has to each server.
    connections: Vec<Arc<AtomicUsize>>,
}

/// Returns the address of a server.
pub(super) fn address(server: usize) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, u8::try_from(server + 1).expect("few servers")), PORT).into()
}

/// Returns the server at an address.
pub(super) fn server_at(address: SocketAddr) -> usize {
    match address.ip() {
        IpAddr::V4(ip) => usize::from(ip.octets()[3]) - 1,
        IpAddr::V6(_) => unreachable!("all addresses are IPv4"),
    }
}

impl SimNetwork {
    pub(super) fn new(world: &Arc<World>) -> Self {
        let count = world.plan.servers.len();
        Self {
            world: Arc::clone(world),
            servers: (0..count).map(|index| Server::new(world, index)).collect(),
            connections: (0..count).map(|_| Arc::default()).collect(),
        }
    }

    /// Returns how many connections the bridge has to a server.
    pub(super) fn connections(&self, server: usize) -> usize {
        self.connections[server].load(Ordering::Relaxed)
    }

    async fn open(&self, socket: SocketAddr) -> io::Result<Box<dyn Transport>> {
        let index = server_at(socket);
        let (server, counter) = (&self.servers[index], &self.connections[index]);
        let is_open = Counted::new(counter);
        let (open, most) = (counter.load(Ordering::Relaxed), self.world.plan.options.max_connections);
        self.world.log(format_args!("server {index}: connection {open} of {most}"));
        let now = Instant::now();
        let wants =
            |call: &CallRecord| call.called.is_some() && call.ends.first().is_none_or(|(at, _)| *at == now);
        let is_wanted = self.world.calls().iter().any(wants);
        self.world.check(is_wanted, format_args!("server {index}: a connection for no call"));
        sleep(Duration::from_millis(server.plan().connect)).await;
        match server.mode() {
            Mode::Refuses | Mode::Crashed => Err(io::ErrorKind::ConnectionRefused.into()),
            Mode::Unreachable => pending().await,
            _ => {
                let (stream, theirs) = tokio::io::duplex(64 * 1024);
                server.accept(theirs);
                Ok(Box::new(CountedStream { stream, _counted: is_open }))
            }
        }
    }
}

impl Resolve for SimNetwork {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let now = Instant::now();
            let names = self.world.plan.names.as_deref().unwrap_or_default();
            let current = names.iter().rev().find(|(at, _)| self.world.at(*at) <= now);
            let servers = current.map(|(_, servers)| &servers[..]).unwrap_or_default();
            self.world.log(format_args!("lookup: {servers:?}"));
            sleep(Duration::from_millis(3)).await;
            if servers.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "no such name"));
            }
            Ok(servers.iter().map(|server| address(*server)).collect())
        })
    }
}

impl Connect for SimNetwork {
    fn connect<'a>(
        &'a self,
        _: &'a Address,
        socket: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(self.open(socket))
    }
}

/// Counts a connection until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The bridge's end of a connection.
struct CountedStream {
    stream: DuplexStream,
    _counted: Counted,
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
