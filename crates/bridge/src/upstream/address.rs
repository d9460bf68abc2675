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
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        if has_path || authority.as_str().contains('@') || authority.host().is_empty() {
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
