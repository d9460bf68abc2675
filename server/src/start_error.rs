//! Why the program cannot start.

use std::io;
use std::path::PathBuf;

use drawbridge::{ConsoleTokenError, DescriptorError, DescriptorFilesError, TlsError, UpstreamError};

use crate::samples::HostError;
use crate::self_signed::SelfSignedError;

/// Why the program cannot start. The message is one line that names the flag to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder of the page cannot be read.
    #[error(
        "cannot read the page in {}: {source}; build it with `cargo xtask page`, or name another folder with --assets",
        folder.display()
    )]
    Assets {
        /// The folder.
        folder: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("{0}; see --tls-cert and --tls-key")]
    Tls(#[from] TlsError),
    /// The token of the console cannot be used.
    #[error("{0}; see --console-token-file")]
    ConsoleToken(#[from] ConsoleTokenError),
    /// A file of contracts cannot be used.
    #[error("{0}; see --descriptors")]
    DescriptorFiles(#[from] DescriptorFilesError),
    /// The self-signed certificate cannot be made.
    #[error("{0}; see --tls-self-signed")]
    SelfSigned(#[from] SelfSignedError),
    /// The file of authorities for upstreams cannot be read.
    #[error("cannot read {}: {source}; see --upstream-ca", file.display())]
    UpstreamAuthorities {
        /// The file.
        file: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// The authorities for upstreams cannot be used.
    #[error("{0}; see --upstream-ca")]
    Upstream(#[from] UpstreamError),
    /// The sample services cannot be hosted.
    #[error(transparent)]
    Samples(#[from] HostError),
    /// The address of the listener is not known.
    #[error("cannot read the address of the listener: {0}")]
    Listener(#[from] io::Error),
    /// The descriptors of the services, which are compiled in, cannot be decoded.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
}
