//! A server's record of a call as text.

use std::time::Duration;

use drawbridge_calls_proto::activity::Kind;
use drawbridge_calls_proto::end::Reason;
use drawbridge_calls_proto::{Activity, Call, End, Forwarded, Protocol};
use drawbridge_core::code_name;
use tonic::Code;

use super::format::precise;
use super::severity::Severity;

/// What the page says when a server does not implement the service `Calls`.
pub(crate) const NO_CALL_RECORDS: &str = "This server does not show its calls. It has no console: the program serves one on loopback addresses only.";

/// Converts milliseconds of a message to a duration. Negative numbers are zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn ms(milliseconds: f64) -> Duration {
    Duration::from_micros((milliseconds * 1_000.0 + 0.5) as u64)
}

/// Returns the method of a path without the package, such as `Greeter/SayHello`.
pub(crate) fn method(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    let service = path.split_once('/').map_or(path, |(service, _)| service);
    &path[service.rfind('.').map_or(0, |dot| dot + 1)..]
}

/// Returns the name of the caller's protocol.
pub(crate) fn protocol(call: &Call) -> &'static str {
    match call.protocol() {
        Protocol::Unspecified => "unknown",
        Protocol::Grpc => "gRPC",
        Protocol::GrpcWeb => "gRPC-Web",
        Protocol::GrpcWebText => "gRPC-Web text",
        Protocol::Connect => "Connect",
        Protocol::ConnectStream => "Connect stream",
        Protocol::Json => "JSON",
    }
}

/// Returns why a call ended, in the terms of the server's log.
pub(crate) fn end_reason(end: &End) -> &'static str {
    match end.reason() {
        Reason::Unspecified => "ended",
        Reason::Completed => "completed",
        Reason::DeadlineExceeded => "deadline exceeded",
        Reason::ClientGone => "client gone",
        Reason::CancelledByHandler => "cancelled by the handler",
        Reason::CancelledByOperator => "cancelled by an operator",
        Reason::Draining => "server draining",
        Reason::Panicked => "handler panicked",
        Reason::UpstreamFailed => "upstream failed",
        Reason::RequestStalled => "request stalled",
        Reason::ReaderStalled => "reader stalled",
        Reason::MaxDuration => "maximum duration",
    }
}

/// Returns how a call ended: the reason, the status code and the message.
pub(crate) fn end(end: &End) -> String {
    let message = if end.message.is_empty() { String::new() } else { format!(": {}", end.message) };
    format!("{}, {}{message}", end_reason(end), code(end.code))
}

/// Returns the severity of an end.
pub(crate) fn severity(end: &End) -> Severity {
    Severity::of(to_code(end.code))
}

/// Returns the name of a status code.
pub(crate) fn code(code: u32) -> &'static str {
    code_name(to_code(code))
}

fn to_code(code: u32) -> Code {
    Code::from(i32::try_from(code).unwrap_or(-1))
}

/// Returns the name of what ran for a call.
pub(crate) fn activity_name<'a>(activity: &'a Activity, call: &Call) -> &'a str {
    match activity.kind() {
        Kind::Unspecified => "task",
        // The handler of a forwarded call runs on another server.
        Kind::Handler if call.forwarded.is_some() => "forwarding",
        Kind::Handler => "handler",
        Kind::Child => "child call",
        Kind::Named if activity.name.is_empty() => "activity",
        Kind::Named => &activity.name,
        Kind::Backoff => "backoff",
    }
}

/// Returns to which upstream a call was sent and when, and when the response began.
pub(crate) fn forwarded(call: &Call) -> Option<(String, String)> {
    let Forwarded { address, sent_ms, answered_ms } = call.forwarded.as_ref()?;
    let answered = match answered_ms {
        Some(answered) => format!("answered after {}", precise(ms(*answered))),
        None => "not answered".to_owned(),
    };
    Some((format!("sent to {address} after {}", precise(ms(*sent_ms))), answered))
}

/// Returns the name, the duration and the status of what runs or ran for a call.
pub(crate) fn activity_summary(activity: &Activity, call: &Call) -> String {
    let name = activity_name(activity, call);
    let name = match activity.kind() {
        Kind::Child if !activity.name.is_empty() => format!("{name} {}", method(&activity.name)),
        _ => name.to_owned(),
    };
    let Some(stopped) = activity.stopped_ms else { return format!("{name} running") };
    if is_skipped_backoff(activity) {
        return format!("{name} of {} skipped", precise(ms(activity.planned_ms.unwrap_or_default())));
    }
    let status = activity.code.map_or_else(String::new, |status| format!(" with {}", code(status)));
    let duration = precise(ms(stopped - activity.started_ms));
    format!("{name} stopped after {duration}{status}")
}

/// Returns whether an activity is a backoff that was not started, because the deadline comes before its end.
pub(crate) fn is_skipped_backoff(activity: &Activity) -> bool {
    activity.kind() == Kind::Backoff && activity.stopped_ms == Some(activity.started_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_shown_without_its_package() {
        for (path, shown) in [
            ("/greet.Greeter/SayHello", "Greeter/SayHello"),
            ("/Message/Stream", "Message/Stream"),
            ("/a.b.C/D", "C/D"),
            ("nonsense", "nonsense"),
            ("", ""),
        ] {
            assert_eq!(method(path), shown);
        }
    }

    #[test]
    fn an_end_is_shown_with_its_code_and_message() {
        let mut gone = End { reason: Reason::ClientGone.into(), code: 1, message: String::new() };
        assert_eq!(end(&gone), "client gone, CANCELLED");
        gone.message = "enough".to_owned();
        gone.reason = Reason::CancelledByOperator.into();
        assert_eq!(end(&gone), "cancelled by an operator, CANCELLED: enough");
        assert_eq!(code(99), "UNKNOWN");
    }

    #[test]
    fn a_task_is_shown_with_its_duration_and_status() {
        let hosted = Call::default();
        let mut query = Activity {
            kind: Kind::Named.into(),
            name: "query".to_owned(),
            started_ms: 1.0,
            stopped_ms: Some(13.5),
            ..Activity::default()
        };
        assert_eq!(activity_summary(&query, &hosted), "query stopped after 12 ms");
        query.stopped_ms = None;
        assert_eq!(activity_summary(&query, &hosted), "query running");
        query.name.clear();
        assert_eq!(activity_summary(&query, &hosted), "activity running");
        let mut child = Activity {
            kind: Kind::Child.into(),
            name: "/user.UserService/GetUser".to_owned(),
            stopped_ms: Some(3.04),
            code: Some(5),
            ..Activity::default()
        };
        assert_eq!(
            activity_summary(&child, &hosted),
            "child call UserService/GetUser stopped after 3.0 ms with NOT_FOUND"
        );
        child.code = None;
        assert_eq!(activity_summary(&child, &hosted), "child call UserService/GetUser stopped after 3.0 ms");
        let backoff = Activity {
            kind: Kind::Backoff.into(),
            started_ms: 5.0,
            stopped_ms: Some(5.0),
            planned_ms: Some(120.0),
            ..Activity::default()
        };
        assert_eq!(activity_summary(&backoff, &hosted), "backoff of 120 ms skipped");
    }

    #[test]
    fn a_forwarded_call_is_shown_with_its_upstream_and_times() {
        let mut call = Call::default();
        assert_eq!(forwarded(&call), None);
        let mut upstream =
            Forwarded { address: "http://10.0.0.1:7".to_owned(), sent_ms: 0.42, answered_ms: None };
        let sent = "sent to http://10.0.0.1:7 after 0.4 ms".to_owned();
        call.forwarded = Some(upstream.clone());
        assert_eq!(forwarded(&call), Some((sent.clone(), "not answered".to_owned())));
        upstream.answered_ms = Some(12.5);
        call.forwarded = Some(upstream);
        assert_eq!(forwarded(&call), Some((sent, "answered after 12 ms".to_owned())));
        let handler = Activity { kind: Kind::Handler.into(), stopped_ms: Some(13.0), ..Activity::default() };
        assert_eq!(activity_summary(&handler, &call), "forwarding stopped after 13 ms");
    }
}
