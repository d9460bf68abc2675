//! Serves the files of the page.
//!
//! The page has its own router, so the path of each view gets `index.html`. All other paths are 404; a browser gets `index.html` with
//! it, whose router then shows the view for an unknown path.

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

use super::content_security_policy::content_security_policy;
use super::{file_name, views};

const INDEX: &str = "/index.html";

/// Whether this binary has the page embedded. If not, it has a placeholder that says how to build the page.
pub const IS_EMBEDDED: bool = cfg!(page_embedded);

/// A tower service that serves the files of the page, embedded in the binary or from a folder.
#[derive(Clone, Debug)]
pub struct Page {
    /// Unpacked for the first request.
    files: Arc<OnceCell<Router>>,
    index: Index,
}

/// Where `index.html` is. Its content security policy is made from it.
#[derive(Clone, Debug)]
enum Index {
    Embedded { policy: HeaderValue },
    OnDisk(PathBuf),
}

impl Page {
    /// Returns the page in this binary, compressed at build time, with an `ETag` for each file. In a binary without the page
    /// ([`IS_EMBEDDED`]) it is a placeholder that says how to build the page.
    ///
    /// The first request for a file unpacks all files into memory that is never freed, so call this once.
    pub fn embedded() -> Self {
        let index = include_str!(concat!(env!("DRAWBRIDGE_EMBEDDED_PAGE"), "/index.html"));
        let index = Index::Embedded { policy: content_security_policy(index) };
        Self { files: Arc::default(), index }
    }

    /// Returns the page in a folder, for development. Files are read and compressed for each request.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder has no readable `index.html`.
    pub fn from_folder(folder: &Path) -> io::Result<Self> {
        let index = folder.join("index.html");
        std::fs::read(&index)?;
        let files = Router::new().fallback_service(ServeDir::new(folder)).layer(CompressionLayer::new());
        Ok(Self { files: Arc::new(OnceCell::new_with(Some(files))), index: Index::OnDisk(index) })
    }

    async fn respond(self, mut request: Request<Body>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (StatusCode::NOT_FOUND, "nothing is served here\n").into_response();
        }
        let path = request.uri().path();
        let is_file = file_name::is_file(path);
        let is_unknown = !is_file && !views::is_view(path);
        if is_unknown && !views::asks_for_html(request.headers()) {
            return (StatusCode::NOT_FOUND, "nothing is served here\n").into_response();
        }
        if is_unknown {
            // With a condition, the response would be 304: the client has the file, but from another path.
            for condition in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
                request.headers_mut().remove(condition);
            }
        }
        if !is_file {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(PathAndQuery::from_static(INDEX));
            // It cannot fail: only the path has changed.
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        let is_index = !is_file || request.uri().path() == INDEX;
        let immutable = file_name::has_hash(request.uri().path());
        let files = self.files.get_or_init(unpack).await.clone();
        let Ok(mut response) = files.oneshot(request).await;
        if response.status() == StatusCode::NOT_FOUND {
            return (StatusCode::NOT_FOUND, "no such file\n").into_response();
        }
        if is_unknown {
            *response.status_mut() = StatusCode::NOT_FOUND;
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
        Box::pin(async move { Ok(page.respond(request.map(Body::new)).await) })
    }
}

/// Unpacks the embedded files. It takes a tenth of a second, so it runs on a blocking thread, and not before the first
/// request for a file: servers without browsers never need it.
async fn unpack() -> Router {
    let unpack = || memory_serve::load!().enable_brotli(true).enable_gzip(true).into_router();
    // It fails only if the runtime shuts down, and then the request is dropped.
    tokio::task::spawn_blocking(unpack).await.unwrap_or_default()
}

impl Index {
    async fn policy(self) -> HeaderValue {
        match self {
            Self::Embedded { policy } => policy,
            Self::OnDisk(path) => {
                let html = tokio::fs::read_to_string(path).await.unwrap_or_default();
                content_security_policy(&html)
            }
        }
    }
}
