//! The sizes of heads and trailers, before they are sent to an upstream and after they are received.

use drawbridge_core::code_of_http;
use http::{HeaderMap, StatusCode, Uri};

use super::failure::Failure;

/// The largest head and the largest trailers of a response, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// What each header adds to the size of a list, besides its name and its value (RFC 9113, section 6.5.2).
const OVERHEAD: usize = 32;

/// The sizes of the pseudo headers of a request: `:method`, `:scheme` and the names of the others, with their overheads.
const PSEUDO_HEADERS: usize = (7 + 4) + (7 + 5) + 10 + 5 + 4 * OVERHEAD;

/// A head of fewer bytes is accepted by all servers.
const SMALL_HEAD: usize = 2 * 1024;

/// The longest code of the Huffman coding, in bits.
const LONGEST_CODE: usize = 30;

/// The most bytes that HPACK adds to a header, besides its name and its value: its kind, and two lengths.
const MAX_PREFIXES: usize = 1 + 2 * 4;

/// Checks that an upstream accepts the head of a request. `limit` is its `SETTINGS_MAX_HEADER_LIST_SIZE`.
///
/// The limit is meant for the list as it is decoded. Some servers, such as gRPC for Java, apply it to the encoded head too,
/// and close the connection over it, with the calls of other callers: HPACK encodes a byte in up to 30 bits.
///
/// # Errors
///
/// Returns a failure, which is not retried, if the head is larger.
pub(super) fn check_request(
    headers: &HeaderMap,
    authority: &str,
    target: &Uri,
    limit: usize,
) -> Result<(), Failure> {
    let target = target.path();
    let size = list_size(headers) + PSEUDO_HEADERS + authority.len() + target.len();
    // Nearly all heads are far from the limit.
    let encoded = if size * LONGEST_CODE / 8 <= limit { 0 } else { encoded_size(headers, authority, target) };
    let larger = size.max(encoded);
    if larger <= limit {
        return Ok(());
    }
    let message =
        format!("the headers of the request have {larger} bytes: the upstream accepts at most {limit}");
    Err(Failure::resource_exhausted(message).not_retried())
}

/// Returns the failure for an upstream that refused a head with HTTP 431.
///
/// A small head was hardly the reason: its code is that of the HTTP table, as the protocol's conformance suite wants it.
pub(super) fn refused_request(headers: &HeaderMap, authority: &str, target: &Uri) -> Failure {
    let size = list_size(headers) + PSEUDO_HEADERS + authority.len() + target.path().len();
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let message = format!(
        "the upstream refused the headers of the request, which have {size} bytes, as too large (HTTP status {status})"
    );
    let mut failure = Failure::resource_exhausted(message);
    if size < SMALL_HEAD {
        failure.code = code_of_http(status.as_u16());
    }
    failure.at(authority).not_retried()
}

/// Checks the head or the trailers of a response. `what` is which of the two.
///
/// # Errors
///
/// Returns a failure, which is not retried, if they are too large.
pub(super) fn check_response(what: &str, headers: &HeaderMap) -> Result<(), Failure> {
    let size = list_size(headers);
    if size <= MAX_RESPONSE_BYTES {
        return Ok(());
    }
    let message =
        format!("the {what} of the response have {size} bytes: at most {MAX_RESPONSE_BYTES} are accepted");
    Err(Failure::resource_exhausted(message).not_retried())
}

/// Returns the size of a list of headers as HTTP/2 counts it.
fn list_size(headers: &HeaderMap) -> usize {
    let names_and_values: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    names_and_values + headers.len() * OVERHEAD
}

/// Returns the most bytes that the encoded head of a request has.
fn encoded_size(headers: &HeaderMap, authority: &str, target: &str) -> usize {
    let headers: usize = headers
        .iter()
        .map(|(name, value)| huffman(name.as_str().as_bytes()) + huffman(value.as_bytes()) + MAX_PREFIXES)
        .sum();
    headers + huffman(authority.as_bytes()) + huffman(target.as_bytes()) + 4 * MAX_PREFIXES
}

/// Returns how many bytes a text has in the Huffman coding of HPACK.
fn huffman(text: &[u8]) -> usize {
    text.iter().map(|byte| usize::from(CODE_LENGTHS[usize::from(*byte)])).sum::<usize>().div_ceil(8)
}

/// The length of the code of each byte, in bits (RFC 7541, appendix B).
const CODE_LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-t", http::HeaderValue::from_bytes(value).unwrap());
        headers
    }

    fn check(value: &[u8], limit: usize) -> Result<(), String> {
        let target = Uri::from_static("/a.B/C");
        check_request(&with(value), "localhost", &target, limit).map_err(|failure| failure.message)
    }

    #[test]
    fn a_head_is_measured_as_it_is_decoded_and_as_it_is_encoded() {
        assert_eq!(check(&[b'a'; 7_900], 8_192), Ok(()));
        let size = 3 + 8_200 + 32 + PSEUDO_HEADERS + "localhost".len() + "/a.B/C".len();
        assert!(check(&[b'a'; 8_200], 8_192).unwrap_err().contains(&format!("{size} bytes")));
        // 10 bits each, and 27.
        assert_eq!(check(&[b'!'; 6_000], 8_192), Ok(()));
        assert!(check(&[b'!'; 6_600], 8_192).is_err());
        assert_eq!(check(&[0xFE; 2_000], 8_192), Ok(()));
        assert!(check(&[0xFE; 2_600], 8_192).is_err());
    }

    #[test]
    fn the_codes_have_the_lengths_of_the_specification() {
        // RFC 7541, appendix C.4.
        assert_eq!(huffman(b"www.example.com"), 12);
        assert_eq!(huffman(b"custom-value"), 9);
        // A complete code: the sum of its weights is 1, with the end of a string, which has 30 bits.
        let weights: u64 = CODE_LENGTHS.iter().map(|length| 1 << (30 - length)).sum();
        assert_eq!(weights + 1, 1 << 30);
    }

    #[test]
    fn a_response_may_have_a_mebibyte_of_headers() {
        let largest = MAX_RESPONSE_BYTES - OVERHEAD - "x-t".len();
        assert!(check_response("trailers", &with(&vec![b'a'; largest])).is_ok());
        let failure = check_response("trailers", &with(&vec![b'a'; largest + 1])).unwrap_err();
        assert!(failure.message.contains("1048577") && failure.message.contains("1048576"), "{failure:?}");
    }
}
