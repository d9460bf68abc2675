//! Lets pages of other origins read the metadata of responses.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// The headers that carry a status. A page must be able to read it even where a trailers-only response puts it into the
/// head, so they are exposed whether they are there or not.
const STATUS_HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// Headers that need not be exposed: a page may read them anyway, or they do not concern it.
const UNEXPOSED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CACHE_CONTROL,
    header::DATE,
    header::VARY,
    header::ALLOW,
    header::TRAILER,
];

/// Sets `access-control-expose-headers` to the actual names of a response's metadata, where a CORS layer inside of this one
/// has allowed the origin. `*` would not cover requests with credentials, and a list made beforehand cannot know the names.
///
/// A [`Bridge`](crate::Bridge) with allowed origins does this by itself. Use this layer outside of a CORS layer of your own:
///
/// ```
/// use drawbridge::{Bridge, ExposeMetadataLayer};
/// use tower_http::cors::CorsLayer;
///
/// let router = Bridge::new()
///     .without_cors()
///     .into_router()
///     .layer(CorsLayer::very_permissive())
///     .layer(ExposeMetadataLayer::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ExposeMetadataLayer {
    _private: (),
}

impl ExposeMetadataLayer {
    /// Creates the layer.
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

impl<S> Layer<S> for ExposeMetadataLayer {
    type Service = ExposeMetadata<S>;

    fn layer(&self, inner: S) -> ExposeMetadata<S> {
        ExposeMetadata { inner }
    }
}

/// The service that [`ExposeMetadataLayer`] makes.
#[derive(Clone, Debug)]
pub struct ExposeMetadata<S> {
    inner: S,
}

impl<S, R, B> Service<Request<R>> for ExposeMetadata<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ExposeMetadataFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        ExposeMetadataFuture { inner: self.inner.call(request) }
    }
}

pin_project! {
    /// The future of an [`ExposeMetadata`] service.
    #[derive(Debug)]
    pub struct ExposeMetadataFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for ExposeMetadataFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut result = ready!(self.project().inner.poll(cx));
        if let Ok(response) = &mut result {
            expose_metadata(response.headers_mut());
        }
        Poll::Ready(result)
    }
}

/// Exposes the metadata in `headers` if they allow an origin.
pub(crate) fn expose_metadata(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    // Header names joined by commas are always a valid value.
    if let Ok(names) = HeaderValue::from_str(&exposed_names(headers)) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, names);
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

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn metadata_is_exposed_by_name_and_the_status_always() {
        let mut headers = headers(&[
            ("access-control-allow-origin", "https://app.example"),
            ("content-type", "application/grpc-web"),
            ("grpc-status", "5"),
            ("x-shelf", "7"),
        ]);
        expose_metadata(&mut headers);
        let exposed = &headers["access-control-expose-headers"];
        assert_eq!(exposed, "grpc-status,grpc-message,grpc-status-details-bin,x-shelf");
    }

    #[test]
    fn a_response_to_a_foreign_origin_exposes_nothing() {
        let mut headers = headers(&[("x-shelf", "7")]);
        expose_metadata(&mut headers);
        assert!(!headers.contains_key("access-control-expose-headers"));
    }
}
