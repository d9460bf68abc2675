//! The reflection service, under the names that are exposed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tower::service_fn;

use super::descriptors;
use super::protocol::{METHOD, NAMES};
use super::session::Session;
use super::source::Source;
use super::sources::Sources;
use crate::hosted_services::HostedServices;
use crate::upstream::{Routes, TrustedProxies, metadata};

/// The reflection of a bridge.
#[derive(Clone, Debug)]
pub(crate) struct Reflection {
    /// The names under which it is exposed.
    names: Vec<&'static str>,
    sources: Arc<Sources>,
    proxies: TrustedProxies,
}

type Responses = BoxStream<'static, Result<ServerReflectionResponse, Status>>;

impl Reflection {
    /// Returns the reflection of a bridge that hosts and forwards these services. `descriptor_sets` describe hosted services.
    ///
    /// Returns `None` if reflection is not exposed, or if an upstream is configured for it.
    pub(crate) fn new(
        services: &HostedServices,
        descriptor_sets: &[Vec<u8>],
        routes: &Routes,
        proxies: &TrustedProxies,
    ) -> Option<Self> {
        let names: Vec<_> = NAMES.into_iter().filter(|name| routes.exposes(name)).collect();
        if names.is_empty() {
            return None;
        }
        let mut hosted: BTreeSet<_> = services.names().collect();
        // A hosted reflection service may know more than the descriptor sets.
        let has_own = NAMES.iter().any(|name| hosted.contains(name));
        hosted.extend(&names);
        let protocols = [
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let sets = descriptor_sets.iter().map(Vec::as_slice).chain(protocols);
        let described = descriptors::reflection(sets, &hosted)
            .inspect_err(|error| tracing::warn!(%error, "cannot use the descriptors of hosted services"));
        let local = described.ok().into_iter().chain(has_own.then(|| services.clone()));
        let all = local.map(Source::hosted).chain(routes.pools().map(Source::upstream)).collect();
        let sources = Arc::new(Sources::new(hosted, routes.clone(), all));
        Some(Self { names, sources, proxies: proxies.clone() })
    }

    /// Hosts the service, and replaces what was hosted under its names.
    pub(crate) fn host(self, hosted: &mut HostedServices) {
        for name in &self.names {
            let reflection = self.clone();
            hosted.add(name, service_fn(move |request| reflection.clone().respond(request)));
        }
    }

    async fn respond(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        if request.uri().path().rsplit('/').next() != Some(METHOD) {
            return Ok(Status::unimplemented("reflection has no such method").into_http());
        }
        let metadata = metadata(&request, &self.proxies);
        let service = service_fn(|requests: tonic::Request<Streaming<ServerReflectionRequest>>| {
            let session = Session::new(Arc::clone(&self.sources), metadata.clone());
            ready(Ok(tonic::Response::new(responses(session, requests.into_inner()))))
        });
        Ok(Grpc::new(ProstCodec::default()).streaming(service, request).await)
    }
}

/// Answers one request after the other.
fn responses(session: Session, requests: Streaming<ServerReflectionRequest>) -> Responses {
    stream::try_unfold((session, requests), |(mut session, mut requests)| async move {
        let Some(request) = requests.message().await? else { return Ok(None) };
        let response = session.answer(request).await;
        Ok(Some((response, (session, requests))))
    })
    .boxed()
}
