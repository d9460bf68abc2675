//! The services that a bridge hosts.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use futures_util::future::ready;
use hashbrown::HashMap;
use http::{Request, Response};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use crate::service::{GrpcService, ResponseFuture, SharedService};

/// Dispatches each call to the hosted service that its path names. A call to any other service is UNIMPLEMENTED.
///
/// A URL router would match patterns and record what it matched, at a higher cost: a gRPC path names its service
/// literally.
#[derive(Clone, Default)]
pub(crate) struct HostedServices(Arc<HashMap<&'static str, SharedService>>);

impl HostedServices {
    /// Adds a service, and replaces any other of its name.
    pub(crate) fn add(&mut self, name: &'static str, service: impl GrpcService) {
        Arc::make_mut(&mut self.0).insert(name, SharedService::from_tower(service));
    }

    /// Tells whether a service is hosted.
    pub(crate) fn contains(&self, service: &str) -> bool {
        self.0.contains_key(service)
    }

    /// Returns the names of the services.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl fmt::Debug for HostedServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Service<Request<Body>> for HostedServices {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let path_of_call = path.strip_prefix('/').unwrap_or_default();
        // Byte by byte: the search of `str` costs more than it saves in a name this short.
        let end = path_of_call.bytes().position(|byte| byte == b'/').unwrap_or(path_of_call.len());
        let service = &path_of_call[..end];
        match self.0.get(service) {
            Some(service) => service.call(request),
            None => Box::pin(ready(Ok(unknown(path).into_http()))),
        }
    }
}

fn unknown(path: &str) -> Status {
    Status::unimplemented(format!("no service is known at {path:?}"))
}
