//! The address of an upstream server.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::uri::{Authority, Scheme, Uri};

use super::error::UpstreamError;
#[cfg(feature = "tls")]
use super::tls::UpstreamTls;

/// The address of an upstream server.
#[derive(Clone)]
pub(crate) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<UpstreamTls>,
}

impl Address {
    /// Parses a URL of scheme, host and port.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL has anything else, or a scheme that is not supported.
    pub(super) fn parse(url: &str) -> Result<Self, UpstreamError> {
        let invalid = || UpstreamError::Address(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(invalid()) };
        // `Uri` leaves a fragment out.
        let has_path = parts.path_and_query.is_some_and(|path| path != "/") || url.contains('#');
        if has_path || !is_host_and_port(&authority) {
            return Err(invalid());
        }
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(invalid());
        }
        #[cfg(feature = "tls")]
        let tls = if scheme == Scheme::HTTPS {
            Some(UpstreamTls::new(bare_host(&authority)).ok_or_else(invalid)?)
        } else {
            None
        };
        #[cfg(not(feature = "tls"))]
        if scheme == Scheme::HTTPS {
            return Err(UpstreamError::TlsDisabled(url.to_owned()));
        }
        Ok(Self {
            scheme,
            authority,
            #[cfg(feature = "tls")]
            tls,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.scheme == Scheme::HTTPS { 443 } else { 80 })
    }

    /// Returns the host to resolve, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        bare_host(&self.authority)
    }

    /// Returns the socket address, if the host is an IP address and not a name.
    pub(super) fn socket(&self) -> Option<SocketAddr> {
        let host: IpAddr = self.host().parse().ok()?;
        Some(SocketAddr::new(host, self.port()))
    }
}

/// Returns whether an authority is a host, or a host and a port of 16 bits, which `Authority` does not check.
fn is_host_and_port(authority: &Authority) -> bool {
    let (host, text) = (authority.host(), authority.as_str());
    !host.is_empty()
        && match text.strip_prefix(host) {
            Some("") => true,
            Some(rest) => rest.starts_with(':') && authority.port_u16().is_some(),
            None => false,
        }
}

/// Returns the host without the brackets of an IPv6 address.
fn bare_host(authority: &Authority) -> &str {
    let host = authority.host();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_none_is_an_error_and_not_the_default() {
        for url in [
            "http://a.example:",
            "http://a.example:65536",
            "http://a.example:5005l",
            "http://[::1]x",
            "http://a#b",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
        assert_eq!(Address::parse("http://a.example:65535/").unwrap().port(), 65_535);
    }

    #[test]
    fn fuzz_an_address_is_a_scheme_a_host_and_a_port_and_nothing_else() {
        let check = bolero::check!().with_type::<Vec<(u8, char)>>();
        check.with_iterations(50_000).for_each(|parts| {
            const PARTS: [&str; 15] = [
                "http://",
                "http",
                "a.example",
                "[::1]",
                "127.0.0.1",
                ":",
                "80",
                "65536",
                "/",
                "?",
                "#",
                "@",
                "%41",
                "..",
                "x",
            ];
            let mut text = String::from(if parts.len() % 4 == 0 { "" } else { "http://" });
            text.extend(parts.iter().map(|(part, other)| {
                PARTS.get(usize::from(part % 16)).map_or(other.to_string(), ToString::to_string)
            }));
            let Ok(address) = Address::parse(&text) else { return };
            let shown = address.to_string();
            assert!(text == shown || text == format!("{shown}/"), "{text:?} is taken for {shown:?}");
            let again = Address::parse(&shown).unwrap();
            assert_eq!((again.host(), again.port()), (address.host(), address.port()));
            let port = address.authority.as_str().rsplit_once(':').map(|(_, port)| port);
            if let Some(port) = port.filter(|port| !port.contains(']')) {
                assert_eq!(port.parse(), Ok(address.port()), "{text:?}");
            }
        });
    }
}
