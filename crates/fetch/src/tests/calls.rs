//! Starts calls of `/Message/Stream`, and reads their responses.

use std::task::Poll;

use drawbridge_proto::message::{Request, message_client::MessageClient};
use futures_util::future::BoxFuture;
use tonic::{Response, Status, Streaming};

use super::mock_browser::MockBrowser;
use super::task::Task;
use crate::CallOptions;
use crate::client::Client;

/// The response of `/Message/Stream`.
type ResponseStream = Streaming<drawbridge_proto::message::Response>;
/// A call that waits for its response.
pub(super) type Call = Task<BoxFuture<'static, Result<Response<ResponseStream>, Status>>>;

/// Starts a call with these options. It is not polled yet.
pub(super) fn start(browser: &MockBrowser, options: CallOptions) -> Call {
    let mut request = tonic::Request::new(Request { key: "k".into() });
    request.extensions_mut().insert(options);
    start_with(browser, CallOptions::new(), request)
}

/// Starts a call of this client.
pub(super) fn start_on(client: Client<MockBrowser>, options: CallOptions) -> Call {
    let mut request = tonic::Request::new(Request { key: "k".into() });
    request.extensions_mut().insert(options);
    let mut client = MessageClient::new(client);
    Task::spawn(Box::pin(async move { client.stream(request).await }))
}

/// Starts a call with these defaults of its client.
pub(super) fn start_with(
    browser: &MockBrowser,
    defaults: CallOptions,
    request: tonic::Request<Request>,
) -> Call {
    let mut client = MessageClient::new(Client { defaults, ..Client::new(browser.clone()) });
    Task::spawn(Box::pin(async move { client.stream(request).await }))
}

/// Reads the response stream of a call.
pub(super) struct StreamReader(Task<ResponseStream>);

impl StreamReader {
    /// Reads the stream of a call whose response has begun.
    pub(super) fn of(call: Call) -> Self {
        Self::new(call.output().expect("the response has begun").into_inner())
    }

    pub(super) fn new(stream: ResponseStream) -> Self {
        Self(Task::spawn(stream))
    }

    /// Returns the next message or the status, and `None` after the end. Panics if the stream waits.
    pub(super) fn next(&mut self) -> Option<Result<String, Status>> {
        match self.0.poll_next() {
            Poll::Ready(item) => item.map(|item| item.map(|response| response.message)),
            Poll::Pending => panic!("the stream waits"),
        }
    }

    /// Reads to the end. Panics if the stream waits.
    pub(super) fn rest(&mut self) -> (Vec<String>, Vec<Status>) {
        let (mut messages, mut statuses) = (Vec::new(), Vec::new());
        while let Some(item) = self.next() {
            match item {
                Ok(message) => messages.push(message),
                Err(status) => statuses.push(status),
            }
        }
        (messages, statuses)
    }

    /// Reads to the status, which must be the last item and the only status.
    pub(super) fn status(&mut self) -> Status {
        let (_, mut statuses) = self.rest();
        let status = statuses.pop().expect("the stream ends with a status");
        assert!(statuses.is_empty(), "a stream has one status");
        assert!(self.next().is_none(), "nothing follows the status");
        status
    }

    pub(super) fn is_waiting(&mut self) -> bool {
        self.0.poll_next().is_pending()
    }
}
