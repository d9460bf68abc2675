//! The certificate for HTTPS.

use std::path::PathBuf;

use clap::Args;

/// The certificate for HTTPS.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// PEM file with the certificate for HTTPS
    ///
    /// The certificate comes first, then the intermediate certificates. Requires --tls-key. Default: no TLS. Over plain
    /// HTTP, browsers use HTTP/1.1, with at most six streams to one origin at a time; over HTTPS they use HTTP/2.
    #[arg(long, env = "DRAWBRIDGE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of the certificate
    ///
    /// The key must have no passphrase. Requires --tls-cert.
    #[arg(long, env = "DRAWBRIDGE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serves HTTPS with a self-signed certificate, for development
    ///
    /// A new certificate is made at each start, for localhost, the loopback addresses, the address of --listen and the names
    /// of --allow-host. Browsers show a warning until it is accepted.
    #[arg(long, env = "DRAWBRIDGE_TLS_SELF_SIGNED", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls_self_signed: bool,
}

impl TlsArgs {
    /// Returns whether HTTPS is served.
    pub(crate) fn is_enabled(&self) -> bool {
        self.tls_self_signed || self.tls_cert.is_some()
    }
}
