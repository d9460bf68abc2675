//! A stream that is reserved for one call.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::connection::Connection;
use super::report::Report;

/// A stream of a connection that is reserved for one call. Dropping it releases the stream.
pub(super) struct Slot {
    connection: Arc<Connection>,
    reserved: bool,
    /// `None` if there is no choice of addresses.
    pub(super) report: Option<Report>,
}

impl Slot {
    /// Reserves a stream.
    pub(super) fn new(connection: &Arc<Connection>, report: Option<Report>) -> Self {
        connection.open_streams.fetch_add(1, Ordering::Relaxed);
        connection.used.store(true, Ordering::Relaxed);
        Self { connection: Arc::clone(connection), reserved: true, report }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Releases the stream before the drop.
    pub(super) fn release(&mut self) {
        if std::mem::take(&mut self.reserved) {
            self.connection.open_streams.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.release();
    }
}
