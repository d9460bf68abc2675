//! Futures that run as part of a call.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context::CallContext;

impl CallContext {
    /// Makes a future part of the call, in each of its polls and in its drop.
    pub(super) fn instrument<F: Future>(self, future: F) -> InCall<F> {
        InCall { call: self, future: Some(future) }
    }
}

pin_project! {
    /// A future that runs as part of a call.
    pub(super) struct InCall<F> {
        call: CallContext,
        // `None` once it was dropped inside of the call.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InCall<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.call.scope(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for InCall<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.future.as_pin_mut() {
            Some(future) => this.call.scope(|| future.poll(cx)),
            None => Poll::Pending,
        }
    }
}
