//! A service that has its answers from another.

use std::time::Duration;

use drawbridge_proto::frontend::frontend_service_server::FrontendService as Contract;
use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::user::user_service_client::UserServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::fail_first::fail_first;
use super::granted_ms;
use crate::child::{Propagate, PropagationLayer};

/// The `frontend.FrontendService` service. It calls `user.UserService` through a channel with the
/// [`PropagationLayer`], and so has no word about deadlines and cancellation.
#[derive(Clone, Debug)]
pub struct FrontendService {
    users: UserServiceClient<Propagate<Channel>>,
}

impl FrontendService {
    /// Creates the service, with a channel to the user service.
    pub fn new(users: Channel) -> Self {
        let propagating = tower::ServiceBuilder::new().layer(PropagationLayer::new()).service(users);
        Self { users: UserServiceClient::new(propagating) }
    }
}

#[tonic::async_trait]
impl Contract for FrontendService {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let (metadata, _, GetUserRequest { user, child_timeout_ms, fail }) = request.into_parts();
        fail_first(&metadata, fail)?;
        let mut child = Request::new(user.unwrap_or_default());
        // Whoever tries this may give the child less time than there is.
        if let Some(timeout) = child_timeout_ms {
            child.set_timeout(Duration::from_millis(timeout.into()));
        }
        let user = self.users.clone().get_user(child).await?.into_inner();
        Ok(Response::new(GetUserResponse { user: Some(user), granted_ms: granted_ms() }))
    }
}
