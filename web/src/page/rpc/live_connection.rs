//! The connection of a live view.

use drawbridge_fetch::{ReconnectEvent, ReconnectHandle, Reconnecting};
use leptos::prelude::*;
use tonic::Status;

use crate::model::Connection;
use crate::page::clock::time_of_day;

/// The connection of a live view: its state, and the handle that shortens a wait.
#[derive(Clone, Copy)]
pub(crate) struct LiveConnection {
    state: RwSignal<Connection>,
    handle: StoredValue<Option<ReconnectHandle>>,
}

impl LiveConnection {
    /// Creates a connection without a stream, in the current owner.
    pub(crate) fn new() -> Self {
        Self { state: RwSignal::default(), handle: StoredValue::new(None) }
    }

    /// Returns the state. The caller tracks it.
    pub(crate) fn state(self) -> RwSignal<Connection> {
        self.state
    }

    /// Makes the next call now, if the stream waits for it.
    pub(crate) fn reconnect_now(self) {
        if let Some(handle) = self.handle.get_value() {
            handle.reconnect_now();
        }
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    ///
    /// The status with which the stream ends for good.
    pub(crate) async fn follow<M: Clone>(
        self,
        mut stream: Reconnecting<M>,
        mut on_event: impl FnMut(ReconnectEvent<M>),
    ) -> Result<(), Status> {
        self.state.set(Connection::default());
        self.handle.set_value(Some(stream.handle()));
        while let Some(event) = stream.event().await? {
            match &event {
                ReconnectEvent::Connected => self.state.update(|state| state.connected(time_of_day())),
                ReconnectEvent::Disconnected(why) => self.state.update(|state| {
                    state.disconnected(&why.status, why.is_planned(), why.retry_at, time_of_day());
                }),
                ReconnectEvent::Message(_) => {}
            }
            on_event(event);
        }
        Ok(())
    }
}
