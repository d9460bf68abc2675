//! Responses, and how their failures are reported.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use tonic::{Code, Status};

use super::calls::{StreamReader, start};
use super::mock_browser::{Exchange, MockBrowser, frame, message};
use crate::{CallOptions, Cause};

/// Starts a call and responds to it. Returns its stream, or the status of a call that failed by its head.
fn respond_to(browser: &MockBrowser, respond: impl FnOnce(&Exchange)) -> Result<StreamReader, Status> {
    let mut call = start(browser, CallOptions::new());
    assert!(call.run().is_none());
    respond(&browser.exchange());
    let stream = call.output()?.into_inner();
    Ok(StreamReader::new(stream))
}

/// Starts a call and responds to it. Returns the code, the cause and the message of its status.
fn status_of(respond: impl FnOnce(&Exchange)) -> (Code, Option<Cause>, String) {
    let browser = MockBrowser::default();
    let status = respond_to(&browser, respond).map_or_else(|status| status, |mut reading| reading.status());
    assert!(browser.is_idle(), "a call that has ended has no timer and no listener");
    (status.code(), Cause::of(&status), status.message().to_owned())
}

#[test]
fn messages_are_read_as_they_arrive_and_the_end_is_not_an_abort() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| _ = exchange.accept()).unwrap();
    assert!(reading.is_waiting());
    let exchange = browser.exchange();
    for text in ["+", "++"] {
        exchange.message(text);
        assert_eq!(reading.next().unwrap().unwrap(), text);
        assert!(reading.is_waiting());
    }
    exchange.end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    drop(reading);
    assert!(!exchange.is_aborted());
    assert!(browser.is_idle());
}

#[test]
fn a_complete_message_does_not_wait_for_the_rest_of_the_next() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| _ = exchange.accept()).unwrap();
    let next = message("++");
    browser.exchange().chunk([&message("+")[..], &next[..7]].concat());
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert!(reading.is_waiting());
    browser.exchange().chunk(next[7..].to_vec());
    assert_eq!(reading.next().unwrap().unwrap(), "++");
}

#[test]
fn text_is_read_like_binary() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| {
        exchange.respond(200, &[("content-type", "application/grpc-web-text+proto")]);
        let text = [message("+"), message("++"), frame(0x80, b"grpc-status: 0\r\n")];
        let text = text.map(|frame| STANDARD.encode(frame)).concat();
        text.as_bytes().chunks(7).for_each(|chunk| _ = exchange.chunk(chunk.to_vec()));
        exchange.cut();
    });
    let (messages, statuses) = reading.as_mut().unwrap().rest();
    assert_eq!(messages, ["+", "++"]);
    assert!(statuses.is_empty());
}

#[test]
fn headers_and_trailers_are_metadata_with_all_values() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new());
    let _ = call.run();
    let exchange = browser.exchange();
    exchange
        .respond(200, &[("content-type", "application/grpc-web"), ("x-h", "1, 2"), ("x-bin", "AQ, Ag==")]);
    exchange.end("grpc-status: 9\r\nx-t: 1\r\nx-t: 2\r\nx-t-bin: AQ==\r\n");
    let response = call.output().unwrap();
    let metadata = response.metadata();
    assert_eq!(metadata.get_all("x-h").iter().collect::<Vec<_>>(), ["1, 2"]);
    assert_eq!(metadata.get_all_bin("x-bin").iter().count(), 2);
    let status = StreamReader::new(response.into_inner()).status();
    assert_eq!(status.metadata().get_all("x-t").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(status.metadata().get_bin("x-t-bin").unwrap().to_bytes().unwrap(), &[1][..]);
}

#[test]
fn the_status_follows_the_messages_once() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| {
        exchange.accept().message("+").end("grpc-status: 5\r\ngrpc-message: no such key: %c3%bc\r\n");
    })
    .unwrap();
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    let status = reading.status();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no such key: ü"));
    assert_eq!(Cause::of(&status), None);
}

#[test]
fn a_status_in_the_head_applies_only_without_a_body() {
    let head = [("content-type", "application/grpc-web"), ("grpc-status", "8"), ("grpc-message", "full")];
    let only = status_of(|exchange| exchange.respond(200, &head).cut());
    assert_eq!(only, (Code::ResourceExhausted, None, "full".to_owned()));
    let with_body = status_of(|exchange| exchange.respond(200, &head).chunk("").end("grpc-status: 9\r\n"));
    assert_eq!(with_body, (Code::FailedPrecondition, None, String::new()));
}

#[test]
fn ok_in_the_head_is_an_empty_stream() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| {
        exchange.respond(200, &[("content-type", "application/grpc-web"), ("grpc-status", "0")]).cut();
    });
    assert!(reading.as_mut().unwrap().next().is_none());
}

#[test]
fn a_proxys_status_in_the_head_of_an_error_page_applies() {
    let head = [("content-type", "text/html"), ("grpc-status", "14"), ("grpc-message", "no upstream")];
    let status = status_of(|exchange| _ = exchange.respond(502, &head).chunk("<html>"));
    assert_eq!(status, (Code::Unavailable, None, "no upstream".to_owned()));
}

#[test]
fn a_response_that_is_not_grpc_web_is_reported_and_aborted() {
    let browser = MockBrowser::default();
    let html =
        |exchange: &Exchange| _ = exchange.respond(200, &[("content-type", "text/html")]).chunk("<html>");
    let status = respond_to(&browser, html).err().unwrap();
    assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NotGrpc)));
    assert!(status.message().contains("text/html"));
    assert!(browser.exchange().is_aborted());
    let (code, cause, _) = status_of(|exchange| _ = exchange.respond(502, &[]).chunk("<html>"));
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::NotGrpc)));
}

#[test]
fn an_unreachable_server_differs_from_a_broken_connection() {
    let (code, cause, message) = status_of(Exchange::reset);
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::Unreachable { offline: false })));
    assert!(message.contains("could not be reached"), "{message}");
    let (code, cause, message) = status_of(|exchange| exchange.accept().message("+").reset());
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::ConnectionBroke { offline: false })));
    assert!(message.contains("broke"), "{message}");
}

#[test]
fn being_offline_is_reported_and_fails_no_call() {
    let browser = MockBrowser::default();
    browser.go_offline();
    let mut reading = respond_to(&browser, |exchange| _ = exchange.accept().message("+")).unwrap();
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert!(reading.is_waiting());
    browser.exchange().reset();
    assert_eq!(Cause::of(&reading.status()), Some(Cause::ConnectionBroke { offline: true }));
}

#[test]
fn an_end_between_messages_differs_from_an_end_inside_one() {
    let (code, cause, _) = status_of(|exchange| exchange.accept().message("+").cut());
    assert_eq!((code, cause), (Code::Unknown, Some(Cause::NoStatus)));
    let (code, cause, _) = status_of(|exchange| exchange.accept().chunk(message("+")[..6].to_vec()).cut());
    assert_eq!((code, cause), (Code::Internal, Some(Cause::Protocol)));
    let (code, cause, _) = status_of(|exchange| exchange.accept().end("grpc-message: error\r\n"));
    assert_eq!((code, cause), (Code::Unknown, Some(Cause::NoStatus)));
}

#[test]
fn a_message_that_is_cut_by_a_broken_connection_is_one_error() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| {
        exchange.accept().message("+").chunk(message("++")[..6].to_vec());
    })
    .unwrap();
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert!(reading.is_waiting());
    browser.exchange().reset();
    let (messages, statuses) = reading.rest();
    assert!(messages.is_empty());
    let causes: Vec<_> = statuses.iter().map(|status| (status.code(), Cause::of(status))).collect();
    assert_eq!(causes, [(Code::Unavailable, Some(Cause::ConnectionBroke { offline: false }))]);
}

#[test]
fn an_empty_trailers_frame_adds_nothing_to_a_head_that_has_a_status() {
    for (content_type, empty) in [
        ("application/grpc-web+proto", frame(0x80, b"")),
        ("application/grpc-web-text", STANDARD.encode(frame(0x80, b"")).into_bytes()),
    ] {
        for pieces in [1, 3, 8] {
            let head =
                [("content-type", content_type), ("grpc-status", "5"), ("grpc-message", "no such key")];
            let status = status_of(|exchange| {
                exchange.respond(200, &head);
                empty.chunks(pieces).for_each(|chunk| _ = exchange.chunk(chunk.to_vec()));
                exchange.cut();
            });
            assert_eq!(status, (Code::NotFound, None, "no such key".to_owned()), "{content_type}, {pieces}");
        }
    }
}

#[test]
fn trailers_without_a_status_add_metadata_to_a_head_that_has_one() {
    let browser = MockBrowser::default();
    let head = [("content-type", "application/grpc-web"), ("grpc-status", "5"), ("grpc-message", "no key")];
    let mut reading =
        respond_to(&browser, |exchange| exchange.respond(200, &head).end("x-shelf: 7\r\n")).unwrap();
    let status = reading.status();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no key"));
    assert_eq!(status.metadata().get("x-shelf").unwrap(), "7");
}

#[test]
fn the_status_of_a_head_does_not_apply_after_a_message() {
    let head = [("content-type", "application/grpc-web"), ("grpc-status", "0")];
    let (code, cause, _) = status_of(|exchange| exchange.respond(200, &head).message("+").end(""));
    assert_eq!((code, cause), (Code::Unknown, Some(Cause::NoStatus)));
}

#[test]
fn only_a_compressed_message_is_an_error_and_not_the_header() {
    let head = [("content-type", "application/grpc-web+proto"), ("grpc-encoding", "br")];
    let used = status_of(|exchange| _ = exchange.respond(200, &head).chunk(frame(1, b"x")));
    assert_eq!((used.0, used.1), (Code::Internal, Some(Cause::Protocol)));
    let browser = MockBrowser::default();
    let mut reading =
        respond_to(&browser, |exchange| exchange.respond(200, &head).message("+").end("grpc-status: 0\r\n"))
            .unwrap();
    assert_eq!(reading.rest().0, ["+"]);
}

#[test]
fn data_after_the_trailers_is_an_error() {
    for gap in [false, true] {
        let (code, cause, _) = status_of(|exchange| {
            let (trailers, more) = (frame(0x80, b"grpc-status: 0\r\n"), message("+"));
            if gap {
                exchange.accept().chunk(trailers).chunk(more);
            } else {
                exchange.accept().chunk([trailers, more].concat());
            }
        });
        assert_eq!((code, cause), (Code::Internal, Some(Cause::Protocol)), "gap: {gap}");
    }
}

#[test]
fn a_status_applies_if_the_connection_breaks_after_it() {
    let (code, cause, _) = status_of(|exchange| {
        exchange.accept().chunk(frame(0x80, b"grpc-status: 7\r\n")).reset();
    });
    assert_eq!((code, cause), (Code::PermissionDenied, None));
}

#[test]
fn a_response_that_does_not_end_is_aborted_after_its_status() {
    let browser = MockBrowser::default();
    let mut reading = respond_to(&browser, |exchange| {
        exchange.accept().chunk(frame(0x80, b"grpc-status: 7\r\n"));
    })
    .unwrap();
    assert!(reading.is_waiting());
    browser.advance(Duration::from_secs(1));
    assert_eq!(reading.status().code(), Code::PermissionDenied);
    assert!(browser.exchange().is_aborted());
    assert!(browser.is_idle());
}
