//! The page, embedded and from a folder.

use std::io::Read as _;

use bytes::Bytes;
use drawbridge::{Bridge, HostPolicy};
use drawbridge_gateway::Page;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};

use crate::support::client::Wire;
use crate::support::{Server, samples};

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(Bytes::new())).unwrap();
    let (head, body) = Wire::WEB_H1.connect(server.address).await.send(request).await.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

async fn get(server: &Server, path: &str) -> Response<Bytes> {
    ask(server, Method::GET, path, &[]).await
}

/// A small page with the file names that Trunk makes.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "index.html",
            "<!doctype html><title>A page</title><script type=\"module\">start()</script>".to_owned(),
        ),
        ("web-0123456789abcdef.js", "export const answer = 42;\n".repeat(200)),
        ("web-0123456789abcdef_bg.wasm", "\0asm\x01\0\0\0".repeat(200)),
        ("plain.css", "a { color: red }".repeat(200)),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn serve(page: Page) -> Server {
    Server::start(samples().fallback(page)).await
}

/// The placeholder of a program without the page, and the path of its stylesheet.
async fn embedded() -> (Server, String) {
    let server = serve(Page::embedded()).await;
    let html = String::from_utf8(get(&server, "/").await.into_body().to_vec()).unwrap();
    let name = html.split("href=\"/").nth(1).unwrap().split('"').next().unwrap();
    (server, format!("/{name}"))
}

#[tokio::test]
async fn each_file_has_its_content_type() {
    let folder = folder();
    let server = serve(Page::from_folder(folder.path()).unwrap()).await;
    for (path, content_type) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/web-0123456789abcdef.js", "text/javascript"),
        ("/web-0123456789abcdef_bg.wasm", "application/wasm"),
        ("/plain.css", "text/css"),
    ] {
        let response = get(&server, path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(content_type), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_path_of_a_view_gets_the_index_and_a_missing_file_404() {
    let folder = folder();
    let (embedded, _) = embedded().await;
    for server in [serve(Page::from_folder(folder.path()).unwrap()).await, embedded] {
        for path in ["/", "/streams", "/greeter", "/?key=a.b"] {
            let response = get(&server, path).await;
            assert_eq!(response.status(), 200, "{path}");
            assert!(response.body().starts_with(b"<!doctype html>"), "{path}");
        }
        for path in [
            "/missing.js",
            "/web-ffffffffffffffff_bg.wasm",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/.env",
            "/greet.Greeter%2FSayHello",
        ] {
            let response = get(&server, path).await;
            assert_eq!(response.status(), 404, "{path}");
            assert!(!response.body().starts_with(b"<"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_without_a_view_is_404_and_a_browser_gets_the_index_with_it() {
    let folder = folder();
    let (embedded, _) = embedded().await;
    for server in [serve(Page::from_folder(folder.path()).unwrap()).await, embedded] {
        let tag = get(&server, "/").await.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        for path in ["/no/such/view", "/streams/", "/stream", "/Streams", "/admin"] {
            let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
            let mut headers = vec![html];
            headers.extend(tag.as_deref().map(|tag| ("if-none-match", tag)));
            let response = ask(&server, Method::GET, path, &headers).await;
            assert_eq!(response.status(), 404, "{path}");
            assert!(response.body().starts_with(b"<!doctype html>"), "{path}");
            for headers in [&[("accept", "*/*")][..], &[("accept", "application/json")], &[]] {
                let response = ask(&server, Method::GET, path, headers).await;
                assert_eq!(response.status(), 404, "{path} {headers:?}");
                assert_eq!(response.body(), "nothing is served here\n", "{path} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn files_with_a_hash_are_cached_for_a_year_and_the_index_is_revalidated() {
    let folder = folder();
    let server = serve(Page::from_folder(folder.path()).unwrap()).await;
    for (path, cache) in [
        ("/", "no-cache"),
        ("/streams", "no-cache"),
        ("/plain.css", "no-cache"),
        ("/web-0123456789abcdef.js", "public, max-age=31536000, immutable"),
        ("/web-0123456789abcdef_bg.wasm", "public, max-age=31536000, immutable"),
    ] {
        assert_eq!(get(&server, path).await.headers()["cache-control"], cache, "{path}");
    }
}

#[tokio::test]
async fn files_are_compressed_as_accept_encoding_says() {
    let folder = folder();
    let on_disk = serve(Page::from_folder(folder.path()).unwrap()).await;
    let (embedded, stylesheet) = embedded().await;
    for (server, path) in [(on_disk, "/web-0123456789abcdef.js".to_owned()), (embedded, stylesheet)] {
        let plain = get(&server, &path).await;
        assert!(!plain.headers().contains_key("content-encoding"));
        for (accepted, encoding) in [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip")] {
            let response = ask(&server, Method::GET, &path, &[("accept-encoding", accepted)]).await;
            assert_eq!(response.headers()["content-encoding"], encoding, "{path}");
            assert!(response.headers()["vary"].to_str().unwrap().to_lowercase().contains("accept-encoding"));
            assert!(response.body().len() < plain.body().len());
            let mut text = Vec::new();
            match encoding {
                "br" => brotli::Decompressor::new(&response.body()[..], 4096).read_to_end(&mut text).unwrap(),
                _ => flate2::read::GzDecoder::new(&response.body()[..]).read_to_end(&mut text).unwrap(),
            };
            assert_eq!(text, plain.body()[..], "{path}");
        }
    }
}

#[tokio::test]
async fn an_unchanged_file_is_304() {
    let folder = folder();
    let on_disk = serve(Page::from_folder(folder.path()).unwrap()).await;
    let (embedded, stylesheet) = embedded().await;
    for (server, path) in [(on_disk, "/plain.css".to_owned()), (embedded, stylesheet)] {
        let tag = get(&server, &path).await.headers()["etag"].to_str().unwrap().to_owned();
        let again = ask(&server, Method::GET, &path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{path}");
        let other = ask(&server, Method::GET, &path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn the_content_security_policy_allows_the_pages_own_scripts_only() {
    let folder = folder();
    let server = serve(Page::from_folder(folder.path()).unwrap()).await;
    let response = get(&server, "/streams").await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    // printf 'start()' | openssl dgst -sha256 -binary | base64
    assert!(policy.contains("'sha256-DIm7WJS6ZKDYe5qFLPy+h4JFI9Bol5QmYC57mt3Fb00='"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
}

#[tokio::test]
async fn a_head_request_gets_headers_and_no_body() {
    let folder = folder();
    let (embedded, _) = embedded().await;
    for server in [serve(Page::from_folder(folder.path()).unwrap()).await, embedded] {
        let response = ask(&server, Method::HEAD, "/streams", &[]).await;
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
}

#[tokio::test]
async fn a_request_that_is_neither_for_the_page_nor_grpc_is_404() {
    let folder = folder();
    let server = serve(Page::from_folder(folder.path()).unwrap()).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        assert_eq!(ask(&server, method.clone(), "/streams", &[]).await.status(), 404, "{method}");
    }
    let without = Server::start(Bridge::new()).await;
    assert_eq!(get(&without, "/").await.status(), 404);
}

#[tokio::test]
async fn the_placeholder_names_the_command_that_builds_the_page() {
    let (server, _) = embedded().await;
    let html = get(&server, "/").await.into_body();
    assert!(std::str::from_utf8(&html).unwrap().contains("cargo xtask run"));
}

#[tokio::test]
async fn a_request_to_a_host_name_that_is_not_allowed_is_421_or_permission_denied() {
    let page = Page::embedded();
    let hosts = HostPolicy::Loopback { also: vec!["bridge.example".to_owned()] };
    let server = Server::start(samples().fallback(page).hosts(hosts)).await;
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("bridge.example", 200),
        ("rebound.example", 421),
        ("rebound.example:8080", 421),
        ("", 421),
    ] {
        assert_eq!(ask(&server, Method::GET, "/", &[("host", host)]).await.status(), status, "{host}");
        let grpc = [("host", host), ("content-type", "application/grpc-web")];
        let response = ask(&server, Method::POST, "/Message/Stream", &grpc).await;
        let denied = response.headers().get("grpc-status").is_some_and(|status| status == "7");
        assert_eq!(denied, status == 421, "{host}");
    }
    let request = Request::get("http://rebound.example/").body(Full::from(Bytes::new())).unwrap();
    assert_eq!(Wire::WEB_H2.connect(server.address).await.send(request).await.status(), 421, "over h2");
}
