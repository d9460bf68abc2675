//! Hosts the sample services on a bridge.

use std::time::Duration;

use drawbridge::{Bridge, Calls, DescriptorError, in_process};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::message_server::MessageServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use http::Uri;
use tonic::codec::CompressionEncoding;
use tonic::server::NamedService as _;
use tonic::transport::{Channel, Endpoint};
use tonic_reflection::server::Builder;

use super::frontend::FrontendService;
use super::greeter::GreeterService;
use super::message::MessageService;
use super::user::UserService;
use crate::config::SampleArgs;
use crate::directory::{Directory, OpenError};

/// How long it may take to connect to another server's user service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the connection to another server's user service may be silent before it is probed.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// The names of the sample services.
pub(crate) const NAMES: [&str; 4] = [
    MessageServer::<MessageService>::NAME,
    GreeterServer::<GreeterService>::NAME,
    FrontendServiceServer::<FrontendService>::NAME,
    UserServiceServer::<UserService>::NAME,
];

/// Why the sample services cannot be hosted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The user directory cannot be opened.
    #[error("{0}; name another file with --database")]
    Directory(#[from] OpenError),
    /// The descriptors of the services, which are compiled in, cannot be decoded.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// The reflection service cannot be made from the descriptors.
    #[error("cannot make the reflection service: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Adds the sample services and reflection to a bridge. `has_console` says whether the bridge hosts the console,
/// which reflection then lists too.
pub(crate) async fn host(
    mut bridge: Bridge,
    args: &SampleArgs,
    has_console: bool,
) -> Result<Bridge, HostError> {
    let directory = match &args.database {
        Some(path) => Directory::open(path)?,
        None => Directory::in_memory()?,
    };
    let users = match &args.user_service {
        Some(url) => connect(url),
        None => in_process(internal_users(&directory, bridge.calls())?.into_service()),
    };
    let message = MessageServer::new(MessageService::default()).accept_compressed(CompressionEncoding::Gzip);
    let greeter = GreeterServer::new(GreeterService::new(directory.clone()))
        .accept_compressed(CompressionEncoding::Gzip);
    let frontend =
        FrontendServiceServer::new(FrontendService::new(users)).accept_compressed(CompressionEncoding::Gzip);
    Ok(bridge
        .add_service(message)
        .add_service(greeter)
        .add_service(frontend)
        .add_service(user_service(directory))
        .add_service(reflection(has_console).build_v1()?)
        .add_service(reflection(has_console).build_v1alpha()?))
}

fn reflection(has_console: bool) -> Builder<'static> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    if has_console {
        builder.register_encoded_file_descriptor_set(drawbridge_calls_proto::FILE_DESCRIPTOR_SET)
    } else {
        builder
    }
}

fn user_service(directory: Directory) -> UserServiceServer<UserService> {
    UserServiceServer::new(UserService::new(directory)).accept_compressed(CompressionEncoding::Gzip)
}

/// Returns the user service that the frontend calls in memory: a bridge of its own, whose calls are listed with the others.
fn internal_users(directory: &Directory, calls: Calls) -> Result<Bridge, DescriptorError> {
    Bridge::new()
        .share_calls(calls)
        .add_service(user_service(directory.clone()))
        .descriptors(FILE_DESCRIPTOR_SET)
}

/// Returns a channel to another server. It connects with the first call, and again after the connection is lost.
fn connect(url: &Uri) -> Channel {
    Endpoint::from(url.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Some(KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .connect_lazy()
}
