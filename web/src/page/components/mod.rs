//! Form fields, and the parts that show a call. Several views share them.

mod announcer;
mod call_form;
mod call_settings_fields;
mod connection_notice;
mod console_token_form;
mod dropped_notice;
mod failure_notice;
mod flag_hint;
mod focus;
mod hero;
mod illustration;
mod message_log;
mod metadata_field;
mod receipt_notice;
mod retry_fields;
mod seconds_field;
mod table;
mod text_field;
mod timing;

pub(crate) use announcer::announcer;
pub(crate) use call_form::{call_form, submit_button};
pub(crate) use call_settings_fields::CallSettingsFields;
pub(crate) use connection_notice::connection_notice;
pub(crate) use console_token_form::console_token_form;
pub(crate) use dropped_notice::dropped_notice;
pub(crate) use failure_notice::{failure_notice, failure_status};
pub(crate) use flag_hint::flag_hint;
pub(crate) use hero::hero;
pub(crate) use illustration::logo;
pub(crate) use message_log::message_log;
pub(crate) use metadata_field::MetadataText;
pub(crate) use retry_fields::{RetryFields, RetrySettings};
pub(crate) use seconds_field::{Presets, SecondsField};
pub(crate) use table::column_head;
pub(crate) use text_field::{InputAttributes, TextField};
pub(crate) use timing::timing;
