//! Which origins may call.

use std::time::Duration;

use http::header::HeaderValue;
use http::{Method, Response, StatusCode};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::expose_metadata::expose_metadata;

/// For how long a browser may cache the response to a preflight.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Creates the layer that lets pages of `origins` call. Without origins, only the page's own origin may.
///
/// A preflight is granted whatever headers it asks for: any name may be a call's metadata, and the origin is what
/// decides. Credentials stay off.
pub(crate) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(MAX_AGE)
}

/// Finishes a response on its way out of the CORS layer: a preflight is 204, since it has no content, and any other
/// response exposes its metadata.
pub(crate) fn finish<B>(method: &Method, response: &mut Response<B>) {
    if method == Method::OPTIONS {
        *response.status_mut() = StatusCode::NO_CONTENT;
    } else {
        expose_metadata(response.headers_mut());
    }
}
