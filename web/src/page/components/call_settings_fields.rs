//! The fields for the settings of a call: deadline and metadata.

use leptos::prelude::*;

use super::metadata_field::MetadataText;
use super::seconds_field::{Presets, SecondsField};
use crate::model::CallSettings;
use crate::page::dom::{BoxedView, element};

/// The presets of a view that needs no others.
const PRESETS: Presets = &[("none", ""), ("1 s", "1"), ("5 s", "5"), ("30 s", "30")];

/// The fields for the settings of a call.
#[derive(Clone, Copy)]
pub(crate) struct CallSettingsFields {
    deadline: SecondsField,
    metadata: MetadataText,
}

impl CallSettingsFields {
    /// Creates the fields without a deadline.
    pub(crate) fn new() -> Self {
        Self::with_deadline(PRESETS, "")
    }

    /// Creates the fields with a deadline in seconds.
    pub(crate) fn with_deadline(presets: Presets, deadline: &str) -> Self {
        let deadline = SecondsField::new("deadline", "Deadline", presets, deadline);
        Self { deadline, metadata: expect_context() }
    }

    /// Parses the fields, untracked. A field that cannot be parsed gets the focus and shows the error.
    pub(crate) fn read(self) -> Option<CallSettings> {
        let metadata = self.metadata.read();
        let timeout = self.deadline.read();
        Some(CallSettings { timeout: timeout.ok()?, metadata: metadata.ok()?, retry: None })
    }

    /// Returns the field for the deadline.
    pub(crate) fn deadline(self) -> SecondsField {
        self.deadline
    }

    /// Shows the field for metadata.
    pub(crate) fn metadata_view(self) -> BoxedView {
        self.metadata.view()
    }

    /// Shows all fields.
    pub(crate) fn view(self) -> BoxedView {
        element("div", &[("class", "call-settings")], [self.deadline.view(), self.metadata_view()])
    }
}
