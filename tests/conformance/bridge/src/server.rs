//! The server under test.

use std::io;

use anyhow::{Context as _, Result};
use drawbridge::{Tls, Upstream};
use drawbridge_conformance_contract::pipe;
use drawbridge_conformance_contract::v1::{HttpVersion, Protocol, ServerCompatRequest, ServerCompatResponse};
use prost::Message as _;
use tokio::signal::unix::{SignalKind, signal};

/// Starts the suite's server and a bridge in front of it, and runs until the runner has had enough.
pub(crate) async fn run(program: &str) -> Result<()> {
    let asked = pipe::read(&mut io::stdin().lock())?.context("the runner asks for nothing")?;
    let asked = ServerCompatRequest::decode(asked.as_slice())?;

    let mut server = super::start(program)?;
    // Whatever the bridge is called by, it calls gRPC over HTTP/2.
    let behind = ServerCompatRequest {
        protocol: Protocol::Grpc.into(),
        http_version: HttpVersion::HttpVersion2.into(),
        message_receive_limit: asked.message_receive_limit,
        ..ServerCompatRequest::default()
    };
    let mut to = server.stdin.take().context("the server has an input")?;
    pipe::write(&mut to, &behind.encode_to_vec())?;
    let mut from = server.stdout.take().context("the server has an output")?;
    let told = pipe::read(&mut from)?.context("the server told no address")?;
    let told = ServerCompatResponse::decode(told.as_slice())?;
    let upstream = Upstream::new(&format!("http://{}:{}", told.host, told.port))?;

    let creds = asked.server_creds.filter(|_| asked.use_tls);
    let tls = creds.as_ref().map(|creds| Tls::from_pem(&creds.cert, &creds.key)).transpose()?;
    let address = super::bridge::start(upstream, tls).await?;
    let answer = ServerCompatResponse {
        host: address.ip().to_string(),
        port: address.port().into(),
        pem_cert: creds.map(|creds| creds.cert).unwrap_or_default(),
    };
    pipe::write(&mut io::stdout().lock(), &answer.encode_to_vec())?;

    signal(SignalKind::terminate())?.recv().await;
    server.kill()?;
    Ok(())
}
