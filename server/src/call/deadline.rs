//! The time that a call is granted, and the task that ends it when its time is up.

use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, EndReason, Timeout};
use tokio::time::sleep_until;

use super::context::now;
use super::registry::Calls;

/// How much time the server grants, whatever callers ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadlinePolicy {
    /// The time of a call that asks for none. Without it, such a call has no deadline (but see `max`).
    pub default: Option<Duration>,
    /// The most that any call gets.
    pub max: Option<Duration>,
}

impl DeadlinePolicy {
    /// Returns the deadline of a call that opens `now` and asks for `asked`, or `None` if it may take forever.
    pub(crate) fn grant(&self, now: Instant, asked: Option<Timeout>) -> Option<Deadline<Instant>> {
        let asked = asked.map(Timeout::duration).or(self.default);
        let granted = match (asked, self.max) {
            (Some(asked), Some(max)) => Some(asked.min(max)),
            (asked, max) => asked.or(max),
        };
        granted.and_then(|granted| Deadline::after(now, granted.into()))
    }
}

/// Ends the calls of a list at their deadlines, until none that has one is left.
///
/// One task does that for all of them: a call's future and body are polled by the connection, and a connection that
/// cannot write, or a stream that is always ready, would keep a timer inside them from running. And most calls end in
/// time, so that a timer for each would be set up for nothing.
pub(crate) async fn keep(calls: Calls) {
    while let Some(next) = calls.next_deadline() {
        tokio::select! {
            () = sleep_until(next.into()) => {}
            () = calls.earlier_deadline() => continue,
        }
        for call in calls.take_due(now()) {
            let Some(deadline) = call.deadline() else { continue };
            // In a task of its own: what a handler does when it is dropped is not for others to wait for.
            tokio::spawn(
                async move { call.end(EndReason::DeadlineExceeded { granted: deadline.granted() }) },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_asked_and_most_is_granted() {
        let second = Duration::from_secs;
        let now = Instant::now();
        for (default, max, asked, granted) in [
            (None, None, None, None),
            (None, None, Some(5), Some(5)),
            (Some(7), None, None, Some(7)),
            (Some(7), None, Some(9), Some(9)),
            (None, Some(3), None, Some(3)),
            (None, Some(3), Some(5), Some(3)),
            (Some(7), Some(3), None, Some(3)),
            (Some(7), Some(9), Some(1), Some(1)),
        ] {
            let policy = DeadlinePolicy { default: default.map(second), max: max.map(second) };
            let asked = asked.map(|asked| Timeout::from(second(asked)));
            let deadline = policy.grant(now, asked).map(|deadline| deadline.granted().duration());
            assert_eq!(deadline, granted.map(second), "{policy:?}, {asked:?}");
        }
    }
}
