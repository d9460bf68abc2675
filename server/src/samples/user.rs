//! Looks up users in the user directory.

use std::time::Duration;

use drawbridge_proto::user::user_service_server::UserService as Contract;
use drawbridge_proto::user::{UserRequest, UserResponse};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::fail_first::fail_first;
use super::granted::granted_ms;
use super::status::status_of;
use crate::directory::Directory;

/// The longest lookup that a caller may request, in milliseconds.
const MAX_LOOKUP_MS: u32 = 60_000;

/// The `user.UserService` service, over a user directory.
#[derive(Clone, Debug)]
pub struct UserService {
    directory: Directory,
}

impl UserService {
    /// Creates the service.
    pub const fn new(directory: Directory) -> Self {
        Self { directory }
    }
}

#[tonic::async_trait]
impl Contract for UserService {
    async fn get_user(&self, request: Request<UserRequest>) -> Result<Response<UserResponse>, Status> {
        let (metadata, _, UserRequest { name, lookup_ms, fail }) = request.into_parts();
        fail_first(&metadata, fail)?;
        if lookup_ms > MAX_LOOKUP_MS {
            let message = format!("lookup_ms is {lookup_ms}: expected at most {MAX_LOOKUP_MS}");
            let details = ErrorDetails::with_bad_request_violation("lookup_ms", &message);
            return Err(Status::with_error_details(Code::InvalidArgument, message, details));
        }
        let min_duration = Duration::from_millis(lookup_ms.into());
        let user = self.directory.lookup_slowly(&name, min_duration).await.map_err(status_of)?;
        let user = user.ok_or_else(|| {
            let details =
                ErrorDetails::with_resource_info("user", &name, "", "the user directory has no such name");
            Status::with_error_details(Code::NotFound, format!("no user is called {name:?}"), details)
        })?;
        Ok(Response::new(UserResponse {
            name: user.name,
            display_name: user.display_name,
            granted_ms: granted_ms(),
        }))
    }
}
