//! A background future that its owner cancels by dropping it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;

type SharedFuture = RefCell<Pin<Box<dyn Future<Output = ()>>>>;

/// Owns a future that runs in the background.
///
/// Dropping the task drops the future immediately, not in a later turn of the event loop: a page that is being unloaded has
/// no later turn. A task that is dropped by its own future lets the current poll return first.
#[must_use = "a task that is dropped does nothing"]
pub(crate) struct Task {
    _future: Rc<SharedFuture>,
}

impl Task {
    /// Runs `future` until it ends or the task is dropped.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) -> Self {
        let (task, driver) = Self::new(future);
        wasm_bindgen_futures::spawn_local(driver);
        task
    }

    /// Returns a task for `future`, and the driver that polls it. The driver ends when the task is dropped.
    fn new(future: impl Future<Output = ()> + 'static) -> (Self, impl Future<Output = ()>) {
        let future: Rc<SharedFuture> = Rc::new(RefCell::new(Box::pin(future)));
        let weak = Rc::downgrade(&future);
        let driver = poll_fn(move |context| match Weak::upgrade(&weak) {
            Some(future) => future.borrow_mut().as_mut().poll(context),
            None => Poll::Ready(()),
        });
        (Self { _future: future }, driver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn dropping_the_task_drops_its_future_immediately() {
        let held = Rc::new(());
        let inside = Rc::clone(&held);
        let (task, driver) = Task::new(async move {
            std::future::pending::<()>().await;
            drop(inside);
        });
        let mut driver = Box::pin(driver);
        assert_eq!(driver.as_mut().now_or_never(), None);
        assert_eq!(Rc::strong_count(&held), 2);
        drop(task);
        assert_eq!(Rc::strong_count(&held), 1);
        assert_eq!(driver.now_or_never(), Some(()));
    }

    #[test]
    fn a_task_can_be_dropped_by_its_own_future() {
        let slot = Rc::new(RefCell::new(None::<Task>));
        let own = Rc::clone(&slot);
        let (task, driver) = Task::new(async move {
            own.borrow_mut().take();
            std::future::pending::<()>().await;
        });
        *slot.borrow_mut() = Some(task);
        let mut driver = Box::pin(driver);
        assert_eq!(driver.as_mut().now_or_never(), None);
        assert_eq!(driver.now_or_never(), Some(()));
    }
}
