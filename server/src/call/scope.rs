//! What runs as part of a call.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context::CallContext;

thread_local! {
    /// The call that this thread works for at the moment. Each poll of what belongs to a call sets it and puts back what
    /// was there; a task-local of the runtime's would do the same, at many times the cost, for several polls a call.
    static CURRENT: Cell<Option<CallContext>> = const { Cell::new(None) };
}

impl CallContext {
    /// Returns the context of the call that the current code works for, or `None` outside any call.
    pub fn current() -> Option<Self> {
        let current = CURRENT.try_with(Cell::take).ok()??;
        CURRENT.set(Some(current.clone()));
        Some(current)
    }

    /// Runs `f` as part of the call: its context is the current one, and its log lines carry its id.
    pub(crate) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        /// Puts back what was current before, also when `f` panics.
        struct Restore(Option<CallContext>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _entered = self.span().enter();
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        f()
    }

    /// Makes a future part of the call, in each of its polls and in its drop.
    pub(crate) fn surround<F: Future>(self, future: F) -> Within<F> {
        Within { call: self, future: Some(future) }
    }
}

pin_project! {
    /// A future that is part of a call.
    pub(crate) struct Within<F> {
        call: CallContext,
        // `None` once it was dropped, inside the call.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Within<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.call.scope(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.future.as_pin_mut() {
            Some(future) => this.call.scope(|| future.poll(cx)),
            None => Poll::Pending,
        }
    }
}
