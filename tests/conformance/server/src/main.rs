//! The server under test: the suite's service, hosted by [`drawbridge::Bridge`].
//!
//! The runner writes one request to standard input and reads one response from standard output, each with a length prefix.
//! Then it calls the service, and stops this program with SIGTERM.

mod reply;
mod service;

use anyhow::{Context as _, Result};
use drawbridge::{Bridge, ConnectionOptions, Limits, MethodPattern, Tls};
use drawbridge_conformance_contract::v1::conformance_service_server::ConformanceServiceServer;
use drawbridge_conformance_contract::v1::{ServerCompatRequest, ServerCompatResponse};
use drawbridge_conformance_contract::{FILE_DESCRIPTOR_SET, pipe};
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding::Gzip;

#[tokio::main]
async fn main() -> Result<()> {
    let request = read().context("cannot read the runner's request")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let limit = request.message_receive_limit;
    let mut bridge = Bridge::new()
        .add_service(
            ConformanceServiceServer::new(service::Conformance)
                .accept_compressed(Gzip)
                .send_compressed(Gzip)
                .max_decoding_message_size(if limit == 0 { usize::MAX } else { limit as usize }),
        )
        .descriptors(FILE_DESCRIPTOR_SET)?
        .json(["*".parse::<MethodPattern>()?])
        .fallback_unimplemented();
    if limit != 0 {
        bridge = bridge.limits(Limits::new().with_max_message_bytes(limit));
    }
    let calls = bridge.calls();
    let mut options = ConnectionOptions::default();
    let mut pem_cert = Vec::new();
    if let Some(creds) = request.server_creds.filter(|_| request.use_tls) {
        options.tls = Some(Tls::from_pem(&creds.cert, &creds.key)?);
        pem_cert = creds.cert;
    }
    write(&ServerCompatResponse { host: address.ip().to_string(), port: address.port().into(), pem_cert })?;

    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async {
        terminate.recv().await;
    };
    drawbridge::serve(listener, bridge.into_router(), calls, options, stop).await;
    Ok(())
}

fn read() -> Result<ServerCompatRequest> {
    let request = pipe::read(&mut std::io::stdin().lock())?.context("standard input is empty")?;
    Ok(ServerCompatRequest::decode(request.as_slice())?)
}

fn write(response: &ServerCompatResponse) -> Result<()> {
    Ok(pipe::write(&mut std::io::stdout().lock(), &response.encode_to_vec())?)
}
