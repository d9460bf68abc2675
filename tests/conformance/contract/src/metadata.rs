//! Converts metadata between tonic's type and the suite's.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

use crate::v1::Header;

/// Converts the suite's headers to metadata.
///
/// # Errors
///
/// Returns a message about the first invalid name or value.
pub fn read(headers: &[Header]) -> Result<MetadataMap, String> {
    let mut map = HeaderMap::new();
    for Header { name, value: values } in headers {
        let name = HeaderName::try_from(name).map_err(|error| format!("{name:?}: {error}"))?;
        for value in values {
            let value = HeaderValue::try_from(value).map_err(|error| format!("{value:?}: {error}"))?;
            map.append(&name, value);
        }
    }
    Ok(MetadataMap::from_headers(map))
}

/// Converts metadata to the suite's headers. Values of one name are grouped.
pub fn write(metadata: &MetadataMap) -> Vec<Header> {
    let headers = metadata.as_ref();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .keys()
        .map(|name| Header {
            name: name.to_string(),
            value: headers.get_all(name).iter().map(text).collect(),
        })
        .collect()
}
