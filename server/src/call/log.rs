//! The two lines that the log has for each call: one when it opens, one when it ends.

use std::time::Duration;

use drawbridge_core::code_name;

use super::context::{CallContext, Facts, now};

pub(super) fn opened(facts: &Facts) {
    tracing::info!(
        target: "drawbridge::call",
        parent: None,
        call_id = %*facts.call_id,
        request_id = %facts.request_id,
        method = %facts.method.escape_debug(),
        peer = facts.peer.map(tracing::field::display),
        protocol = %facts.protocol,
        deadline_ms = facts.deadline.map(|deadline| millis(deadline.granted().duration())),
        "call opened"
    );
}

pub(super) fn ended(call: &CallContext) {
    let Some(reason) = call.end_reason() else { return };
    tracing::info!(
        target: "drawbridge::call",
        parent: None,
        call_id = %call.call_id(),
        request_id = %call.request_id(),
        method = %call.method().escape_debug(),
        peer = call.peer().map(tracing::field::display),
        messages = call.messages(),
        duration_ms = millis(now().saturating_duration_since(call.opened())),
        end = %reason,
        code = code_name(reason.code()),
        words = reason.message().map(tracing::field::debug),
        "call ended"
    );
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years fit into the mantissa")]
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
