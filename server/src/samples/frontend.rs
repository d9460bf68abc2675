//! A service that calls another service.

use std::time::Duration;

use drawbridge::{Propagation, PropagationLayer, Retry, RetryLayer, RetryPolicy, Throttle};
use drawbridge_proto::frontend::frontend_service_server::FrontendService as Contract;
use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::user::user_service_client::UserServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tower::ServiceBuilder;

use super::fail_first::fail_first;
use super::granted::granted_ms;

/// The backoff before the second attempt, and the longest backoff.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The `frontend.FrontendService` service. It calls `user.UserService` through a channel with the
/// [`PropagationLayer`] and the [`RetryLayer`], which handle deadlines, cancellation and retries.
#[derive(Clone, Debug)]
pub struct FrontendService {
    users: UserServiceClient<Retry<Propagation<Channel>>>,
}

impl FrontendService {
    /// Creates the service, with a channel to the user service.
    pub fn new(users: Channel) -> Self {
        let policy = RetryPolicy::new(4, [Code::Unavailable]).with_backoff(INITIAL_BACKOFF, 2.0, MAX_BACKOFF);
        let users = ServiceBuilder::new()
            .layer(RetryLayer::new(policy).with_throttle(lenient_throttle()))
            .layer(PropagationLayer::new())
            .service(users);
        Self { users: UserServiceClient::new(users) }
    }
}

/// Returns a throttle that takes long to stop retries: failures of the samples are requested by their callers.
fn lenient_throttle() -> Throttle {
    Throttle::new(1_000, 1.0)
}

#[tonic::async_trait]
impl Contract for FrontendService {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let (metadata, _, GetUserRequest { user, child_timeout_ms, fail }) = request.into_parts();
        fail_first(&metadata, fail)?;
        let mut child = Request::new(user.unwrap_or_default());
        // The deadline of this call still applies; the child gets the shorter one.
        if let Some(timeout) = child_timeout_ms {
            child.set_timeout(Duration::from_millis(timeout.into()));
        }
        let user = self.users.clone().get_user(child).await?.into_inner();
        Ok(Response::new(GetUserResponse { user: Some(user), granted_ms: granted_ms() }))
    }
}
