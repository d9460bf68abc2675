//! What the suite's messages say, in the terms of tonic, and back.

use drawbridge::CallContext;
use drawbridge_conformance_contract::v1::conformance_payload::RequestInfo;
use drawbridge_conformance_contract::{RpcStatus, v1};
use prost::Message as _;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// Tells what was seen of a request.
pub(crate) fn request_info(metadata: &MetadataMap, requests: Vec<Any>) -> RequestInfo {
    let deadline = CallContext::current().and_then(|call| call.deadline());
    let timeout = deadline.map(|deadline| deadline.granted().duration().as_millis());
    RequestInfo {
        request_headers: headers(metadata),
        timeout_ms: timeout.and_then(|timeout| i64::try_from(timeout).ok()),
        requests,
        connect_get_info: None,
    }
}

/// Returns metadata as the suite writes it, values of one name together.
fn headers(metadata: &MetadataMap) -> Vec<v1::Header> {
    let headers = metadata.clone().into_headers();
    let value =
        |value: &tonic::codegen::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .keys()
        .map(|name| v1::Header {
            name: name.to_string(),
            value: headers.get_all(name).iter().map(value).collect(),
        })
        .collect()
}

/// Returns the metadata that the suite asks for.
pub(crate) fn metadata(headers: &[v1::Header]) -> Result<MetadataMap, Status> {
    let mut map = tonic::codegen::http::HeaderMap::new();
    for header in headers {
        for value in &header.value {
            let wrong = || Status::invalid_argument(format!("not a header: {header:?}"));
            let name = tonic::codegen::http::HeaderName::try_from(&header.name).map_err(|_| wrong())?;
            map.append(name, value.try_into().map_err(|_| wrong())?);
        }
    }
    Ok(MetadataMap::from_headers(map))
}

/// Returns the status that the suite asks for, with what was seen of the request among its details.
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
