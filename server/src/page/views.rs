//! The paths of the page's views.

use http::{HeaderMap, header};

/// The root, and each path that the page's router knows (`web/src/page/app.rs`).
const VIEWS: [&str; 6] = ["/", "/streams", "/greeter", "/deadlines", "/calls", "/services"];

/// Returns whether the page has a view at this path.
pub(super) fn is_view(path: &str) -> bool {
    VIEWS.contains(&path)
}

/// Returns whether the client asks for HTML by name, as a browser does when its user opens an address.
pub(super) fn asks_for_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types = accepted.flat_map(|value| value.split(','));
    types
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case("text/html"))
}
