//! Where calls may be forwarded to.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, Scheme, Uri};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::authorities;
use super::pool::PoolOptions;
use crate::front::classify::is_name;

/// A server that calls are forwarded to, for one service, for all of a package, or for all that nobody else takes.
///
/// Several for one service share its calls: each call goes to the one that has the fewest.
///
/// ```
/// use drawbridge::{Bridge, Upstream};
///
/// let router = Bridge::new()
///     .upstream("http://127.0.0.1:50051".parse::<Upstream>()?)
///     .upstream("shop.Orders=http://127.0.0.1:50052".parse::<Upstream>()?)
///     .into_router();
/// # Ok::<(), drawbridge::UpstreamError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The service or package whose calls go there. All that nobody else takes, where there is none.
    pub(super) service: Option<String>,
    pub(super) address: Address,
    pub(super) options: PoolOptions,
}

/// The address of an upstream server.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) tls: Option<Tls>,
}

/// What the certificate of an upstream must be.
#[derive(Clone)]
pub(super) struct Tls {
    /// Whose it must be.
    pub(super) name: ServerName<'static>,
    /// Who must have signed it, where that is not left to the system.
    connector: Option<TlsConnector>,
}

impl Tls {
    /// Returns what connects, and checks the certificate.
    ///
    /// # Errors
    ///
    /// Returns an error where that is left to the system, and the system has no certificates.
    pub(super) fn connector(&self) -> Result<TlsConnector, UpstreamError> {
        self.connector.clone().map_or_else(authorities::of_the_system, Ok)
    }
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

impl Address {
    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 })
    }

    /// Returns the host, as it is looked up and connected to.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

/// Why something is no upstream, in words that say what one is.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The text is no address.
    #[error(
        "{0:?} is not the address of an upstream: expected one such as http://127.0.0.1:50051 or https://grpc.example, without a path"
    )]
    Address(String),
    /// The text before the `=` names no service.
    #[error("{0:?} is not the name of a service or a package: expected one such as greet.Greeter or greet")]
    Service(String),
    /// The certificates of an authority cannot be read.
    #[error("cannot read the certificates of an authority: {0}")]
    Authority(String),
    /// There is no certificate that an upstream's could be checked against.
    #[error("this system has no certificates of authorities, which an upstream's could be checked with")]
    NoRoots,
}

impl Upstream {
    /// Creates an upstream at a URL: `http://` is HTTP/2 without TLS, `https://` is HTTP/2 over TLS. Its certificate is
    /// checked with the system's authorities, which are looked for with the first connection, unless
    /// [`Upstream::system_authorities`] or [`Upstream::certificate_authorities`] is called before.
    ///
    /// # Errors
    ///
    /// Returns an error where the URL is none, or has more than a scheme, a host and a port.
    pub fn new(url: &str) -> Result<Self, UpstreamError> {
        let wrong = || UpstreamError::Address(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(wrong()) };
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        if has_path || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        let mut address = Address { scheme, authority, tls: None };
        if address.scheme == Scheme::HTTPS {
            let name = ServerName::try_from(address.host().to_owned()).map_err(|_| wrong())?;
            address.tls = Some(Tls { name, connector: None });
        } else if address.scheme != Scheme::HTTP {
            return Err(wrong());
        }
        Ok(Self { service: None, address, options: PoolOptions::default() })
    }

    /// Takes only the calls of this service, or of this package and those below. The longest name wins.
    ///
    /// # Errors
    ///
    /// Returns an error where the name is none that a service or a package can have.
    pub fn for_service(mut self, name: &str) -> Result<Self, UpstreamError> {
        if !is_name(name) {
            return Err(UpstreamError::Service(name.to_owned()));
        }
        self.service = Some(name.to_owned());
        Ok(self)
    }

    /// Checks the upstream's certificate with those of these authorities, in PEM, instead of the system's. Without TLS
    /// nothing is checked.
    ///
    /// # Errors
    ///
    /// Returns an error where the text has no certificate, or one that cannot be read.
    pub fn certificate_authorities(mut self, pem: &[u8]) -> Result<Self, UpstreamError> {
        let connector = authorities::of_pem(pem)?;
        if let Some(tls) = &mut self.address.tls {
            tls.connector = Some(connector);
        }
        Ok(self)
    }

    /// Looks for the system's authorities now, so that a system without any is noticed before the first call. Without TLS
    /// nothing is looked for.
    ///
    /// # Errors
    ///
    /// Returns an error where the system has none.
    pub fn system_authorities(mut self) -> Result<Self, UpstreamError> {
        if let Some(tls) = &mut self.address.tls {
            tls.connector = Some(authorities::of_the_system()?);
        }
        Ok(self)
    }

    /// Sets how the connections to this upstream are kept. For several upstreams of one service, the first one's count.
    #[must_use]
    pub fn pool(mut self, options: PoolOptions) -> Self {
        self.options = options;
        self
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    /// Reads `[SERVICE=]URL`.
    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        match text.split_once('=') {
            Some((service, url)) => Self::new(url)?.for_service(service),
            None => Self::new(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_address_and_perhaps_a_name() {
        for (text, service, host, port) in [
            ("http://localhost:50051", None, "localhost", 50051),
            ("greet.Greeter=http://[::1]:7", Some("greet.Greeter"), "::1", 7),
            ("greet=http://10.0.0.1/", Some("greet"), "10.0.0.1", 80),
        ] {
            let upstream: Upstream = text.parse().unwrap();
            assert_eq!(upstream.service.as_deref(), service);
            assert_eq!((upstream.address.host(), upstream.address.port()), (host, port));
        }
    }

    #[test]
    fn what_is_no_upstream_is_refused() {
        for text in [
            "localhost:50051",
            "ftp://localhost",
            "http://localhost/greet",
            "http://localhost?a=b",
            "http://a@localhost",
            "http://",
            "",
            "=http://localhost",
            "a b=http://localhost",
            "greet.=http://localhost",
        ] {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
    }
}
