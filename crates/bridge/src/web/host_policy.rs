//! Which host names requests may be sent to.
//!
//! A server on a loopback address is meant for this machine only. DNS rebinding gets around that: a foreign page's own DNS
//! name resolves to 127.0.0.1, so that a browser on this machine takes the server for same-origin. The `Host` header still
//! has the foreign name, and is checked here.

use std::net::IpAddr;

use http::HeaderValue;
use http::uri::{Authority, Uri};

/// Which host names requests may be sent to. A request to any other name is answered 421 (Misdirected Request).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum HostPolicy {
    /// Any name. For a listener that other machines can reach.
    #[default]
    Any,
    /// `localhost`, names under it, loopback addresses, and the names in `also`.
    Loopback {
        /// Further names that are allowed, without a port.
        also: Vec<String>,
    },
}

impl HostPolicy {
    /// Returns the host of a request that this policy refuses, as it was sent (empty if there was none), or `None` if the
    /// request is allowed. `host` is the `Host` header.
    pub(crate) fn refused(&self, uri: &Uri, host: Option<&HeaderValue>) -> Option<String> {
        let Self::Loopback { also } = self else { return None };
        // Over h2 the authority is in the URI; over HTTP/1.1 in `Host`, unless the request line is absolute.
        let sent = match uri.authority() {
            Some(authority) => authority.as_str().as_bytes(),
            None => host.map_or(&b""[..], |value| value.as_bytes()),
        };
        if is_plain_loopback(sent) {
            return None;
        }
        let allowed = Authority::try_from(sent).is_ok_and(|authority| is_allowed(authority.host(), also));
        (!allowed).then(|| String::from_utf8_lossy(sent).into_owned())
    }
}

impl HostPolicy {
    /// Returns whether this policy allows the host of an origin, as browsers write it.
    pub(crate) fn allows_origin(&self, origin: &[u8]) -> bool {
        let Self::Loopback { also } = self else { return true };
        let uri = Uri::try_from(origin).ok();
        uri.as_ref().and_then(Uri::host).is_some_and(|host| is_allowed(host, also))
    }
}

/// Returns whether an authority is one of those that nearly all requests on loopback have, which need no parsing.
fn is_plain_loopback(authority: &[u8]) -> bool {
    let names = [&b"localhost"[..], b"127.0.0.1", b"[::1]"];
    names.iter().filter_map(|name| authority.strip_prefix(*name)).any(|rest| match rest {
        [] => true,
        [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
        _ => false,
    })
}

fn is_allowed(host: &str, also: &[String]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        || also.iter().any(|name| name.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: &str) -> Option<String> {
        let policy = HostPolicy::Loopback { also: vec!["Bridge.example".to_owned()] };
        policy.refused(&Uri::from_static("/"), Some(&HeaderValue::from_str(host).unwrap()))
    }

    #[test]
    fn loopback_names_are_allowed() {
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST:1",
            "localhost.",
            "app.localhost:80",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "bridge.example:443",
        ] {
            assert_eq!(refused(host), None, "{host}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for host in [
            "rebound.example",
            "localhost.evil.example",
            "10.0.0.1:80",
            "[::2]",
            "",
            "a b",
            "localhost@evil.example",
            "127.0.0.1.nip.example",
            "localhost:80@evil.example",
        ] {
            assert_eq!(refused(host).as_deref(), Some(host));
        }
    }

    #[test]
    fn the_authority_of_the_uri_counts_before_the_header() {
        let policy = HostPolicy::Loopback { also: vec![] };
        let uri = Uri::from_static("http://rebound.example/");
        let host = HeaderValue::from_static("localhost");
        assert_eq!(policy.refused(&uri, Some(&host)).as_deref(), Some("rebound.example"));
    }

    #[test]
    fn a_request_to_no_name_is_refused() {
        let policy = HostPolicy::Loopback { also: vec![] };
        assert_eq!(policy.refused(&Uri::from_static("/"), None).as_deref(), Some(""));
    }

    #[test]
    fn any_name_is_allowed_by_any() {
        let host = HeaderValue::from_static("rebound.example");
        assert_eq!(HostPolicy::Any.refused(&Uri::from_static("/"), Some(&host)), None);
    }
}
