//! The second module of the page's program, and when it is loaded.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::views::{LaterViews, later_views};

/// The time from the start of the page to the load of the second module, if no view of it is opened before. The first view
/// makes its calls within this time.
const IDLE: Duration = Duration::from_secs(1);

/// The second module: whether it is loaded.
#[derive(Clone, Copy)]
pub(crate) struct SecondModule(RwSignal<State>);

#[derive(Clone, Copy)]
enum State {
    Unloaded,
    Loading,
    Failed,
    Loaded(LaterViews),
}

impl SecondModule {
    /// Loads the module when the page has been idle for a while.
    pub(crate) fn load_when_idle() -> Self {
        let module = Self(RwSignal::new(State::Unloaded));
        set_timeout(
            move || {
                if matches!(module.0.get_untracked(), State::Unloaded) {
                    module.load();
                }
            },
            IDLE,
        );
        module
    }

    /// Loads the module now, unless it is loaded or being loaded. It tries again after a failure.
    pub(crate) fn load(self) {
        if matches!(self.0.get_untracked(), State::Loading | State::Loaded(_)) {
            return;
        }
        self.0.set(State::Loading);
        spawn_local(async move {
            self.0.set(match later_views().await {
                Ok(views) => State::Loaded(views),
                Err(_) => State::Failed,
            });
        });
    }

    /// Returns the views of the module, or `None` before it is loaded. Tracked.
    pub(crate) fn views(self) -> Option<LaterViews> {
        match self.0.get() {
            State::Loaded(views) => Some(views),
            _ => None,
        }
    }

    /// Returns whether the last attempt to load the module has failed. Tracked.
    pub(crate) fn has_failed(self) -> bool {
        matches!(self.0.get(), State::Failed)
    }
}
