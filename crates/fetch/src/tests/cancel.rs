//! Cancelling: by dropping the call, with a handle, and by leaving the page.

use std::time::Duration;

use tonic::{Code, Status};

use super::calls::{StreamReader, start};
use super::mock_browser::MockBrowser;
use crate::{CallOptions, CancelHandle, Cause};

fn streaming(browser: &MockBrowser, options: CallOptions) -> StreamReader {
    let mut call = start(browser, options);
    assert!(call.run().is_none());
    browser.exchange().accept();
    StreamReader::of(call)
}

#[track_caller]
fn assert_cancelled(status: &Status, cause: Cause) {
    assert_eq!((status.code(), Cause::of(status)), (Code::Cancelled, Some(cause)));
}

#[test]
fn a_call_dropped_before_its_response_is_aborted() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new().with_timeout(Duration::from_secs(1)));
    assert!(call.run().is_none());
    assert!(!browser.exchange().is_aborted());
    drop(call);
    assert!(browser.exchange().is_aborted());
    assert!(browser.is_idle());
}

#[test]
fn a_call_dropped_with_an_unread_response_is_aborted() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new());
    assert!(call.run().is_none());
    browser.exchange().accept();
    drop(call);
    assert!(browser.exchange().is_aborted());
}

#[test]
fn a_dropped_stream_aborts_the_request() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, CallOptions::new());
    browser.exchange().message("+");
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    drop(reading);
    assert!(browser.exchange().is_aborted());
    assert!(browser.is_idle());
}

#[test]
fn a_handle_cancels_a_call_that_waits_for_its_response() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let mut call = start(&browser, CallOptions::new().with_cancel(&cancel));
    assert!(call.run().is_none());
    cancel.cancel();
    assert!(browser.exchange().is_aborted());
    assert_cancelled(&call.output().unwrap_err(), Cause::Cancelled);
}

#[test]
fn a_handle_cancels_a_stream() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let mut reading = streaming(&browser, CallOptions::new().with_cancel(&cancel));
    assert!(reading.is_waiting());
    cancel.cancel();
    assert!(browser.exchange().is_aborted());
    assert_cancelled(&reading.status(), Cause::Cancelled);
}

#[test]
fn a_used_handle_cancels_a_call_before_it_is_sent() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    cancel.cancel();
    let call = start(&browser, CallOptions::new().with_cancel(&cancel));
    assert_cancelled(&call.output().unwrap_err(), Cause::Cancelled);
    assert!(browser.sent_nothing());
}

#[test]
fn leaving_the_page_aborts_the_request_immediately() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, CallOptions::new());
    assert!(reading.is_waiting());
    // Before the call is polled again: tasks do not run in a page that was left.
    browser.leave();
    assert!(browser.exchange().is_aborted());
    assert_cancelled(&reading.status(), Cause::PageLeft);
    assert!(browser.is_idle());
}

#[test]
fn the_first_reason_is_reported() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let options = CallOptions::new().with_cancel(&cancel).with_timeout(Duration::from_secs(1));
    let mut reading = streaming(&browser, options);
    browser.leave();
    cancel.cancel();
    browser.advance(Duration::from_secs(1));
    assert_cancelled(&reading.status(), Cause::PageLeft);
}

#[test]
fn a_call_that_has_ended_is_not_cancelled() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let mut reading = streaming(&browser, CallOptions::new().with_cancel(&cancel));
    browser.exchange().end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    cancel.cancel();
    browser.leave();
    drop(reading);
    assert!(!browser.exchange().is_aborted());
}
