//! The label that the hops of one request share.

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a [`RequestId`] from hop to hop, and back to the caller.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The most bytes that a caller's own label may have.
const MAX_BYTES: usize = 128;

/// How many digits a label of our own has.
const DIGITS: usize = 16;

/// The label that all hops of one request share, so that their logs can be read together. It travels in the header
/// `x-request-id`.
///
/// It is the caller's own, if that is 1 to 128 letters, digits and `-._~+/=:@`, and otherwise made by the first server:
/// 16 hexadecimal digits. It is no secret and proves nothing; what names a call for good is its
/// [`CallId`](crate::CallId).
#[derive(Clone)]
pub struct RequestId {
    label: HeaderValue,
    generated: bool,
}

impl RequestId {
    /// Returns the label that a request brings along, or a new one.
    pub(crate) fn of(own: Option<&HeaderValue>) -> Self {
        let own = own.filter(|value| is_sane(value.as_bytes()));
        let (mut label, generated) = own.map_or_else(|| (made(), true), |own| (copied(own), false));
        // Each label comes but a few times: it is not worth a place in the tables that compress headers.
        label.set_sensitive(true);
        Self { label, generated }
    }

    /// Tells whether the label was made here, and not brought along.
    pub(crate) fn is_generated(&self) -> bool {
        self.generated
    }

    /// Returns the label as text.
    pub fn as_str(&self) -> &str {
        self.label.to_str().unwrap_or_default()
    }

    /// Writes the label into the head of a request or an answer, in the place of any other.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(X_REQUEST_ID, self.label.clone());
    }
}

/// Returns a value with memory of its own: the label outlives the request, whose head may share one piece of memory with
/// all that the connection has read.
fn copied(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

thread_local! {
    /// Labels that are to be given out, one behind the other.
    static MADE: Cell<Bytes> = const { Cell::new(Bytes::new()) };
}

/// How many labels are made at once, in one piece of memory, which stays for as long as any of them.
const AT_ONCE: usize = 32;

/// Returns a new label.
fn made() -> HeaderValue {
    let mut labels = MADE.take();
    if labels.is_empty() {
        labels = random();
    }
    let label = labels.split_to(DIGITS);
    MADE.set(labels);
    // Digits are a value.
    HeaderValue::from_maybe_shared(label).unwrap_or(HeaderValue::from_static("0000000000000000"))
}

fn random() -> Bytes {
    let mut bytes = [0_u8; AT_ONCE * DIGITS / 2];
    rand::fill(&mut bytes);
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

fn is_sane(text: &[u8]) -> bool {
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
    fn any_other_gives_way_to_a_new_one() {
        let long = "x".repeat(129);
        for text in [&b""[..], b"two words", b"a\tb", b"\"a\"", b"<b>", b"caf\xe9", b"a,b", long.as_bytes()] {
            let made = of(text);
            assert_eq!(made.as_str().len(), 16, "{text:?}");
            assert!(made.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_ne!(made, of(text), "each is new");
        }
    }
}
