//! A self-signed certificate for development.

use drawbridge::{Tls, TlsError};

/// Why the certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// A name is not a valid DNS name or IP address.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used for TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Makes a self-signed certificate for these names. Browsers warn of it until it is accepted. Each call makes a new one.
///
/// # Errors
///
/// Returns an error if a name is not a valid DNS name or IP address.
pub(crate) fn certificate(names: impl IntoIterator<Item = String>) -> Result<Tls, SelfSignedError> {
    let names: Vec<String> = names.into_iter().collect();
    let certified = rcgen::generate_simple_self_signed(names)?;
    Ok(Tls::from_pem(certified.cert.pem().as_bytes(), certified.signing_key.serialize_pem().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_must_be_valid() {
        assert!(certificate(["localhost".to_owned(), "::1".to_owned()]).is_ok());
        assert!(certificate(["sm\u{f8}rrebr\u{f8}d".to_owned()]).is_err());
    }
}
