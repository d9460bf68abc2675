//! Whether the program serves or stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use drawbridge::Calls;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Whether the program serves or stops, as `/readyz` and the health service tell it. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_draining: AtomicBool,
    calls: Calls,
    /// The health service, and the names that it serves.
    health: HealthReporter,
    healthy: Vec<&'static str>,
}

impl Lifecycle {
    /// Creates the lifecycle of a program that serves. `healthy` are the names that `health` reports as serving.
    pub(crate) fn new(calls: Calls, health: HealthReporter, healthy: Vec<&'static str>) -> Self {
        Self(Arc::new(Inner { is_draining: AtomicBool::new(false), calls, health, healthy }))
    }

    /// Begins the end: `/readyz` is 503 and the health service says `NOT_SERVING` from now on. Calls go on.
    pub async fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
        for name in &self.0.healthy {
            self.0.health.set_service_status(name, ServingStatus::NotServing).await;
        }
    }

    /// Ends all calls with UNAVAILABLE.
    pub fn abort(&self) {
        self.0.calls.abort_all();
    }

    /// Returns whether the program is about to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Relaxed)
    }

    /// Returns how many calls are open.
    pub(crate) fn open_calls(&self) -> usize {
        self.0.calls.open()
    }
}
