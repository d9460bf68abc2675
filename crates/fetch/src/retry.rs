//! The attempts at one call, as gRFC A6 has them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drawbridge_core::{
    Attempts, Failure, GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_RETRY_PUSHBACK_MS, Next, Pushback, RetryPolicy,
    Throttle, Timeout, code_name,
};
use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

use crate::answer::Answer;
use crate::arity::Arity;
use crate::attempt::attempt;
use crate::host::{Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::{Backoff, Cause};

/// The throttle of all calls to one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedThrottle(Arc<Mutex<Throttle>>);

impl SharedThrottle {
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a browser has a transport"))]
    pub(crate) fn new(throttle: Throttle) -> Self {
        Self(Arc::new(Mutex::new(throttle)))
    }

    fn lock(&self) -> MutexGuard<'_, Throttle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes attempts until one is answered with a message or succeeds, or fails for good. What is returned is the last one's
/// answer, just as if it had been the only one.
pub(crate) async fn answer<H: Host>(
    life: &Lifeline<H>,
    arity: Arity,
    policy: &RetryPolicy,
    throttle: &SharedThrottle,
    mut request: Outgoing,
) -> Result<Answer<H>, Status> {
    let mut attempts = Attempts::new(policy);
    loop {
        if attempts.previous() > 0 {
            request.headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(attempts.previous()));
        }
        let outcome = read_attempt(life, arity, request.clone()).await;
        let Some((status, pushback)) = failure_of(&outcome) else {
            throttle.lock().on_success();
            return outcome;
        };
        // Whatever this side has ended is over, also where it looks like a failure that could be tried again.
        if life.is_ended() {
            return outcome;
        }
        let remaining = life.remaining().map(Timeout::duration);
        let failure = Failure { code: status.code(), pushback, committed: false };
        let next = attempts.after(failure, remaining, life.host().random(), &mut throttle.lock());
        match next {
            Next::Fail => return outcome,
            Next::OutOfTime { backoff } => {
                life.note_failure(&status, Backoff { planned: backoff, skipped: true });
                return Err(out_of_time(&status, backoff, remaining.unwrap_or_default()));
            }
            Next::RetryAfter(backoff) => {
                life.note_failure(&status, Backoff { planned: backoff, skipped: false });
                life.disarm();
                drop(outcome);
                life.sleep(backoff).await?;
            }
        }
    }
}

/// Makes one attempt, and reads its answer up to where nothing can be taken back.
async fn read_attempt<H: Host>(
    life: &Lifeline<H>,
    arity: Arity,
    request: Outgoing,
) -> Result<Answer<H>, Status> {
    let mut answer = attempt(life, arity, request).await?;
    answer.read_ahead(life).await?;
    Ok(answer)
}

/// Returns how an attempt failed, and what the server says about when to try again; or nothing, if it did not fail before
/// its first message.
fn failure_of<H: Host>(outcome: &Result<Answer<H>, Status>) -> Option<(Status, Option<Pushback>)> {
    match outcome {
        Ok(answer) => {
            let verdict = answer.verdict()?;
            let status = Status::from_header_map(verdict).filter(|status| status.code() != Code::Ok)?;
            Some((status, pushback(verdict)))
        }
        Err(status) => Some((status.clone(), None)),
    }
}

fn pushback(headers: &HeaderMap) -> Option<Pushback> {
    headers.get(GRPC_RETRY_PUSHBACK_MS).map(|value| Pushback::parse(value.as_bytes()))
}

fn out_of_time(last: &Status, backoff: Duration, remaining: Duration) -> Status {
    // More digits would tell nothing.
    let whole = |time: Duration| Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000);
    let message = format!(
        "the next attempt would have come after {:?}, and {:?} are left; the last one failed with {}: {}",
        whole(backoff),
        whole(remaining),
        code_name(last.code()),
        last.message()
    );
    Cause::NoTimeToRetry.status(Code::DeadlineExceeded, message)
}
