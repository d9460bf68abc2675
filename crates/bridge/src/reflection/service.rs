//! The service, under the names that are exposed.

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
use super::session::{Known, Session};
use super::source::Source;
use crate::hosted_services::HostedServices;
use crate::upstream::{Routes as Upstreams, TrustedProxies, metadata};

/// The names of the one protocol.
pub(super) const V1: &str = "grpc.reflection.v1.ServerReflection";
const NAMES: [&str; 2] = [V1, "grpc.reflection.v1alpha.ServerReflection"];

/// Reflection for all that a bridge answers for.
#[derive(Clone, Debug)]
pub(crate) struct Reflection {
    /// Under which names.
    names: Vec<&'static str>,
    known: Arc<Known>,
    proxies: TrustedProxies,
}

type Answers = BoxStream<'static, Result<ServerReflectionResponse, Status>>;

impl Reflection {
    /// Returns the reflection of a bridge that hosts these services and forwards to these upstreams, or `None` where it
    /// is not exposed, or has an upstream of its own. `sets` are encoded descriptors of hosted services.
    pub(crate) fn new(
        services: &HostedServices,
        sets: &[Vec<u8>],
        upstreams: &Upstreams,
        proxies: &TrustedProxies,
    ) -> Option<Self> {
        let names: Vec<_> = NAMES.into_iter().filter(|name| upstreams.exposes(name)).collect();
        if names.is_empty() {
            return None;
        }
        let mut hosted: BTreeSet<_> = services.names().collect();
        // Whoever hosts reflection may know more than the descriptors that were told.
        let has_own = NAMES.iter().any(|name| hosted.contains(name));
        hosted.extend(&names);
        let protocols = [
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let sets = sets.iter().map(Vec::as_slice).chain(protocols);
        let told = descriptors::reflection(sets, &hosted)
            .inspect_err(|error| tracing::warn!(%error, "the descriptors of hosted services cannot be used"));
        let hosts = told.ok().into_iter().chain(has_own.then(|| services.clone()));
        let sources = hosts.map(Source::hosted).chain(upstreams.pools().map(Source::forwarded)).collect();
        let known = Arc::new(Known { hosted, routes: upstreams.clone(), sources });
        Some(Self { names, known, proxies: proxies.clone() })
    }

    /// Hosts it, in the place of what was hosted under its names.
    pub(crate) fn host(self, hosted: &mut HostedServices) {
        for name in &self.names {
            let reflection = self.clone();
            hosted.add(name, service_fn(move |request| reflection.clone().answer(request)));
        }
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        if !request.uri().path().ends_with("/ServerReflectionInfo") {
            return Ok(Status::unimplemented("reflection has no such method").into_http());
        }
        let metadata = metadata(&request, &self.proxies);
        let answers = service_fn(|questions: tonic::Request<Streaming<ServerReflectionRequest>>| {
            let session = Session::new(Arc::clone(&self.known), metadata.clone());
            ready(Ok(tonic::Response::new(answers(session, questions.into_inner()))))
        });
        Ok(Grpc::new(ProstCodec::default()).streaming(answers, request).await)
    }
}

/// Answers one question after the other.
fn answers(session: Session, questions: Streaming<ServerReflectionRequest>) -> Answers {
    stream::try_unfold((session, questions), |(mut session, mut questions)| async move {
        let Some(question) = questions.message().await? else { return Ok(None) };
        let answer = session.answer(question).await;
        Ok(Some((answer, (session, questions))))
    })
    .boxed()
}
