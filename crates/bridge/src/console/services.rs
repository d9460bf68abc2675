//! The services that can be called, as the console lists them.

use std::sync::{Arc, OnceLock};

use drawbridge_calls_proto::{Forwarding, ServicesResponse};

#[cfg(feature = "upstream")]
use crate::upstream::Routes;

/// The services of a bridge: those that it hosts, and those that it forwards, with their addresses. They are known once the
/// bridge's service or router is made. Cloning it gives another handle to the same.
#[derive(Clone, Debug, Default)]
pub struct Services(Arc<OnceLock<ServicesResponse>>);

impl Services {
    /// Sets what a bridge hosts and forwards, when no more can be added.
    pub(crate) fn set(
        &self,
        hosted: impl Iterator<Item = &'static str>,
        #[cfg(feature = "upstream")] upstreams: &Routes,
    ) {
        self.0.get_or_init(|| {
            let mut hosted: Vec<_> = hosted.map(str::to_owned).collect();
            hosted.sort_unstable();
            #[cfg(feature = "upstream")]
            let (forwarded, (closed, exposed)) = (forwardings(upstreams), upstreams.administrative());
            #[cfg(not(feature = "upstream"))]
            let (forwarded, (closed, exposed)) = (Vec::<Forwarding>::new(), (Vec::new(), Vec::new()));
            ServicesResponse { hosted, forwarded, closed, exposed }
        });
    }

    pub(super) fn get(&self) -> Option<ServicesResponse> {
        self.0.get().cloned()
    }
}

#[cfg(feature = "upstream")]
fn forwardings(upstreams: &Routes) -> Vec<Forwarding> {
    let targets = upstreams.targets();
    targets
        .map(|(name, addresses)| Forwarding {
            name: name.map(str::to_owned),
            addresses: addresses.iter().map(ToString::to_string).collect(),
        })
        .collect()
}
