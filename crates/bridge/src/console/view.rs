//! Calls as protobuf messages.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use drawbridge_calls_proto as proto;
use drawbridge_core::EndReason;

use crate::call::{ActivityKind, ActivityRecord, CallContext, Forwarded, now};
use drawbridge_core::Protocol;

/// Tells when calls opened by the wall clock. Times within a call are measured by the runtime's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    instant: Instant,
    /// The wall clock at `instant`.
    wall: SystemTime,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { instant: now(), wall: SystemTime::now() }
    }

    fn unix_ms(&self, at: Instant) -> f64 {
        let wall = match at.checked_duration_since(self.instant) {
            Some(after) => self.wall.checked_add(after),
            None => self.wall.checked_sub(self.instant.saturating_duration_since(at)),
        };
        wall.and_then(|wall| wall.duration_since(UNIX_EPOCH).ok()).map_or(0.0, millis)
    }

    /// Returns a call as it is now.
    pub(super) fn view(&self, call: &CallContext) -> proto::Call {
        let since = |at: Instant| millis(at.saturating_duration_since(call.opened()));
        proto::Call {
            call_id: call.call_id().to_string(),
            request_id: call.request_id().to_string(),
            parent_call_id: call.parent().map(|parent| parent.to_string()),
            method: call.method().to_owned(),
            peer: call.peer().map(|peer| peer.to_string()),
            protocol: protocol(call.protocol()).into(),
            opened_unix_ms: self.unix_ms(call.opened()),
            elapsed_ms: since(call.ended_at().unwrap_or_else(now)),
            asked_ms: call.requested_timeout().map(|timeout| millis(timeout.duration())),
            granted_ms: call.deadline().map(|deadline| millis(deadline.granted().duration())),
            messages: call.messages(),
            previous_attempts: call.previous_attempts(),
            activities: std::iter::once(handler(call, since))
                .chain(call.activities().all().into_iter().map(|record| activity(record, since)))
                .collect(),
            end: call.end_reason().map(end),
            forwarded: call.forwarded().map(forwarded),
        }
    }
}

/// Returns whether nothing changes any more: the call has ended, and everything that ran for it has stopped.
pub(super) fn is_settled(call: &CallContext) -> bool {
    call.handler_stop().is_some() && call.activities().have_stopped()
}

fn handler(call: &CallContext, since: impl Fn(Instant) -> f64) -> proto::Activity {
    proto::Activity {
        kind: proto::activity::Kind::Handler.into(),
        stopped_ms: call.handler_stop().map(since),
        ..proto::Activity::default()
    }
}

fn activity(record: ActivityRecord, since: impl Fn(Instant) -> f64) -> proto::Activity {
    let mut message = proto::Activity {
        started_ms: since(record.started),
        stopped_ms: record.stopped.map(since),
        ..proto::Activity::default()
    };
    message.kind = match record.kind {
        ActivityKind::Child { method, code } => {
            message.name = method.into();
            message.code = code.map(|code| code as u32);
            proto::activity::Kind::Child
        }
        ActivityKind::Named(name) => {
            message.name = name.into_owned();
            proto::activity::Kind::Named
        }
        ActivityKind::Backoff { planned } => {
            message.planned_ms = Some(millis(planned));
            proto::activity::Kind::Backoff
        }
    }
    .into();
    message
}

fn forwarded(forwarded: Forwarded<'_>) -> proto::Forwarded {
    proto::Forwarded {
        address: forwarded.address.to_owned(),
        sent_ms: millis(forwarded.sent),
        answered_ms: forwarded.answered.map(millis),
    }
}

fn end(reason: &EndReason) -> proto::End {
    use proto::end::Reason;
    let kind = match reason {
        EndReason::Completed(_) => Reason::Completed,
        EndReason::DeadlineExceeded { .. } => Reason::DeadlineExceeded,
        EndReason::RequestStalled { .. } => Reason::RequestStalled,
        EndReason::ReaderStalled { .. } => Reason::ReaderStalled,
        EndReason::ClientGone => Reason::ClientGone,
        EndReason::CancelledByHandler(_) => Reason::CancelledByHandler,
        EndReason::CancelledByOperator(_) => Reason::CancelledByOperator,
        EndReason::Draining => Reason::Draining,
        EndReason::MaxDuration { .. } => Reason::MaxDuration,
        EndReason::Panicked => Reason::Panicked,
        EndReason::UpstreamFailed { .. } => Reason::UpstreamFailed,
        _ => Reason::Unspecified,
    };
    let message = reason.message().unwrap_or_default();
    // The console is for operators, who learn more than the caller.
    let message = match reason.cause() {
        Some(cause) => format!("{message} ({cause})"),
        None => message.to_owned(),
    };
    proto::End { reason: kind.into(), code: reason.code() as u32, message }
}

fn protocol(protocol: Protocol) -> proto::Protocol {
    match protocol {
        Protocol::Grpc => proto::Protocol::Grpc,
        Protocol::GrpcWeb => proto::Protocol::GrpcWeb,
        Protocol::GrpcWebText => proto::Protocol::GrpcWebText,
        Protocol::Connect => proto::Protocol::Connect,
        Protocol::ConnectStream => proto::Protocol::ConnectStream,
        Protocol::Json => proto::Protocol::Json,
        _ => proto::Protocol::Unspecified,
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
