//! The server under test.

use std::io;

use anyhow::{Context as _, Result};
use drawbridge::{Tls, Upstream};
use drawbridge_conformance_contract::pipe;
use drawbridge_conformance_contract::v1::{HttpVersion, Protocol, ServerCompatRequest, ServerCompatResponse};
use prost::Message as _;
use tokio::signal::unix::{SignalKind, signal};

/// The service of the suite.
const SERVICE: &str = "connectrpc.conformance.v1.ConformanceService";

/// Starts the suite's server and a bridge in front of it, and runs until SIGTERM.
pub(crate) async fn run(program: &str) -> Result<()> {
    let request = pipe::read(&mut io::stdin().lock())?.context("standard input is empty")?;
    let request = ServerCompatRequest::decode(request.as_slice())?;

    let mut server = crate::program::start(program)?;
    // The bridge always calls its upstream with gRPC over HTTP/2.
    let upstream_request = ServerCompatRequest {
        protocol: Protocol::Grpc.into(),
        http_version: HttpVersion::HttpVersion2.into(),
        message_receive_limit: request.message_receive_limit,
        ..ServerCompatRequest::default()
    };
    let mut to = server.stdin.take().context("the server has no input")?;
    pipe::write(&mut to, &upstream_request.encode_to_vec())?;
    let mut from = server.stdout.take().context("the server has no output")?;
    let started = pipe::read(&mut from)?.context("the server exited without an address")?;
    let started = ServerCompatResponse::decode(started.as_slice())?;
    // By its name, so that the bridge knows which services it has: for Connect's clients an unknown one is 404.
    let upstream: Upstream = format!("{SERVICE}=http://{}:{}", started.host, started.port).parse()?;

    let creds = request.server_creds.filter(|_| request.use_tls);
    let tls = creds.as_ref().map(|creds| Tls::from_pem(&creds.cert, &creds.key)).transpose()?;
    let address = crate::bridge::start(upstream, tls).await?;
    let response = ServerCompatResponse {
        host: address.ip().to_string(),
        port: address.port().into(),
        pem_cert: creds.map(|creds| creds.cert).unwrap_or_default(),
    };
    pipe::write(&mut io::stdout().lock(), &response.encode_to_vec())?;

    signal(SignalKind::terminate())?.recv().await;
    server.kill()?;
    Ok(())
}
