//! The client address that upstreams receive.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};

use crate::peer::peer_addr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns whether proxies set this header to describe the client of a request.
fn is_forwarding_header(name: &str) -> bool {
    matches!(
        name,
        "x-forwarded-for"
            | "forwarded"
            | "x-forwarded-host"
            | "x-forwarded-port"
            | "x-forwarded-proto"
            | "x-real-ip"
    )
}

/// An IP address or CIDR range of proxies that are trusted, such as `10.0.0.7` or `10.0.0.0/8`.
///
/// In requests from such an address, `Forwarded` (RFC 7239) and the `X-Forwarded-*` headers are passed on, with the address
/// appended. In all other requests they are replaced. Parse it from text, and give it to
/// [`Bridge::trusted_proxies`](crate::Bridge::trusted_proxies).
///
/// ```
/// use drawbridge::{Bridge, ProxyRange};
///
/// let bridge = Bridge::new().trusted_proxies(["10.0.0.0/8".parse::<ProxyRange>()?]);
/// # Ok::<(), drawbridge::ParseProxyRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyRange {
    network: IpAddr,
    bits: u8,
}

/// The text is neither an IP address nor a CIDR range.
///
/// ```
/// let error = "10.0.0.0/33".parse::<drawbridge::ProxyRange>().unwrap_err();
/// assert!(error.to_string().contains("10.0.0.0/8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a CIDR range: expected one such as 10.0.0.7 or 10.0.0.0/8")]
pub struct ParseProxyRangeError(String);

impl ProxyRange {
    fn contains(self, address: IpAddr) -> bool {
        fn prefix_matches(a: u128, b: u128, width: u32, bits: u8) -> bool {
            let host_bits = width - u32::from(bits);
            host_bits == 128 || (a ^ b) >> host_bits == 0
        }
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                prefix_matches(network.to_bits().into(), address.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                prefix_matches(network.to_bits(), address.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for ProxyRange {
    type Err = ParseProxyRangeError;

    fn from_str(text: &str) -> Result<Self, ParseProxyRangeError> {
        let invalid = || ParseProxyRangeError(text.to_owned());
        let (network, bits) =
            text.split_once('/').map_or((text, None), |(network, bits)| (network, Some(bits)));
        let written = network.parse::<IpAddr>().map_err(|_| invalid())?;
        let network = written.to_canonical();
        let width = if written.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits: &u8| *bits <= width).ok_or_else(invalid)?,
            None => width,
        };
        // In an IPv4 address that is written as IPv6, the bits count from the start of the 128.
        let mapped = if written == network { 0 } else { 96 };
        Ok(Self { network, bits: bits.checked_sub(mapped).ok_or_else(invalid)? })
    }
}

/// The proxies that are trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Arc<[ProxyRange]>);

impl TrustedProxies {
    pub(crate) fn new(ranges: Vec<ProxyRange>) -> Self {
        Self(ranges.into())
    }

    /// Returns the address that a request came from, if the server knows it.
    pub(super) fn peer<B>(&self, request: &Request<B>) -> Option<Peer> {
        let address = peer_addr(request.extensions())?;
        let address = address.ip().to_canonical();
        Some(Peer { address, trusted: self.0.iter().any(|range| range.contains(address)) })
    }
}

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    address: IpAddr,
    trusted: bool,
}

impl Peer {
    /// Returns whether a header describes the client, and the peer is not trusted to set it.
    pub(super) fn distrusts(&self, name: &str) -> bool {
        !self.trusted && is_forwarding_header(name)
    }

    /// Appends the address to `x-forwarded-for` and `forwarded`. Values that are not trusted have to be removed before.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        // One buffer for both headers: `for=` and the address. An IPv6 address has quotes and brackets (RFC 7239, section 6).
        let (before, behind) = if self.address.is_ipv4() { ("for=", "") } else { ("for=\"[", "]\"") };
        let mut text = BytesMut::with_capacity(48);
        text.put(before.as_bytes());
        put_address(&mut text, self.address);
        text.put(behind.as_bytes());
        let forwarded = text.freeze();
        let address = forwarded.slice(before.len()..forwarded.len() - behind.len());
        append(headers, X_FORWARDED_FOR, address);
        append(headers, header::FORWARDED, forwarded);
    }
}

/// Writes an address as text. For IPv4, `fmt` would cost a call more than all of its other headers.
fn put_address(text: &mut BytesMut, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    text.put_u8(b'.');
                }
                text.put(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        IpAddr::V6(address) => text.put(address.to_string().as_bytes()),
    }
}

/// Appends an element to a list header, and joins the header's values into one.
fn append(headers: &mut HeaderMap, name: HeaderName, element: Bytes) {
    // Cannot fail: valid values that are joined by commas are a valid value.
    let value =
        |list: Bytes| HeaderValue::from_maybe_shared(list).unwrap_or(HeaderValue::from_static("unknown"));
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value(element));
        }
        Entry::Occupied(mut entry) => {
            let values = entry.iter().map(HeaderValue::as_bytes);
            let list = values.chain([&element[..]]).collect::<Vec<_>>().join(&b", "[..]);
            entry.insert(value(list.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::peer::PeerAddr;

    /// Returns the headers that an upstream receives for a request from `peer` with these headers.
    fn forwarded(peer: &str, trusted: &[&str], sent: &[(&'static str, &'static str)]) -> HeaderMap {
        let address = SocketAddr::new(peer.parse().unwrap(), 7);
        let mut request = Request::new(());
        request.extensions_mut().insert(PeerAddr(address));
        let trusted = TrustedProxies::new(trusted.iter().map(|range| range.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        let peer = trusted.peer(&request).unwrap();
        for (name, value) in sent.iter().filter(|(name, _)| !peer.distrusts(name)) {
            headers.append(*name, HeaderValue::from_static(value));
        }
        peer.write(&mut headers);
        headers
    }

    const SENT: &[(&str, &str)] =
        &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1"), ("x-real-ip", "1.1.1.1")];

    #[test]
    fn headers_of_an_untrusted_peer_are_replaced() {
        let headers = forwarded("10.0.0.7", &["10.0.0.8", "192.168.0.0/16"], SENT);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.7");
        assert_eq!(headers["forwarded"], "for=10.0.0.7");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn headers_of_a_trusted_proxy_are_kept_with_its_address_appended() {
        for trusted in ["10.0.0.7", "10.0.0.0/8", "0.0.0.0/0", "::ffff:10.0.0.7", "::ffff:10.0.0.0/104"] {
            let headers = forwarded("::ffff:10.0.0.7", &[trusted], SENT);
            assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 10.0.0.7", "{trusted}");
            assert_eq!(headers["forwarded"], "for=1.1.1.1, for=10.0.0.7");
            assert_eq!(headers["x-real-ip"], "1.1.1.1");
        }
        let headers =
            forwarded("fd00::7", &["fd00::/8"], &[("x-forwarded-for", "a"), ("x-forwarded-for", "b")]);
        assert_eq!(headers["x-forwarded-for"], "a, b, fd00::7");
        assert_eq!(headers["forwarded"], "for=\"[fd00::7]\"");
    }

    #[test]
    fn the_bits_of_an_ipv4_address_in_ipv6_form_count_from_the_start_of_the_ipv6_address() {
        let range = |text: &str| text.parse::<ProxyRange>();
        assert_eq!(range("::ffff:10.1.0.0/112"), range("10.1.0.0/16"));
        assert!(range("::ffff:10.1.0.0/16").is_err());
    }

    #[test]
    fn an_invalid_range_is_an_error() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(text.parse::<ProxyRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn fuzz_a_range_has_the_addresses_that_begin_with_its_bits() {
        let check = bolero::check!().with_type::<(bool, u128, u128, u8)>();
        check.with_iterations(50_000).for_each(|(is_ipv4, network, address, bits)| {
            let bytes = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            let ip = |number: &u128| {
                let low = u32::try_from(number & u128::from(u32::MAX)).unwrap();
                if *is_ipv4 { IpAddr::from(low.to_be_bytes()) } else { IpAddr::from(number.to_be_bytes()) }
            };
            let (network, width) = (ip(network), if *is_ipv4 { 32 } else { 128 });
            let Ok(range) = format!("{network}/{bits}").parse::<ProxyRange>() else {
                assert!(*bits > width || network.to_canonical() != network);
                return;
            };
            // Only the last bits differ, or any.
            for address in
                [ip(address), ip(&(network_bits(network) ^ address.checked_shr((*bits).into()).unwrap_or(0)))]
            {
                let bit = |bytes: &[u8], index: u8| bytes[usize::from(index / 8)] >> (7 - index % 8) & 1;
                let (left, right) = (bytes(network), bytes(address));
                let expected = (0..*bits).all(|index| bit(&left, index) == bit(&right, index));
                assert_eq!(range.contains(address), expected, "{address} in {network}/{bits}");
            }
        });
    }

    fn network_bits(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => address.to_bits().into(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    #[test]
    fn fuzz_the_error_of_any_text_quotes_it() {
        bolero::check!().with_type::<String>().with_iterations(20_000).for_each(|text| {
            if let Err(error) = text.parse::<ProxyRange>() {
                assert!(error.to_string().starts_with(&format!("{text:?}")), "{error}");
            }
        });
    }

    #[test]
    fn fuzz_the_address_is_appended_to_any_headers() {
        let check = bolero::check!().with_type::<(bool, u128, Vec<Vec<u8>>)>();
        check.with_iterations(20_000).for_each(|(is_ipv4, address, sent)| {
            let octets = address.to_be_bytes();
            let address = if *is_ipv4 {
                IpAddr::from([octets[0], octets[1], octets[2], octets[3]])
            } else {
                IpAddr::from(octets)
            };
            let mut headers = HeaderMap::new();
            for value in sent.iter().filter_map(|value| HeaderValue::from_bytes(value).ok()) {
                headers.append(X_FORWARDED_FOR, value);
            }
            let mut expected: Vec<Vec<u8>> =
                headers.get_all(X_FORWARDED_FOR).iter().map(|value| value.as_bytes().to_vec()).collect();
            expected.push(address.to_string().into_bytes());
            Peer { address, trusted: true }.write(&mut headers);
            let values: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
            assert_eq!(values, [&expected.join(&b", "[..])[..]]);
            assert!(headers[header::FORWARDED].as_bytes().starts_with(b"for="));
        });
    }
}
