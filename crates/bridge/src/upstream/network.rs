//! How names are resolved and connections opened.

use std::fmt;
use std::sync::Arc;

use super::resolve::{Resolve, SystemResolve};
use super::transport::{Connect, TcpConnect};

/// How an upstream's name is resolved and its connections are opened: as the system does, or as a test does.
#[derive(Clone)]
pub(crate) struct Network {
    pub(super) resolve: Arc<dyn Resolve>,
    pub(super) connect: Arc<dyn Connect>,
}

impl Default for Network {
    fn default() -> Self {
        Self { resolve: Arc::new(SystemResolve), connect: Arc::new(TcpConnect) }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}
