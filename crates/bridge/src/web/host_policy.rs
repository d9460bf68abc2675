//! Which host names requests may be sent to.
//!
//! A server on a loopback address is meant for this machine only. DNS rebinding gets around that: a foreign page's own DNS
//! name resolves to 127.0.0.1, so that a browser on this machine takes the server for same-origin. The `Host` header still
//! has the foreign name, and is checked here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
        let allowed = Authority::try_from(sent)
            .is_ok_and(|authority| has_only_a_port(&authority) && is_allowed(authority.host(), also));
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
        [b':', port @ ..] => is_port(port),
        _ => false,
    })
}

/// Returns whether this is a port, which may be empty.
fn is_port(text: &[u8]) -> bool {
    let port = text.iter().try_fold(0_u16, |port, byte| {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    });
    port.is_some()
}

/// Returns whether an authority is a host, or a host and a port: no user, and nothing behind the brackets of an IPv6 address.
fn has_only_a_port(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host());
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| is_port(port.as_bytes()))
    })
}

fn is_allowed(host: &str, also: &[String]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address: Option<IpAddr> = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']').and_then(|host| host.parse::<Ipv6Addr>().ok()).map(Into::into),
        None => host.parse::<Ipv4Addr>().ok().map(Into::into),
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_some_and(|address| address.to_canonical().is_loopback())
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
            "evil.example@localhost",
            "[::1]evil.example",
            "localhost:http",
            "localhost:65536",
            "127.0.0.1..",
            "[127.0.0.1]",
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

    /// Returns whether a browser that is given this authority connects to this machine.
    fn is_loopback_to_a_browser(authority: &str) -> bool {
        let Ok(url) = url::Url::parse(&format!("http://{authority}/")) else { return false };
        match url.host() {
            Some(url::Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        }
    }

    #[test]
    fn fuzz_a_host_that_is_allowed_is_this_machine_to_a_browser_too() {
        let check = bolero::check!().with_type::<Vec<(u8, char)>>();
        check.with_iterations(50_000).for_each(|parts| {
            const PARTS: [&str; 15] = [
                "localhost",
                "LOCALHOST",
                "127.0.0.1",
                "[::1]",
                "[",
                "]",
                ".",
                ":",
                "80",
                "@",
                "%",
                "evil.example",
                "::ffff:127.0.0.1",
                "/",
                "\\",
            ];
            let host: String = parts
                .iter()
                .map(|(part, other)| {
                    PARTS.get(usize::from(part % 16)).map_or(other.to_string(), ToString::to_string)
                })
                .collect();
            let Ok(value) = http::HeaderValue::from_bytes(host.as_bytes()) else { return };
            let policy = HostPolicy::Loopback { also: Vec::new() };
            if policy.refused(&Uri::from_static("/"), Some(&value)).is_none() {
                assert!(is_loopback_to_a_browser(&host), "{host:?} is allowed");
            }
        });
    }

    #[test]
    fn fuzz_the_short_way_allows_nothing_that_the_long_way_refuses() {
        let check = bolero::check!().with_type::<(u8, Vec<u8>)>();
        check.with_iterations(50_000).for_each(|(name, port)| {
            let name = ["localhost", "127.0.0.1", "[::1]"][usize::from(name % 3)];
            let pick = |byte: &u8| b"0123456789:".get(usize::from(byte / 22)).copied().unwrap_or(*byte);
            let authority = [name.as_bytes(), &port.iter().map(pick).collect::<Vec<_>>()].concat();
            if is_plain_loopback(&authority) {
                let parsed = Authority::try_from(&authority[..]).expect("an authority");
                assert!(is_allowed(parsed.host(), &[]), "{}", authority.escape_ascii());
            }
        });
    }
}
