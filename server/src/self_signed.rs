//! A certificate for development.

use drawbridge::{Tls, TlsError};

/// Why no certificate can be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// A name is not a valid DNS name or IP address.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served with.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Makes a certificate for these names, signed by itself, for development: browsers ask before they accept it. Each start
/// makes another one.
///
/// # Errors
///
/// Returns an error if a name is not a valid DNS name or IP address.
pub(crate) fn certificate(names: impl IntoIterator<Item = String>) -> Result<Tls, SelfSignedError> {
    let names: Vec<String> = names.into_iter().collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    let tls = Tls::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes())?;
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_needs_valid_names() {
        assert!(certificate(["localhost".to_owned(), "::1".to_owned()]).is_ok());
        assert!(certificate(["sm\u{f8}rrebr\u{f8}d".to_owned()]).is_err());
    }
}
