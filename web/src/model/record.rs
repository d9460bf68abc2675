//! What a server tells of a call, in words.

use std::time::Duration;

use drawbridge_calls_proto::end::Reason;
use drawbridge_calls_proto::work::Kind;
use drawbridge_calls_proto::{Call, End, Forwarded, Protocol, Work};
use drawbridge_core::code_name;
use tonic::Code;

use super::{Tone, words};

/// What is said of a server that has no console.
pub(crate) const UNTOLD: &str =
    "This server does not tell of its calls: it does so on a loopback address only.";

/// Reads a number of milliseconds, as messages have it. Negative ones are zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn ms(milliseconds: f64) -> Duration {
    Duration::from_micros((milliseconds * 1_000.0 + 0.5) as u64)
}

/// Returns the method of a path without the package of its service, such as `Greeter/SayHello`.
pub(crate) fn method(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    let service = path.split_once('/').map_or(path, |(service, _)| service);
    &path[service.rfind('.').map_or(0, |dot| dot + 1)..]
}

/// Returns the name of the protocol that the caller spoke.
pub(crate) fn protocol(call: &Call) -> &'static str {
    match call.protocol() {
        Protocol::Unspecified => "not told",
        Protocol::Grpc => "gRPC",
        Protocol::GrpcWeb => "gRPC-Web",
        Protocol::GrpcWebText => "gRPC-Web text",
    }
}

/// Tells who or what ended a call.
pub(crate) fn ended_by(end: &End) -> &'static str {
    match end.reason() {
        Reason::Unspecified => "ended",
        Reason::Completed => "completed",
        Reason::DeadlineExceeded => "out of time",
        Reason::ClientGone => "client gone",
        Reason::CancelledByHandler => "cancelled by its handler",
        Reason::CancelledByOperator => "cancelled by the operator",
        Reason::Draining => "the server was ending",
        Reason::Panicked => "its handler panicked",
        Reason::UpstreamFailed => "its upstream failed",
    }
}

/// Tells how a call ended: by what, with which code, and in which words.
pub(crate) fn ended(end: &End) -> String {
    let words = if end.message.is_empty() { String::new() } else { format!(": {}", end.message) };
    format!("{}, {}{words}", ended_by(end), code(end.code))
}

/// Returns the tone of an end.
pub(crate) fn tone(end: &End) -> Tone {
    Tone::of(known(end.code))
}

/// Returns the name of a code.
pub(crate) fn code(code: u32) -> &'static str {
    code_name(known(code))
}

fn known(code: u32) -> Code {
    Code::from(i32::try_from(code).unwrap_or(-1))
}

/// Returns what ran, as a thing of its call.
pub(crate) fn work(work: &Work, call: &Call) -> &'static str {
    match work.kind() {
        Kind::Unspecified => "work",
        // Of a forwarded call the handler is elsewhere.
        Kind::Handler if call.forwarded.is_some() => "forwarding",
        Kind::Handler => "handler",
        Kind::Child => "child call",
        Kind::Activity => "query",
        Kind::Backoff => "wait",
    }
}

/// Tells where a call was forwarded to and how long that took, in short, and then when the answer began.
pub(crate) fn forwarded(call: &Call) -> Option<(String, String)> {
    let Forwarded { address, sent_ms, answered_ms } = call.forwarded.as_ref()?;
    let answered = match answered_ms {
        Some(answered) => format!("answered after {}", words::precise(ms(*answered))),
        None => "not answered".to_owned(),
    };
    Some((format!("to {address} in {}", words::precise(ms(*sent_ms))), answered))
}

/// Tells what one work of a call did, and when it stopped.
pub(crate) fn work_words(done: &Work, call: &Call) -> String {
    let name = work(done, call);
    let name = if done.name.is_empty() { name.to_owned() } else { format!("{name} {}", method(&done.name)) };
    let Some(stopped) = done.stopped_ms else { return format!("{name} runs") };
    if is_skipped(done) {
        return format!("{name} of {} skipped", words::precise(ms(done.planned_ms.unwrap_or_default())));
    }
    let code = done.code.map_or_else(String::new, |told| format!(" with {}", code(told)));
    let took = words::precise(ms(stopped - done.started_ms));
    format!("{name} stopped after {took}{code}")
}

/// Tells whether a wait was not begun, because the deadline comes before its end.
pub(crate) fn is_skipped(work: &Work) -> bool {
    work.kind() == Kind::Backoff && work.stopped_ms == Some(work.started_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_told_without_its_package() {
        for (path, told) in [
            ("/greet.Greeter/SayHello", "Greeter/SayHello"),
            ("/Message/Stream", "Message/Stream"),
            ("/a.b.C/D", "C/D"),
            ("nonsense", "nonsense"),
            ("", ""),
        ] {
            assert_eq!(method(path), told);
        }
    }

    #[test]
    fn an_end_is_told_with_its_code_and_its_words() {
        let mut end = End { reason: Reason::ClientGone.into(), code: 1, message: String::new() };
        assert_eq!(ended(&end), "client gone, CANCELLED");
        end.message = "enough".to_owned();
        end.reason = Reason::CancelledByOperator.into();
        assert_eq!(ended(&end), "cancelled by the operator, CANCELLED: enough");
        assert_eq!(code(99), "UNKNOWN");
    }

    #[test]
    fn a_work_tells_when_it_stopped() {
        let hosted = Call::default();
        let mut query =
            Work { kind: Kind::Activity.into(), started_ms: 1.0, stopped_ms: Some(13.5), ..Work::default() };
        assert_eq!(work_words(&query, &hosted), "query stopped after 12 ms");
        query.stopped_ms = None;
        assert_eq!(work_words(&query, &hosted), "query runs");
        let mut child = Work {
            kind: Kind::Child.into(),
            name: "/user.UserService/GetUser".to_owned(),
            stopped_ms: Some(3.04),
            code: Some(5),
            ..Work::default()
        };
        assert_eq!(
            work_words(&child, &hosted),
            "child call UserService/GetUser stopped after 3.0 ms with NOT_FOUND"
        );
        child.code = None;
        assert_eq!(work_words(&child, &hosted), "child call UserService/GetUser stopped after 3.0 ms");
        let wait = Work {
            kind: Kind::Backoff.into(),
            started_ms: 5.0,
            stopped_ms: Some(5.0),
            planned_ms: Some(120.0),
            ..Work::default()
        };
        assert_eq!(work_words(&wait, &hosted), "wait of 120 ms skipped");
    }

    #[test]
    fn a_forwarded_call_tells_its_upstream_and_when() {
        let mut call = Call::default();
        assert_eq!(forwarded(&call), None);
        let mut to = Forwarded { address: "http://10.0.0.1:7".to_owned(), sent_ms: 0.42, answered_ms: None };
        let sent = "to http://10.0.0.1:7 in 0.4 ms".to_owned();
        call.forwarded = Some(to.clone());
        assert_eq!(forwarded(&call), Some((sent.clone(), "not answered".to_owned())));
        to.answered_ms = Some(12.5);
        call.forwarded = Some(to);
        assert_eq!(forwarded(&call), Some((sent, "answered after 12 ms".to_owned())));
        let handler = Work { kind: Kind::Handler.into(), stopped_ms: Some(13.0), ..Work::default() };
        assert_eq!(work_words(&handler, &call), "forwarding stopped after 13 ms");
    }
}
