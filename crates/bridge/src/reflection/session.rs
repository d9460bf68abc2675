//! One stream of reflection requests.

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

use super::sources::{Owner, Sources};

/// Metadata that proves who a caller is.
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// One stream of reflection requests.
pub(super) struct Session {
    sources: Arc<Sources>,
    /// The caller's metadata, for the upstream that owns the symbol, or the only upstream.
    metadata: MetadataMap,
    /// The metadata for all other upstreams: a caller's credentials are for the server that it means.
    without_credentials: MetadataMap,
    /// The source that answered last. Two upstreams may have files of the same name, and a client that has got a file from
    /// one of them asks for its imports next.
    last: Option<usize>,
}

impl Session {
    pub(super) fn new(sources: Arc<Sources>, metadata: MetadataMap) -> Self {
        let mut without_credentials = metadata.clone();
        for name in CREDENTIALS {
            without_credentials.remove(name);
        }
        Self { sources, metadata, without_credentials, last: None }
    }

    fn metadata_for(&self, source: usize, owner: Owner) -> &MetadataMap {
        if owner == Owner::Upstream(source) || self.sources.upstreams().count() == 1 {
            &self.metadata
        } else {
            &self.without_credentials
        }
    }

    /// Answers a request. A symbol that no source knows is an error response, and the stream goes on.
    pub(super) async fn answer(&mut self, request: ServerReflectionRequest) -> ServerReflectionResponse {
        use MessageRequest::{
            AllExtensionNumbersOfType, FileByFilename, FileContainingExtension, FileContainingSymbol,
            ListServices,
        };
        let result = match &request.message_request {
            Some(ListServices(_)) => Ok(self.list(&request).await),
            Some(FileByFilename(_)) => self.ask(&request, Owner::Unknown).await,
            Some(FileContainingSymbol(symbol) | AllExtensionNumbersOfType(symbol)) => {
                self.ask(&request, self.sources.owner(symbol)).await
            }
            Some(FileContainingExtension(extension)) => {
                self.ask(&request, self.sources.owner(&extension.containing_type)).await
            }
            None => Err(Status::invalid_argument("the request has no message_request")),
        };
        let response = result.unwrap_or_else(|status| {
            MessageResponse::ErrorResponse(ErrorResponse {
                error_code: status.code() as i32,
                error_message: status.message().to_owned(),
            })
        });
        ServerReflectionResponse {
            valid_host: request.host.clone(),
            original_request: Some(request),
            message_response: Some(response),
        }
    }

    /// Lists what is hosted and what is forwarded. An upstream that does not answer is left out.
    async fn list(&self, request: &ServerReflectionRequest) -> MessageResponse {
        let mut names: BTreeSet<String> = self.sources.hosted().map(str::to_owned).collect();
        let asked = self.sources.upstreams().map(|(index, source)| async move {
            (index, source, source.ask(request, self.metadata_for(index, Owner::Unknown)).await)
        });
        for (index, source, result) in join_all(asked).await {
            match result {
                Ok(MessageResponse::ListServicesResponse(list)) => {
                    let listed = list.service.into_iter().map(|service| service.name);
                    names.extend(listed.filter(|name| self.sources.is_forwarded_to(name, index)));
                }
                Ok(_) => tracing::warn!(upstream = %source, "an upstream lists no services"),
                Err(status) => tracing::warn!(
                    upstream = %source,
                    code = code_name(status.code()),
                    error = status.message(),
                    "an upstream lists no services"
                ),
            }
        }
        let service = names.into_iter().map(|name| ServiceResponse { name }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    /// Asks one source after the other until one has an answer.
    async fn ask(
        &mut self,
        request: &ServerReflectionRequest,
        owner: Owner,
    ) -> Result<MessageResponse, Status> {
        let sources = Arc::clone(&self.sources);
        let (mut empty, mut failed) = (None, None);
        for index in sources.order(owner, self.last) {
            let source = sources.get(index);
            match source.ask(request, self.metadata_for(index, owner)).await {
                // Another source may have some.
                Ok(MessageResponse::AllExtensionNumbersResponse(numbers))
                    if numbers.extension_number.is_empty() =>
                {
                    empty.get_or_insert(MessageResponse::AllExtensionNumbersResponse(numbers));
                }
                Ok(response) => {
                    self.last = Some(index);
                    return Ok(response);
                }
                Err(status) => {
                    tracing::debug!(%source, %status, "no answer about a descriptor");
                    let is_absent = matches!(status.code(), Code::NotFound | Code::Unimplemented);
                    // The owner has the symbol, so its failure is not the same as NOT_FOUND.
                    if !is_absent && [Owner::Unknown, Owner::Upstream(index)].contains(&owner) {
                        failed.get_or_insert(status);
                    }
                }
            }
        }
        empty.ok_or_else(|| failed.unwrap_or_else(|| Status::not_found("no server here knows it")))
    }
}
