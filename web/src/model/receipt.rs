//! The receipt: the servers' records of a call that this page cancelled, which show that its work stopped.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_calls_proto::Call;
use drawbridge_calls_proto::activity::Kind;
use tonic::Code;

use super::call_format::{NO_CALL_RECORDS, activity_name, end_reason, is_skipped_backoff, ms};
use super::failure::Failure;
use super::format::precise;

/// The servers' records of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Receipt {
    /// The page has not asked for it.
    #[default]
    NotRequested,
    /// The page has asked for it.
    Pending,
    /// The records arrived.
    Received(Arc<Records>),
    /// The server did not return the records.
    Unavailable(Failure),
}

/// The records that arrived, and their summary. The first view shows the summary and has no code that makes it.
#[derive(Debug, PartialEq)]
pub(crate) struct Records {
    calls: Vec<Call>,
    summary: String,
}

impl Receipt {
    /// Returns the receipt with the server's calls of a request: its hops and attempts. `delay` is the time from the page's
    /// abort to the arrival of the records, and `None` when the page was reloaded in between.
    pub(crate) fn received(calls: Vec<Call>, delay: Option<Duration>) -> Self {
        let summary = summary(&calls, delay).unwrap_or_default();
        Self::Received(Arc::new(Records { calls, summary }))
    }

    /// Returns the records.
    pub(crate) fn calls(&self) -> &[Call] {
        if let Self::Received(records) = self { &records.calls } else { &[] }
    }

    /// Returns why there is no record of a hop.
    pub(crate) fn missing_reason(&self) -> String {
        match self {
            Self::NotRequested | Self::Pending => "Waiting for the server's record.".to_owned(),
            Self::Received(_) => "The server has no record of this call.".to_owned(),
            Self::Unavailable(failure) => match failure.code() {
                Code::Unimplemented => NO_CALL_RECORDS.to_owned(),
                Code::NotFound => "The server has no record of this call, or no longer keeps it.".to_owned(),
                _ => format!("The server's record could not be fetched. {}", failure.explanation()),
            },
        }
    }

    /// Returns how the server saw a call end that this page cancelled, and how long after the end each activity stopped, by
    /// the server's clock. Empty when the receipt was not requested.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::NotRequested => String::new(),
            Self::Received(records) if !records.summary.is_empty() => records.summary.clone(),
            missing => missing.missing_reason(),
        }
    }
}

/// Returns the summary of a request's calls, or `None` if there is no call.
fn summary(calls: &[Call], delay: Option<Duration>) -> Option<String> {
    // Of several attempts, the page cancelled the last one.
    let root = calls.iter().rfind(|call| call.parent_call_id.is_none()).or(calls.last())?;
    let Some(end) = &root.end else {
        return Some("The call has not ended on the server yet.".to_owned());
    };
    let ended = ms(root.elapsed_ms);
    let mut parts = vec![format!("Server: {} after {}", end_reason(end), precise(ended))];
    for call in calls.iter().filter(|call| call.opened_unix_ms >= root.opened_unix_ms) {
        let offset = call.opened_unix_ms - root.opened_unix_ms;
        let activities = call.activities.iter().filter(|activity| !is_skipped_backoff(activity));
        // The activities of a child call say more than its caller's record of it.
        for activity in activities.filter(|activity| activity.kind() != Kind::Child || calls.len() == 1) {
            let owner = if call.call_id == root.call_id { "" } else { "child call's " };
            let name = activity_name(activity, call);
            let stopped = activity.stopped_ms.map(|stopped| ms(offset + stopped).saturating_sub(ended));
            parts.push(match stopped {
                None => format!("{owner}{name} still running"),
                Some(later) => format!("{owner}{name} stopped {} later", precise(later)),
            });
        }
    }
    let summary = parts.join("; ");
    Some(match delay {
        Some(delay) => format!("{summary}. This receipt arrived {} after the abort.", precise(delay)),
        None => summary + ".",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_calls_proto::end::Reason;
    use drawbridge_calls_proto::{Activity, End};
    use tonic::Status;

    fn activity(kind: Kind, stopped_ms: Option<f64>) -> Activity {
        {
            let name = if kind == Kind::Named { "query" } else { "" }.to_owned();
            Activity { kind: kind.into(), name, stopped_ms, ..Activity::default() }
        }
    }

    fn client_gone(activities: Vec<Activity>) -> Call {
        Call {
            call_id: "c1".to_owned(),
            opened_unix_ms: 1_000.0,
            elapsed_ms: 2_304.0,
            activities,
            end: Some(End { reason: Reason::ClientGone.into(), code: 1, message: String::new() }),
            ..Call::default()
        }
    }

    fn summary(calls: Vec<Call>, delay: Option<u64>) -> String {
        Receipt::received(calls, delay.map(Duration::from_millis)).summary()
    }

    #[test]
    fn the_summary_has_the_end_and_how_long_after_it_each_task_stopped() {
        let call =
            client_gone(vec![activity(Kind::Handler, Some(2_304.2)), activity(Kind::Named, Some(2_306.5))]);
        assert_eq!(
            summary(vec![call], Some(14)),
            "Server: client gone after 2.304 s; handler stopped 0.2 ms later; query stopped 2.5 ms later. \
             This receipt arrived 14 ms after the abort."
        );
    }

    #[test]
    fn the_tasks_of_a_child_call_are_timed_by_its_parents_clock() {
        let mut child = client_gone(vec![activity(Kind::Named, Some(2_300.0))]);
        child.call_id = "c2".to_owned();
        child.parent_call_id = Some("c1".to_owned());
        child.opened_unix_ms = 1_010.0;
        let parent =
            client_gone(vec![activity(Kind::Handler, Some(2_304.0)), activity(Kind::Child, Some(2_304.0))]);
        assert_eq!(
            summary(vec![parent, child], None),
            "Server: client gone after 2.304 s; handler stopped 0.0 ms later; child call's query stopped 6.0 ms later."
        );
    }

    #[test]
    fn the_summary_says_what_is_still_running() {
        assert!(
            summary(vec![client_gone(vec![activity(Kind::Named, None)])], None)
                .contains("query still running")
        );
        assert!(summary(vec![Call::default()], None).contains("has not ended on the server"));
        assert!(summary(Vec::new(), None).contains("no record"));
    }

    #[test]
    fn an_unavailable_receipt_says_why() {
        let unavailable = |status: Status| Receipt::Unavailable(Failure::from(&status)).summary();
        assert!(unavailable(Status::unimplemented("")).contains("loopback"));
        assert!(unavailable(Status::not_found("")).contains("no longer"));
        assert!(unavailable(Status::unavailable("")).contains("could not be fetched"));
        assert_eq!(Receipt::NotRequested.summary(), "");
    }
}
