//! The two log lines of a call: one when it opens, one when it ends.

use std::time::Duration;

use drawbridge_core::code_name;
use tracing::Id;

use super::clock::now;
use super::record::{CallFacts, CallRecord};

/// Logs that a call has opened. `span` is the caller's own span, if there is one.
pub(super) fn opened(facts: &CallFacts, span: Option<Id>) {
    tracing::info!(
        target: "drawbridge::call",
        parent: span,
        call_id = %*facts.call_id,
        request_id = %facts.request_id,
        method = %facts.method.escape_debug(),
        peer = facts.peer.map(tracing::field::display),
        protocol = %facts.protocol,
        deadline_ms = facts.deadline.map(|deadline| millis(deadline.granted().duration())),
        "call opened"
    );
}

/// Logs that a call has ended.
pub(super) fn ended(call: &CallRecord, span: Option<Id>) {
    let Some(reason) = call.end.get() else { return };
    let facts = &call.facts;
    tracing::info!(
        target: "drawbridge::call",
        parent: span,
        call_id = %*facts.call_id,
        request_id = %facts.request_id,
        method = %facts.method.escape_debug(),
        peer = facts.peer.map(tracing::field::display),
        messages = call.messages(),
        duration_ms = millis(now().saturating_duration_since(call.opened)),
        end = %reason,
        code = code_name(reason.code()),
        end_message = reason.message().map(tracing::field::debug),
        cause = reason.cause().map(tracing::field::debug),
        "call ended"
    );
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years fit into the mantissa")]
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
