//! Converts the suite's messages to tonic's types, and back.

use drawbridge::CallContext;
use drawbridge_conformance_contract::v1::conformance_payload::RequestInfo;
use drawbridge_conformance_contract::{RpcStatus, metadata, v1};
use prost::Message as _;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// Describes a request as it arrived.
pub(crate) fn request_info(metadata: &MetadataMap, requests: Vec<Any>) -> RequestInfo {
    let deadline = CallContext::current().and_then(|call| call.deadline());
    let timeout = deadline.map(|deadline| deadline.granted().duration().as_millis());
    RequestInfo {
        request_headers: metadata::write(metadata),
        timeout_ms: timeout.and_then(|timeout| i64::try_from(timeout).ok()),
        requests,
        connect_get_info: None,
    }
}

/// Returns the metadata that a request wants in its response.
pub(crate) fn metadata(headers: &[v1::Header]) -> Result<MetadataMap, Status> {
    metadata::read(headers).map_err(Status::invalid_argument)
}

/// Returns the status that a request wants, with the description of the request in its details.
pub(crate) fn status(error: v1::Error, info: Option<RequestInfo>, metadata: MetadataMap) -> Status {
    let mut details = error.details;
    if let Some(info) = info {
        match Any::from_msg(&info) {
            Ok(info) => details.push(info),
            Err(cause) => return Status::internal(cause.to_string()),
        }
    }
    let message = error.message.unwrap_or_default();
    let encoded = RpcStatus { code: error.code, message: message.clone(), details }.encode_to_vec();
    Status::with_details_and_metadata(Code::from(error.code), message, encoded.into(), metadata)
}
