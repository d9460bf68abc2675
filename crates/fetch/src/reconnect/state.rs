//! What a reconnecting stream does next.

use std::time::Duration;

use drawbridge_core::{Deadline, FailedAttempt, Pushback, Timeout, out_of_time};
use tonic::{Code, Status};

use super::event::RetryAt;
use super::policy::ReconnectPolicy;
use crate::cause::Cause;

/// Something that happened to a reconnecting stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// The server accepted the call.
    Opened,
    /// A message arrived.
    Message,
    /// The call failed. `random` is evenly distributed in 0..1.
    Failed { status: &'a Status, random: f64 },
    /// The clock was read, or the page changed.
    Checked(Surroundings),
    /// The user asked for a call now.
    ReconnectNow,
}

/// What the browser says about the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// There is no network.
    pub(crate) offline: bool,
    /// The tab is hidden.
    pub(crate) hidden: bool,
    /// The user left the page, and the browser may keep it in the back/forward cache.
    pub(crate) left: bool,
}

/// What to do after an event.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Read on from the current call.
    Read,
    /// Check again at this time, and whenever the page changes.
    Wait(RetryAt),
    /// Make a call.
    Connect,
    /// End the stream with this status.
    End(Status),
}

/// The decisions of one reconnecting stream. It does no I/O, and the time is an argument.
#[derive(Debug)]
pub(crate) struct ReconnectState {
    policy: ReconnectPolicy,
    deadline: Option<Deadline<Duration>>,
    /// How many backoffs there were since the last message or pushback.
    backoffs: u32,
    /// Since when the current call is open.
    opened: Option<Duration>,
    wait: Option<Wait>,
}

/// The wait between two calls.
#[derive(Debug)]
struct Wait {
    due: Duration,
    /// Whether the server set the time. Then it holds also if the browser comes online before.
    exact: bool,
    was_offline: bool,
}

impl ReconnectState {
    /// Starts with the first call, at `now`.
    pub(crate) fn new(policy: ReconnectPolicy, now: Duration) -> Self {
        let deadline = policy.deadline_at(now);
        Self { policy, deadline, backoffs: 0, opened: None, wait: None }
    }

    /// Returns the deadline of the stream.
    pub(crate) fn deadline(&self) -> Option<Deadline<Duration>> {
        self.deadline
    }

    /// Applies an event that happened at `now`, and returns what to do next.
    pub(crate) fn on(&mut self, event: Event<'_>, now: Duration) -> Action {
        match event {
            Event::Opened => {
                self.opened = Some(now);
                Action::Read
            }
            Event::Message => {
                self.backoffs = 0;
                Action::Read
            }
            Event::Failed { status, random } => self.failed(status, random, now),
            Event::Checked(surroundings) => self.checked(surroundings, now),
            Event::ReconnectNow => match self.wait.take() {
                Some(_) => Action::Connect,
                None => Action::Read,
            },
        }
    }

    fn failed(&mut self, status: &Status, random: f64, now: Duration) -> Action {
        let opened = self.opened.take();
        if opened.is_some_and(|opened| now.saturating_sub(opened) > self.policy.max_backoff()) {
            self.backoffs = 0;
        }
        let (backoff, exact) = match (Cause::of(status), FailedAttempt::from_status(status).pushback) {
            // The page may come back. It makes no call before.
            (Some(Cause::PageLeft), _) => (Duration::ZERO, true),
            (None, Some(Pushback::After(exactly))) => {
                self.backoffs = 0;
                (exactly, true)
            }
            (cause, None)
                if self.policy.reconnects_after(status.code()) || cause == Some(Cause::NoStatus) =>
            {
                let backoff = self.policy.backoff(self.backoffs, random);
                self.backoffs = self.backoffs.saturating_add(1);
                (backoff, false)
            }
            _ => return Action::End(status.clone()),
        };
        if let Some(deadline) = self.deadline
            && let remaining = deadline.remaining(now).duration()
            && backoff >= remaining
        {
            let status = out_of_time(backoff, remaining, status);
            return Action::End(Cause::NoTimeToRetry.status(status.code(), status.message()));
        }
        let due = now.saturating_add(backoff);
        self.wait = Some(Wait { due, exact, was_offline: false });
        Action::Wait(RetryAt::Time(due))
    }

    fn checked(&mut self, surroundings: Surroundings, now: Duration) -> Action {
        let Some(wait) = &mut self.wait else { return Action::Read };
        if let Some(deadline) = self.deadline.filter(|deadline| deadline.expired(now)) {
            return Action::End(expired(deadline.granted()));
        }
        if surroundings.left {
            return Action::Wait(RetryAt::Visible);
        }
        if surroundings.offline {
            wait.was_offline = true;
            return Action::Wait(RetryAt::Online);
        }
        if wait.was_offline && !wait.exact {
            wait.due = wait.due.min(now);
        }
        if surroundings.hidden {
            return Action::Wait(RetryAt::Visible);
        }
        if now < wait.due {
            return Action::Wait(RetryAt::Time(wait.due));
        }
        self.wait = None;
        Action::Connect
    }
}

fn expired(granted: Timeout) -> Status {
    let message = format!("the stream did not end within {:?}", granted.duration());
    Cause::DeadlineExceeded.status(Code::DeadlineExceeded, message)
}

#[cfg(test)]
mod tests;
