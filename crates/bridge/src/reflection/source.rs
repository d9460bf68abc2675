//! What can be asked for descriptors.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::service::Service as HyperService;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tower::{BoxError, Layer as _, Service as _, service_fn};

use super::protocol::{V1_PATH, V1ALPHA_PATH};
use crate::call::{CallContext, now};
use crate::client::PropagationLayer;
use crate::hosted_services::HostedServices;
use crate::upstream::{Pool, PoolChannel};

/// How long one source may take to answer, or half of the caller's remaining time if that is less: others are asked too.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest response that is accepted, in bytes: a file with all that it imports.
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// What can be asked for descriptors: the hosted services, or the servers of a pool.
#[derive(Debug)]
pub(super) struct Source {
    server: Server,
    /// Whether it last answered under the protocol's old name.
    is_v1alpha: AtomicBool,
}

#[derive(Clone, Debug)]
enum Server {
    Hosted(HostedServices),
    Upstream(Arc<Pool>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Server::Hosted(_) => f.write_str("this server"),
            Server::Upstream(pool) => pool.fmt(f),
        }
    }
}

impl Source {
    pub(super) fn hosted(services: HostedServices) -> Self {
        Self { server: Server::Hosted(services), is_v1alpha: AtomicBool::new(false) }
    }

    pub(super) fn upstream(pool: &Arc<Pool>) -> Self {
        Self { server: Server::Upstream(Arc::clone(pool)), is_v1alpha: AtomicBool::new(false) }
    }

    /// Returns the pool of an upstream, or `None` for what is hosted.
    pub(super) fn pool(&self) -> Option<&Arc<Pool>> {
        match &self.server {
            Server::Hosted(_) => None,
            Server::Upstream(pool) => Some(pool),
        }
    }

    /// Sends a request under the protocol's name that worked last, and under the other name if that is not implemented.
    ///
    /// # Errors
    ///
    /// Returns the status of the call, or the one in its response.
    pub(super) async fn ask(
        &self,
        request: &ServerReflectionRequest,
        metadata: &MetadataMap,
    ) -> Result<MessageResponse, Status> {
        let is_v1alpha = self.is_v1alpha.load(Ordering::Relaxed);
        let result = self.ask_as(is_v1alpha, request, metadata).await;
        if !result.as_ref().is_err_and(|status| status.code() == Code::Unimplemented) {
            return result;
        }
        let other = self.ask_as(!is_v1alpha, request, metadata).await;
        if other.is_ok() {
            self.is_v1alpha.store(!is_v1alpha, Ordering::Relaxed);
        }
        other
    }

    async fn ask_as(
        &self,
        is_v1alpha: bool,
        message: &ServerReflectionRequest,
        metadata: &MetadataMap,
    ) -> Result<MessageResponse, Status> {
        let mut request = tonic::Request::new(message.clone());
        *request.metadata_mut() = metadata.clone();
        request.set_timeout(timeout());
        let path = if is_v1alpha { V1ALPHA_PATH } else { V1_PATH };
        let codec = ProstCodec::<ServerReflectionRequest, ServerReflectionResponse>::default();
        let channel = service_fn(|request| self.server.clone().call(request));
        let mut client = Grpc::new(channel).max_decoding_message_size(MAX_RESPONSE_BYTES);
        let responses = client.server_streaming(request, path, codec).await?.into_inner();
        match first(responses).await?.message_response {
            Some(MessageResponse::ErrorResponse(error)) => {
                Err(Status::new(Code::from_i32(error.error_code), error.error_message))
            }
            Some(response) => Ok(response),
            None => Err(Status::internal("the response has no message_response")),
        }
    }
}

/// Returns the one response to the one request, once its stream has ended: a stream that is reset counts against the
/// connection's budget of resets.
async fn first(
    mut responses: Streaming<ServerReflectionResponse>,
) -> Result<ServerReflectionResponse, Status> {
    let mut first = None;
    loop {
        match (responses.message().await, first) {
            (Ok(Some(response)), None) => first = Some(response),
            (Ok(Some(_)), known) => first = known,
            (Ok(None) | Err(_), Some(response)) => return Ok(response),
            (Ok(None), None) => return Err(Status::internal("there is no response")),
            (Err(status), None) => return Err(status),
        }
    }
}

fn timeout() -> Duration {
    let deadline = CallContext::current().and_then(|call| call.deadline());
    deadline.map_or(TIMEOUT, |deadline| TIMEOUT.min(deadline.remaining(now()).duration() / 2))
}

impl Server {
    async fn call(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        match self {
            Self::Hosted(services) => {
                let Ok(response) = HyperService::call(&services, request).await;
                Ok(response)
            }
            // A child of the reflection call: it has its deadline, and ends with it.
            Self::Upstream(pool) => {
                PropagationLayer::new().layer(PoolChannel::new(&pool)).call(request).await
            }
        }
    }
}
