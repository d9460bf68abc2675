//! One stream of questions.

use std::collections::BTreeSet;
use std::sync::Arc;

use drawbridge_core::code_name;
use futures_util::future::join_all;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, ListServiceResponse, ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
};

use super::source::Source;
use crate::upstream::{Route, Routes};
use drawbridge_core::path::is_name;

/// What proves who a caller is.
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// All that can be asked, and who has which calls.
#[derive(Debug)]
pub(super) struct Known {
    /// The services that are hosted here.
    pub(super) hosted: BTreeSet<&'static str>,
    pub(super) routes: Routes,
    /// What is hosted first, and then the upstreams.
    pub(super) sources: Vec<Source>,
}

/// One stream of questions.
pub(super) struct Session {
    known: Arc<Known>,
    /// What goes along to the upstream that a question is about, or to the only one.
    metadata: MetadataMap,
    /// What goes along to all others: a caller's credentials are for the server that it means.
    without_credentials: MetadataMap,
    /// Who answered last. Two upstreams may have files of the same name, and who has asked one of them for a file means
    /// its imports next.
    last: Option<usize>,
}

impl Session {
    pub(super) fn new(known: Arc<Known>, metadata: MetadataMap) -> Self {
        let mut without_credentials = metadata.clone();
        for name in CREDENTIALS {
            without_credentials.remove(name);
        }
        Self { known, metadata, without_credentials, last: None }
    }

    fn metadata(&self, source: usize, home: Home) -> &MetadataMap {
        let upstreams = self.known.sources.iter().filter(|source| source.pool().is_some());
        if home == Home::Upstream(source) || upstreams.count() == 1 {
            &self.metadata
        } else {
            &self.without_credentials
        }
    }

    /// Answers a question. What nobody knows is an answer too.
    pub(super) async fn answer(&mut self, question: ServerReflectionRequest) -> ServerReflectionResponse {
        use MessageRequest::{
            AllExtensionNumbersOfType, FileByFilename, FileContainingExtension, FileContainingSymbol,
            ListServices,
        };
        let answer = match &question.message_request {
            Some(ListServices(_)) => Ok(self.list(&question).await),
            Some(FileByFilename(_)) => self.ask(&question, Home::Unknown).await,
            Some(FileContainingSymbol(symbol) | AllExtensionNumbersOfType(symbol)) => {
                self.ask(&question, self.known.home(symbol)).await
            }
            Some(FileContainingExtension(extension)) => {
                self.ask(&question, self.known.home(&extension.containing_type)).await
            }
            None => Err(Status::invalid_argument("the request asks nothing")),
        };
        let answer = answer.unwrap_or_else(|status| {
            MessageResponse::ErrorResponse(ErrorResponse {
                error_code: status.code() as i32,
                error_message: status.message().to_owned(),
            })
        });
        ServerReflectionResponse {
            valid_host: question.host.clone(),
            original_request: Some(question),
            message_response: Some(answer),
        }
    }

    /// Lists what is hosted and what would be forwarded. An upstream that does not tell is left out.
    async fn list(&self, question: &ServerReflectionRequest) -> MessageResponse {
        let Known { hosted, sources, .. } = &*self.known;
        let mut names: BTreeSet<String> = hosted.iter().map(|name| (*name).to_owned()).collect();
        let upstreams = sources.iter().enumerate().filter(|(_, source)| source.pool().is_some());
        let asked = upstreams.map(|(index, source)| async move {
            (index, source, source.ask(question, self.metadata(index, Home::Unknown)).await)
        });
        for (index, source, answer) in join_all(asked).await {
            match answer {
                Ok(MessageResponse::ListServicesResponse(list)) => {
                    let listed = list.service.into_iter().map(|service| service.name);
                    names.extend(listed.filter(|name| self.known.is_forwarded(name, index)));
                }
                Ok(_) => tracing::warn!(upstream = %source, "an upstream lists no services"),
                Err(status) => tracing::warn!(
                    upstream = %source,
                    code = code_name(status.code()),
                    words = status.message(),
                    "an upstream lists no services"
                ),
            }
        }
        let service = names.into_iter().map(|name| ServiceResponse { name }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    /// Asks one after the other until one knows.
    async fn ask(
        &mut self,
        question: &ServerReflectionRequest,
        home: Home,
    ) -> Result<MessageResponse, Status> {
        let known = Arc::clone(&self.known);
        let (mut nothing, mut failed) = (None, None);
        for index in known.order(home, self.last) {
            let source = &known.sources[index];
            match source.ask(question, self.metadata(index, home)).await {
                // Somebody else may have some.
                Ok(MessageResponse::AllExtensionNumbersResponse(numbers))
                    if numbers.extension_number.is_empty() =>
                {
                    nothing.get_or_insert(MessageResponse::AllExtensionNumbersResponse(numbers));
                }
                Ok(answer) => {
                    self.last = Some(index);
                    return Ok(answer);
                }
                Err(status) => {
                    tracing::debug!(asked = %source, %status, "no answer about a descriptor");
                    let knows_not = matches!(status.code(), Code::NotFound | Code::Unimplemented);
                    // Whoever has it and does not answer is no reason to say that there is nothing.
                    if !knows_not && [Home::Unknown, Home::Upstream(index)].contains(&home) {
                        failed.get_or_insert(status);
                    }
                }
            }
        }
        nothing.ok_or_else(|| failed.unwrap_or_else(|| Status::not_found("no server here knows it")))
    }
}

/// Where a symbol belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    HostedServices,
    Upstream(usize),
    /// Its service is closed: no upstream is asked.
    Closed,
    Unknown,
}

impl Known {
    /// Tells whether a call to the service would go to this source.
    fn is_forwarded(&self, service: &str, index: usize) -> bool {
        is_name(service)
            && !self.hosted.contains(service)
            && self.routes.find(service).is_some_and(|route| self.upstream(&route) == Some(index))
    }

    fn upstream(&self, route: &Route) -> Option<usize> {
        let Route::To(pool) = route else { return None };
        self.sources.iter().position(|source| source.pool().is_some_and(|other| Arc::ptr_eq(other, pool)))
    }

    /// Returns where a symbol belongs: a service, something in one, or anything in the package of one.
    fn home(&self, symbol: &str) -> Home {
        let parent = symbol.rsplit_once('.').map(|(parent, _)| parent);
        let names = || [Some(symbol), parent].into_iter().flatten();
        if names().any(|name| self.hosted.contains(name)) {
            return Home::HostedServices;
        }
        let routes: Vec<_> = names().filter_map(|name| self.routes.find(name)).collect();
        match routes.iter().find_map(|route| self.upstream(route)) {
            Some(index) => Home::Upstream(index),
            None if routes.is_empty() => Home::Unknown,
            None => Home::Closed,
        }
    }

    /// Returns who is asked, in this order: where the symbol belongs, who answered last, and everybody else.
    fn order(&self, home: Home, last: Option<usize>) -> Vec<usize> {
        let (hosted, upstreams): (Vec<_>, Vec<_>) =
            (0..self.sources.len()).partition(|index| self.sources[*index].pool().is_none());
        let mut order = Vec::with_capacity(self.sources.len());
        let mut push = |index| {
            if !order.contains(&index) {
                order.push(index);
            }
        };
        match home {
            Home::HostedServices => hosted.iter().copied().for_each(&mut push),
            Home::Upstream(index) => push(index),
            Home::Closed => return hosted,
            Home::Unknown => {}
        }
        last.into_iter().chain(hosted).chain(upstreams).for_each(push);
        order
    }
}
