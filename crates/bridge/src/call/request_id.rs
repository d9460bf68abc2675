//! The id that the hops of one request share.

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use drawbridge_core::headers::X_REQUEST_ID;
use http::{HeaderMap, HeaderValue};

use crate::random;

/// The longest id that a caller may send, in bytes.
const MAX_BYTES: usize = 128;

/// How many digits a generated id has.
const DIGITS: usize = 16;

/// The id that all hops of one request share, so that their logs can be read together. It is sent in the header
/// `x-request-id`.
///
/// It is the caller's, if that has 1 to 128 letters, digits and `-._~+/=:@`. Otherwise the first server generates one of 16
/// hexadecimal digits. It is not secret and proves nothing; a [`CallId`](crate::CallId) identifies one call.
#[derive(Clone)]
pub struct RequestId {
    id: HeaderValue,
    generated: bool,
}

impl RequestId {
    /// Returns the id in the header of a request, or a new one.
    pub(crate) fn of(own: Option<&HeaderValue>) -> Self {
        let own = own.filter(|value| is_valid(value.as_bytes()));
        let (mut id, generated) = own.map_or_else(|| (generate(), true), |own| (copied(own), false));
        // Used a few times at most, so not worth an entry in the tables that compress headers.
        id.set_sensitive(true);
        Self { id, generated }
    }

    /// Returns whether this server generated the id.
    pub(crate) fn is_generated(&self) -> bool {
        self.generated
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// Sets the header of a request or a response.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(X_REQUEST_ID, self.id.clone());
    }
}

/// Returns a copy of a value. The id outlives the request, whose head may share its memory with all that the connection has
/// read.
fn copied(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

thread_local! {
    /// Generated ids that are not used yet, one behind the other.
    static GENERATED: Cell<Bytes> = const { Cell::new(Bytes::new()) };
}

/// How many ids are generated at once. They share one allocation, which lives as long as any of them.
const BATCH: usize = 32;

/// Returns a new id.
fn generate() -> HeaderValue {
    let mut ids = GENERATED.take();
    if ids.is_empty() {
        ids = batch();
    }
    let id = ids.split_to(DIGITS);
    GENERATED.set(ids);
    // Digits are a value.
    HeaderValue::from_maybe_shared(id).unwrap_or(HeaderValue::from_static("0000000000000000"))
}

fn batch() -> Bytes {
    let bytes: [u8; BATCH * DIGITS / 2] = random::bytes();
    bytes.iter().flat_map(|byte| HEXADECIMAL[usize::from(*byte)]).collect::<Vec<_>>().into()
}

/// The two digits of each byte.
const HEXADECIMAL: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

fn is_valid(text: &[u8]) -> bool {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@".contains(byte);
    (1..=MAX_BYTES).contains(&text.len()) && text.iter().all(safe)
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> RequestId {
        RequestId::of(Some(&HeaderValue::from_bytes(text).unwrap()))
    }

    #[test]
    fn a_sane_label_is_kept() {
        for text in ["a", "order:17/3", "0af7651916cd43dd8448eb211c80319c", &"x".repeat(128)] {
            assert_eq!(of(text.as_bytes()).as_str(), text);
        }
    }

    #[test]
    fn an_invalid_id_is_replaced() {
        let long = "x".repeat(129);
        for text in [&b""[..], b"two words", b"a\tb", b"\"a\"", b"<b>", b"caf\xe9", b"a,b", long.as_bytes()] {
            let made = of(text);
            assert_eq!(made.as_str().len(), 16, "{text:?}");
            assert!(made.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_ne!(made, of(text), "each is new");
        }
    }

    #[test]
    fn fuzz_an_id_is_the_callers_or_sixteen_digits() {
        let check = bolero::check!().with_type::<(Vec<u8>, bool)>();
        check.with_iterations(20_000).for_each(|(bytes, is_plain)| {
            let pick = |byte: &u8| if *is_plain { b"aZ9-._~+/=:@"[usize::from(byte % 12)] } else { *byte };
            let text: Vec<u8> = bytes.iter().map(pick).collect();
            let Ok(value) = HeaderValue::from_bytes(&text) else { return };
            let id = RequestId::of(Some(&value));
            let mut headers = HeaderMap::new();
            id.write(&mut headers);
            assert_eq!(headers[X_REQUEST_ID], id.as_str());
            if id.is_generated() {
                assert!(
                    id.as_str().len() == DIGITS && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit())
                );
            } else {
                assert_eq!(id.as_str().as_bytes(), text);
            }
            assert!(!*is_plain || id.is_generated() != (1..=MAX_BYTES).contains(&text.len()));
        });
    }
}
