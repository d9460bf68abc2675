//! The contract of a service of an upstream, by the upstream's reflection.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use drawbridge_json::Schema;
use tokio::sync::Notify;
use tokio::time::sleep_until;
use tonic::{Code, Status};

use super::ask::ask;
use crate::call::now;
use crate::upstream::Pool;

/// How long after an answer the upstream is asked again at the earliest.
const INTERVAL: Duration = Duration::from_secs(1);

/// The same, after an answer that there is no contract.
const INTERVAL_WITHOUT: Duration = Duration::from_secs(10);

/// The contract of a service of an upstream.
///
/// It is asked for when it is first needed, and again when a connection to the upstream was lost, after which the upstream may be another
/// version, and when something was met that the contract does not have. One question at a time is asked for all calls, in a task of its own: the first call
/// may leave and the others still get the answer.
#[derive(Default)]
pub(super) struct UpstreamSchema {
    state: Mutex<State>,
    /// Notified when a question was answered.
    answered: Notify,
}

#[derive(Default)]
struct State {
    /// The last contract that was answered. It is used until there is another one.
    schema: Option<Schema>,
    /// How many connections the upstream had lost when that was asked for.
    lost_connections: u64,
    /// Whether something was met that the contract does not have.
    lacks_something: bool,
    /// When the last question was answered.
    answered_at: Option<Instant>,
    /// Why the last question has no answer.
    failure: Option<Status>,
    is_asking: bool,
}

/// What a call does next.
enum Step {
    Use(Schema),
    Fail(Status),
    Ask,
    /// Waits for the answer, or until it may ask.
    Wait(Option<Instant>),
}

impl UpstreamSchema {
    /// Returns the contract, after asking for it if need be. Dropping the future stops waiting and not the question.
    ///
    /// # Errors
    ///
    /// Returns the status of the last question, if it failed and there is no older answer.
    pub(super) async fn get(self: &Arc<Self>, pool: &Arc<Pool>, service: &str) -> Result<Schema, Status> {
        loop {
            let mut answered = pin!(self.answered.notified());
            answered.as_mut().enable();
            let step = self.lock().step(now(), pool.lost_connections());
            match step {
                Step::Use(schema) => return Ok(schema),
                Step::Fail(status) => return Err(status),
                Step::Ask => self.ask(pool, service),
                Step::Wait(None) => answered.await,
                Step::Wait(Some(until)) => tokio::select! {
                    () = answered => {}
                    () = sleep_until(until.into()) => {}
                },
            }
        }
    }

    /// Notes that something was met that the contract does not have.
    pub(super) fn lacks_something(&self) {
        self.lock().lacks_something = true;
    }

    /// Returns whether there is a contract.
    pub(super) fn has_contract(&self) -> bool {
        self.lock().schema.is_some()
    }

    fn ask(self: &Arc<Self>, pool: &Arc<Pool>, service: &str) {
        let question = Question {
            schema: Arc::clone(self),
            lost_connections: pool.lost_connections(),
            result: Some(Err(Status::unavailable("the question was given up"))),
        };
        let (pool, service) = (Arc::clone(pool), service.to_owned());
        tokio::spawn(async move {
            let mut question = question;
            let result = ask(&pool, &service).await;
            match &result {
                Ok(_) => tracing::debug!(upstream = %pool, service, "the upstream has told its contract"),
                Err(status) => {
                    tracing::debug!(upstream = %pool, service, %status, "the upstream has not told its contract");
                }
            }
            question.result = Some(result);
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn step(&mut self, now: Instant, lost_connections: u64) -> Step {
        let has_lost = self.lost_connections != lost_connections;
        if let Some(schema) = &self.schema
            && !has_lost
            && !self.lacks_something
        {
            return Step::Use(schema.clone());
        }
        if self.is_asking {
            return Step::Wait(None);
        }
        let is_without = self.failure.as_ref().is_some_and(is_without_contract);
        let interval = if is_without && !has_lost { INTERVAL_WITHOUT } else { INTERVAL };
        let next = self.answered_at.map(|answered| answered + interval).filter(|next| *next > now);
        match (next, &self.failure, &self.schema) {
            (Some(_), Some(status), None) => Step::Fail(status.clone()),
            // The connection was lost just after the answer: a call must not be translated by the contract of another version.
            (Some(next), None, _) if has_lost => Step::Wait(Some(next)),
            (Some(_), _, Some(schema)) => Step::Use(schema.clone()),
            _ => {
                self.is_asking = true;
                Step::Ask
            }
        }
    }

    fn answer(&mut self, result: Result<Schema, Status>, lost_connections: u64) {
        self.is_asking = false;
        self.answered_at = Some(now());
        self.lacks_something = false;
        match result {
            Ok(schema) => {
                self.schema = Some(schema);
                self.failure = None;
                self.lost_connections = lost_connections;
            }
            Err(status) => {
                if self.schema.is_none() {
                    self.lost_connections = lost_connections;
                }
                self.failure = Some(status);
            }
        }
    }
}

/// Returns whether asking again soon is of no use.
pub(super) fn is_without_contract(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unimplemented | Code::NotFound | Code::PermissionDenied | Code::Unauthenticated
    )
}

/// A question to an upstream. It is answered when this is dropped, also if the task is cancelled.
struct Question {
    schema: Arc<UpstreamSchema>,
    lost_connections: u64,
    result: Option<Result<Schema, Status>>,
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(result) = self.result.take() {
            self.schema.lock().answer(result, self.lost_connections);
        }
        self.schema.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::from_files::<Vec<u8>>([]).unwrap()
    }

    fn step(state: &mut State, after: Duration, lost: u64) -> &'static str {
        let since = state.answered_at.unwrap_or_else(now);
        match state.step(since + after, lost) {
            Step::Use(_) => "use",
            Step::Fail(_) => "fail",
            Step::Ask => "ask",
            Step::Wait(None) => "wait",
            Step::Wait(Some(_)) => "wait until",
        }
    }

    const SOON: Duration = Duration::from_millis(500);
    const LATER: Duration = Duration::from_millis(1500);
    const MUCH_LATER: Duration = Duration::from_secs(11);

    #[test]
    fn one_question_is_asked_for_all() {
        let mut state = State::default();
        assert_eq!(step(&mut state, Duration::ZERO, 0), "ask");
        assert_eq!(step(&mut state, Duration::ZERO, 0), "wait");
        state.answer(Ok(schema()), 0);
        assert_eq!(step(&mut state, MUCH_LATER, 0), "use");
    }

    #[test]
    fn after_a_lost_connection_no_call_gets_the_old_contract() {
        let mut state = State::default();
        state.answer(Ok(schema()), 0);
        assert_eq!(step(&mut state, SOON, 1), "wait until");
        assert_eq!(step(&mut state, LATER, 1), "ask");
        assert_eq!(step(&mut state, LATER, 1), "wait");
        state.answer(Ok(schema()), 1);
        assert_eq!(step(&mut state, SOON, 1), "use");
    }

    #[test]
    fn the_old_contract_serves_while_the_upstream_does_not_answer() {
        let mut state = State::default();
        state.answer(Ok(schema()), 0);
        state.answer(Err(Status::unavailable("")), 1);
        assert_eq!(step(&mut state, SOON, 1), "use");
        assert_eq!(step(&mut state, LATER, 1), "ask");
    }

    #[test]
    fn something_unknown_is_asked_for_once_a_second() {
        let mut state = State::default();
        state.answer(Ok(schema()), 0);
        state.lacks_something = true;
        assert_eq!(step(&mut state, SOON, 0), "use");
        assert_eq!(step(&mut state, LATER, 0), "ask");
        state.answer(Ok(schema()), 0);
        assert_eq!(step(&mut state, LATER, 0), "use");
    }

    #[test]
    fn an_upstream_without_reflection_is_asked_again_after_ten_seconds_or_another_connection() {
        let mut state = State::default();
        state.answer(Err(Status::unimplemented("")), 0);
        assert_eq!(step(&mut state, LATER, 0), "fail");
        assert_eq!(step(&mut state, MUCH_LATER, 0), "ask");
        state.answer(Err(Status::unimplemented("")), 0);
        assert_eq!(step(&mut state, SOON, 1), "fail");
        assert_eq!(step(&mut state, LATER, 1), "ask");
        state.answer(Err(Status::unavailable("")), 1);
        assert_eq!(step(&mut state, SOON, 1), "fail");
        assert_eq!(step(&mut state, LATER, 1), "ask");
    }
}
