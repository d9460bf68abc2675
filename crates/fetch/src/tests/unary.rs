//! Calls that are answered with one message, or fail.

use std::time::Duration;

use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::future::BoxFuture;
use prost::Message as _;
use tonic::{Code, Response, Status};

use super::task::Task;
use super::world::{Exchange, World, frame};
use crate::service::Client;
use crate::{CallOptions, Cause};

type Call = Task<BoxFuture<'static, Result<Response<HelloReply>, Status>>>;

const OK: &[u8] = b"grpc-status: 0\r\n";
const HEAD: [(&str, &str); 2] = [("content-type", "application/grpc-web+proto"), ("grpc-status", "0")];

/// Begins a call that says to be unary, and polls it until it waits.
fn begin(world: &World, options: CallOptions) -> Call {
    let mut client = GreeterClient::new(Client { defaults: options, ..Client::new(world.clone()) });
    let mut call: Call = Task::spawn(Box::pin(async move {
        let mut request = tonic::Request::new(HelloRequest { name: "ada".into() });
        request.extensions_mut().insert(CallOptions::new().unary());
        client.say_hello(request).await
    }));
    assert!(call.run().is_none());
    call
}

fn reply(text: &str) -> Vec<u8> {
    frame(0, &HelloReply { message: text.to_owned() }.encode_to_vec())
}

/// Sends a call and answers it: returns the message, or the code and the cause of its failure.
fn answered(answer: impl FnOnce(&Exchange)) -> Result<String, (Code, Option<Cause>)> {
    let world = World::default();
    let call = begin(&world, CallOptions::new());
    answer(&world.exchange());
    let output = call.output();
    assert!(world.is_quiet(), "a call that has ended leaves no alarm and no listener behind");
    output.map(|response| response.into_inner().message).map_err(|status| (status.code(), Cause::of(&status)))
}

#[test]
fn one_message_is_the_answer_of_a_unary_call() {
    let message = answered(|exchange| exchange.accept().chunk(reply("hello")).chunk(frame(0x80, OK)).cut());
    assert_eq!(message, Ok("hello".to_owned()));
}

#[test]
fn a_unary_call_that_is_answered_without_a_message_is_unimplemented() {
    let refused = Err((Code::Unimplemented, Some(Cause::Protocol)));
    assert_eq!(answered(|exchange| exchange.accept().chunk(frame(0x80, OK)).cut()), refused);
    assert_eq!(answered(|exchange| exchange.answer(200, &HEAD).cut()), refused);
}

#[test]
fn a_unary_call_that_is_answered_with_two_messages_is_unimplemented() {
    let refused = Err((Code::Unimplemented, Some(Cause::Protocol)));
    let (one, two) = (reply("hello"), reply("again"));
    let together = [&one[..], &two, &frame(0x80, OK)].concat();
    assert_eq!(answered(|exchange| exchange.accept().chunk(together).cut()), refused);
    assert_eq!(
        answered(|exchange| exchange.accept().chunk(one).chunk(two).end("grpc-status: 0\r\n")),
        refused
    );
}

#[test]
fn a_server_that_streams_to_a_unary_call_is_let_go_at_the_second_message() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new());
    world.exchange().accept().chunk(reply("hello"));
    assert!(call.run().is_none());
    world.exchange().chunk(vec![0]);
    assert_eq!(call.output().unwrap_err().code(), Code::Unimplemented);
    assert!(world.exchange().is_aborted() && world.is_quiet());
}

#[test]
fn a_unary_call_keeps_the_failure_that_the_server_tells() {
    let not_found = Err((Code::NotFound, None));
    let head = [("content-type", "application/grpc-web+proto"), ("grpc-status", "5")];
    assert_eq!(answered(|exchange| exchange.answer(200, &head).cut()), not_found);
    assert_eq!(answered(|exchange| exchange.accept().end("grpc-status: 5\r\n")), not_found);
    let behind = answered(|exchange| exchange.accept().chunk(reply("hello")).end("grpc-status: 5\r\n"));
    assert_eq!(behind, not_found);
}

#[test]
fn a_unary_answer_that_breaks_off_before_its_message_has_broken() {
    let broken = Err((Code::Unavailable, Some(Cause::ConnectionBroke { offline: false })));
    assert_eq!(answered(|exchange| exchange.answer(200, &HEAD).reset()), broken);
    assert_eq!(answered(|exchange| exchange.accept().reset()), broken);
}

#[test]
fn a_unary_call_whose_message_does_not_come_in_time_is_late() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new().with_timeout(Duration::from_secs(1)));
    world.exchange().answer(200, &HEAD);
    assert!(call.run().is_none());
    world.advance(Duration::from_secs(1));
    assert_eq!(call.output().unwrap_err().code(), Code::DeadlineExceeded);
    assert!(world.exchange().is_aborted() && world.is_quiet());
}

#[test]
fn a_transport_can_say_that_all_its_calls_are_unary() {
    let world = World::default();
    let mut client =
        GreeterClient::new(Client { defaults: CallOptions::new().unary(), ..Client::new(world.clone()) });
    let mut call: Call =
        Task::spawn(Box::pin(async move { client.say_hello(HelloRequest::default()).await }));
    assert!(call.run().is_none());
    world.exchange().accept().end("grpc-status: 0\r\n");
    assert_eq!(call.output().unwrap_err().code(), Code::Unimplemented);
}
