//! The page: the files that a browser loads, and what is said about each of them.
//!
//! The page decides by itself what its paths show, so every path that names no file gets `index.html`. A path that
//! does name one (its last segment has a dot) and is not there is 404, never the page in its place.

mod policy;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::OnceCell;
use tower::{Service, ServiceExt as _};
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

const INDEX: &str = "/index.html";

/// Whether this binary carries the page that Trunk built, or only the one that tells how to build it.
pub const IS_EMBEDDED: bool = cfg!(page_embedded);

/// The files of the page, from inside the binary or from a folder.
#[derive(Clone, Debug)]
pub struct Page {
    /// Made for the first request.
    files: Arc<OnceCell<Router>>,
    index: Index,
}

/// Where `index.html` is, from which the content security policy follows.
#[derive(Clone, Debug)]
enum Index {
    Embedded(HeaderValue),
    OnDisk(PathBuf),
}

impl Page {
    /// Returns the page inside this binary: compressed when it was built, with an `ETag` for each file. In a binary
    /// that was built without the page ([`IS_EMBEDDED`]), it is a small one that names the command to build it.
    ///
    /// The first request for a file unpacks all of them, into memory that is never freed: call it once.
    pub fn embedded() -> Self {
        let index = include_str!(concat!(env!("DRAWBRIDGE_EMBEDDED_PAGE"), "/index.html"));
        let index = Index::Embedded(policy::content_security_policy(index));
        Self { files: Arc::default(), index }
    }

    /// Returns the page in a folder, read anew for each request and compressed on the way, for development.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder has no readable `index.html`.
    pub fn directory(folder: &Path) -> io::Result<Self> {
        let index = folder.join("index.html");
        std::fs::read(&index)?;
        let files = Router::new().fallback_service(ServeDir::new(folder)).layer(CompressionLayer::new());
        Ok(Self { files: Arc::new(OnceCell::new_with(Some(files))), index: Index::OnDisk(index) })
    }

    async fn answer(self, mut request: Request<Body>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (StatusCode::NOT_FOUND, "nothing is served here\n").into_response();
        }
        let is_file = names_a_file(request.uri().path());
        if !is_file {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(PathAndQuery::from_static(INDEX));
            // Only the path has changed, and a URI's other parts do not depend on it.
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        let is_index = !is_file || request.uri().path() == INDEX;
        let immutable = has_hashed_name(request.uri().path());
        let files = self.files.get_or_init(unpacked).await.clone();
        let Ok(mut response) = files.oneshot(request).await;
        if response.status() == StatusCode::NOT_FOUND {
            return (StatusCode::NOT_FOUND, "no such file\n").into_response();
        }
        let mut set = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
        // `no-store` would keep the page out of the back/forward cache.
        let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        set(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if is_index {
            set(header::CONTENT_SECURITY_POLICY, self.index.policy().await);
        }
        response
    }
}

impl Service<Request<tonic::body::Body>> for Page {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let page = self.clone();
        Box::pin(async move { Ok(page.answer(request.map(Body::new)).await) })
    }
}

/// Unpacks the embedded files, which takes a tenth of a second: on a thread where no call waits for it, and not before the
/// server answers its first call, which may come from anybody but a browser.
async fn unpacked() -> Router {
    let unpack = || memory_serve::load!().enable_brotli(true).enable_gzip(true).into_router();
    // It fails only where the runtime ends, and its requests with it.
    tokio::task::spawn_blocking(unpack).await.unwrap_or_default()
}

impl Index {
    async fn policy(self) -> HeaderValue {
        match self {
            Self::Embedded(policy) => policy,
            Self::OnDisk(path) => {
                let html = tokio::fs::read_to_string(path).await.unwrap_or_default();
                policy::content_security_policy(&html)
            }
        }
    }
}

/// Tells whether a path names a file rather than a view of the page.
fn names_a_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|segment| segment.contains('.'))
}

/// Tells whether a file's name changes with its content, as Trunk's do: `name-0123456789abcdef.css`, also with
/// something behind the hash, as in `name-0123456789abcdef_bg.wasm`.
fn has_hashed_name(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| {
        name.split('-').skip(1).any(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            digits >= 15 && part.as_bytes().get(digits).is_some_and(|next| matches!(next, b'.' | b'_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_the_last_segment_names_a_file() {
        for path in ["/a.js", "/deep/icon.svg", "/.env"] {
            assert!(names_a_file(path), "{path}");
        }
        for path in ["/", "/streams", "/v1.2/streams"] {
            assert!(!names_a_file(path), "{path}");
        }
    }

    #[test]
    fn only_a_name_with_a_hash_is_kept_for_a_year() {
        for path in [
            "/drawbridge-web-1f2e3d4c5b6a7988.js",
            "/x-1f2e3d4c5b6a7988_bg.wasm",
            "/base-81fbdc5e7c23ffa.css",
        ] {
            assert!(has_hashed_name(path), "{path}");
        }
        for path in
            ["/index.html", "/drawbridge-web.js", "/icon-dark.svg", "/a-1f2e.css", "/1f2e3d4c5b6a7988.js"]
        {
            assert!(!has_hashed_name(path), "{path}");
        }
    }
}
