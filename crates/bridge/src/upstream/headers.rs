//! Which metadata goes along, on the way there and on the way back.

use drawbridge_core::headers::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_TIMEOUT};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use tonic::Status;

use super::trusted_proxies::Peer;
use crate::call::{CallContext, now};
use crate::client::header_value;

/// Writes the head of a call as the upstream gets it.
///
/// What concerns the one connection that it came by stays here, what says who the caller is gets replaced, and the time
/// is what remains. All other metadata goes along as it is, duplicates and binary values among it.
pub(super) fn forward(headers: &mut HeaderMap, context: Option<&CallContext>, peer: Option<&Peer>) {
    remove(headers, |name| {
        // That one is written over.
        (is_of_the_connection(name) && name != "te")
            || is_replaced(name)
            || peer.is_some_and(|peer| peer.only_claims(name))
    });
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Some(context) = context {
        stamp(headers, context);
        context.request_id().write(headers);
    }
    if let Some(peer) = peer {
        peer.write(headers);
    }
}

/// Writes the time that remains.
pub(super) fn stamp(headers: &mut HeaderMap, context: &CallContext) {
    if let Some(deadline) = context.deadline() {
        headers.insert(GRPC_TIMEOUT, header_value(deadline.remaining(now())));
    }
}

/// Writes how many attempts went before this one: those that the caller has made, and our own.
pub(super) fn count(headers: &mut HeaderMap, context: Option<&CallContext>, own: u32) {
    let brought = context.map_or(0, CallContext::previous_attempts);
    headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(brought.saturating_add(own)));
}

/// Takes out of an answer's head what concerns the connection to the upstream alone.
pub(super) fn answer(headers: &mut HeaderMap) {
    remove(headers, |name| {
        is_of_the_connection(name)
            // Which pages may read an answer is said by the bridge.
            || name.starts_with("access-control-")
            // Says where else this very server is, which the caller must not go to.
            || name == "alt-svc"
    });
}

/// Takes the status out of a head.
pub(super) fn without_status(headers: &mut HeaderMap) {
    for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
        headers.remove(name);
    }
}

/// Tells whether a header concerns one connection and nobody behind it (RFC 9110, section 7.6.1).
fn is_of_the_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            // The length is that of a body which may be encoded anew.
            | "content-length"
    ) || name.starts_with("proxy-")
}

/// Tells whether a request's header is written anew for the upstream, or not at all.
fn is_replaced(name: &str) -> bool {
    matches!(
        name,
        "grpc-timeout"
            | "host"
            | "expect"
            // An answer whose body is encoded could not be translated.
            | "accept-encoding"
            | "x-grpc-web"
            | "x-parent-call-id"
    )
}

fn remove(headers: &mut HeaderMap, is_out: impl Fn(&str) -> bool) {
    let mut out: Vec<HeaderName> = headers.keys().filter(|name| is_out(name.as_str())).cloned().collect();
    if out.contains(&header::CONNECTION) {
        let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
        out.extend(named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()));
    }
    for name in out {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<Vec<_>>()
            .into_iter()
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn metadata_goes_along_as_it_is() {
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
        forward(&mut forwarded, None, None);
        assert_eq!(forwarded.remove(header::TE).unwrap(), "trailers");
        assert_eq!(forwarded, headers(&metadata));
    }

    #[test]
    fn what_concerns_the_connection_stays_here() {
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
        ]);
        forward(&mut forwarded, None, None);
        assert_eq!(forwarded, headers(&[("te", "trailers")]));
    }

    #[test]
    fn an_answer_keeps_its_metadata() {
        let mut answered = headers(&[
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
        answer(&mut answered);
        let kept = [
            ("content-type", "application/grpc"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
            ("grpc-status", "5"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
        ];
        assert_eq!(answered, headers(&kept));
    }
}
