//! A world in which a test is clock, network and user.

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

use crate::host::{Attempt, Failure, Guard, Host, Outgoing, Ring};
use crate::metadata;

/// The surroundings of the calls of one test. Clones are one world.
#[derive(Clone, Default)]
pub(super) struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Duration,
    offline: bool,
    ids: u64,
    alarms: Vec<(u64, Duration, Arc<Mutex<Ring>>)>,
    leavers: Vec<(u64, Arc<dyn Fn() + Send + Sync>)>,
    exchanges: Vec<Exchange>,
}

/// What a server sees of one request, and with what it answers.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) request: Outgoing,
    aborted: Arc<AtomicBool>,
    opening: Slot<oneshot::Sender<Result<Response<Chunks>, Failure>>>,
    chunks: Slot<mpsc::UnboundedSender<Result<Bytes, Failure>>>,
}

/// What is there for a time.
type Slot<T> = Arc<Mutex<Option<T>>>;

pub(super) struct Opening(oneshot::Receiver<Result<Response<Chunks>, Failure>>);
pub(super) struct Chunks(mpsc::UnboundedReceiver<Result<Bytes, Failure>>);

/// Takes an alarm or a listener out of its world.
struct Remove(World, u64);

impl World {
    /// Lets time pass, and alarms ring when they are due.
    pub(super) fn advance(&self, time: Duration) {
        let until = self.now() + time;
        loop {
            let due = {
                let mut state = self.0.lock().unwrap();
                let next = state.alarms.iter().filter(|(_, at, _)| *at <= until).min_by_key(|(_, at, _)| *at);
                let Some((id, at, ring)) = next.cloned() else { break };
                state.now = at;
                (id, ring)
            };
            self.ring(due.0, &due.1);
        }
        self.0.lock().unwrap().now = until;
    }

    /// Lets time pass without alarms, as in a hidden tab.
    pub(super) fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().now += time;
    }

    /// Lets all alarms look at the clock, as when a tab comes to view.
    pub(super) fn wake_up(&self) {
        let alarms = self.0.lock().unwrap().alarms.clone();
        for (id, _, ring) in &alarms {
            self.ring(*id, ring);
        }
    }

    /// Leaves the page.
    pub(super) fn leave(&self) {
        let leavers = self.0.lock().unwrap().leavers.clone();
        for (_, left) in &leavers {
            left();
        }
    }

    pub(super) fn go_offline(&self) {
        self.0.lock().unwrap().offline = true;
    }

    /// Returns the only request that was sent.
    pub(super) fn exchange(&self) -> Exchange {
        self.attempt(1)
    }

    /// Returns the last of `number` requests that were sent.
    pub(super) fn attempt(&self, number: usize) -> Exchange {
        let state = self.0.lock().unwrap();
        assert_eq!(state.exchanges.len(), number, "requests");
        state.exchanges[number - 1].clone()
    }

    pub(super) fn sent_nothing(&self) -> bool {
        self.0.lock().unwrap().exchanges.is_empty()
    }

    /// Tells whether no call has left an alarm or a listener behind.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.alarms.is_empty() && state.leavers.is_empty()
    }

    fn ring(&self, id: u64, ring: &Mutex<Ring>) {
        let left = ring.lock().unwrap()();
        let mut state = self.0.lock().unwrap();
        let now = state.now;
        match left {
            Some(left) => {
                state.alarms.iter_mut().filter(|alarm| alarm.0 == id).for_each(|alarm| alarm.1 = now + left);
            }
            None => state.alarms.retain(|alarm| alarm.0 != id),
        }
    }

    fn id(&self) -> (u64, Guard) {
        let mut state = self.0.lock().unwrap();
        state.ids += 1;
        (state.ids, Box::new(Remove(self.clone(), state.ids)))
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap();
        let alarm = state.alarms.extract_if(.., |alarm| alarm.0 == self.1).next();
        let leaver = state.leavers.extract_if(.., |leaver| leaver.0 == self.1).next();
        drop(state);
        // What they hold may come back here when it is dropped.
        drop((alarm, leaver));
    }
}

impl Host for World {
    type Opening = Opening;
    type Chunks = Chunks;

    fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    fn send(&self, request: Outgoing) -> Attempt<Self> {
        let (opening, opened) = oneshot::channel();
        let exchange = Exchange {
            request,
            aborted: Arc::default(),
            opening: Arc::new(Mutex::new(Some(opening))),
            chunks: Arc::default(),
        };
        self.0.lock().unwrap().exchanges.push(exchange.clone());
        Attempt { opening: Opening(opened), abort: Box::new(move || exchange.abort()) }
    }

    fn alarm(&self, after: Duration, ring: Ring) -> Guard {
        let at = self.now() + after;
        let (id, guard) = self.id();
        self.0.lock().unwrap().alarms.push((id, at, Arc::new(Mutex::new(ring))));
        guard
    }

    fn on_page_left(&self, left: Box<dyn Fn() + Send>) -> Guard {
        let (id, guard) = self.id();
        let left = Mutex::new(left);
        self.0.lock().unwrap().leavers.push((id, Arc::new(move || left.lock().unwrap()())));
        guard
    }

    /// What is in the middle: a backoff is just what its policy says.
    fn random(&self) -> f64 {
        0.5
    }

    fn offline(&self) -> bool {
        self.0.lock().unwrap().offline
    }
}

impl Exchange {
    /// Answers with this HTTP status and these headers.
    pub(super) fn answer(&self, status: u16, headers: &[(&'static str, &str)]) -> &Self {
        let (sender, chunks) = mpsc::unbounded_channel();
        let mut response = Response::builder().status(status).body(Chunks(chunks)).unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            metadata::append(response.headers_mut(), &name, value.as_bytes());
        }
        *self.chunks.lock().unwrap() = Some(sender);
        let opening = self.opening.lock().unwrap().take().expect("a request is answered once");
        let _ = opening.send(Ok(response));
        self
    }

    /// Answers as a gRPC-Web server does.
    pub(super) fn accept(&self) -> &Self {
        self.answer(200, &[("content-type", "application/grpc-web+proto")])
    }

    pub(super) fn chunk(&self, bytes: impl Into<Bytes>) -> &Self {
        self.with_chunks(|chunks| chunks.send(Ok(bytes.into())));
        self
    }

    /// Sends a message.
    pub(super) fn message(&self, text: &str) -> &Self {
        self.chunk(message(text))
    }

    /// Sends trailers, and ends the answer.
    pub(super) fn end(&self, trailers: &str) {
        self.chunk(frame(0x80, trailers.as_bytes()));
        self.cut();
    }

    /// Ends the answer as it is.
    pub(super) fn cut(&self) {
        *self.chunks.lock().unwrap() = None;
    }

    /// Breaks the connection, at whatever stage it is.
    pub(super) fn reset(&self) {
        self.fail("network error");
    }

    /// Tells whether the request was aborted, at any time.
    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// Fails in the way of a browser: with an error that tells no reason.
    fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
        self.fail("aborted");
    }

    fn fail(&self, words: &str) {
        let failure = || Failure(words.to_owned());
        if let Some(opening) = self.opening.lock().unwrap().take() {
            let _ = opening.send(Err(failure()));
        }
        self.with_chunks(|chunks| chunks.send(Err(failure())));
        self.cut();
    }

    fn with_chunks<T>(&self, send: impl FnOnce(&mpsc::UnboundedSender<Result<Bytes, Failure>>) -> T) {
        self.chunks.lock().unwrap().as_ref().map(send);
    }
}

impl Future for Opening {
    type Output = Result<Response<Chunks>, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|opened| opened.expect("the exchange lives as long as the world"))
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Returns a frame.
pub(super) fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
    [&[flag], &u32::try_from(payload.len()).unwrap().to_be_bytes()[..], payload].concat()
}

/// Returns the frame of a message with this text.
pub(super) fn message(text: &str) -> Vec<u8> {
    frame(0, &drawbridge_proto::message::Response { message: text.to_owned() }.encode_to_vec())
}
