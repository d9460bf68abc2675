//! The stream that makes one call after the other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tonic::{Request, Response, Status, Streaming};

#[cfg(target_arch = "wasm32")]
use crate::browser::Browser;
use crate::call_options::CallOptions;
use crate::guard::CallGuard;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::Browser;
use crate::platform::{PageEvent, Platform, Registration};
use crate::request_ext::RequestExt as _;
use crate::trace::Backoff;

use super::event::{Disconnected, ReconnectEvent, RetryAt};
use super::handle::ReconnectHandle;
use super::policy::ReconnectPolicy;
use super::state::{Action, Event, ReconnectState, Surroundings};

/// A call that waits for its response.
type Connecting<M> = Pin<Box<dyn Future<Output = Result<Response<Streaming<M>>, Status>>>>;
/// Makes a call. Its argument is the last message of the calls before, and its options are the second result.
type Connect<M> = Box<dyn FnMut(Option<&M>, CallOptions) -> (Connecting<M>, CallOptions)>;

/// Calls a server-streaming method, and calls it again when the server restarts or the network is lost.
///
/// `request` makes the request of each call. Its argument is the last message that arrived, so that a call can go on where
/// the one before broke; it is `None` for the first call. `send` sends the request.
///
/// Use it only for methods that can be called again: [`ReconnectPolicy::repeatable`] says so. A stream that does work for its
/// caller is made with the generated client alone, which never repeats it.
///
/// ```no_run
/// use drawbridge_fetch::{ReconnectEvent, ReconnectPolicy, Transport, reconnecting};
/// use drawbridge_proto::greet::{HelloRequest, greeter_client::GreeterClient};
/// use tonic::{Request, Status};
///
/// async fn watch() -> Result<(), Status> {
///     let client = GreeterClient::new(Transport::new("https://api.example.org"));
///     let mut greetings = reconnecting(
///         ReconnectPolicy::repeatable(),
///         |_last| Request::new(HelloRequest { name: "ada".into() }),
///         move |request| {
///             let mut client = client.clone();
///             async move { client.say_hellos(request).await }
///         },
///     );
///     while let Some(event) = greetings.event().await? {
///         match event {
///             ReconnectEvent::Connected => println!("connected"),
///             ReconnectEvent::Message(greeting) => println!("{}", greeting.message),
///             ReconnectEvent::Disconnected(why) if why.is_planned() => println!("the server restarts"),
///             ReconnectEvent::Disconnected(why) => println!("disconnected: {}", why.status),
///         }
///     }
///     Ok(())
/// }
/// # drop(watch());
/// ```
///
/// # When it calls again
///
/// - After `UNAVAILABLE`, which includes a server that cannot be reached and a connection that broke, and after a response that
///   ended without a status: after a backoff, which grows until a message arrives.
/// - After a status with `grpc-retry-pushback-ms`: after exactly that time. A negative value ends the stream.
/// - It makes no call while the browser is offline or the page is hidden, and makes one at once when the browser is online
///   again, or, if its time has passed, when the page is visible again. The first call does not wait.
/// - Leaving the page aborts the call, as it does with every call. A page that comes back out of the back/forward cache makes
///   the next one.
///
/// Any other status ends the stream, and so does `OK`. The handles of [`CallOptions::with_cancel`] in the last request end the
/// wait between two calls too. The deadline of the policy covers all calls and waits; a timeout in a request covers that call.
/// A [`Trace`](crate::Trace) that is set on each request records all calls as attempts of one.
pub fn reconnecting<Q, M, F>(
    policy: ReconnectPolicy,
    request: impl FnMut(Option<&M>) -> Request<Q> + 'static,
    send: impl FnMut(Request<Q>) -> F + 'static,
) -> Reconnecting<M>
where
    M: Clone + 'static,
    F: Future<Output = Result<Response<Streaming<M>>, Status>> + 'static,
{
    Reconnecting(reconnecting_on(Browser { base: "".into() }, policy, request, send))
}

/// Does what [`reconnecting`] does, on any platform.
pub(crate) fn reconnecting_on<P: Platform, Q, M, F>(
    platform: P,
    policy: ReconnectPolicy,
    mut request: impl FnMut(Option<&M>) -> Request<Q> + 'static,
    mut send: impl FnMut(Request<Q>) -> F + 'static,
) -> Calls<P, M>
where
    M: Clone + 'static,
    F: Future<Output = Result<Response<Streaming<M>>, Status>> + 'static,
{
    let connect: Connect<M> = Box::new(move |last, options| {
        let request = request(last).with_options(options);
        let options = request.extensions().get::<CallOptions>().cloned().unwrap_or_default();
        (Box::pin(send(request)), options)
    });
    let handle = ReconnectHandle::default();
    let left = Arc::new(AtomicBool::new(false));
    let on_page_event = {
        let (handle, left) = (handle.clone(), Arc::clone(&left));
        move |event| {
            match event {
                PageEvent::Left => left.store(true, Ordering::Relaxed),
                PageEvent::Shown => left.store(false, Ordering::Relaxed),
                PageEvent::Changed => {}
            }
            handle.wake();
        }
    };
    Calls {
        state: ReconnectState::new(policy, platform.now()),
        _page: platform.on_page_event(Box::new(on_page_event)),
        platform,
        connect,
        options: CallOptions::new(),
        last: None,
        phase: Phase::Start,
        handle,
        left,
    }
}

/// A stream that makes one call after the other: see [`reconnecting`].
///
/// An item that is an error is the last: the stream ended with this status. Without one it ended with `OK`. Dropping the stream
/// aborts the call, or ends the wait for the next one.
#[must_use = "the first call is made when the stream is polled"]
pub struct Reconnecting<M>(Calls<Browser, M>);

impl<M> Reconnecting<M> {
    /// Returns a handle that ends the wait for the next call.
    pub fn handle(&self) -> ReconnectHandle {
        self.0.handle()
    }
}

impl<M: Clone> Reconnecting<M> {
    /// Waits for the next event. Returns `None` after the stream ended with `OK`.
    ///
    /// # Errors
    ///
    /// The status with which the stream ended for good.
    pub async fn event(&mut self) -> Result<Option<ReconnectEvent<M>>, Status> {
        poll_fn(|cx| Pin::new(&mut self.0).poll_next(cx)).await.transpose()
    }
}

impl<M: Clone> Stream for Reconnecting<M> {
    type Item = Result<ReconnectEvent<M>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

/// A reconnecting stream on any platform.
pub(crate) struct Calls<P: Platform, M> {
    platform: P,
    state: ReconnectState,
    connect: Connect<M>,
    /// The options of the last call.
    options: CallOptions,
    last: Option<M>,
    phase: Phase<P, M>,
    handle: ReconnectHandle,
    left: Arc<AtomicBool>,
    _page: Registration,
}

enum Phase<P: Platform, M> {
    Start,
    Connecting(Connecting<M>),
    Open(Box<Streaming<M>>),
    Waiting(Box<Waiting<P>>),
    Ended,
}

/// The wait between two calls.
struct Waiting<P: Platform> {
    /// Why the call before failed.
    status: Status,
    /// What the caller was told, if it was.
    told: Option<RetryAt>,
    /// The handles that cancel the calls cancel the wait too. Dropping it ends the trace.
    guard: CallGuard<P>,
    /// When to check again, and the timer for it.
    timer: Option<(Duration, Registration)>,
}

// No field is pinned in place.
impl<P: Platform, M> Unpin for Calls<P, M> {}

impl<P: Platform, M: Clone> Stream for Calls<P, M> {
    type Item = Result<ReconnectEvent<M>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let item = match &mut self.phase {
                Phase::Ended => return Poll::Ready(None),
                Phase::Start => {
                    self.connect();
                    continue;
                }
                Phase::Connecting(call) => match ready!(call.as_mut().poll(cx)) {
                    Ok(response) => {
                        self.phase = Phase::Open(Box::new(response.into_inner()));
                        self.apply(Event::Opened);
                        Some(Ok(ReconnectEvent::Connected))
                    }
                    Err(status) => self.fail(status),
                },
                Phase::Open(call) => match ready!(Pin::new(call.as_mut()).poll_next(cx)) {
                    Some(Ok(message)) => {
                        self.last = Some(message.clone());
                        self.apply(Event::Message);
                        Some(Ok(ReconnectEvent::Message(message)))
                    }
                    Some(Err(status)) => self.fail(status),
                    None => {
                        self.phase = Phase::Ended;
                        return Poll::Ready(None);
                    }
                },
                Phase::Waiting(_) => ready!(self.poll_wait(cx)),
            };
            if item.is_some() {
                return Poll::Ready(item);
            }
        }
    }
}

impl<P: Platform, M> Calls<P, M> {
    pub(crate) fn handle(&self) -> ReconnectHandle {
        self.handle.clone()
    }

    fn apply(&mut self, event: Event<'_>) -> Action {
        self.state.on(event, self.platform.now())
    }

    /// Makes a call.
    fn connect(&mut self) {
        let options = match self.state.deadline() {
            Some(deadline) => CallOptions::new().with_deadline(deadline),
            None => CallOptions::new(),
        };
        let (call, options) = (self.connect)(self.last.as_ref(), options);
        self.options = options;
        self.phase = Phase::Connecting(call);
    }

    /// Begins the wait after a call that failed, or ends the stream.
    fn fail<T>(&mut self, status: Status) -> Option<Result<T, Status>> {
        let random = self.platform.random();
        self.handle.take();
        match self.apply(Event::Failed { status: &status, random }) {
            Action::Wait(RetryAt::Time(due)) => {
                let now = self.platform.now();
                // Dropping the call records its end in the trace, unless it has one.
                self.phase = Phase::Ended;
                if let Some(trace) = self.options.trace() {
                    trace.attempt_failed(now, &status, Backoff::new(due.saturating_sub(now)));
                    trace.resume();
                }
                let guard = CallGuard::start(self.platform.clone(), &self.options.of_wait(), None);
                self.phase = Phase::Waiting(Box::new(Waiting { status, told: None, guard, timer: None }));
                None
            }
            Action::End(end) => {
                self.phase = Phase::Ended;
                Some(Err(end))
            }
            // A call that failed is followed by one of the two.
            Action::Wait(_) | Action::Read | Action::Connect => None,
        }
    }

    fn poll_wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ReconnectEvent<T>, Status>>> {
        self.handle.register(cx.waker());
        let event =
            if self.handle.take() { Event::ReconnectNow } else { Event::Checked(self.surroundings()) };
        let action = self.apply(event);
        let Phase::Waiting(waiting) = &mut self.phase else { return Poll::Ready(None) };
        let action = match waiting.guard.poll_ended(cx) {
            Poll::Ready(status) => Action::End(status),
            Poll::Pending => action,
        };
        match action {
            Action::Wait(retry_at) => {
                let due = if let RetryAt::Time(at) = retry_at { Some(at) } else { None };
                let deadline = self.state.deadline().map(|deadline| deadline.at());
                waiting.check_at(&self.platform, &self.handle, due.into_iter().chain(deadline).min());
                if waiting.told.replace(retry_at) == Some(retry_at) {
                    return Poll::Pending;
                }
                let event = ReconnectEvent::Disconnected(Disconnected::new(waiting.status.clone(), retry_at));
                Poll::Ready(Some(Ok(event)))
            }
            Action::End(status) => {
                waiting.guard.trace_end(&status);
                self.phase = Phase::Ended;
                Poll::Ready(Some(Err(status)))
            }
            Action::Connect | Action::Read => {
                waiting.guard.complete();
                if let Some(trace) = self.options.trace() {
                    trace.resume();
                }
                self.connect();
                Poll::Ready(None)
            }
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            offline: self.platform.is_offline(),
            hidden: self.platform.is_hidden(),
            left: self.left.load(Ordering::Relaxed),
        }
    }
}

impl<P: Platform> Waiting<P> {
    /// Sets the timer that wakes the stream at this time, unless it is set.
    fn check_at(&mut self, platform: &P, handle: &ReconnectHandle, at: Option<Duration>) {
        if self.timer.as_ref().map(|(at, _)| *at) == at {
            return;
        }
        self.timer = at.map(|at| {
            let callback = {
                let (platform, handle) = (platform.clone(), handle.clone());
                move || {
                    let left = at.saturating_sub(platform.now());
                    handle.wake();
                    (!left.is_zero()).then_some(left)
                }
            };
            (at, platform.set_timer(at.saturating_sub(platform.now()), Box::new(callback)))
        });
    }
}
