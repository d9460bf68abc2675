//! A mock of the browser: the test controls the clock, the server and the user.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, Response};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};

use crate::metadata;
use crate::platform::{
    FetchError, InFlight, OutgoingRequest, PageEvent, Platform, Registration, TimerCallback,
};

/// The browser of the calls of one test. Clones are the same browser.
#[derive(Clone, Default)]
pub(super) struct MockBrowser(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Duration,
    offline: bool,
    hidden: bool,
    ids: u64,
    timers: Vec<(u64, Duration, Arc<Mutex<TimerCallback>>)>,
    page_left_listeners: Vec<(u64, Arc<dyn Fn() + Send + Sync>)>,
    page_listeners: Vec<(u64, PageListener)>,
    exchanges: Vec<Exchange>,
}

type PageListener = Arc<dyn Fn(PageEvent) + Send + Sync>;

/// One request as the server sees it, and its response.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) request: OutgoingRequest,
    aborted: Arc<AtomicBool>,
    head: Slot<oneshot::Sender<Result<Response<Chunks>, FetchError>>>,
    chunks: Slot<mpsc::UnboundedSender<Result<Bytes, FetchError>>>,
}

/// A value that is taken out once.
type Slot<T> = Arc<Mutex<Option<T>>>;

pub(super) struct ResponseFuture(oneshot::Receiver<Result<Response<Chunks>, FetchError>>);
pub(super) struct Chunks(mpsc::UnboundedReceiver<Result<Bytes, FetchError>>);

/// Removes a timer or a listener when it is dropped.
struct Remove(MockBrowser, u64);

impl MockBrowser {
    /// Advances the clock, and calls timers when they are due.
    pub(super) fn advance(&self, time: Duration) {
        let until = self.now() + time;
        loop {
            let due = {
                let mut state = self.0.lock().unwrap();
                let next = state.timers.iter().filter(|(_, at, _)| *at <= until).min_by_key(|(_, at, _)| *at);
                let Some((id, at, callback)) = next.cloned() else { break };
                state.now = at;
                (id, callback)
            };
            self.expire(due.0, &due.1);
        }
        self.0.lock().unwrap().now = until;
    }

    /// Advances the clock without calling timers, as in a hidden tab.
    pub(super) fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().now += time;
    }

    /// Calls all timers, as when a tab becomes visible.
    pub(super) fn become_visible(&self) {
        let timers = self.0.lock().unwrap().timers.clone();
        for (id, _, callback) in &timers {
            self.expire(*id, callback);
        }
    }

    /// Leaves the page.
    pub(super) fn leave(&self) {
        self.notify(PageEvent::Left);
        let listeners = self.0.lock().unwrap().page_left_listeners.clone();
        for (_, callback) in &listeners {
            callback();
        }
    }

    /// Brings the page back out of the back/forward cache.
    pub(super) fn show_again(&self) {
        self.notify(PageEvent::Shown);
    }

    pub(super) fn go_offline(&self) {
        self.0.lock().unwrap().offline = true;
        self.notify(PageEvent::Changed);
    }

    pub(super) fn go_online(&self) {
        self.0.lock().unwrap().offline = false;
        self.notify(PageEvent::Changed);
    }

    pub(super) fn set_hidden(&self, hidden: bool) {
        self.0.lock().unwrap().hidden = hidden;
        self.notify(PageEvent::Changed);
    }

    fn notify(&self, event: PageEvent) {
        let listeners = self.0.lock().unwrap().page_listeners.clone();
        for (_, callback) in &listeners {
            callback(event);
        }
    }

    /// Returns how many requests were sent.
    pub(super) fn attempts(&self) -> usize {
        self.0.lock().unwrap().exchanges.len()
    }

    /// Returns the only request that was sent.
    pub(super) fn exchange(&self) -> Exchange {
        self.attempt(1)
    }

    /// Returns the last request, and checks that `number` were sent.
    pub(super) fn attempt(&self, number: usize) -> Exchange {
        let state = self.0.lock().unwrap();
        assert_eq!(state.exchanges.len(), number, "requests");
        state.exchanges[number - 1].clone()
    }

    pub(super) fn sent_nothing(&self) -> bool {
        self.0.lock().unwrap().exchanges.is_empty()
    }

    /// Returns whether there are no timers and no listeners.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.timers.is_empty() && state.page_left_listeners.is_empty() && state.page_listeners.is_empty()
    }

    fn expire(&self, id: u64, callback: &Mutex<TimerCallback>) {
        let left = callback.lock().unwrap()();
        let mut state = self.0.lock().unwrap();
        let now = state.now;
        match left {
            Some(left) => {
                state.timers.iter_mut().filter(|timer| timer.0 == id).for_each(|timer| timer.1 = now + left);
            }
            None => state.timers.retain(|timer| timer.0 != id),
        }
    }

    fn register(&self) -> (u64, Registration) {
        let mut state = self.0.lock().unwrap();
        state.ids += 1;
        (state.ids, Box::new(Remove(self.clone(), state.ids)))
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap();
        let timer = state.timers.extract_if(.., |timer| timer.0 == self.1).next();
        let listener = state.page_left_listeners.extract_if(.., |listener| listener.0 == self.1).next();
        let page = state.page_listeners.extract_if(.., |listener| listener.0 == self.1).next();
        drop(state);
        // Their callbacks may use the browser when they are dropped, which must not be locked then.
        drop((timer, listener, page));
    }
}

impl Platform for MockBrowser {
    type ResponseFuture = ResponseFuture;
    type Chunks = Chunks;

    fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    fn send(&self, request: OutgoingRequest) -> InFlight<Self> {
        let (head, response) = oneshot::channel();
        let exchange = Exchange {
            request,
            aborted: Arc::default(),
            head: Arc::new(Mutex::new(Some(head))),
            chunks: Arc::default(),
        };
        self.0.lock().unwrap().exchanges.push(exchange.clone());
        InFlight { response: ResponseFuture(response), abort: Box::new(move || exchange.abort()) }
    }

    fn set_timer(&self, after: Duration, callback: TimerCallback) -> Registration {
        let at = self.now() + after;
        let (id, registration) = self.register();
        self.0.lock().unwrap().timers.push((id, at, Arc::new(Mutex::new(callback))));
        registration
    }

    fn on_page_left(&self, callback: Box<dyn Fn() + Send>) -> Registration {
        let (id, registration) = self.register();
        let callback = Mutex::new(callback);
        self.0.lock().unwrap().page_left_listeners.push((id, Arc::new(move || callback.lock().unwrap()())));
        registration
    }

    fn on_page_event(&self, callback: Box<dyn Fn(PageEvent) + Send>) -> Registration {
        let (id, registration) = self.register();
        let callback = Mutex::new(callback);
        let listener = Arc::new(move |event| callback.lock().unwrap()(event));
        self.0.lock().unwrap().page_listeners.push((id, listener));
        registration
    }

    /// The middle of the range: a backoff is exactly what its policy says.
    fn random(&self) -> f64 {
        0.5
    }

    fn is_offline(&self) -> bool {
        self.0.lock().unwrap().offline
    }

    fn is_hidden(&self) -> bool {
        self.0.lock().unwrap().hidden
    }
}

impl Exchange {
    /// Responds with this HTTP status and these headers.
    pub(super) fn respond(&self, status: u16, headers: &[(&'static str, &str)]) -> &Self {
        let (sender, chunks) = mpsc::unbounded_channel();
        let mut response = Response::builder().status(status).body(Chunks(chunks)).unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            metadata::append(response.headers_mut(), &name, value.as_bytes());
        }
        *self.chunks.lock().unwrap() = Some(sender);
        let head = self.head.lock().unwrap().take().expect("a request has one response");
        let _ = head.send(Ok(response));
        self
    }

    /// Responds with the head of a gRPC-Web response.
    pub(super) fn accept(&self) -> &Self {
        self.respond(200, &[("content-type", "application/grpc-web+proto")])
    }

    pub(super) fn chunk(&self, bytes: impl Into<Bytes>) -> &Self {
        self.with_chunks(|chunks| chunks.send(Ok(bytes.into())));
        self
    }

    /// Sends a message.
    pub(super) fn message(&self, text: &str) -> &Self {
        self.chunk(message(text))
    }

    /// Sends trailers, and ends the response.
    pub(super) fn end(&self, trailers: &str) {
        self.chunk(frame(0x80, trailers.as_bytes()));
        self.cut();
    }

    /// Ends the response.
    pub(super) fn cut(&self) {
        *self.chunks.lock().unwrap() = None;
    }

    /// Breaks the connection.
    pub(super) fn reset(&self) {
        self.fail("network error");
    }

    /// Returns whether the request was aborted.
    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// Fails with an error that has no reason, as a browser does.
    fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
        self.fail("aborted");
    }

    fn fail(&self, message: &str) {
        let error = || FetchError(message.to_owned());
        if let Some(head) = self.head.lock().unwrap().take() {
            let _ = head.send(Err(error()));
        }
        self.with_chunks(|chunks| chunks.send(Err(error())));
        self.cut();
    }

    fn with_chunks<T>(&self, send: impl FnOnce(&mpsc::UnboundedSender<Result<Bytes, FetchError>>) -> T) {
        self.chunks.lock().unwrap().as_ref().map(send);
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Chunks>, FetchError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|head| head.expect("the exchange lives as long as the browser"))
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Returns a frame with this payload.
pub(super) fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[flags], &u32::try_from(payload.len()).unwrap().to_be_bytes()[..], payload].concat()
}

/// Returns the frame of a message with this text.
pub(super) fn message(text: &str) -> Vec<u8> {
    frame(0, &drawbridge_proto::message::Response { message: text.to_owned() }.encode_to_vec())
}
