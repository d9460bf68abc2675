//! Between tonic's terms and the suite's.

use drawbridge_conformance_contract::{RpcStatus, v1};
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message as _;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// Returns the metadata that a case wants to be sent.
pub(crate) fn metadata(headers: &[v1::Header]) -> Result<MetadataMap, String> {
    let mut map = HeaderMap::new();
    for v1::Header { name, value: values } in headers {
        let name = HeaderName::try_from(name).map_err(|error| format!("{name:?}: {error}"))?;
        for value in values {
            let value = HeaderValue::try_from(value).map_err(|error| format!("{value:?}: {error}"))?;
            map.append(&name, value);
        }
    }
    Ok(MetadataMap::from_headers(map))
}

/// Returns metadata as the suite writes it, values of one name together.
pub(crate) fn headers(metadata: &MetadataMap) -> Vec<v1::Header> {
    let headers = metadata.as_ref();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .keys()
        .map(|name| v1::Header {
            name: name.to_string(),
            value: headers.get_all(name).iter().map(text).collect(),
        })
        .collect()
}

/// Returns a status as the suite writes it.
pub(crate) fn error(status: &Status) -> v1::Error {
    // Details that are no status are none, and the suite says what it misses.
    let details = RpcStatus::decode(status.details()).map(|status| status.details).unwrap_or_default();
    v1::Error { code: status.code().into(), message: Some(status.message().to_owned()), details }
}
