//! What the servers tell of a request, when they are asked for it.

use std::time::Duration;

use drawbridge_calls_proto::Call;
use drawbridge_calls_proto::work::Kind;
use tonic::Code;

use super::record::{UNTOLD, ended_by, is_skipped, ms, work};
use super::{Failure, words};

/// What is known of a request from its servers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Proof {
    /// Nobody was asked.
    #[default]
    Unasked,
    /// The answer is awaited.
    Asked,
    /// These calls are what the server has of it.
    Told {
        /// The hops and attempts.
        calls: Vec<Call>,
        /// By the page's clock, how long after the page let go of the call this was here. Not known where the page was
        /// loaded anew meanwhile.
        after: Option<Duration>,
    },
    /// The server could not tell.
    Unknown(Failure),
}

impl Proof {
    /// Returns the calls that the server told of.
    pub(crate) fn calls(&self) -> &[Call] {
        if let Self::Told { calls, .. } = self { calls } else { &[] }
    }

    /// Returns why nothing is known of a hop.
    pub(crate) fn unknown(&self) -> String {
        match self {
            Self::Unasked | Self::Asked => "The server is being asked.".to_owned(),
            Self::Told { .. } => "The server that was asked knows nothing of it.".to_owned(),
            Self::Unknown(failure) => match failure.code() {
                Code::Unimplemented => UNTOLD.to_owned(),
                Code::NotFound => "The server knows nothing of it, or no longer.".to_owned(),
                _ => format!("The server could not be asked. {}", failure.words()),
            },
        }
    }

    /// Tells what the server saw of a call that this page let go: how it ended, and how long after that the last of it
    /// stopped, all by the server's clock. Nothing where nobody was asked.
    pub(crate) fn receipt(&self) -> String {
        let Self::Told { calls, after } = self else {
            return match self {
                Self::Unasked => String::new(),
                unknown => unknown.unknown(),
            };
        };
        // Of several attempts the last is the one that was let go.
        let Some(first) = calls.iter().rfind(|call| call.parent_call_id.is_none()).or(calls.last()) else {
            return self.unknown();
        };
        let Some(end) = &first.end else {
            return "The server has not seen the call end yet.".to_owned();
        };
        let ended = ms(first.elapsed_ms);
        let mut told = vec![format!("Server: {} after {}", ended_by(end), words::precise(ended))];
        for call in calls.iter().filter(|call| call.opened_unix_ms >= first.opened_unix_ms) {
            let ahead = call.opened_unix_ms - first.opened_unix_ms;
            let works = call.works.iter().filter(|work| !is_skipped(work));
            // A child is told by its own works, which know more than who waited for it.
            for done in works.filter(|work| work.kind() != Kind::Child || calls.len() == 1) {
                let of = if call.call_id == first.call_id { "" } else { "child's " };
                let stopped = done.stopped_ms.map(|stopped| ms(ahead + stopped).saturating_sub(ended));
                told.push(match stopped {
                    None => format!("{of}{} still runs", work(done, call)),
                    Some(later) => {
                        format!("{of}{} stopped {} later", work(done, call), words::precise(later))
                    }
                });
            }
        }
        let told = told.join("; ");
        match after {
            Some(after) => {
                format!("{told}. This receipt was here {} after the abort.", words::precise(*after))
            }
            None => told + ".",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_calls_proto::end::Reason;
    use drawbridge_calls_proto::{End, Work};
    use tonic::Status;

    fn work(kind: Kind, stopped_ms: Option<f64>) -> Work {
        Work { kind: kind.into(), stopped_ms, ..Work::default() }
    }

    fn gone(works: Vec<Work>) -> Call {
        Call {
            call_id: "c1".to_owned(),
            opened_unix_ms: 1_000.0,
            elapsed_ms: 2_304.0,
            works,
            end: Some(End { reason: Reason::ClientGone.into(), code: 1, message: String::new() }),
            ..Call::default()
        }
    }

    fn receipt(calls: Vec<Call>, after: Option<u64>) -> String {
        Proof::Told { calls, after: after.map(Duration::from_millis) }.receipt()
    }

    #[test]
    fn a_receipt_tells_the_end_and_how_long_after_it_each_work_stopped() {
        let call = gone(vec![work(Kind::Handler, Some(2_304.2)), work(Kind::Activity, Some(2_306.5))]);
        assert_eq!(
            receipt(vec![call], Some(14)),
            "Server: client gone after 2.304 s; handler stopped 0.2 ms later; query stopped 2.5 ms later. \
             This receipt was here 14 ms after the abort."
        );
    }

    #[test]
    fn the_works_of_a_child_are_told_by_its_parents_clock() {
        let mut child = gone(vec![work(Kind::Activity, Some(2_300.0))]);
        child.call_id = "c2".to_owned();
        child.parent_call_id = Some("c1".to_owned());
        child.opened_unix_ms = 1_010.0;
        let parent = gone(vec![work(Kind::Handler, Some(2_304.0)), work(Kind::Child, Some(2_304.0))]);
        assert_eq!(
            receipt(vec![parent, child], None),
            "Server: client gone after 2.304 s; handler stopped 0.0 ms later; child's query stopped 6.0 ms later."
        );
    }

    #[test]
    fn what_still_runs_is_said() {
        assert!(receipt(vec![gone(vec![work(Kind::Activity, None)])], None).contains("query still runs"));
        assert!(receipt(vec![Call::default()], None).contains("not seen the call end"));
        assert!(receipt(Vec::new(), None).contains("knows nothing"));
    }

    #[test]
    fn a_server_that_cannot_tell_is_told_of() {
        let unknown = |status: Status| Proof::Unknown(Failure::from(&status)).receipt();
        assert!(unknown(Status::unimplemented("")).contains("loopback"));
        assert!(unknown(Status::not_found("")).contains("no longer"));
        assert!(unknown(Status::unavailable("")).contains("could not be asked"));
        assert_eq!(Proof::Unasked.receipt(), "");
    }
}
