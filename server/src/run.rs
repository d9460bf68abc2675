//! The whole program but for its command line.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use drawbridge::{
    Bridge, BridgeService, Calls, CallsService, ConnectionOptions, DeadlinePolicy, DescriptorError,
    HostPolicy, Limits, PoolOptions, Tls, TlsError, UpstreamError, serve,
};
use drawbridge_calls_proto::calls_server::CallsServer;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::directory::OpenError;
use crate::page::{IS_EMBEDDED, Page};
use crate::self_signed::{self, SelfSignedError};

mod samples;

/// Why the program could not start, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The user directory could not be opened.
    #[error("{0}; name another file with --database")]
    Directory(#[from] OpenError),
    /// The page's folder could not be read.
    #[error("cannot read the page in {}: {source}; build it with `cargo xtask run`, or name another folder with --assets", folder.display())]
    Assets {
        /// The folder that was named.
        folder: PathBuf,
        /// Why it could not be read.
        source: io::Error,
    },
    /// The certificate or its key cannot be served with.
    #[error("{0}; see --tls-cert and --tls-key")]
    Tls(#[from] TlsError),
    /// The file of authorities for upstreams cannot be read.
    #[error("cannot read {}: {source}; see --upstream-ca", file.display())]
    UpstreamAuthorities {
        /// The file that was named.
        file: PathBuf,
        /// Why it could not be read.
        source: io::Error,
    },
    /// No certificate can be made.
    #[error("{0}; see --tls-self-signed")]
    SelfSigned(#[from] SelfSignedError),
    /// An upstream cannot be called.
    #[error("{0}; see --upstream-ca")]
    Upstream(#[from] UpstreamError),
    /// The listener does not know its own address.
    #[error("cannot tell the address that is listened on: {0}")]
    Listener(#[from] io::Error),
    /// A descriptor set that was compiled in is broken.
    #[error("the descriptors of the services are broken: {0}")]
    Descriptors(#[from] DescriptorError),
    /// The descriptors for reflection are broken.
    #[error("the descriptors of the services are broken: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The reflection service could not be made from the descriptors.
    #[error("the descriptors of the services are broken: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves the sample services and the page on `listener`, until `shutdown` resolves, as `config` says. What the
/// configuration says of the listener and the log is the caller's to do.
///
/// # Errors
///
/// Returns an error if something that the configuration names cannot be opened. Nothing was served then.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    prepare(&config, &listener).await?.serve(listener, shutdown).await;
    Ok(())
}

/// Opens everything that `config` names, for a server on `listener`: what can fail, fails here.
///
/// # Errors
///
/// Returns an error if something that the configuration names cannot be opened.
pub async fn prepare(config: &Config, listener: &TcpListener) -> Result<Prepared, RunError> {
    let address = listener.local_addr()?;
    let mut options = ConnectionOptions::new()
        .with_max_streams(config.max_streams)
        .with_max_header_bytes(config.max_header_bytes);
    options.tls = tls(config, address)?;
    let mut bridge = bridge(config, address).await?;
    Ok(Prepared { calls: bridge.calls(), service: bridge.into_service(), options })
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Prepared {
    service: BridgeService,
    calls: Calls,
    options: ConnectionOptions,
}

impl Prepared {
    /// Serves until `shutdown` resolves, as [`drawbridge::serve`] does.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        serve(listener, self.service, self.calls, self.options, shutdown).await;
    }
}

fn tls(config: &Config, address: SocketAddr) -> Result<Option<Tls>, RunError> {
    if let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) {
        return Ok(Some(Tls::from_files(certificate, key)?));
    }
    if !config.tls_self_signed {
        return Ok(None);
    }
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    Ok(Some(self_signed::certificate(names.into_iter().chain(config.allow_host.iter().cloned()))?))
}

async fn bridge(config: &Config, address: SocketAddr) -> Result<Bridge, RunError> {
    let bridge = Bridge::new()
        .limits(
            Limits::new()
                .with_max_calls(config.max_calls as usize)
                .with_max_message_bytes(config.max_message_bytes),
        )
        .deadlines(DeadlinePolicy::new().with_default(config.default_deadline).with_max(config.max_deadline))
        .fallback(page(config)?)
        .hosts(hosts(config, address))
        .allow_origins(config.allow_origin.iter().cloned());
    let mut bridge = upstreams(config, bridge)?
        .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)?
        .descriptors(drawbridge_calls_proto::FILE_DESCRIPTOR_SET)?;
    if address.ip().is_loopback() {
        // Who may end any call is for this machine to know.
        let console = CallsService::new(bridge.calls(), bridge.services(), hosts(config, address));
        bridge = bridge.add_service(CallsServer::new(console));
    }
    if config.serves_samples() { samples::host(config, address, bridge).await } else { Ok(bridge) }
}

/// Adds the servers that calls are forwarded to.
fn upstreams(config: &Config, bridge: Bridge) -> Result<Bridge, RunError> {
    let authorities = match &config.upstream_ca {
        Some(file) => Some(
            std::fs::read(file)
                .map_err(|source| RunError::UpstreamAuthorities { file: file.clone(), source })?,
        ),
        None => None,
    };
    let options = PoolOptions::new()
        .with_max_connections(config.upstream_connections as usize)
        .with_stream_window(config.upstream_window);
    let mut bridge =
        bridge.expose(config.expose.iter().cloned()).trusted_proxies(config.trusted_proxy.iter().copied());
    for rule in &config.retry {
        bridge = bridge.retry(rule.clone());
    }
    for upstream in &config.upstream {
        let upstream = upstream.clone().pool(options);
        bridge = bridge.upstream(match &authorities {
            Some(authorities) => upstream.certificate_authorities(authorities)?,
            None => upstream.system_authorities()?,
        });
    }
    Ok(bridge)
}

fn page(config: &Config) -> Result<Page, RunError> {
    if let Some(folder) = &config.assets {
        return Page::directory(folder).map_err(|source| RunError::Assets { folder: folder.clone(), source });
    }
    if !IS_EMBEDDED {
        tracing::warn!(
            "this build carries no page; `cargo xtask run` builds one, --assets FOLDER serves one from disk"
        );
    }
    Ok(Page::embedded())
}

/// A listener that only this machine reaches answers only to this machine's names.
fn hosts(config: &Config, address: SocketAddr) -> HostPolicy {
    if address.ip().is_loopback() {
        HostPolicy::Loopback { also: config.allow_host.clone() }
    } else {
        HostPolicy::Any
    }
}
