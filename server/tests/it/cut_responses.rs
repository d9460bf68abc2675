//! Responses that an upstream cuts inside a message: no caller can take trailers for the rest of the message.

use bytes::Bytes;
use drawbridge::{CallContext, EndReason};
use drawbridge_core::connect::code_name;
use h2::{Reason, SendStream};
use tokio::sync::mpsc;
use tonic::Code;

use crate::support::client::{Answer, Wire};
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, map};
use crate::support::{Server, soon};

const PATH: &str = "/any.Service/Method";

/// How a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Reset,
    Lost,
    Deadline,
    /// The upstream sends trailers with this status.
    Status(&'static str),
}

/// The response of an upstream that sends `data`, and is then cut.
struct Exchange {
    answer: Answer,
    context: CallContext,
    // Both are kept until the response was read.
    _server: Server,
    _upstream: Option<(RawUpstream, SendStream<Bytes>)>,
}

async fn exchange(wire: Wire, cut: Cut, data: Bytes, at_once: bool) -> Exchange {
    let mut upstream = RawUpstream::start().await;
    let (sender, mut contexts) = mpsc::unbounded_channel();
    let bridge = upstream.bridge().intercept(move |head| {
        let sender = sender.clone();
        async move {
            sender.send(CallContext::current().unwrap()).unwrap();
            Ok(head)
        }
    });
    let server = Server::start(bridge).await;
    let headers: &[_] = if cut == Cut::Deadline { &[("grpc-timeout", "300m")] } else { &[] };
    let request = told("k");
    let calling = async {
        let answer = wire.call_with_headers(server.address, PATH, &request, headers).await;
        (answer, contexts.recv().await.unwrap())
    };
    let cutting = async {
        let mut stream = upstream.call().await.begin(&[]);
        if at_once {
            end(&mut stream, cut, data);
            return (Some(upstream), stream);
        }
        stream.send_data(data, false).unwrap();
        (Some(upstream), stream)
    };
    let ((answer, context), (mut upstream, mut stream)) = tokio::join!(calling, cutting);
    if !at_once {
        end(&mut stream, cut, Bytes::new());
    }
    let upstream = match cut {
        Cut::Lost => {
            // Its data has to arrive first.
            while context.messages() == 0 {
                tokio::task::yield_now().await;
            }
            drop(upstream.take());
            None
        }
        _ => upstream.map(|upstream| (upstream, stream)),
    };
    Exchange { answer, context, _server: server, _upstream: upstream }
}

fn end(stream: &mut SendStream<Bytes>, cut: Cut, data: Bytes) {
    if !data.is_empty() {
        stream.send_data(data, false).unwrap();
    }
    match cut {
        Cut::Reset => stream.send_reset(Reason::INTERNAL_ERROR),
        Cut::Status(status) => {
            stream.send_trailers(map(&[("grpc-status", status), ("x-shelf", "7")])).unwrap();
        }
        Cut::Lost | Cut::Deadline => {}
    }
}

/// One whole message, and 90 of the 100 bytes of another.
fn cut_data() -> Bytes {
    [&b"\0\0\0\0\x02ab\0\0\0\0\x64"[..], &[b'x'; 90]].concat().into()
}

const CUTS: [(Cut, Code); 5] = [
    (Cut::Reset, Code::Internal),
    (Cut::Lost, Code::Unavailable),
    (Cut::Deadline, Code::DeadlineExceeded),
    (Cut::Status("0"), Code::Internal),
    (Cut::Status("5"), Code::NotFound),
];

#[tokio::test]
async fn a_response_with_its_trailers_in_the_body_breaks_off_if_it_is_cut_inside_a_message() {
    for wire in Wire::ALL.into_iter().filter(|wire| *wire != Wire::GRPC) {
        for (cut, code) in CUTS {
            let Exchange { answer, context, _server, _upstream } =
                exchange(wire, cut, cut_data(), false).await;
            let (bytes, _, whole) = answer.bytes().await;
            assert!(!whole, "{wire:?}, {cut:?}: the body has an end");
            assert_eq!(bytes, cut_data(), "{wire:?}, {cut:?}");
            soon("the end of the call", context.cancelled()).await;
            assert_eq!(context.end_reason().map(EndReason::code), Some(code), "{wire:?}, {cut:?}");
        }
    }
}

#[tokio::test]
async fn a_message_before_the_cut_arrives_although_both_came_at_once() {
    for wire in Wire::ALL.into_iter().filter(|wire| *wire != Wire::GRPC) {
        for cut in [Cut::Status("0"), Cut::Status("5")] {
            let Exchange { answer, _server, _upstream, .. } = exchange(wire, cut, cut_data(), true).await;
            let (bytes, _, whole) = answer.bytes().await;
            assert!(!whole, "{wire:?}, {cut:?}");
            assert_eq!(bytes, cut_data(), "{wire:?}, {cut:?}");
        }
    }
}

#[tokio::test]
async fn a_native_response_that_is_cut_inside_a_message_has_trailers_with_the_failure() {
    for (cut, code) in CUTS {
        let Exchange { answer, context, _server, _upstream } =
            exchange(Wire::GRPC, cut, cut_data(), false).await;
        let (bytes, trailers, whole) = answer.bytes().await;
        assert!(whole, "{cut:?}");
        assert_eq!(bytes, cut_data(), "{cut:?}");
        assert_eq!(trailers.unwrap()["grpc-status"], (code as i32).to_string(), "{cut:?}");
        assert_eq!(context.end_reason().map(EndReason::code), Some(code), "{cut:?}");
    }
}

#[tokio::test]
async fn a_response_that_is_cut_inside_a_prefix_breaks_off_too() {
    let data = Bytes::from_static(b"\0\0\0\0\x02ab\0\0\0");
    for wire in [Wire::WEB_H1, Wire::TEXT_H2] {
        let Exchange { answer, .. } = exchange(wire, Cut::Reset, data.clone(), false).await;
        let (bytes, _, whole) = answer.bytes().await;
        assert_eq!((bytes, whole), (data.clone(), false), "{wire:?}");
    }
}

#[tokio::test]
async fn a_response_that_is_cut_between_two_messages_has_a_status() {
    let data = Bytes::from_static(b"\0\0\0\0\x02ab");
    for wire in Wire::ALL {
        for (cut, code) in [(Cut::Reset, 13), (Cut::Lost, 14), (Cut::Deadline, 4)] {
            let Exchange { answer, _server, _upstream, .. } = exchange(wire, cut, data.clone(), false).await;
            let (bytes, trailers, whole) = answer.bytes().await;
            assert!(whole, "{wire:?}, {cut:?}");
            let status = if wire == Wire::GRPC {
                assert_eq!(bytes, data);
                trailers.unwrap()["grpc-status"].to_str().unwrap().to_owned()
            } else if wire.is_connect() {
                let end: serde_json::Value = serde_json::from_slice(&bytes[data.len() + 5..]).unwrap();
                assert_eq!(end["error"]["code"], code_name(Code::from_i32(code)), "{wire:?}, {cut:?}");
                code.to_string()
            } else {
                let block = String::from_utf8(bytes[data.len() + 5..].to_vec()).unwrap();
                let (_, status) = block.split_once("grpc-status:").unwrap();
                status.split("\r\n").next().unwrap().trim().to_owned()
            };
            assert_eq!(status, code.to_string(), "{wire:?}, {cut:?}");
        }
    }
}
