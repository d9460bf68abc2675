//! Why an upstream cannot be configured.

/// Why an upstream cannot be configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The text is not the URL of an upstream.
    #[error(
        "{0:?} is not the address of an upstream: expected one such as http://127.0.0.1:50051 or https://grpc.example, without a path"
    )]
    Address(String),
    /// The text before the `=` is not the name of a service or package.
    #[error("{0:?} is not the name of a service or a package: expected one such as greet.Greeter or greet")]
    Service(String),
    /// The certificates of an authority cannot be read.
    #[error("cannot read the certificates of the authorities: {0}")]
    Authority(String),
    /// The system has no certificates of authorities.
    #[error("this system has no certificates of authorities to check the upstream's certificate with")]
    NoRoots,
    /// The library was built without TLS.
    #[error("{0:?} needs TLS: build drawbridge-grpc with the feature `tls`")]
    TlsDisabled(String),
}
