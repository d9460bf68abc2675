//! One who can be asked for descriptors.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::uri::PathAndQuery;
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

use crate::call::{CallContext, now};
use crate::client::PropagationLayer;
use crate::hosted_services::HostedServices;
use crate::upstream::{Pool, PoolChannel};

/// The two names of the one protocol, as paths. Older servers know the second one only.
const V1: PathAndQuery =
    PathAndQuery::from_static("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
const V1ALPHA: PathAndQuery =
    PathAndQuery::from_static("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");

/// For how long one of them may take to answer. Half of what the caller has left, if that is less: the others are to
/// be asked too.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is taken, in bytes: a file with all that it imports.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One who can be asked: what is hosted here, or the servers of a pool.
#[derive(Debug)]
pub(super) struct Source {
    way: Way,
    /// Whether it answered under the old name last.
    is_alpha: AtomicBool,
}

#[derive(Clone, Debug)]
enum Way {
    Hosted(HostedServices),
    Forwarded(Arc<Pool>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Hosted(_) => f.write_str("this server"),
            Way::Forwarded(pool) => pool.fmt(f),
        }
    }
}

impl Source {
    pub(super) fn hosted(services: HostedServices) -> Self {
        Self { way: Way::Hosted(services), is_alpha: AtomicBool::new(false) }
    }

    pub(super) fn forwarded(pool: &Arc<Pool>) -> Self {
        Self { way: Way::Forwarded(Arc::clone(pool)), is_alpha: AtomicBool::new(false) }
    }

    /// Returns the pool that it is, or `None` for what is hosted here.
    pub(super) fn pool(&self) -> Option<&Arc<Pool>> {
        match &self.way {
            Way::Hosted(_) => None,
            Way::Forwarded(pool) => Some(pool),
        }
    }

    /// Asks a question, under the name that was right before, and under the other one where that is not implemented.
    ///
    /// # Errors
    ///
    /// Returns the status with which it was answered, as an answer or instead of one.
    pub(super) async fn ask(
        &self,
        question: &ServerReflectionRequest,
        metadata: &MetadataMap,
    ) -> Result<MessageResponse, Status> {
        let is_alpha = self.is_alpha.load(Ordering::Relaxed);
        let answer = self.ask_as(is_alpha, question, metadata).await;
        if !answer.as_ref().is_err_and(|status| status.code() == Code::Unimplemented) {
            return answer;
        }
        let other = self.ask_as(!is_alpha, question, metadata).await;
        if other.is_ok() {
            self.is_alpha.store(!is_alpha, Ordering::Relaxed);
        }
        other
    }

    async fn ask_as(
        &self,
        is_alpha: bool,
        question: &ServerReflectionRequest,
        metadata: &MetadataMap,
    ) -> Result<MessageResponse, Status> {
        let mut request = tonic::Request::new(question.clone());
        *request.metadata_mut() = metadata.clone();
        request.set_timeout(patience());
        let path = if is_alpha { V1ALPHA } else { V1 };
        let codec = ProstCodec::<ServerReflectionRequest, ServerReflectionResponse>::default();
        let way = service_fn(|request| self.way.clone().call(request));
        let mut client = Grpc::new(way).max_decoding_message_size(MOST_BYTES);
        let answers = client.server_streaming(request, path, codec).await?.into_inner();
        match first(answers).await?.message_response {
            Some(MessageResponse::ErrorResponse(error)) => {
                Err(Status::new(Code::from_i32(error.error_code), error.error_message))
            }
            Some(answer) => Ok(answer),
            None => Err(Status::internal("the answer says nothing")),
        }
    }
}

/// Returns the one answer to the one question, when its stream has ended: one that is left counts as one too many with
/// an upstream.
async fn first(mut answers: Streaming<ServerReflectionResponse>) -> Result<ServerReflectionResponse, Status> {
    let mut first = None;
    loop {
        match (answers.message().await, first) {
            (Ok(Some(answer)), None) => first = Some(answer),
            (Ok(Some(_)), known) => first = known,
            (Ok(None) | Err(_), Some(answer)) => return Ok(answer),
            (Ok(None), None) => return Err(Status::internal("there is no answer")),
            (Err(status), None) => return Err(status),
        }
    }
}

fn patience() -> Duration {
    let deadline = CallContext::current().and_then(|call| call.deadline());
    deadline.map_or(PATIENCE, |deadline| PATIENCE.min(deadline.remaining(now()).duration() / 2))
}

impl Way {
    async fn call(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        match self {
            Self::Hosted(services) => {
                let Ok(answer) = HyperService::call(&services, request).await;
                Ok(answer)
            }
            // A child of the call that asks: it has its deadline, and ends with it.
            Self::Forwarded(pool) => {
                PropagationLayer::new().layer(PoolChannel::new(&pool)).call(request).await
            }
        }
    }
}
