//! What can be called, as the console tells it.

use std::sync::{Arc, OnceLock};

use drawbridge_proto::calls::ServicesResponse;

use crate::upstream::Routes;

/// The services of a bridge: those that it hosts, and those that it forwards, and where to. They are known once the
/// bridge's router is made. Cloning it gives another handle to the same.
#[derive(Clone, Debug, Default)]
pub struct Services(Arc<OnceLock<ServicesResponse>>);

impl Services {
    /// Notes what a bridge hosts and forwards, when no more can be added.
    pub(crate) fn tell(&self, hosted: impl Iterator<Item = &'static str>, upstreams: &Routes) {
        self.0.get_or_init(|| {
            let mut hosted: Vec<_> = hosted.map(str::to_owned).collect();
            hosted.sort_unstable();
            let (closed, exposed) = upstreams.closed();
            ServicesResponse { hosted, forwarded: upstreams.forwardings().collect(), closed, exposed }
        });
    }

    pub(super) fn told(&self) -> Option<ServicesResponse> {
        self.0.get().cloned()
    }
}
