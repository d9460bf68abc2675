//! Forwarded calls that are tried again by a policy.

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

/// Calls as often as there are numbers, and holds that the upstream has seen so many attempts at each.
async fn seen_attempts(rules: &[&str], path: &str, body: Bytes, doing: fn(&mut Arrived), numbers: &[usize]) {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream, rules).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let _answering = upstream.answering(move |mut call| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            call.read().await;
            doing(&mut call);
        }
    });
    for (index, number) in numbers.iter().enumerate() {
        call_with(server.address, Wire::WEB_H2, path, body.clone(), &[]).await;
        let attempts = seen.swap(0, Ordering::SeqCst);
        assert_eq!(attempts, *number, "call {index} to {path} with {rules:?}");
    }
}

#[tokio::test]
async fn a_failure_that_the_policy_names_is_tried_again_in_each_form() {
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
async fn without_a_policy_and_for_other_codes_nothing_is_tried_again() {
    let message = frame(&told("k"));
    seen_attempts(&[], PATH, message.clone(), fail, &[1]).await;
    seen_attempts(&["3:ABORTED:1ms..1ms"], PATH, message, fail, &[1]).await;
}

#[tokio::test]
async fn the_longest_name_says_how_a_call_is_tried_again() {
    let rules = ["2:UNAVAILABLE:1ms..1ms", "any=3:UNAVAILABLE:1ms..1ms", "any.Service/Buy=1"];
    let message = frame(&told("k"));
    for (path, number) in [(PATH, 3), ("/any.Service/Buy", 1), ("/other.Service/Method", 2)] {
        seen_attempts(&rules, path, message.clone(), fail, &[number]).await;
    }
}

#[tokio::test]
async fn the_last_failure_is_the_calls() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&fail, &fail, &fail]).await;
    assert_eq!((ending.code, ending.words.as_str()), (14, "as told"));
    let not_found = |call: &mut Arrived| call.trailers_only(&[("grpc-status", "5")]);
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&fail, &not_found]).await;
    assert_eq!(ending.code, 5);
}

#[tokio::test]
async fn attempts_share_the_deadline_and_each_is_told_what_remains() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[SLOW]).await;
    let soon = |call: &mut Arrived| {
        call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "20")]);
    };
    let headers = [("grpc-timeout", "300S")];
    let (_, seen) = attempts(&mut upstream, &server, &headers, &[&soon, &soon, &succeed]).await;
    let told: Vec<_> = seen
        .iter()
        .map(|call| call.headers("grpc-timeout")[0].parse::<Timeout>().unwrap().duration())
        .collect();
    assert!(told[0] <= Duration::from_mins(5));
    for pair in told.windows(2) {
        assert!(pair[0] >= pair[1] + Duration::from_millis(20), "{told:?}");
    }
}

#[tokio::test]
async fn an_attempt_counts_those_before_it_the_callers_among_them() {
    for (brought, expected) in
        [(None, [vec![], vec!["1"], vec!["2"]]), (Some("2"), [vec!["2"], vec!["3"], vec!["4"]])]
    {
        let mut upstream = RawUpstream::start().await;
        let server = start(&upstream, &[QUICK]).await;
        let headers: Vec<_> =
            brought.map(|brought| ("grpc-previous-rpc-attempts", brought)).into_iter().collect();
        let (_, seen) = attempts(&mut upstream, &server, &headers, &[&fail, &fail, &succeed]).await;
        let told: Vec<_> = seen.iter().map(|call| call.headers("grpc-previous-rpc-attempts")).collect();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn an_upstream_says_when_to_try_again() {
    for pushback in ["20", "0"] {
        let mut upstream = RawUpstream::start().await;
        // By the policy it would be an hour.
        let server = start(&upstream, &[SLOW]).await;
        let push = |call: &mut Arrived| {
            call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)]);
        };
        let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&push, &push, &succeed]).await;
        assert_eq!(ending.code, 0, "{pushback}");
    }
}

#[tokio::test]
async fn an_upstream_says_not_to_try_again() {
    for pushback in ["-1", "soon", ""] {
        let mut upstream = RawUpstream::start().await;
        let server = start(&upstream, &[QUICK]).await;
        let push = |call: &mut Arrived| {
            call.trailers_only(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)]);
        };
        let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&push]).await;
        assert_eq!(ending.code, 14, "{pushback:?}");
    }
}

#[tokio::test]
async fn a_backoff_that_would_outlast_the_deadline_is_not_begun() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[SLOW]).await;
    let ((_, ending), _) = attempts(&mut upstream, &server, &[("grpc-timeout", "300S")], &[&fail]).await;
    assert_eq!(ending.code, 4);
    assert!(ending.words.ends_with("the last one failed with UNAVAILABLE: as told"), "{}", ending.words);
}

#[tokio::test]
async fn an_upstream_that_fails_anyway_is_not_asked_more_often_and_others_are() {
    // Of a hundred tokens fifty may be lost before nothing is tried again: two with each of these calls.
    let upstream = RawUpstream::start().await;
    let other = RawUpstream::start().await;
    let named = upstream_at(other.address).for_service("other").unwrap();
    let server = Server::start(upstream.bridge().upstream(named).retry(rule("2:UNAVAILABLE:1ms..1ms"))).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let failing = |upstream: RawUpstream| {
        let count = Arc::clone(&seen);
        upstream.answering(move |mut call| {
            count.fetch_add(1, Ordering::SeqCst);
            async move { fail(&mut call) }
        })
    };
    let _answering = (failing(upstream), failing(other));
    let paths = [(PATH, 2); 25].into_iter().chain([(PATH, 1), (PATH, 1), ("/other.Service/Method", 2)]);
    for (path, number) in paths {
        call_with(server.address, Wire::GRPC, path, frame(&told("k")), &[]).await;
        assert_eq!(seen.swap(0, Ordering::SeqCst), number, "{path}");
    }
}

#[tokio::test]
async fn the_head_of_an_answer_commits_the_call_to_its_attempt() {
    let begin: fn(&mut Arrived) = |call| {
        call.begin(&[]).send_trailers(map(&UNAVAILABLE)).unwrap();
    };
    // A status in a head that goes on is not the one that counts.
    let begin_with_status: fn(&mut Arrived) = |call| {
        call.begin(&UNAVAILABLE).send_trailers(map(&UNAVAILABLE)).unwrap();
    };
    for doing in [begin, begin_with_status] {
        seen_attempts(&[QUICK], PATH, frame(&told("k")), doing, &[1]).await;
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_to_keep_is_sent_once() {
    // Around the key are five bytes of the frame, and the field's tag and length. For what cannot be sent again nobody
    // waits an hour.
    for (key, rule, number) in [(256 * 1024 - 9, QUICK, 3), (256 * 1024 - 8, SLOW, 1)] {
        let message = frame(&told(&"k".repeat(key)));
        assert_eq!(message.len() > 256 * 1024, number == 1);
        seen_attempts(&[rule], PATH, message, fail, &[number]).await;
    }
}

#[tokio::test]
async fn what_cannot_be_reached_or_is_lost_before_it_answers_is_unavailable_and_tried_again() {
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
async fn an_answer_that_is_no_grpc_is_tried_again_by_its_code() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let no_grpc = |call: &mut Arrived| {
        let head = http::Response::builder().status(503).header("content-type", "text/html").body(());
        call.answer.send_response(head.unwrap(), true).unwrap();
    };
    let ((_, ending), _) = attempts(&mut upstream, &server, &[], &[&no_grpc, &succeed]).await;
    assert_eq!(ending.code, 0);
}

#[tokio::test]
async fn what_was_never_looked_at_is_sent_again_within_its_attempt() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &["2:UNAVAILABLE:1ms..1ms"]).await;
    let refuse = |call: &mut Arrived| call.answer.send_reset(h2::Reason::REFUSED_STREAM);
    let ((_, ending), seen) =
        attempts(&mut upstream, &server, &[], &[&refuse, &refuse, &fail, &succeed]).await;
    assert_eq!(ending.code, 0, "{}", ending.words);
    let told: Vec<_> = seen.iter().map(|call| call.headers("grpc-previous-rpc-attempts")).collect();
    assert_eq!(told, [vec![], vec![], vec![], vec!["1"]]);
}
