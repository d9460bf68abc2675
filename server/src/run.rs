//! The whole program but for its command line.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::message_server::MessageServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use http::Uri;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use crate::bridge::{Bridge, Limits};
use crate::call::{Calls, DeadlinePolicy};
use crate::config::Config;
use crate::connection::{ConnectionOptions, serve};
use crate::directory::{Directory, OpenError};
use crate::front::host::HostPolicy;
use crate::in_process::in_process;
use crate::page::{IS_EMBEDDED, Page};
use crate::samples::{FrontendService, GreeterService, MessageService, UserService};
use crate::tls::{Tls, TlsError};
use crate::upstream::{PoolOptions, UpstreamError};

/// For how long a connection to another service may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how long a silent connection to another service is tried.
const KEEPALIVE: Duration = Duration::from_secs(20);

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
    /// An upstream cannot be called.
    #[error("{0}; see --upstream-ca")]
    Upstream(#[from] UpstreamError),
    /// The listener does not know its own address.
    #[error("cannot tell the address that is listened on: {0}")]
    Listener(#[from] io::Error),
    /// A descriptor set that was compiled in is broken.
    #[error("the descriptors of the services are broken: {0}")]
    Descriptors(#[from] prost::DecodeError),
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
    let options = ConnectionOptions {
        tls: tls(config, address)?,
        max_streams: config.max_streams,
        max_header_bytes: config.max_header_bytes,
    };
    let mut bridge = bridge(config, address).await?;
    Ok(Prepared { calls: bridge.calls(), router: bridge.into_router(), options })
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Prepared {
    router: Router,
    calls: Calls,
    options: ConnectionOptions,
}

impl Prepared {
    /// Serves until `shutdown` resolves, as [`serve`](crate::serve) does.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        serve(listener, self.router, self.calls, self.options, shutdown).await;
    }
}

fn tls(config: &Config, address: SocketAddr) -> Result<Option<Tls>, TlsError> {
    if let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) {
        return Tls::from_files(certificate, key).map(Some);
    }
    if !config.tls_self_signed {
        return Ok(None);
    }
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    Tls::self_signed(names.into_iter().chain(config.allow_host.iter().cloned())).map(Some)
}

async fn bridge(config: &Config, address: SocketAddr) -> Result<Bridge, RunError> {
    let bridge = Bridge::new()
        .limits(Limits { max_calls: config.max_calls as usize, max_message_bytes: config.max_message_bytes })
        .deadlines(DeadlinePolicy { default: config.default_deadline, max: config.max_deadline })
        .page(page(config)?)
        .hosts(hosts(config, address))
        .allow_origins(config.allow_origin.iter().cloned());
    let bridge = upstreams(config, bridge)?;
    if config.serves_samples() { samples(config, bridge).await } else { Ok(bridge) }
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
    let options =
        PoolOptions { max_connections: config.upstream_connections as usize, ..PoolOptions::default() };
    let mut bridge =
        bridge.expose(config.expose.iter().cloned()).trusted_proxies(config.trusted_proxy.iter().copied());
    for upstream in &config.upstream {
        let mut upstream = upstream.clone().pool(options);
        if let Some(authorities) = &authorities {
            upstream = upstream.certificate_authorities(authorities)?;
        }
        bridge = bridge.upstream(upstream);
    }
    Ok(bridge)
}

/// Adds the sample services.
async fn samples(config: &Config, mut bridge: Bridge) -> Result<Bridge, RunError> {
    let directory = match &config.database {
        Some(path) => Directory::open(path)?,
        None => Directory::in_memory()?,
    };
    let users = match &config.user_service {
        Some(uri) => channel(uri),
        None => in_process(users(&directory, bridge.calls())?.into_router()),
    };
    let message = MessageServer::new(MessageService::default()).accept_compressed(CompressionEncoding::Gzip);
    let greeter = GreeterServer::new(GreeterService::new(directory.clone()))
        .accept_compressed(CompressionEncoding::Gzip);
    let frontend =
        FrontendServiceServer::new(FrontendService::new(users)).accept_compressed(CompressionEncoding::Gzip);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<MessageServer<MessageService>>().await;
    health.set_serving::<GreeterServer<GreeterService>>().await;
    health.set_serving::<FrontendServiceServer<FrontendService>>().await;
    health.set_serving::<UserServiceServer<UserService>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let bridge = bridge
        .serve(message)
        .serve(greeter)
        .serve(frontend)
        .serve(user_service(directory))
        .serve(health_service)
        .serve(reflection().build_v1()?)
        .serve(reflection().build_v1alpha()?)
        .descriptors(FILE_DESCRIPTOR_SET)?
        .descriptors(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
    Ok(bridge)
}

fn user_service(directory: Directory) -> UserServiceServer<UserService> {
    UserServiceServer::new(UserService::new(directory)).accept_compressed(CompressionEncoding::Gzip)
}

/// The user service as the frontend calls it: a bridge of its own, whose calls are listed with the others.
fn users(directory: &Directory, calls: Calls) -> Result<Bridge, RunError> {
    Ok(Bridge::new()
        .share_calls(calls)
        .serve(user_service(directory.clone()))
        .descriptors(FILE_DESCRIPTOR_SET)?)
}

/// A channel to another server, connected with the first call and again whenever the connection was lost.
fn channel(uri: &Uri) -> Channel {
    Endpoint::from(uri.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Some(KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .connect_lazy()
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
