//! Errors of the configuration of an upstream.

/// An error of the configuration of an [`Upstream`](crate::Upstream).
///
/// ```
/// use drawbridge::{Upstream, UpstreamError};
///
/// let error = Upstream::new("127.0.0.1:50051").unwrap_err();
/// assert!(matches!(error, UpstreamError::Address(url) if url == "127.0.0.1:50051"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The text is not the URL of an upstream.
    #[error(
        "{0:?} is not the URL of an upstream: expected one such as http://127.0.0.1:50051 or https://grpc.example, without a path"
    )]
    Address(String),
    /// The name is not that of a service or package.
    #[error("{0:?} is not the name of a service or package: expected one such as greet.Greeter or greet")]
    Service(String),
    /// The PEM has no certificate, or one that cannot be parsed.
    #[error("cannot read the certificates of the certificate authorities: {0}")]
    Authority(String),
    /// The system has no trust roots.
    #[error(
        "the system has no certificate authorities, which the certificate of the upstream is checked with"
    )]
    NoRoots,
    /// The URL is `https://`, and the library was built without the feature `tls`.
    #[error("{0:?} needs TLS: build drawbridge-grpc with the feature `tls`")]
    TlsDisabled(String),
}
