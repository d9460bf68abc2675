//! The sample services, as the program hosts them.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge_calls_proto::calls_server::CallsServer;
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::message_server::MessageServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use http::Uri;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use super::RunError;
use crate::config::Config;
use crate::directory::Directory;
use crate::samples::{FrontendService, GreeterService, MessageService, UserService};
use drawbridge::Bridge;
use drawbridge::Calls;
use drawbridge::CallsService;
use drawbridge::in_process;

/// For how long a connection to another service may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how long a silent connection to another service is tried.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Hosts the sample services on a bridge.
pub(super) async fn host(
    config: &Config,
    address: SocketAddr,
    mut bridge: Bridge,
) -> Result<Bridge, RunError> {
    let directory = match &config.database {
        Some(path) => Directory::open(path)?,
        None => Directory::in_memory()?,
    };
    let users = match &config.user_service {
        Some(uri) => channel(uri),
        None => in_process(users(&directory, bridge.calls())?.into_service()),
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
    let descriptors = descriptors(address)?;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_file_descriptor_set(descriptors.clone())
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    if address.ip().is_loopback() {
        health.set_serving::<CallsServer<CallsService>>().await;
    }
    let bridge = bridge
        .add_service(message)
        .add_service(greeter)
        .add_service(frontend)
        .add_service(user_service(directory))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .descriptors(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
    Ok(bridge)
}

/// The contracts that are served on this address: who may end any call is for this machine to know.
fn descriptors(address: SocketAddr) -> Result<FileDescriptorSet, prost::DecodeError> {
    let mut descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)?;
    if address.ip().is_loopback() {
        descriptors.file.extend(FileDescriptorSet::decode(drawbridge_calls_proto::FILE_DESCRIPTOR_SET)?.file);
    }
    Ok(descriptors)
}

fn user_service(directory: Directory) -> UserServiceServer<UserService> {
    UserServiceServer::new(UserService::new(directory)).accept_compressed(CompressionEncoding::Gzip)
}

/// The user service as the frontend calls it: a bridge of its own, whose calls are listed with the others.
fn users(directory: &Directory, calls: Calls) -> Result<Bridge, RunError> {
    Ok(Bridge::new()
        .share_calls(calls)
        .add_service(user_service(directory.clone()))
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
