//! Metadata as a user writes it: one `name: value` per line.

use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

/// Parses metadata. A name may occur more than once; blank lines are ignored.
///
/// # Errors
///
/// Returns the message to show beside the field, with the number of the line that is wrong.
pub(crate) fn parse(text: &str) -> Result<MetadataMap, String> {
    let mut metadata = MetadataMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("Line {number} has no colon. Write each line as name: value."))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if is_reserved(&name) {
            return Err(format!("Line {number}: gRPC or the browser sets {name}. Remove the line."));
        }
        if name.ends_with("-bin") {
            return Err(format!("Line {number}: {name} is binary metadata. Only text can be sent here."));
        }
        let name: AsciiMetadataKey =
            name.parse().map_err(|_| format!("Line {number}: {name:?} is not a valid metadata name."))?;
        // The parser accepts all bytes above 127, which each browser encodes in its own way.
        let value = value.parse::<AsciiMetadataValue>().ok().filter(|_| value.is_ascii());
        let value = value.ok_or_else(|| format!("Line {number}: the value must be printable ASCII."))?;
        metadata.append(name, value);
    }
    Ok(metadata)
}

/// Returns whether the protocol sets this name, or the browser drops it silently.
fn is_reserved(name: &str) -> bool {
    name.starts_with("grpc-")
        || name.starts_with("sec-")
        || name.starts_with("proxy-")
        || [
            "content-type",
            "te",
            "host",
            "cookie",
            "origin",
            "referer",
            "connection",
            "content-length",
            "x-grpc-web",
        ]
        .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_name_and_a_value() {
        let metadata = parse("Authorization: Bearer a:b\n\n x-tag: one\nx-tag:two ").unwrap();
        assert_eq!(metadata.get("authorization").unwrap(), "Bearer a:b");
        assert_eq!(metadata.get_all("x-tag").iter().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(parse("").unwrap().len(), 0);
    }

    #[test]
    fn the_message_names_the_line_that_is_wrong() {
        for (text, part) in [
            ("a: 1\nnonsense", "Line 2 has no colon"),
            ("two words: 1", "\"two words\" is not a valid"),
            (": 1", "not a valid"),
            ("a: ü", "ASCII"),
            ("grpc-timeout: 1S", "sets grpc-timeout"),
            ("Cookie: a", "sets cookie"),
            ("a-bin: AAAA", "binary"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
