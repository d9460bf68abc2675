//! tonic's interceptors over this transport.

use drawbridge_proto::message::Request;
use drawbridge_proto::message::message_client::MessageClient;
use futures_util::future::BoxFuture;
use tonic::{Code, Response, Status, Streaming};

use super::mock_browser::MockBrowser;
use super::task::Task;
use crate::client::Client;

type Call =
    Task<BoxFuture<'static, Result<Response<Streaming<drawbridge_proto::message::Response>>, Status>>>;

/// Starts a call that passes through this interceptor.
fn start(
    browser: &MockBrowser,
    interceptor: fn(tonic::Request<()>) -> Result<tonic::Request<()>, Status>,
) -> Call {
    let mut client = MessageClient::with_interceptor(Client::new(browser.clone()), interceptor);
    Task::spawn(Box::pin(async move { client.stream(Request::default()).await }))
}

#[test]
fn an_interceptor_can_add_a_bearer_token() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, |mut request| {
        request.metadata_mut().insert("authorization", "Bearer secret".parse().unwrap());
        Ok(request)
    });
    assert!(call.run().is_none());
    assert_eq!(browser.exchange().headers()["authorization"], "Bearer secret");
}

#[test]
fn an_interceptor_can_refuse_a_call() {
    let browser = MockBrowser::default();
    let call = start(&browser, |_| Err(Status::unauthenticated("log in first")));
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "log in first"));
    assert!(browser.sent_nothing() && browser.is_idle());
}
