//! Deadlines, as the page enforces them.

use std::time::Duration;

use drawbridge_core::Deadline;
use tonic::{Code, Status};
use tower::Service as _;

use super::calls::{Call, StreamReader, start};
use super::mock_browser::{Exchange, MockBrowser, frame, message};
use super::task::Task;
use crate::client::Client;
use crate::{CallOptions, Cause};

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn limited(browser: &MockBrowser, timeout: Duration) -> Call {
    let mut call = start(browser, CallOptions::new().with_timeout(timeout));
    assert!(call.run().is_none());
    call
}

fn streaming(browser: &MockBrowser, timeout: Duration) -> StreamReader {
    let call = limited(browser, timeout);
    browser.exchange().accept();
    StreamReader::of(call)
}

#[track_caller]
fn assert_exceeded(status: &Status, granted: &str) {
    assert_eq!((status.code(), Cause::of(status)), (Code::DeadlineExceeded, Some(Cause::DeadlineExceeded)));
    assert!(status.message().contains(granted), "{status}");
}

#[test]
fn a_call_whose_deadline_has_passed_is_not_sent() {
    let browser = MockBrowser::default();
    browser.sleep(ms(100));
    let past = Deadline::after(ms(0), ms(50).into()).unwrap();
    for options in [CallOptions::new().with_timeout(Duration::ZERO), CallOptions::new().with_deadline(past)] {
        assert_exceeded(&start(&browser, options).output().unwrap_err(), "");
    }
    assert!(browser.sent_nothing());
    assert!(browser.is_idle());
}

#[test]
fn a_call_whose_deadline_passes_before_its_first_poll_is_not_sent() {
    let browser = MockBrowser::default();
    let mut client =
        Client { defaults: CallOptions::new().with_timeout(ms(250)), ..Client::new(browser.clone()) };
    let call = client.call(http::Request::new(tonic::body::Body::empty()));
    browser.advance(ms(250));
    assert_exceeded(&Task::spawn(call).output().err().unwrap(), "250ms");
    assert!(browser.sent_nothing());
}

#[test]
fn a_call_without_a_response_ends_at_its_deadline() {
    let browser = MockBrowser::default();
    let mut call = limited(&browser, ms(250));
    browser.advance(ms(249));
    assert!(call.run().is_none());
    browser.advance(ms(1));
    assert!(browser.exchange().is_aborted());
    assert_exceeded(&call.output().unwrap_err(), "250ms");
}

#[test]
fn messages_before_the_deadline_are_read_before_its_status() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    browser.exchange().message("+").message("++").message("+++");
    for text in ["+", "++", "+++"] {
        assert_eq!(reading.next().unwrap().unwrap(), text);
    }
    assert!(reading.is_waiting());
    browser.advance(ms(250));
    assert_exceeded(&reading.status(), "250ms");
    assert!(browser.is_idle());
}

#[test]
fn the_request_is_aborted_at_the_deadline_without_a_poll() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    browser.exchange().message("+");
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    browser.advance(ms(250));
    assert!(browser.exchange().is_aborted());
}

#[test]
fn a_status_read_before_the_deadline_is_reported() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    browser.exchange().chunk(frame(0x80, b"grpc-status: 7\r\n"));
    assert!(reading.is_waiting());
    browser.advance(ms(250));
    assert_eq!(reading.status().code(), Code::PermissionDenied);
}

#[test]
fn a_status_read_after_the_deadline_is_not_reported() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    browser.sleep(ms(250));
    browser.exchange().end("grpc-status: 0\r\n");
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn a_connection_error_after_the_deadline_is_reported_as_the_deadline() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    assert!(reading.is_waiting());
    browser.sleep(ms(250));
    browser.exchange().reset();
    assert_exceeded(&reading.status(), "250ms");

    let browser = MockBrowser::default();
    let call = limited(&browser, ms(250));
    browser.sleep(ms(250));
    browser.exchange().reset();
    assert_exceeded(&call.output().unwrap_err(), "250ms");
}

#[test]
fn a_message_that_is_cut_at_the_deadline_is_reported_as_the_deadline() {
    for cut in [Exchange::reset, Exchange::cut] {
        let browser = MockBrowser::default();
        let mut reading = streaming(&browser, ms(250));
        browser.exchange().message("+").chunk(message("++")[..6].to_vec());
        assert_eq!(reading.next().unwrap().unwrap(), "+");
        assert!(reading.is_waiting());
        browser.sleep(ms(250));
        cut(&browser.exchange());
        assert_exceeded(&reading.status(), "250ms");
    }
}

#[test]
fn a_tab_that_becomes_visible_checks_the_deadline() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    assert!(reading.is_waiting());
    browser.sleep(ms(100));
    browser.become_visible();
    assert!(!browser.exchange().is_aborted());
    browser.sleep(ms(900));
    browser.become_visible();
    assert!(browser.exchange().is_aborted());
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn a_timer_that_expires_early_is_set_again() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    assert!(reading.is_waiting());
    browser.sleep(ms(100));
    browser.become_visible();
    browser.advance(ms(149));
    assert!(reading.is_waiting());
    browser.advance(ms(1));
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn the_longest_timeout_is_sent_and_enforced() {
    let browser = MockBrowser::default();
    let _call = limited(&browser, Duration::MAX);
    assert_eq!(browser.exchange().headers()["grpc-timeout"], "99999999H");
}

#[test]
fn a_call_that_ended_before_its_deadline_is_not_aborted() {
    let browser = MockBrowser::default();
    let mut reading = streaming(&browser, ms(250));
    browser.exchange().end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    assert!(browser.is_idle());
    browser.advance(ms(250));
    assert!(!browser.exchange().is_aborted());
}
