//! The calls that are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drawbridge_call::EndReason;
use tonic::Status;

use super::context::CallContext;
use super::id::CallId;

/// The calls that a bridge has open. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    open: Mutex<Open>,
    max: usize,
}

#[derive(Debug, Default)]
struct Open {
    calls: HashMap<CallId, CallContext>,
    draining: bool,
}

impl Calls {
    /// Creates an empty list that takes at most `max` calls at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Registry { open: Mutex::default(), max }))
    }

    /// Returns how many calls are open.
    pub fn open(&self) -> usize {
        self.lock().calls.len()
    }

    /// Ends every open call as [`EndReason::Draining`], and from now on each new one: their callers get UNAVAILABLE.
    pub fn drain(&self) {
        let open: Vec<CallContext> = {
            let mut open = self.lock();
            open.draining = true;
            open.calls.values().cloned().collect()
        };
        // Ended without the lock, which each end takes for itself.
        for call in open {
            call.end(EndReason::Draining);
        }
    }

    /// Adds a call.
    ///
    /// # Errors
    ///
    /// Returns the status that the call ends with, where it cannot be taken on.
    pub(crate) fn add(&self, call: CallContext) -> Result<(), Status> {
        let max = self.0.max;
        let mut open = self.lock();
        if open.draining {
            return Err(Status::unavailable("the server is shutting down"));
        }
        if open.calls.len() >= max {
            return Err(Status::resource_exhausted(format!(
                "{max} calls are open, which is the most; try again later"
            )));
        }
        open.calls.insert(call.call_id(), call);
        Ok(())
    }

    pub(crate) fn remove(&self, call_id: CallId) {
        self.lock().calls.remove(&call_id);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
