//! An upstream as it is configured.

use std::str::FromStr;

use drawbridge_core::path::is_name;

use super::address::Address;
use super::error::UpstreamError;
use super::network::Network;
use super::pool_options::PoolOptions;
#[cfg(feature = "tls")]
use super::tls::TrustRoots;

/// A gRPC server that calls are forwarded to: the calls of one service or package, or, as a catch-all, the calls of all services
/// that are neither hosted nor named by another upstream.
///
/// Upstreams with the same service share its calls, and so do all addresses of a name, which is resolved again every 30 s: each
/// call goes to the better of two random addresses, by open calls and latency. A catch-all does not
/// forward administrative services, such as reflection, unless [`Bridge::expose`](crate::Bridge::expose) names them.
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
    /// The service or package whose calls go there. `None` for a catch-all.
    pub(super) service: Option<String>,
    pub(super) address: Address,
    pub(super) options: PoolOptions,
    pub(super) network: Network,
}

impl Upstream {
    /// Creates a catch-all upstream at a URL: `http://` is HTTP/2 without TLS, `https://` is HTTP/2 over TLS, which needs the
    /// feature `tls`. By default certificates are checked with the system's trust roots, which are loaded with the first
    /// connection. Nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, has more than a scheme, a host and a port, or needs TLS without the feature `tls`.
    pub fn new(url: &str) -> Result<Self, UpstreamError> {
        Ok(Self {
            service: None,
            address: Address::parse(url)?,
            options: PoolOptions::default(),
            network: Network::default(),
        })
    }

    /// Forwards only the calls of this service, or of this package and the packages below it. If several upstreams match a call,
    /// the longest name wins.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is not a valid name of a service or package.
    pub fn for_service(mut self, name: &str) -> Result<Self, UpstreamError> {
        if !is_name(name) {
            return Err(UpstreamError::Service(name.to_owned()));
        }
        self.service = Some(name.to_owned());
        Ok(self)
    }

    /// Checks the upstream's certificate with these trust roots, in PEM, instead of the system's. It has no effect without TLS.
    ///
    /// # Errors
    ///
    /// Returns an error if the text has no certificate, or one that cannot be parsed.
    #[cfg(feature = "tls")]
    pub fn certificate_authorities(mut self, pem: &[u8]) -> Result<Self, UpstreamError> {
        let roots = TrustRoots::from_pem(pem)?;
        if let Some(tls) = &mut self.address.tls {
            tls.set_trust_roots(roots);
        }
        Ok(self)
    }

    /// Loads the system's trust roots now, so that a system without any is an error here and not with the first call. It has no
    /// effect without TLS.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has none.
    #[cfg(feature = "tls")]
    pub fn system_authorities(mut self) -> Result<Self, UpstreamError> {
        if let Some(tls) = &mut self.address.tls {
            tls.load_system_trust_roots()?;
        }
        Ok(self)
    }

    /// Connects with this TLS client configuration, such as one with a client certificate. Its ALPN protocols are set to HTTP/2.
    /// It has no effect without TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: rustls::ClientConfig) -> Self {
        if let Some(tls) = &mut self.address.tls {
            tls.set_config(config);
        }
        self
    }

    /// Sets the options of the connections to this upstream.
    #[must_use]
    pub fn pool(mut self, options: PoolOptions) -> Self {
        self.options = options;
        self
    }

    /// Resolves and connects through this network instead of the system's.
    #[cfg(test)]
    pub(crate) fn through(mut self, network: Network) -> Self {
        self.network = network;
        self
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    /// Parses `[SERVICE=]URL`.
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
    fn an_upstream_is_parsed_from_a_url_with_an_optional_service() {
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
    fn an_invalid_upstream_is_an_error() {
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
