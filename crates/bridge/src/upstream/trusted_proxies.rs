//! Who the caller is said to be.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};

use crate::peer::peer_addr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Tells whether proxies say in this header whom they speak for.
fn is_of_proxies(name: &str) -> bool {
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

/// An address, or a range of them such as `10.0.0.0/8`, from which proxies come that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyRange {
    network: IpAddr,
    bits: u8,
}

/// The text is neither an address nor a range of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a range of them: expected one such as 10.0.0.7 or 10.0.0.0/8")]
pub struct ParseProxyRangeError(String);

impl ProxyRange {
    fn contains(self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, width: u32, bits: u8) -> bool {
            let rest = width - u32::from(bits);
            rest == 128 || (a ^ b) >> rest == 0
        }
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same(network.to_bits().into(), address.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same(network.to_bits(), address.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for ProxyRange {
    type Err = ParseProxyRangeError;

    fn from_str(text: &str) -> Result<Self, ParseProxyRangeError> {
        let wrong = || ParseProxyRangeError(text.to_owned());
        let (network, bits) =
            text.split_once('/').map_or((text, None), |(network, bits)| (network, Some(bits)));
        let network = network.parse::<IpAddr>().map_err(|_| wrong())?.to_canonical();
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width).ok_or_else(wrong)?,
            None => width,
        };
        Ok(Self { network, bits })
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Arc<[ProxyRange]>);

impl TrustedProxies {
    pub(crate) fn new(ranges: Vec<ProxyRange>) -> Self {
        Self(ranges.into())
    }

    /// Returns who a request came from, if the server was told.
    pub(super) fn peer<B>(&self, request: &Request<B>) -> Option<Peer> {
        let address = peer_addr(request.extensions())?;
        let address = address.ip().to_canonical();
        Some(Peer { address, trusted: self.0.iter().any(|range| range.contains(address)) })
    }
}

/// Who a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    address: IpAddr,
    trusted: bool,
}

impl Peer {
    /// Tells whether a header says whom this caller speaks for, and it is nobody to be believed.
    pub(super) fn only_claims(&self, name: &str) -> bool {
        !self.trusted && is_of_proxies(name)
    }

    /// Writes who the caller is, behind what it says itself. What it only claims was taken out before.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        // One text for both headers: `for=` and the address, which stands in quotes and brackets where it has colons.
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

/// Writes an address as text. The machinery of `fmt` would cost a call more than its other headers together.
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

/// Appends to a list, which may be told in several headers, as one.
fn append(headers: &mut HeaderMap, name: HeaderName, element: Bytes) {
    // Valid values joined by commas are one.
    let value =
        |list: Bytes| HeaderValue::from_maybe_shared(list).unwrap_or(HeaderValue::from_static("unknown"));
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value(element));
        }
        Entry::Occupied(mut entry) => {
            let told = entry.iter().map(HeaderValue::as_bytes);
            let list = told.chain([&element[..]]).collect::<Vec<_>>().join(&b", "[..]);
            entry.insert(value(list.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::headers::forward;
    use super::*;
    use crate::peer::PeerAddr;

    fn written(peer: &str, trusted: &[&str], told: &[(&'static str, &'static str)]) -> HeaderMap {
        let address = SocketAddr::new(peer.parse().unwrap(), 7);
        let mut request = Request::new(());
        request.extensions_mut().insert(PeerAddr(address));
        let trusted = TrustedProxies::new(trusted.iter().map(|range| range.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let peer = trusted.peer(&request).unwrap();
        forward(&mut headers, None, Some(&peer));
        headers.remove(header::TE);
        headers
    }

    const TOLD: &[(&str, &str)] =
        &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1"), ("x-real-ip", "1.1.1.1")];

    #[test]
    fn what_anybody_says_is_replaced() {
        let headers = written("10.0.0.7", &["10.0.0.8", "192.168.0.0/16"], TOLD);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.7");
        assert_eq!(headers["forwarded"], "for=10.0.0.7");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn what_a_trusted_proxy_says_stands_and_it_is_added_itself() {
        for trusted in ["10.0.0.7", "10.0.0.0/8", "0.0.0.0/0", "::ffff:10.0.0.7"] {
            let headers = written("::ffff:10.0.0.7", &[trusted], TOLD);
            assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 10.0.0.7", "{trusted}");
            assert_eq!(headers["forwarded"], "for=1.1.1.1, for=10.0.0.7");
            assert_eq!(headers["x-real-ip"], "1.1.1.1");
        }
        let headers =
            written("fd00::7", &["fd00::/8"], &[("x-forwarded-for", "a"), ("x-forwarded-for", "b")]);
        assert_eq!(headers["x-forwarded-for"], "a, b, fd00::7");
        assert_eq!(headers["forwarded"], "for=\"[fd00::7]\"");
    }

    #[test]
    fn only_a_range_is_a_range() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(text.parse::<ProxyRange>().is_err(), "{text}");
        }
    }
}
