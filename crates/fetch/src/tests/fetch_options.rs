//! The options of `fetch` that requests are sent with.

use tonic::Code;

use super::calls::{StreamReader, start, start_with};
use super::mock_browser::MockBrowser;
use crate::{CacheMode, CallOptions, CancelHandle, Cause, Credentials, RequestExt as _};

#[test]
fn options_of_the_call_override_the_defaults_one_by_one() {
    let browser = MockBrowser::default();
    let defaults = CallOptions::new().with_credentials(Credentials::Include).with_cache(CacheMode::NoStore);
    let request = tonic::Request::new(drawbridge_proto::message::Request::default())
        .with_options(CallOptions::new().with_credentials(Credentials::Omit))
        .unary();
    let _ = start_with(&browser, defaults, request).run();
    let members: Vec<_> = browser.exchange().request.fetch.members().collect();
    assert_eq!(members, [("credentials", "omit"), ("cache", "no-store")]);
}

#[test]
fn a_call_with_keepalive_outlives_the_page() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new().with_keepalive(true));
    assert!(call.run().is_none());
    browser.leave();
    assert!(!browser.exchange().is_aborted());
    browser.exchange().accept().message("+").end("grpc-status: 0\r\n");
    assert_eq!(StreamReader::of(call).rest().0, ["+"]);
}

#[test]
fn a_call_with_keepalive_can_be_cancelled() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let mut call = start(&browser, CallOptions::new().with_keepalive(true).with_cancel(&cancel));
    assert!(call.run().is_none());
    cancel.cancel();
    assert!(browser.exchange().is_aborted());
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::Cancelled, Some(Cause::Cancelled)));
}
