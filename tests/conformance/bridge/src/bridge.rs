//! A bridge in front of one server.

use std::net::SocketAddr;

use anyhow::Result;
use drawbridge::{Bridge, ConnectionOptions, DescriptorFiles, Tls, Upstream};
use drawbridge_conformance_contract::DESCRIPTORS;
use tokio::net::TcpListener;

/// The method of the suite's service that has no side effects.
const SAFE_METHOD: &str = "connectrpc.conformance.v1.ConformanceService/IdempotentUnary";

/// Starts a bridge in front of `upstream`, and returns its address. It runs until the process exits.
pub(crate) async fn start(upstream: Upstream, tls: Option<Tls>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut bridge = Bridge::new()
        .upstream(upstream)
        .allow_get([SAFE_METHOD.parse()?])
        .json(["*".parse()?])
        // The suite's servers have no reflection.
        .descriptor_files(DescriptorFiles::open([DESCRIPTORS.into()])?)
        .fallback_unimplemented();
    let calls = bridge.calls();
    let options = tls.map_or_else(ConnectionOptions::new, |tls| ConnectionOptions::new().with_tls(tls));
    let router = bridge.into_router();
    tokio::spawn(drawbridge::serve(listener, router, calls, options, std::future::pending()));
    Ok(address)
}
