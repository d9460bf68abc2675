//! Forwarding alone: a bridge without services, in front of servers in any language.

use drawbridge::{Bridge, BridgeService, Calls, RetryPolicy, RetryRule, Upstream, UpstreamError};
use tonic::Code;

/// Forwards the calls of `greet` to one server and those of all other services to another, and returns the service with the
/// list of its calls.
///
/// # Errors
///
/// Returns an error if a URL is invalid.
pub fn service(greeter: &str, others: &str) -> Result<(BridgeService, Calls), UpstreamError> {
    let mut bridge = Bridge::new()
        // The package's name stands for all of its services. The longest name that fits a call wins.
        .upstream(Upstream::new(greeter)?.for_service("greet")?)
        .upstream(Upstream::new(others)?)
        .retry(RetryRule::new(RetryPolicy::new(3, [Code::Unavailable])));
    let calls = bridge.calls();
    Ok((bridge.into_service(), calls))
}
