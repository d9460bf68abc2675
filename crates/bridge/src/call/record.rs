//! What is known of a call: what the log and the console show of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, EndReason, Timeout};
use tonic::Code;

use super::activity::Activities;
use super::forwarding::Forwarding;
use super::id::CallId;
use super::moment::Moment;
use super::request_id::RequestId;
use drawbridge_core::Protocol;

/// What is known of a call from its start.
#[derive(Debug)]
pub(super) struct CallFacts {
    // Made when it is first read: of most calls it never is.
    pub(super) call_id: LazyLock<CallId>,
    pub(super) request_id: RequestId,
    // Few calls have one.
    pub(super) parent: Option<Box<CallId>>,
    pub(super) method: Box<str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) protocol: Protocol,
    /// The timeout that the caller sent.
    pub(super) requested: Option<Timeout>,
    pub(super) deadline: Option<Deadline<Instant>>,
    /// How long the call may be open. Boxed, since few servers limit it.
    pub(super) max_duration: Option<Box<Duration>>,
    pub(super) previous_attempts: u32,
}

/// What is known of a call, up to its end.
#[derive(Debug)]
pub(super) struct CallRecord {
    pub(super) facts: CallFacts,
    pub(super) opened: Instant,
    /// Why the call ended.
    pub(super) end: OnceLock<EndReason>,
    /// When the call ended. Unknown for a call that nothing will show, since reading the clock costs.
    pub(super) ended_at: Moment,
    /// When the handler and its response stream were dropped. A handler that completed its response was gone by the end
    /// of the call at the latest, and has no time here.
    pub(super) handler_stopped: Moment,
    /// How many messages of the response were handed to the connection.
    pub(super) messages: AtomicU64,
    pub(super) activities: Activities,
    pub(super) forwarding: Forwarding,
    /// Whether the console leaves the call out.
    pub(super) unlisted: AtomicBool,
}

impl CallRecord {
    pub(super) fn new(facts: CallFacts, opened: Instant) -> Self {
        Self {
            facts,
            opened,
            end: OnceLock::new(),
            ended_at: Moment::default(),
            handler_stopped: Moment::default(),
            messages: AtomicU64::new(0),
            activities: Activities::default(),
            forwarding: Forwarding::default(),
            unlisted: AtomicBool::new(false),
        }
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Records that the call has ended just now, unless the time is recorded already.
    pub(super) fn note_end(&self) {
        self.ended_at.record(self.opened);
    }

    pub(super) fn is_listed(&self) -> bool {
        !self.unlisted.load(Ordering::Relaxed)
    }

    /// Tells whether a call that has ended has little to show: it succeeded by itself, and carries no label or activity.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.end.get(), Some(EndReason::Completed(Code::Ok)))
            && self.facts.request_id.is_generated()
            && self.facts.parent.is_none()
            && self.activities.count() == (0, 0)
    }
}
