//! Unary calls.

use std::time::Duration;

use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::future::BoxFuture;
use prost::Message as _;
use tonic::{Code, Response, Status};

use super::mock_browser::{Exchange, MockBrowser, frame};
use super::task::Task;
use crate::client::Client;
use crate::{CallOptions, Cause, RequestExt as _};

type Call = Task<BoxFuture<'static, Result<Response<HelloReply>, Status>>>;

const OK: &[u8] = b"grpc-status: 0\r\n";
const HEAD: [(&str, &str); 2] = [("content-type", "application/grpc-web+proto"), ("grpc-status", "0")];

/// Starts a unary call, and sends its request.
fn start(browser: &MockBrowser, options: CallOptions) -> Call {
    let mut client = GreeterClient::new(Client { defaults: options, ..Client::new(browser.clone()) });
    let mut call: Call = Task::spawn(Box::pin(async move {
        let request = tonic::Request::new(HelloRequest { name: "ada".into() });
        client.say_hello(request.unary()).await
    }));
    assert!(call.run().is_none());
    call
}

fn reply(text: &str) -> Vec<u8> {
    frame(0, &HelloReply { message: text.to_owned() }.encode_to_vec())
}

/// Starts a call and responds to it. Returns the message, or the code and the cause of its status.
fn result_of(respond: impl FnOnce(&Exchange)) -> Result<String, (Code, Option<Cause>)> {
    let browser = MockBrowser::default();
    let call = start(&browser, CallOptions::new());
    respond(&browser.exchange());
    let output = call.output();
    assert!(browser.is_idle(), "a call that has ended has no timer and no listener");
    output.map(|response| response.into_inner().message).map_err(|status| (status.code(), Cause::of(&status)))
}

#[test]
fn one_message_is_the_response() {
    let message = result_of(|exchange| exchange.accept().chunk(reply("hello")).chunk(frame(0x80, OK)).cut());
    assert_eq!(message, Ok("hello".to_owned()));
}

#[test]
fn a_response_without_a_message_is_unimplemented() {
    let refused = Err((Code::Unimplemented, Some(Cause::Protocol)));
    assert_eq!(result_of(|exchange| exchange.accept().chunk(frame(0x80, OK)).cut()), refused);
    assert_eq!(result_of(|exchange| exchange.respond(200, &HEAD).cut()), refused);
}

#[test]
fn a_response_with_two_messages_is_unimplemented() {
    let refused = Err((Code::Unimplemented, Some(Cause::Protocol)));
    let (one, two) = (reply("hello"), reply("again"));
    let together = [&one[..], &two, &frame(0x80, OK)].concat();
    assert_eq!(result_of(|exchange| exchange.accept().chunk(together).cut()), refused);
    assert_eq!(
        result_of(|exchange| exchange.accept().chunk(one).chunk(two).end("grpc-status: 0\r\n")),
        refused
    );
}

#[test]
fn a_response_is_aborted_at_its_second_message() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new());
    browser.exchange().accept().chunk(reply("hello"));
    assert!(call.run().is_none());
    browser.exchange().chunk(vec![0]);
    assert_eq!(call.output().unwrap_err().code(), Code::Unimplemented);
    assert!(browser.exchange().is_aborted() && browser.is_idle());
}

#[test]
fn the_servers_failure_applies() {
    let not_found = Err((Code::NotFound, None));
    let head = [("content-type", "application/grpc-web+proto"), ("grpc-status", "5")];
    assert_eq!(result_of(|exchange| exchange.respond(200, &head).cut()), not_found);
    assert_eq!(result_of(|exchange| exchange.accept().end("grpc-status: 5\r\n")), not_found);
    let after_message =
        result_of(|exchange| exchange.accept().chunk(reply("hello")).end("grpc-status: 5\r\n"));
    assert_eq!(after_message, not_found);
}

#[test]
fn a_connection_error_before_the_message_is_reported() {
    let broken = Err((Code::Unavailable, Some(Cause::ConnectionBroke { offline: false })));
    assert_eq!(result_of(|exchange| exchange.respond(200, &HEAD).reset()), broken);
    assert_eq!(result_of(|exchange| exchange.accept().reset()), broken);
}

#[test]
fn a_call_without_a_message_ends_at_its_deadline() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new().with_timeout(Duration::from_secs(1)));
    browser.exchange().respond(200, &HEAD);
    assert!(call.run().is_none());
    browser.advance(Duration::from_secs(1));
    assert_eq!(call.output().unwrap_err().code(), Code::DeadlineExceeded);
    assert!(browser.exchange().is_aborted() && browser.is_idle());
}

#[test]
fn the_defaults_can_make_calls_unary() {
    let browser = MockBrowser::default();
    let mut client =
        GreeterClient::new(Client { defaults: CallOptions::new().unary(), ..Client::new(browser.clone()) });
    let mut call: Call =
        Task::spawn(Box::pin(async move { client.say_hello(HelloRequest::default()).await }));
    assert!(call.run().is_none());
    browser.exchange().accept().end("grpc-status: 0\r\n");
    assert_eq!(call.output().unwrap_err().code(), Code::Unimplemented);
}
