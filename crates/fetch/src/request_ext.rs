//! Call options as methods of `tonic::Request`.

use std::time::Duration;

use drawbridge_core::RetryPolicy;
use tonic::Request;

use crate::call_options::CallOptions;
use crate::cancel_handle::CancelHandle;
use crate::trace::Trace;

/// Sets the options of a call on its request. The methods are named as those of [`CallOptions`], which has all options.
///
/// ```
/// use drawbridge_fetch::{CancelHandle, RequestExt as _};
/// use drawbridge_proto::greet::HelloRequest;
/// use std::time::Duration;
/// use tonic::Request;
///
/// let cancel = CancelHandle::new();
/// let request = Request::new(HelloRequest { name: "ada".into() })
///     .with_timeout(Duration::from_secs(2))
///     .with_cancel(&cancel)
///     .unary();
/// ```
pub trait RequestExt: Sized + sealed::Sealed {
    /// Sets options. They override those that the request has.
    #[must_use]
    fn with_options(self, options: CallOptions) -> Self;

    /// Sets the timeout of the whole call: see [`CallOptions::with_timeout`].
    #[must_use]
    fn with_timeout(self, timeout: Duration) -> Self {
        self.with_options(CallOptions::new().with_timeout(timeout))
    }

    /// Adds a handle that can cancel the call: see [`CallOptions::with_cancel`].
    #[must_use]
    fn with_cancel(self, cancel: &CancelHandle) -> Self {
        self.with_options(CallOptions::new().with_cancel(cancel))
    }

    /// Makes the call fail unless its response has exactly one message: see [`CallOptions::unary`].
    #[must_use]
    fn unary(self) -> Self {
        self.with_options(CallOptions::new().unary())
    }

    /// Retries the call by this policy: see [`CallOptions::with_retry`].
    #[must_use]
    fn with_retry(self, policy: RetryPolicy) -> Self {
        self.with_options(CallOptions::new().with_retry(policy))
    }

    /// Records the call and its attempts: see [`CallOptions::with_trace`].
    #[must_use]
    fn with_trace(self, trace: &Trace) -> Self {
        self.with_options(CallOptions::new().with_trace(trace))
    }
}

impl<T> RequestExt for Request<T> {
    fn with_options(mut self, options: CallOptions) -> Self {
        let extensions = self.extensions_mut();
        let options = match extensions.remove::<CallOptions>() {
            Some(earlier) => options.or(&earlier),
            None => options,
        };
        extensions.insert(options);
        self
    }
}

mod sealed {
    /// Keeps other crates from implementing [`RequestExt`](super::RequestExt), so that methods can be added.
    pub trait Sealed {}
    impl<T> Sealed for tonic::Request<T> {}
}
