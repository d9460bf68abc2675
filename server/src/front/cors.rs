//! Which pages of other origins may call, and what of an answer they may read.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// For how long a browser may remember a preflight's answer.
const MAX_AGE: Duration = Duration::from_hours(2);

/// What an answer's status travels in. A page must be able to read it even where a trailers-only answer puts it into
/// the headers, so it is exposed whether it is there or not.
const STATUS_HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// Headers of an answer that need not be exposed: a page may read them anyway, or they do not concern it.
const UNEXPOSED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CACHE_CONTROL,
    header::DATE,
    header::VARY,
    header::ALLOW,
    header::TRAILER,
];

/// Creates the layer that lets pages of `origins` call. Without origins, only the page's own may.
///
/// A preflight is answered with whatever headers it asks for: any name may be a call's metadata, and the origin is
/// what decides. Credentials stay off.
pub(crate) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(MAX_AGE)
}

/// Finishes an answer on its way out of the CORS layer.
///
/// A preflight has nothing to say beyond its headers, and so is 204. Any other answer to an allowed origin exposes
/// its metadata by the actual names: `*` would not cover credentials, and a list made beforehand cannot know them.
pub(crate) fn finish<B>(method: &Method, response: &mut Response<B>) {
    if method == Method::OPTIONS {
        *response.status_mut() = StatusCode::NO_CONTENT;
    } else if response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        let names = exposed_names(response.headers());
        // Header names joined by commas are always a valid value.
        if let Ok(value) = HeaderValue::from_str(&names) {
            response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, value);
        }
    }
}

fn exposed_names(headers: &HeaderMap) -> String {
    let metadata = headers
        .keys()
        .filter(|name| !UNEXPOSED.contains(name) && !name.as_str().starts_with("access-control-"))
        .map(HeaderName::as_str)
        .filter(|name| !STATUS_HEADERS.contains(name));
    STATUS_HEADERS.into_iter().chain(metadata).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_exposed_by_its_names_and_the_status_always() {
        let mut response = Response::new(());
        for (name, value) in [
            ("access-control-allow-origin", "https://app.example"),
            ("content-type", "application/grpc-web"),
            ("grpc-status", "5"),
            ("x-shelf", "7"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        finish(&Method::POST, &mut response);
        let exposed = &response.headers()["access-control-expose-headers"];
        assert_eq!(exposed, "grpc-status,grpc-message,grpc-status-details-bin,x-shelf");
    }

    #[test]
    fn an_answer_to_a_stranger_exposes_nothing() {
        let mut response = Response::new(());
        response.headers_mut().insert("x-shelf", HeaderValue::from_static("7"));
        finish(&Method::POST, &mut response);
        assert!(!response.headers().contains_key("access-control-expose-headers"));
    }
}
