//! The user directory as a service of its own.

use std::time::Duration;

use drawbridge_proto::user::user_service_server::UserService as Contract;
use drawbridge_proto::user::{UserRequest, UserResponse};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::fail_first::fail_first;
use super::{granted_ms, status_of};
use crate::directory::Directory;

/// The longest lookup that a caller may ask for, in milliseconds.
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
            let words = format!("lookup_ms of {lookup_ms}: at most {MAX_LOOKUP_MS} are taken");
            let details = ErrorDetails::with_bad_request_violation("lookup_ms", &words);
            return Err(Status::with_error_details(Code::InvalidArgument, words, details));
        }
        let at_least = Duration::from_millis(lookup_ms.into());
        let user = self.directory.lookup_for(&name, at_least).await.map_err(status_of)?;
        let user = user.ok_or_else(|| {
            let details =
                ErrorDetails::with_resource_info("user", &name, "", "the directory has no such name");
            Status::with_error_details(Code::NotFound, format!("no user is called {name:?}"), details)
        })?;
        Ok(Response::new(UserResponse {
            name: user.name,
            display_name: user.display_name,
            granted_ms: granted_ms(),
        }))
    }
}
