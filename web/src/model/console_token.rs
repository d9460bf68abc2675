//! The token of the server's console.

use drawbridge_core::headers::text::X_DRAWBRIDGE_TOKEN;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};

/// Returns whether the console refused a call because it lacks the token, or has a wrong one.
pub(crate) fn is_required(status: &Status) -> bool {
    status.code() == Code::PermissionDenied && status.metadata().contains_key(X_DRAWBRIDGE_TOKEN)
}

/// Adds the token to a call of the console. Text that no header can carry is left away: the console then asks again.
pub(crate) fn insert(metadata: &mut MetadataMap, token: &str) {
    if let Ok(value) = AsciiMetadataValue::try_from(token) {
        metadata.insert(X_DRAWBRIDGE_TOKEN, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_names_the_token_asks_for_it() {
        let mut refused = Status::permission_denied("the console of this server requires its token");
        assert!(!is_required(&refused), "a token would not help");
        refused.metadata_mut().insert("x-drawbridge-token", AsciiMetadataValue::from_static("required"));
        assert!(is_required(&refused));
        let mut other = Status::unavailable("");
        *other.metadata_mut() = refused.metadata().clone();
        assert!(!is_required(&other));
    }

    #[test]
    fn a_token_is_sent_in_its_own_header() {
        let mut metadata = MetadataMap::new();
        insert(&mut metadata, "no\nheader");
        assert!(metadata.is_empty());
        insert(&mut metadata, "a-token-of-25-characters.");
        assert_eq!(metadata.get("x-drawbridge-token").unwrap(), "a-token-of-25-characters.");
    }
}
