//! Metadata as a person writes it: one `name: value` on each line.

use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

/// Reads metadata from text. A name may come more than once; blank lines are nothing.
///
/// # Errors
///
/// Says in words which line is wrong, and how.
pub(crate) fn read(text: &str) -> Result<MetadataMap, String> {
    let mut metadata = MetadataMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("Line {number} has no colon between a name and a value."))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if reserved(&name) {
            return Err(format!("Line {number}: {name} is not for callers to set."));
        }
        if name.ends_with("-bin") {
            return Err(format!("Line {number}: {name} would be binary, which cannot be typed."));
        }
        let name: AsciiMetadataKey =
            name.parse().map_err(|_| format!("Line {number}: {name:?} is no name of metadata."))?;
        // The parser lets all bytes above 127 through, which a browser sends as it thinks best.
        let value = value.parse::<AsciiMetadataValue>().ok().filter(|_| value.is_ascii());
        let value =
            value.ok_or_else(|| format!("Line {number}: a value is made of printable ASCII characters."))?;
        metadata.append(name, value);
    }
    Ok(metadata)
}

/// Tells whether a name belongs to the protocol, or to the browser, which would drop it without a word.
fn reserved(name: &str) -> bool {
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
        let metadata = read("Authorization: Bearer a:b\n\n x-tag: one\nx-tag:two ").unwrap();
        assert_eq!(metadata.get("authorization").unwrap(), "Bearer a:b");
        assert_eq!(metadata.get_all("x-tag").iter().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(read("").unwrap().len(), 0);
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        for (text, words) in [
            ("a: 1\nnonsense", "Line 2"),
            ("two words: 1", "two words"),
            (": 1", "no name"),
            ("a: ü", "ASCII"),
            ("grpc-timeout: 1S", "not for callers"),
            ("Cookie: a", "not for callers"),
            ("a-bin: AAAA", "binary"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
