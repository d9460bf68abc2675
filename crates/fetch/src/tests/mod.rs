//! Whole calls, through tonic's own generated client, in a world whose clock, alarms and server the test holds.
//!
//! `world` is that world, and `task` polls in it. Each other file is about one side of a call.

mod answer;
mod cancel;
mod deadline;
mod request;
mod retry;
mod task;
mod trace;
mod unary;
mod world;

use std::task::Poll;

use drawbridge_proto::message::{Request, message_client::MessageClient};
use futures_util::future::BoxFuture;
use tonic::{Response, Status, Streaming};

use crate::CallOptions;
use crate::service::Client;
use task::Task;
use world::World;

/// What `/Message/Stream` answers with.
type Answer = Streaming<drawbridge_proto::message::Response>;
/// A call that waits for its answer.
type Call = Task<BoxFuture<'static, Result<Response<Answer>, Status>>>;

/// Begins a call with these options, and polls it until it waits or ends.
fn begin(world: &World, options: CallOptions) -> Call {
    let mut request = tonic::Request::new(Request { key: "k".into() });
    request.extensions_mut().insert(options);
    begin_with(world, CallOptions::new(), request)
}

/// Begins a call by this client.
fn begin_on(client: Client<World>, options: CallOptions) -> Call {
    let mut request = tonic::Request::new(Request { key: "k".into() });
    request.extensions_mut().insert(options);
    let mut client = MessageClient::new(client);
    Task::spawn(Box::pin(async move { client.stream(request).await }))
}

fn begin_with(world: &World, defaults: CallOptions, request: tonic::Request<Request>) -> Call {
    let mut client = MessageClient::new(Client { defaults, ..Client::new(world.clone()) });
    Task::spawn(Box::pin(async move { client.stream(request).await }))
}

/// The stream of a call, as a task that can be polled for its next item.
struct Reading(Task<Answer>);

impl Reading {
    /// Takes the stream of a call whose answer has begun.
    fn of(call: Call) -> Self {
        Self(Task::spawn(call.output().expect("the answer has begun").into_inner()))
    }

    /// Returns the next message or the one status, `None` behind the end. Panics if the stream waits.
    fn next(&mut self) -> Option<Result<String, Status>> {
        match self.0.poll_next() {
            Poll::Ready(item) => item.map(|item| item.map(|response| response.message)),
            Poll::Pending => panic!("the stream has nothing to tell"),
        }
    }

    /// Reads all that there is, and panics if the stream does not end with it.
    fn rest(&mut self) -> (Vec<String>, Vec<Status>) {
        let (mut messages, mut statuses) = (Vec::new(), Vec::new());
        while let Some(item) = self.next() {
            match item {
                Ok(message) => messages.push(message),
                Err(status) => statuses.push(status),
            }
        }
        (messages, statuses)
    }

    /// Reads up to the status that ends the stream, which must be its last item and the only one of its kind.
    fn status(&mut self) -> Status {
        let (_, mut statuses) = self.rest();
        let status = statuses.pop().expect("the stream ends with a status");
        assert!(statuses.is_empty(), "a stream has one terminal status");
        assert!(self.next().is_none(), "nothing follows a terminal status");
        status
    }

    fn is_waiting(&mut self) -> bool {
        self.0.poll_next().is_pending()
    }
}
