//! Which pages may call by GET.

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};

/// The pages of other sites that may call.
#[derive(Clone, Debug)]
pub(crate) enum AllowedOrigins {
    /// Those of these origins.
    These(Arc<[HeaderValue]>),
    /// Those of any origin that the request names: a layer around the bridge decides.
    AnyNamed,
}

impl AllowedOrigins {
    /// Returns whether the page that sent a request may call. A request that is not said to come from another site may.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        if headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site") {
            return true;
        }
        let origin = headers.get(header::ORIGIN);
        match self {
            Self::These(origins) => origin.is_some_and(|origin| origins.contains(origin)),
            Self::AnyNamed => origin.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_site_needs_an_allowed_origin() {
        let app = HeaderValue::from_static("https://app.example");
        let these = AllowedOrigins::These([app].into());
        for (site, origin, by_these, by_any) in [
            (None, None, true, true),
            (Some("same-origin"), None, true, true),
            (Some("none"), None, true, true),
            (Some("cross-site"), None, false, false),
            (Some("cross-site"), Some("https://evil.example"), false, true),
            (Some("cross-site"), Some("https://app.example"), true, true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(these.allow(&headers), by_these, "{headers:?}");
            assert_eq!(AllowedOrigins::AnyNamed.allow(&headers), by_any, "{headers:?}");
        }
    }
}
