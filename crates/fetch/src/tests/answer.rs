//! What comes back, and how each way in which it can go wrong is told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use tonic::{Code, Status};

use super::world::{Exchange, World, frame, message};
use super::{Reading, begin};
use crate::{CallOptions, Cause};

/// Sends a call and answers it. Returns the status of a call that failed with its head, else its stream.
fn answered(world: &World, answer: impl FnOnce(&Exchange)) -> Result<Reading, Status> {
    let mut call = begin(world, CallOptions::new());
    assert!(call.run().is_none());
    answer(&world.exchange());
    let stream = call.output()?.into_inner();
    Ok(Reading(super::Task::spawn(stream)))
}

/// The same for an answer that ends with a status, wherever it stands: its code, its cause, and its message.
fn refused(answer: impl FnOnce(&Exchange)) -> (Code, Option<Cause>, String) {
    let world = World::default();
    let status = answered(&world, answer).map_or_else(|status| status, |mut reading| reading.status());
    assert!(world.is_quiet(), "a call that has ended leaves no alarm and no listener behind");
    (status.code(), Cause::of(&status), status.message().to_owned())
}

#[test]
fn messages_are_read_as_they_come_and_the_end_is_no_abort() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| _ = exchange.accept()).unwrap();
    assert!(reading.is_waiting());
    let exchange = world.exchange();
    for text in ["+", "++"] {
        exchange.message(text);
        assert_eq!(reading.next().unwrap().unwrap(), text);
        assert!(reading.is_waiting());
    }
    exchange.end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    drop(reading);
    assert!(!exchange.is_aborted());
    assert!(world.is_quiet());
}

#[test]
fn a_complete_message_does_not_wait_for_the_rest_of_the_next() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| _ = exchange.accept()).unwrap();
    let next = message("++");
    world.exchange().chunk([&message("+")[..], &next[..7]].concat());
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert!(reading.is_waiting());
    world.exchange().chunk(next[7..].to_vec());
    assert_eq!(reading.next().unwrap().unwrap(), "++");
}

#[test]
fn text_is_read_as_binary_is() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| {
        exchange.answer(200, &[("content-type", "application/grpc-web-text+proto")]);
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
fn headers_and_trailers_are_metadata_with_all_their_values() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new());
    let _ = call.run();
    let exchange = world.exchange();
    exchange.answer(200, &[("content-type", "application/grpc-web"), ("x-h", "1, 2"), ("x-bin", "AQ, Ag==")]);
    exchange.end("grpc-status: 9\r\nx-t: 1\r\nx-t: 2\r\nx-t-bin: AQ==\r\n");
    let response = call.output().unwrap();
    let metadata = response.metadata();
    assert_eq!(metadata.get_all("x-h").iter().collect::<Vec<_>>(), ["1, 2"]);
    assert_eq!(metadata.get_all_bin("x-bin").iter().count(), 2);
    let status = Reading(super::Task::spawn(response.into_inner())).status();
    assert_eq!(status.metadata().get_all("x-t").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(status.metadata().get_bin("x-t-bin").unwrap().to_bytes().unwrap(), &[1][..]);
}

#[test]
fn a_status_of_the_server_comes_after_its_messages_and_once() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| {
        exchange.accept().message("+").end("grpc-status: 5\r\ngrpc-message: no such key: %c3%bc\r\n");
    })
    .unwrap();
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    let status = reading.status();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no such key: ü"));
    assert_eq!(Cause::of(&status), None);
}

#[test]
fn a_status_in_the_head_is_one_only_without_a_body() {
    let head = [("content-type", "application/grpc-web"), ("grpc-status", "8"), ("grpc-message", "full")];
    let only = refused(|exchange| exchange.answer(200, &head).cut());
    assert_eq!(only, (Code::ResourceExhausted, None, "full".to_owned()));
    let with_body = refused(|exchange| exchange.answer(200, &head).chunk("").end("grpc-status: 9\r\n"));
    assert_eq!(with_body, (Code::FailedPrecondition, None, String::new()));
}

#[test]
fn ok_in_the_head_is_an_empty_stream() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| {
        exchange.answer(200, &[("content-type", "application/grpc-web"), ("grpc-status", "0")]).cut();
    });
    assert!(reading.as_mut().unwrap().next().is_none());
}

#[test]
fn a_proxys_status_in_the_head_counts_more_than_its_page() {
    let head = [("content-type", "text/html"), ("grpc-status", "14"), ("grpc-message", "no upstream")];
    let answer = refused(|exchange| _ = exchange.answer(502, &head).chunk("<html>"));
    assert_eq!(answer, (Code::Unavailable, None, "no upstream".to_owned()));
}

#[test]
fn what_is_no_grpc_web_is_told_and_let_go() {
    let world = World::default();
    let html =
        |exchange: &Exchange| _ = exchange.answer(200, &[("content-type", "text/html")]).chunk("<html>");
    let status = answered(&world, html).err().unwrap();
    assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NotGrpc)));
    assert!(status.message().contains("text/html"));
    assert!(world.exchange().is_aborted());
    let (code, cause, _) = refused(|exchange| _ = exchange.answer(502, &[]).chunk("<html>"));
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::NotGrpc)));
}

#[test]
fn a_server_that_cannot_be_reached_is_told_from_a_connection_that_broke() {
    let (code, cause, words) = refused(Exchange::reset);
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::Unreachable { offline: false })));
    assert!(words.contains("could not be reached"), "{words}");
    let (code, cause, words) = refused(|exchange| exchange.accept().message("+").reset());
    assert_eq!((code, cause), (Code::Unavailable, Some(Cause::ConnectionBroke { offline: false })));
    assert!(words.contains("broke"), "{words}");
}

#[test]
fn being_offline_labels_a_failure_and_triggers_none() {
    let world = World::default();
    world.go_offline();
    let mut reading = answered(&world, |exchange| _ = exchange.accept().message("+")).unwrap();
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert!(reading.is_waiting());
    world.exchange().reset();
    assert_eq!(Cause::of(&reading.status()), Some(Cause::ConnectionBroke { offline: true }));
}

#[test]
fn an_answer_that_is_cut_off_is_told_from_one_that_is_broken_off() {
    let (code, cause, _) = refused(|exchange| exchange.accept().message("+").cut());
    assert_eq!((code, cause), (Code::Unknown, Some(Cause::NoStatus)));
    let (code, cause, _) = refused(|exchange| exchange.accept().chunk(message("+")[..6].to_vec()).cut());
    assert_eq!((code, cause), (Code::Internal, Some(Cause::Protocol)));
    let (code, cause, _) = refused(|exchange| exchange.accept().end("grpc-message: error\r\n"));
    assert_eq!((code, cause), (Code::Unknown, Some(Cause::NoStatus)));
}

#[test]
fn compression_is_refused_only_where_it_is_used() {
    let head = [("content-type", "application/grpc-web+proto"), ("grpc-encoding", "br")];
    let used = refused(|exchange| _ = exchange.answer(200, &head).chunk(frame(1, b"x")));
    assert_eq!((used.0, used.1), (Code::Internal, Some(Cause::Protocol)));
    let world = World::default();
    let mut reading =
        answered(&world, |exchange| exchange.answer(200, &head).message("+").end("grpc-status: 0\r\n"))
            .unwrap();
    assert_eq!(reading.rest().0, ["+"]);
}

#[test]
fn what_follows_the_trailers_is_an_error() {
    for gap in [false, true] {
        let (code, cause, _) = refused(|exchange| {
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
fn a_verdict_stands_when_the_connection_breaks_behind_it() {
    let (code, cause, _) = refused(|exchange| {
        exchange.accept().chunk(frame(0x80, b"grpc-status: 7\r\n")).reset();
    });
    assert_eq!((code, cause), (Code::PermissionDenied, None));
}

#[test]
fn a_server_that_never_ends_its_answer_is_let_go_after_its_verdict() {
    let world = World::default();
    let mut reading = answered(&world, |exchange| {
        exchange.accept().chunk(frame(0x80, b"grpc-status: 7\r\n"));
    })
    .unwrap();
    assert!(reading.is_waiting());
    world.advance(Duration::from_secs(1));
    assert_eq!(reading.status().code(), Code::PermissionDenied);
    assert!(world.exchange().is_aborted());
    assert!(world.is_quiet());
}
