//! Looks for several headers at once.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Returns which of these names there are, in one pass: a look-up for each would cost more.
pub(super) fn which<const N: usize>(headers: &HeaderMap, names: [&HeaderName; N]) -> [bool; N] {
    let mut found = [false; N];
    for name in headers.keys() {
        if let Some(index) = names.iter().position(|each| *each == name) {
            found[index] = true;
        }
    }
    found
}

/// Removes a header if it is there, and returns its value.
pub(super) fn take(headers: &mut HeaderMap, is_there: bool, name: &HeaderName) -> Option<HeaderValue> {
    if is_there { headers.remove(name) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_found_and_taken() {
        let [a, b] = [HeaderName::from_static("x-a"), HeaderName::from_static("x-b")];
        let mut headers = HeaderMap::from_iter([(b.clone(), HeaderValue::from_static("1"))]);
        assert_eq!(which(&headers, [&a, &b]), [false, true]);
        assert_eq!(take(&mut headers, true, &b).unwrap(), "1");
        assert_eq!(which(&headers, [&a, &b]), [false, false]);
    }
}
