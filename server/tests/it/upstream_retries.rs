//! Retries of forwarded calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::Timeout;
use tokio::net::TcpListener;

use crate::support::attempts::{
    PATH, QUICK, SLOW, UNAVAILABLE, attempts, call, call_with, fail, rule, start, succeed,
};
use crate::support::client::{Wire, frame};
use crate::support::frames::Raw;
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, bridge_to, map, upstream_at};
use crate::support::{Server, soon};

/// Makes a call to an upstream that responds to each attempt with `respond`, and asserts the number of attempts.
async fn assert_attempts(
    rules: &[&str],
    path: &str,
    body: Bytes,
    respond: fn(&mut Arrived),
    expected: usize,
) {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream, rules).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let _answering = upstream.answering(move |mut call| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            call.read().await;
            respond(&mut call);
        }
    });
    call_with(server.address, Wire::WEB_H2, path, body, &[]).await;
    assert_eq!(attempts.load(Ordering::SeqCst), expected, "{path} with {rules:?}");
}

#[tokio::test]
async fn a_code_of_the_policy_is_retried_in_each_form_of_grpc() {
    for wire in Wire::ALL {
        let mut upstream = RawUpstream::start().await;
        let server = start(&upstream, &[QUICK]).await;
        let ((messages, ending), ()) = tokio::join!(call(server.address, wire, &[]), async {
            fail(&mut upstream.call().await);
            fail(&mut upstream.call().await);
            succeed(&mut upstream.call().await);
        });
        assert_eq!((messages[0].message.as_str(), ending.code), ("at last", 0), "{wire:?}");
    }
}

#[tokio::test]
async fn without_a_policy_and_for_other_codes_there_is_no_retry() {
    let message = frame(&told("k"));
    assert_attempts(&[], PATH, message.clone(), fail, 1).await;
    assert_attempts(&["3:ABORTED:1ms..1ms"], PATH, message, fail, 1).await;
}

#[tokio::test]
async fn the_rule_with_the_longest_name_applies() {
    let rules = ["2:UNAVAILABLE:1ms..1ms", "any=3:UNAVAILABLE:1ms..1ms", "any.Service/Buy=1"];
    let message = frame(&told("k"));
    for (path, attempts) in [(PATH, 3), ("/any.Service/Buy", 1), ("/other.Service/Method", 2)] {
        assert_attempts(&rules, path, message.clone(), fail, attempts).await;
    }
}

#[tokio::test]
async fn the_call_fails_with_the_last_failure() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&fail, &fail, &fail]).await;
    assert_eq!((ending.code, ending.words.as_str()), (14, "scripted"));
    let not_found = |call: &mut Arrived| call.trailers_only(&[("grpc-status", "5")]);
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&fail, &not_found]).await;
    assert_eq!(ending.code, 5);
}

#[tokio::test]
async fn each_attempt_sends_what_remains_of_the_deadline() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[SLOW]).await;
    let push_back = |call: &mut Arrived| {
        call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "20")]);
    };
    let headers = [("grpc-timeout", "300S")];
    let (_, seen) = attempts(&mut upstream, &server, &headers, &[&push_back, &push_back, &succeed]).await;
    let timeouts: Vec<_> = seen
        .iter()
        .map(|call| call.headers("grpc-timeout")[0].parse::<Timeout>().unwrap().duration())
        .collect();
    assert!(timeouts[0] <= Duration::from_mins(5));
    for pair in timeouts.windows(2) {
        assert!(pair[0] >= pair[1] + Duration::from_millis(20), "{timeouts:?}");
    }
}

#[tokio::test]
async fn previous_attempts_include_those_of_the_caller() {
    for (of_caller, expected) in
        [(None, [vec![], vec!["1"], vec!["2"]]), (Some("2"), [vec!["2"], vec!["3"], vec!["4"]])]
    {
        let mut upstream = RawUpstream::start().await;
        let server = start(&upstream, &[QUICK]).await;
        let headers: Vec<_> =
            of_caller.map(|count| ("grpc-previous-rpc-attempts", count)).into_iter().collect();
        let (_, seen) = attempts(&mut upstream, &server, &headers, &[&fail, &fail, &succeed]).await;
        let previous: Vec<_> = seen.iter().map(|call| call.headers("grpc-previous-rpc-attempts")).collect();
        assert_eq!(previous, expected);
    }
}

#[tokio::test]
async fn pushback_sets_the_backoff() {
    for pushback in ["20", "0"] {
        let mut upstream = RawUpstream::start().await;
        // The backoff of the policy is an hour.
        let server = start(&upstream, &[SLOW]).await;
        let push_back = |call: &mut Arrived| {
            call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)]);
        };
        let ((_, ending), _) =
            attempts(&mut upstream, &server, &[], &[&push_back, &push_back, &succeed]).await;
        assert_eq!(ending.code, 0, "{pushback}");
    }
}

#[tokio::test]
async fn pushback_that_is_negative_or_malformed_forbids_a_retry() {
    for pushback in ["-1", "soon", ""] {
        let mut upstream = RawUpstream::start().await;
        let server = start(&upstream, &[QUICK]).await;
        let push_back = |call: &mut Arrived| {
            call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)]);
        };
        let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&push_back]).await;
        assert_eq!(ending.code, 14, "{pushback:?}");
    }
}

#[tokio::test]
async fn a_backoff_beyond_the_deadline_fails_the_call_at_once() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[SLOW]).await;
    let ((_, ending), _) = attempts(&mut upstream, &server, &[("grpc-timeout", "300S")], &[&fail]).await;
    assert_eq!(ending.code, 4);
    assert!(ending.words.ends_with("the last one failed with UNAVAILABLE: scripted"), "{}", ending.words);
}

#[tokio::test]
async fn the_throttle_stops_retries_to_one_upstream_and_not_to_others() {
    // With 50 of the 100 tokens lost nothing is retried. Each of these calls loses two.
    let upstream = RawUpstream::start().await;
    let other = RawUpstream::start().await;
    let named = upstream_at(other.address).for_service("other").unwrap();
    let server = Server::start(upstream.bridge().upstream(named).retry(rule("2:UNAVAILABLE:1ms..1ms"))).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let failing = |upstream: RawUpstream| {
        let counter = Arc::clone(&attempts);
        upstream.answering(move |mut call| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { fail(&mut call) }
        })
    };
    let _answering = (failing(upstream), failing(other));
    let paths = [(PATH, 2); 25].into_iter().chain([(PATH, 1), (PATH, 1), ("/other.Service/Method", 2)]);
    for (path, expected) in paths {
        call_with(server.address, Wire::GRPC, path, frame(&told("k")), &[]).await;
        assert_eq!(attempts.swap(0, Ordering::SeqCst), expected, "{path}");
    }
}

#[tokio::test]
async fn the_head_of_a_response_commits_the_call() {
    let begin: fn(&mut Arrived) = |call| {
        call.begin(&[]).send_trailers(map(&UNAVAILABLE)).unwrap();
    };
    // A status in a head that is not trailers-only does not count.
    let begin_with_status: fn(&mut Arrived) = |call| {
        call.begin(&UNAVAILABLE).send_trailers(map(&UNAVAILABLE)).unwrap();
    };
    for respond in [begin, begin_with_status] {
        assert_attempts(&[QUICK], PATH, frame(&told("k")), respond, 1).await;
    }
}

#[tokio::test]
async fn a_request_over_the_buffer_limit_is_not_retried() {
    // The key is preceded by the frame's five bytes and the field's tag and length. The call over the limit fails without the
    // backoff of an hour.
    for (key, rule, attempts) in [(256 * 1024 - 9, QUICK, 3), (256 * 1024 - 8, SLOW, 1)] {
        let message = frame(&told(&"k".repeat(key)));
        assert_eq!(message.len() > 256 * 1024, attempts == 1);
        assert_attempts(&[rule], PATH, message, fail, attempts).await;
    }
}

#[tokio::test]
async fn a_connection_that_fails_before_the_response_is_unavailable_and_retried() {
    for connects in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bridge = bridge_to(listener.local_addr().unwrap()).retry(rule(QUICK));
        let server = Server::start(bridge).await;
        let ((_, ending), ()) = tokio::join!(call(server.address, Wire::WEB_H1, &[]), async {
            if connects {
                Raw::accept(&listener).await.headers().await;
            } else {
                drop(soon("a connection", listener.accept()).await.unwrap());
            }
            let mut raw = Raw::accept(&listener).await;
            let stream = raw.headers().await;
            raw.trailers_only(stream).await;
        });
        assert_eq!(ending.code, 0, "{}", ending.words);
    }
}

#[tokio::test]
async fn a_response_that_is_not_grpc_is_retried_by_its_code() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let not_grpc = |call: &mut Arrived| {
        let head = http::Response::builder().status(503).header("content-type", "text/html").body(());
        call.answer.send_response(head.unwrap(), true).unwrap();
    };
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&not_grpc, &succeed]).await;
    assert_eq!(ending.code, 0);
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_within_its_attempt() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &["2:UNAVAILABLE:1ms..1ms"]).await;
    let refuse = |call: &mut Arrived| call.answer.send_reset(h2::Reason::REFUSED_STREAM);
    let ((_, ending), seen) =
        attempts(&mut upstream, &server, &[], &[&refuse, &refuse, &fail, &succeed]).await;
    assert_eq!(ending.code, 0, "{}", ending.words);
    let previous: Vec<_> = seen.iter().map(|call| call.headers("grpc-previous-rpc-attempts")).collect();
    assert_eq!(previous, [vec![], vec![], vec![], vec!["1"]]);
}
