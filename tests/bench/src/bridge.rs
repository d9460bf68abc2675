//! A bridge in front of an upstream, and what it serves.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::certificate::Certificate;

/// A bridge in front of an upstream: Drawbridge or Envoy.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub(crate) path: PathBuf,
    pub(crate) upstream: SocketAddr,
    /// Number of threads that serve calls: Envoy's workers.
    pub(crate) threads: u16,
    /// Serves TLS with this certificate.
    pub(crate) certificate: Option<Certificate>,
    /// Serves the page in this folder. Envoy does not.
    pub(crate) assets: Option<PathBuf>,
}

impl Bridge {
    /// A bridge with one thread and without TLS.
    pub(crate) fn new(path: impl Into<PathBuf>, upstream: SocketAddr) -> Self {
        Self { path: path.into(), upstream, threads: 1, certificate: None, assets: None }
    }

    /// Sets the number of threads.
    pub(crate) fn with_threads(mut self, threads: u16) -> Self {
        self.threads = threads;
        self
    }

    /// Serves TLS.
    pub(crate) fn with_certificate(mut self, certificate: &Certificate) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Serves the page in this folder.
    pub(crate) fn with_assets(mut self, folder: impl Into<PathBuf>) -> Self {
        self.assets = Some(folder.into());
        self
    }
}
