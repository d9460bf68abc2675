//! Metadata, as tonic has it and as the suite writes it.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

use crate::v1::Header;

/// Returns the metadata that the suite wants to be sent.
///
/// # Errors
///
/// Returns words on the first name or value that no header can carry.
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

/// Returns metadata as the suite writes it, values of one name together.
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
