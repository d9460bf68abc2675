//! Names of compressions, in headers of HTTP and of gRPC. Both use the same names.

use http::header::{HeaderMap, HeaderName, HeaderValue};

const IDENTITY: &str = "identity";

/// Returns whether a value names a compression of messages. `identity` is none.
pub(super) fn is_compression(value: &HeaderValue) -> bool {
    !value.as_bytes().eq_ignore_ascii_case(IDENTITY.as_bytes())
}

/// Removes a header that lists the compressions which a client accepts, and returns it in the form of gRPC: without
/// weights, without those of weight zero, and without the wildcard.
pub(super) fn take_accepted(headers: &mut HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<_> = lists.flat_map(|list| list.split(',')).filter_map(accepted).collect();
    let joined = (!accepted.is_empty()).then(|| accepted.join(","));
    headers.remove(name);
    // Made of parts of headers, it is a valid value.
    joined.and_then(|joined| HeaderValue::try_from(joined).ok())
}

/// Returns the name in one part of a list, if it is accepted.
fn accepted(part: &str) -> Option<&str> {
    let mut pieces = part.split(';').map(str::trim);
    let name = pieces.next().filter(|name| !name.is_empty() && *name != "*")?;
    let is_zero = |weight: &str| weight.parse().is_ok_and(|weight: f32| weight == 0.0);
    let refused = pieces
        .filter_map(|piece| piece.split_once('='))
        .any(|(key, value)| key.trim_end().eq_ignore_ascii_case("q") && is_zero(value.trim_start()));
    (!refused).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::ACCEPT_ENCODING;

    #[test]
    fn weights_and_wildcards_are_removed() {
        for (lists, expected) in [
            (&["gzip"][..], Some("gzip")),
            (&["gzip, deflate, br, zstd"], Some("gzip,deflate,br,zstd")),
            (&["gzip;q=0.5, br ; q=0, identity;q=1,*;q=0.1", "x"], Some("gzip,identity,x")),
            (&["*"], None),
            (&[" , gzip;Q=0.000"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(list));
            }
            let taken = take_accepted(&mut headers, &ACCEPT_ENCODING);
            assert_eq!(taken, expected.map(HeaderValue::from_static), "{lists:?}");
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn identity_is_no_compression() {
        for (value, expected) in [("gzip", true), ("identity", false), ("Identity", false)] {
            assert_eq!(is_compression(&HeaderValue::from_static(value)), expected);
        }
    }
}
