//! The payload of a trailers frame.

use http::{HeaderMap, HeaderName};
use tonic::{Code, Status};

use crate::Cause;
use crate::malformed::Malformed;
use crate::metadata::{self, GRPC_STATUS};

/// Reads trailers: lines of `name: value`, which end with CRLF, or with LF alone as some servers write them.
///
/// Names are taken in any case and come out in lower case. A name that repeats keeps all its values.
pub(crate) fn parse(block: &[u8]) -> Result<HeaderMap, Malformed> {
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
    metadata::tidy(&mut trailers);
    Ok(trailers)
}

/// Reads trailers that end a call, which is what they do only with a status among them.
pub(crate) fn verdict(block: &[u8]) -> Result<HeaderMap, Status> {
    let trailers = parse(block)?;
    if trailers.contains_key(GRPC_STATUS) {
        Ok(trailers)
    } else {
        Err(Cause::NoStatus.status(Code::Unknown, "the server ended the call without a status"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_in_any_case_and_values_with_any_space() {
        let trailers = parse(b"Grpc-Status: 9\r\ngRPC-Message:a: b\r\nX-T:  \tt \r\n").unwrap();
        assert_eq!(trailers["grpc-status"], "9");
        assert_eq!(trailers["grpc-message"], "a: b");
        assert_eq!(trailers["x-t"], "t");
    }

    #[test]
    fn a_name_that_repeats_keeps_its_values_in_order() {
        let trailers = parse(b"x-t: 1\r\ngrpc-status: 0\r\nx-t: 2\r\nX-T: 3\r\n").unwrap();
        assert_eq!(trailers.get_all("x-t").iter().collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn the_last_line_end_may_be_missing_and_lf_is_enough() {
        assert_eq!(parse(b"a: 1\nb: 2").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_line_of_a_trailer_is_refused() {
        for block in [&b"grpc-status 0\r\n"[..], b": 0\r\n", b"a b: 0\r\n", b"\xff: 1"] {
            assert_eq!(parse(block).map(drop), Err(Malformed::Trailers));
        }
    }

    #[test]
    fn trailers_without_a_status_are_no_verdict() {
        for block in [&b""[..], b"grpc-message: error\r\n"] {
            let status = verdict(block).unwrap_err();
            assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NoStatus)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(block in any::<Vec<u8>>()) {
            let _ = verdict(&block);
        }
    }
}
