//! Parses the payload of a trailers frame.

use drawbridge_core::headers::GRPC_STATUS;
use http::{HeaderMap, HeaderName};
use tonic::{Code, Status};

use crate::cause::Cause;
use crate::malformed::Malformed;
use crate::metadata;

/// Parses lines of `name: value`. Lines end with CRLF, or with LF only, as some servers write them.
///
/// Names may be in any case and become lower case. A repeated name keeps all its values.
fn parse(block: &[u8]) -> Result<HeaderMap, Malformed> {
    let mut trailers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Malformed::Trailers)?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).map_err(|_| Malformed::Trailers)?;
        metadata::append(&mut trailers, &name, &line[colon + 1..]);
    }
    metadata::sanitize(&mut trailers);
    Ok(trailers)
}

/// Parses the trailers of a call, which must have a status. `head_status` is the one in the head of the response, if it
/// applies: some servers send it there, and then trailers without one.
pub(crate) fn parse_with_status(block: &[u8], head_status: Option<&HeaderMap>) -> Result<HeaderMap, Status> {
    let mut trailers = parse(block)?;
    if !trailers.contains_key(GRPC_STATUS)
        && let Some(head_status) = head_status
    {
        trailers.extend(head_status.clone());
    }
    if trailers.contains_key(GRPC_STATUS) {
        Ok(trailers)
    } else {
        Err(Cause::NoStatus.status(Code::Unknown, "the server sent trailers without a status"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_in_any_case_and_values_with_any_space_are_parsed() {
        let trailers = parse(b"Grpc-Status: 9\r\ngRPC-Message:a: b\r\nX-T:  \tt \r\n").unwrap();
        assert_eq!(trailers["grpc-status"], "9");
        assert_eq!(trailers["grpc-message"], "a: b");
        assert_eq!(trailers["x-t"], "t");
    }

    #[test]
    fn a_repeated_name_keeps_its_values_in_order() {
        let trailers = parse(b"x-t: 1\r\ngrpc-status: 0\r\nx-t: 2\r\nX-T: 3\r\n").unwrap();
        assert_eq!(trailers.get_all("x-t").iter().collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn the_last_line_end_is_optional_and_lf_is_accepted() {
        assert_eq!(parse(b"a: 1\nb: 2").unwrap().len(), 2);
    }

    #[test]
    fn malformed_lines_are_an_error() {
        for block in [&b"grpc-status 0\r\n"[..], b": 0\r\n", b"a b: 0\r\n", b"\xff: 1"] {
            assert_eq!(parse(block).map(drop), Err(Malformed::Trailers));
        }
    }

    #[test]
    fn trailers_without_a_status_are_an_error() {
        for block in [&b""[..], b"grpc-message: error\r\n"] {
            let status = parse_with_status(block, None).unwrap_err();
            assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NoStatus)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(block in any::<Vec<u8>>()) {
            let _ = parse_with_status(&block, None);
        }
    }

    #[test]
    fn fuzz_written_trailers_are_read_again() {
        let check = bolero::check!().with_type::<(Vec<(u8, Vec<u8>)>, bool)>();
        check.with_iterations(20_000).for_each(|(lines, is_lf)| {
            let (mut block, mut expected) = (Vec::new(), HeaderMap::new());
            for (name, value) in lines {
                let name = ["X-A", "x-b", "Grpc-Status"][usize::from(name % 3)];
                // What HTTP allows in a value, without the space around it.
                let value: Vec<u8> =
                    value.iter().copied().filter(|byte| *byte >= b' ' && *byte != 127).collect();
                let value = value.trim_ascii();
                block.extend_from_slice(name.as_bytes());
                block.extend_from_slice(b": ");
                block.extend_from_slice(value);
                block.extend_from_slice(if *is_lf { b"\n" } else { b"\r\n" });
                let name = HeaderName::try_from(name).unwrap();
                expected.append(name, http::HeaderValue::from_bytes(value).unwrap());
            }
            assert_eq!(parse(&block), Ok(expected));
        });
    }

    #[test]
    fn fuzz_trailers_hold_no_more_than_their_block() {
        let check = bolero::check!().with_type::<Vec<u8>>();
        check.with_iterations(20_000).for_each(|bytes| {
            let pick = |byte: &u8| b"a-:\r\n,%= ".get(usize::from(byte / 24)).copied().unwrap_or(*byte);
            let block: Vec<u8> = bytes.iter().map(pick).collect();
            if let Ok(trailers) = parse(&block) {
                let size: usize =
                    trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
                assert!(size <= block.len(), "{size} bytes of {}", block.len());
            }
        });
    }
}
