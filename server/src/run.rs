//! Everything that the program does after it has read its command line and opened its listener.

use std::io;
use std::net::SocketAddr;

use drawbridge::{
    Bridge, Calls, CallsService, ConnectionOptions, ConsoleToken, DescriptorFiles, HostPolicy,
    ThreadListeners, Tls, Upstream, serve, serve_on_threads,
};
use drawbridge_calls_proto::calls_server::CallsServer;
use tokio::net::TcpListener;
use tonic::server::NamedService as _;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;

use crate::config::{Config, JsonArgs, OnOff, UpstreamArgs};
use crate::front::Front;
use crate::hints::Hints;
use crate::lifecycle::Lifecycle;
use crate::page::{IS_EMBEDDED, Page};
use crate::samples;
use crate::self_signed;
use crate::start_error::StartError;

/// Serves on `listener` as `config` says, until `shutdown` resolves. It does not open a listener or start logging: the
/// caller does both.
///
/// # Errors
///
/// Returns an error if something that the configuration names cannot be opened. No connection was accepted then.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartError> {
    Server::new(&config, listener.local_addr()?).await?.serve(listener, shutdown).await;
    Ok(())
}

/// A server that is ready to accept connections.
#[derive(Debug)]
pub struct Server {
    bridge: Bridge,
    lifecycle: Lifecycle,
    calls: Calls,
    options: ConnectionOptions,
    console_token: Option<ConsoleToken>,
}

impl Server {
    /// Opens everything that `config` names, for a listener at `address`. [`Server::serve`] cannot fail.
    ///
    /// # Errors
    ///
    /// Returns an error if something that the configuration names cannot be opened.
    pub async fn new(config: &Config, address: SocketAddr) -> Result<Self, StartError> {
        let shutdown = &config.shutdown;
        let options = config.calls.connection_options();
        let mut options = options.with_grace(shutdown.drain).with_drain_delay(shutdown.drain_delay);
        options.max_age = config.listening.max_connection_age;
        options.tls = tls(config, address)?;
        let (health, health_service) = tonic_health::server::health_reporter();
        let console_token =
            config.access.console_token_file.as_deref().map(ConsoleToken::from_file).transpose()?;
        let console = console_token.clone();
        let (mut bridge, healthy) = bridge(config, address, console, &health, health_service).await?;
        let calls = bridge.calls();
        Ok(Self {
            lifecycle: Lifecycle::new(calls.clone(), health, healthy),
            calls,
            bridge,
            options,
            console_token,
        })
    }

    /// Returns what says that the program is about to end.
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Returns the certificate for HTTPS, to reload it.
    pub fn tls(&self) -> Option<Tls> {
        self.options.tls.clone()
    }

    /// Returns the token of the console, to read it again.
    pub fn console_token(&self) -> Option<ConsoleToken> {
        self.console_token.clone()
    }

    /// Serves on the current runtime until `shutdown` resolves, as [`drawbridge::serve`] does.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let service = Front::new(self.bridge.into_service(), Hints::default(), self.lifecycle);
        serve(listener, service, self.calls, self.options, shutdown).await;
    }

    /// Serves on threads of their own until `shutdown` resolves, as [`drawbridge::serve_on_threads`] does.
    ///
    /// # Errors
    ///
    /// Returns an error if a thread cannot be started.
    pub async fn serve_on_threads(
        self,
        listeners: ThreadListeners,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let services = self.bridge.into_services(listeners.threads());
        let hints = Hints::default();
        let front = |service| Front::new(service, hints.clone(), self.lifecycle.clone());
        let services = services.into_iter().map(front).collect();
        serve_on_threads(listeners, services, self.calls, self.options, shutdown).await
    }
}

fn tls(config: &Config, address: SocketAddr) -> Result<Option<Tls>, StartError> {
    if let (Some(certificate), Some(key)) = (&config.tls.tls_cert, &config.tls.tls_key) {
        return Ok(Some(Tls::from_files(certificate, key)?));
    }
    if !config.tls.tls_self_signed {
        return Ok(None);
    }
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    let names = names.into_iter().chain(config.access.allow_host.iter().cloned());
    Ok(Some(self_signed::certificate(names)?))
}

/// Puts the bridge together, and returns it with the names that `health` reports as serving.
async fn bridge(
    config: &Config,
    address: SocketAddr,
    console_token: Option<ConsoleToken>,
    health: &HealthReporter,
    health_service: HealthServer<impl Health>,
) -> Result<(Bridge, Vec<&'static str>), StartError> {
    let bridge = Bridge::new()
        .limits(config.calls.limits())
        .deadlines(config.calls.deadlines())
        .hosts(hosts(config, address))
        .allow_origins(config.access.allow_origin.iter().cloned())
        .trusted_proxies(config.access.trusted_proxy.iter().copied())
        .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)?
        .descriptors(drawbridge_calls_proto::FILE_DESCRIPTOR_SET)?
        .fallback(page(config)?);
    let mut bridge = json(&config.json, upstreams(&config.upstreams, bridge)?)?;
    let has_console = config.has_console(address);
    if has_console {
        let mut console = CallsService::new(bridge.calls(), bridge.services(), hosts(config, address));
        if let Some(token) = console_token {
            console = console.with_token(token);
        }
        bridge = bridge.add_service(CallsServer::new(console));
    }
    let mut healthy = vec![""];
    // The bridge forwards checks of services that upstreams have.
    bridge = bridge.add_service(health_service).descriptors(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
    if has_console {
        healthy.push(CallsServer::<CallsService>::NAME);
    }
    if config.hosts_samples() {
        bridge = samples::host(bridge, &config.samples, has_console).await?;
        healthy.extend(samples::NAMES);
    }
    for name in &healthy {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
    Ok((bridge, healthy))
}

/// Adds the upstreams.
fn upstreams(args: &UpstreamArgs, mut bridge: Bridge) -> Result<Bridge, StartError> {
    bridge = bridge.expose(args.expose.iter().cloned()).allow_get(args.get.iter().cloned());
    for rule in &args.retry {
        bridge = bridge.retry(rule.clone());
    }
    let read = |file: &std::path::PathBuf| {
        std::fs::read(file).map_err(|source| StartError::UpstreamAuthorities { file: file.clone(), source })
    };
    let authorities = args.upstream_ca.as_ref().map(read).transpose()?;
    for upstream in &args.upstream {
        let upstream: Upstream = upstream.clone().pool(args.pool_options());
        bridge = bridge.upstream(match &authorities {
            Some(authorities) => upstream.certificate_authorities(authorities)?,
            None => upstream.system_authorities()?,
        });
    }
    Ok(bridge)
}

/// Takes calls with JSON.
fn json(args: &JsonArgs, mut bridge: Bridge) -> Result<Bridge, StartError> {
    if !args.descriptors.is_empty() {
        bridge = bridge.descriptor_files(DescriptorFiles::open(args.descriptors.iter().cloned())?);
    }
    Ok(match args.json {
        OnOff::On => bridge.json(args.json_services.iter().cloned()),
        OnOff::Off => bridge,
    })
}

fn page(config: &Config) -> Result<Page, StartError> {
    if let Some(folder) = &config.samples.assets {
        return Page::from_folder(folder)
            .map_err(|source| StartError::Assets { folder: folder.clone(), source });
    }
    if !IS_EMBEDDED {
        tracing::warn!(
            "this build has no page: `cargo xtask run` builds it, and --assets FOLDER serves one from disk"
        );
    }
    Ok(Page::embedded())
}

/// Returns the host names that requests may be sent to: on a loopback address, names of this machine only.
fn hosts(config: &Config, address: SocketAddr) -> HostPolicy {
    if address.ip().is_loopback() {
        HostPolicy::Loopback { also: config.access.allow_host.clone() }
    } else {
        HostPolicy::Any
    }
}
