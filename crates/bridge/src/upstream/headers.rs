//! Which headers are passed on, in requests and responses.

use drawbridge_core::headers::{
    GRPC_MESSAGE, GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_STATUS, GRPC_STATUS_DETAILS_BIN, GRPC_TIMEOUT,
};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use super::trusted_proxies::Peer;
use crate::call::{CallContext, now};
use crate::client::timeout_header;

/// Makes the headers of a request those that the upstream receives.
///
/// Hop-by-hop headers are removed, and headers that name the caller's address are replaced. All other metadata is passed on
/// unchanged, with duplicates and binary values. `grpc-timeout` is [set](set_timeout) when the request is sent.
pub(super) fn prepare_request(headers: &mut HeaderMap, context: Option<&CallContext>, peer: Option<&Peer>) {
    remove(headers, |name| {
        // `te` is overwritten below.
        (is_hop_by_hop(name) && name != "te")
            || is_replaced(name)
            || peer.is_some_and(|peer| peer.distrusts(name))
    });
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Some(context) = context {
        context.request_id().write(headers);
    }
    if let Some(peer) = peer {
        peer.write(headers);
    }
}

/// Sets `grpc-timeout` to what remains of the deadline. A call may have waited for a stream, so this comes last.
pub(super) fn set_timeout(headers: &mut HeaderMap, context: &CallContext) {
    if let Some(deadline) = context.deadline() {
        headers.insert(GRPC_TIMEOUT, timeout_header(deadline.remaining(now())));
    }
}

/// Sets `grpc-previous-rpc-attempts` to the number of earlier attempts: the caller's and `own`.
pub(super) fn set_previous_attempts(headers: &mut HeaderMap, context: Option<&CallContext>, own: u32) {
    let of_caller = context.map_or(0, CallContext::previous_attempts);
    headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(of_caller.saturating_add(own)));
}

/// Removes the headers of a response that apply to the upstream's own connection or server.
pub(super) fn prepare_response(headers: &mut HeaderMap) {
    remove(headers, |name| {
        is_hop_by_hop(name)
            // The bridge applies its own CORS policy.
            || name.starts_with("access-control-")
            // Names other addresses of the upstream, which the caller must not connect to (RFC 7838).
            || name == "alt-svc"
    });
}

/// Removes the status from the head of a response.
pub(super) fn remove_status(headers: &mut HeaderMap) {
    for name in [GRPC_STATUS, GRPC_MESSAGE, GRPC_STATUS_DETAILS_BIN] {
        headers.remove(name);
    }
}

/// Returns whether a header applies to one connection only (RFC 9110, section 7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            // gRPC-Web may change the length of the body.
            | "content-length"
    ) || name.starts_with("proxy-")
}

/// Returns whether a header of a request is removed, or replaced by the bridge.
fn is_replaced(name: &str) -> bool {
    matches!(
        name,
        "grpc-timeout"
            | "host"
            | "expect"
            // A response with a content coding cannot be translated to gRPC-Web.
            | "accept-encoding"
            | "x-grpc-web"
            | "x-parent-call-id"
            // A secret between the operator and the bridge.
            | "x-drawbridge-token"
    )
}

/// Removes the headers that match, and those that a removed `connection` header names.
fn remove(headers: &mut HeaderMap, matches: impl Fn(&str) -> bool) {
    let mut removed: SmallVec<[HeaderName; 4]> =
        headers.keys().filter(|name| matches(name.as_str())).cloned().collect();
    if removed.contains(&header::CONNECTION) {
        let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
        removed.extend(named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()));
    }
    for name in removed {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn metadata_is_passed_on_unchanged() {
        let metadata = [
            ("content-type", "application/grpc+json"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
            ("x-id-bin", "AAEC"),
            ("authorization", "Bearer b"),
            ("cookie", "a=b"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("grpc-encoding", "gzip"),
            ("grpc-accept-encoding", "gzip"),
            ("user-agent", "grpc-test"),
        ];
        let mut forwarded = headers(&metadata);
        prepare_request(&mut forwarded, None, None);
        assert_eq!(forwarded.remove(header::TE).unwrap(), "trailers");
        assert_eq!(forwarded, headers(&metadata));
    }

    #[test]
    fn hop_by_hop_headers_of_a_request_are_removed() {
        let mut forwarded = headers(&[
            ("connection", "close, X-Hop , grpc-timeout"),
            ("connection", "x-other"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic b"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
            ("trailer", "x"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("content-length", "5"),
            ("host", "rebound.example"),
            ("grpc-timeout", "1S"),
            ("x-grpc-web", "1"),
            ("accept-encoding", "gzip, br"),
            ("x-parent-call-id", "0"),
            ("x-drawbridge-token", "a-token-of-25-characters."),
        ]);
        prepare_request(&mut forwarded, None, None);
        assert_eq!(forwarded, headers(&[("te", "trailers")]));
    }

    #[test]
    fn a_response_keeps_its_metadata() {
        let mut response = headers(&[
            ("content-type", "application/grpc"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
            ("grpc-status", "5"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("content-length", "0"),
            ("trailer", "grpc-status"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h2=\":1\""),
        ]);
        prepare_response(&mut response);
        let expected = [
            ("content-type", "application/grpc"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
            ("grpc-status", "5"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
        ];
        assert_eq!(response, headers(&expected));
    }
}
