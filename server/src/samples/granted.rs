//! The timeout of the current call.

use drawbridge::CallContext;

/// Returns the timeout that the current call was granted, in milliseconds, or `None` if it has no deadline.
pub(super) fn granted_ms() -> Option<f64> {
    let deadline = CallContext::current()?.deadline()?;
    Some(deadline.granted().duration().as_secs_f64() * 1000.0)
}
