//! Forwarded calls that are tried again by a policy.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use drawbridge::{Bridge, CallsService, HostPolicy, RetryRule};
use drawbridge_call::Timeout;
use drawbridge_proto::calls::calls_client::CallsClient;
use drawbridge_proto::calls::calls_server::CallsServer;
use drawbridge_proto::calls::work::Kind;
use drawbridge_proto::calls::{Call, CancelRequest, GetRequest, Work};
use drawbridge_proto::message::Response as Progress;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};

use crate::support::client::{Ending, Wire, frame};
use crate::support::frames::Raw;
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, bridge_to, map, reset_of, upstream_at};
use crate::support::{Server, soon};

const PATH: &str = "/any.Service/Method";

/// Up to three attempts, almost at once.
const QUICK: &str = "3:UNAVAILABLE:1ms..1ms";

/// Up to three attempts, and nobody waits for the second.
const SLOW: &str = "3:UNAVAILABLE:1h..1h";

const UNAVAILABLE: [(&str, &str); 2] = [("grpc-status", "14"), ("grpc-message", "as told")];

fn rule(text: &str) -> RetryRule {
    text.parse().unwrap()
}

async fn start(upstream: &RawUpstream, rules: &[&str]) -> Server {
    let bridge = rules.iter().fold(upstream.bridge(), |bridge, text| bridge.retry(rule(text)));
    Server::start(bridge).await
}

fn reply() -> Bytes {
    frame(&Progress { message: "at last".to_owned() })
}

async fn call(server: SocketAddr, wire: Wire, headers: &[(&str, &str)]) -> (Vec<Progress>, Ending) {
    call_with(server, wire, PATH, frame(&told("k")), headers).await
}

async fn call_with(
    server: SocketAddr,
    wire: Wire,
    path: &str,
    body: Bytes,
    headers: &[(&str, &str)],
) -> (Vec<Progress>, Ending) {
    let mut connection = wire.connect(server).await;
    wire.call_with(&mut connection, path, body, headers).await.finish().await
}

/// Calls once, has the upstream do these things with the attempts, one after the other, and returns what came of it.
async fn attempts(
    upstream: &mut RawUpstream,
    server: &Server,
    headers: &[(&str, &str)],
    doings: &[&dyn Fn(&mut Arrived)],
) -> ((Vec<Progress>, Ending), Vec<Arrived>) {
    tokio::join!(call(server.address, Wire::WEB_H1, headers), async {
        let mut seen = Vec::new();
        for doing in doings {
            let mut arrived = upstream.call().await;
            assert_eq!(arrived.read().await, frame(&told("k")), "each attempt sends the whole request");
            doing(&mut arrived);
            seen.push(arrived);
        }
        seen
    })
}

fn fail(call: &mut Arrived) {
    call.trailers_only(&UNAVAILABLE);
}

fn succeed(call: &mut Arrived) {
    call.complete(&reply(), &[]);
}

/// Calls as often as there are numbers, and holds that the upstream has seen so many attempts at each.
async fn seen_attempts(rules: &[&str], path: &str, body: Bytes, doing: fn(&mut Arrived), numbers: &[usize]) {
    let upstream = RawUpstream::start().await;
    let server = start(&upstream, rules).await;
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&seen);
    let _answering = upstream.answering(move |mut call| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            call.read().await;
            doing(&mut call);
        }
    });
    for (index, number) in numbers.iter().enumerate() {
        call_with(server.address, Wire::WEB_H2, path, body.clone(), &[]).await;
        let attempts = seen.swap(0, std::sync::atomic::Ordering::SeqCst);
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
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let failing = |upstream: RawUpstream| {
        let count = std::sync::Arc::clone(&seen);
        upstream.answering(move |mut call| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move { fail(&mut call) }
        })
    };
    let _answering = (failing(upstream), failing(other));
    let paths = [(PATH, 2); 25].into_iter().chain([(PATH, 1), (PATH, 1), ("/other.Service/Method", 2)]);
    for (path, number) in paths {
        call_with(server.address, Wire::GRPC, path, frame(&told("k")), &[]).await;
        assert_eq!(seen.swap(0, std::sync::atomic::Ordering::SeqCst), number, "{path}");
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

/// A server with a console beside what it forwards.
async fn with_console(upstream: &RawUpstream, text: &str) -> (Server, CallsClient<Channel>) {
    let mut bridge = upstream.bridge().retry(rule(text));
    let console = CallsService::new(bridge.calls(), HostPolicy::Loopback { also: Vec::new() });
    let bridge: Bridge = bridge.serve(CallsServer::new(console));
    let server = Server::start(bridge).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
    (server, CallsClient::new(channel))
}

/// Returns the call of this request id, as soon as its works are so many.
async fn works(console: &mut CallsClient<Channel>, request_id: &str, count: usize) -> Call {
    soon("works on record", async {
        loop {
            let request = GetRequest { request_id: request_id.to_owned(), wait_ms: 0 };
            if let Ok(response) = console.get(request).await
                && let Some(call) = response.into_inner().calls.pop()
                && call.works.len() >= count
            {
                return call;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn kinds(call: &Call) -> Vec<(Kind, Option<u32>)> {
    call.works.iter().map(|work| (work.kind(), work.code)).collect()
}

#[tokio::test]
async fn attempts_and_waits_are_on_the_calls_record_and_a_call_with_one_attempt_has_none() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, QUICK).await;
    let (handler, backoff) = ((Kind::Handler, None), (Kind::Backoff, None));
    let (failed, good) = ((Kind::Child, Some(14)), (Kind::Child, Some(0)));
    for (id, doings, expected) in [
        ("one", &[&succeed as &dyn Fn(&mut Arrived)][..], vec![handler]),
        ("three", &[&fail, &fail, &succeed], vec![handler, failed, backoff, failed, backoff, good]),
        ("none", &[&fail, &fail, &fail], vec![handler, failed, backoff, failed, backoff, failed]),
    ] {
        attempts(&mut upstream, &server, &[("x-request-id", id)], doings).await;
        let request = GetRequest { request_id: id.to_owned(), wait_ms: 10_000 };
        let call = console.get(request).await.unwrap().into_inner().calls.pop().unwrap();
        assert_eq!(kinds(&call), expected, "{id}");
        assert!(call.works.iter().all(|work| work.stopped_ms.is_some()), "{id}");
        for child in call.works.iter().filter(|work| work.kind() == Kind::Child) {
            assert_eq!(child.name, PATH);
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_not_begun_is_on_the_calls_record() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, SLOW).await;
    let headers = [("x-request-id", "late"), ("grpc-timeout", "300S")];
    attempts(&mut upstream, &server, &headers, &[&fail]).await;
    let call = works(&mut console, "late", 3).await;
    assert_eq!(kinds(&call)[1..], [(Kind::Child, Some(14)), (Kind::Backoff, None)]);
    let Work { started_ms, stopped_ms, planned_ms, .. } = call.works[2];
    assert!(planned_ms.unwrap() > 300_000.0 && stopped_ms.unwrap() - started_ms < 300_000.0);
}

#[tokio::test]
async fn an_operator_and_a_caller_that_leaves_end_a_call_between_two_attempts() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, SLOW).await;
    for (id, leaves) in [("left", true), ("cancelled", false)] {
        let address = server.address;
        let calling = tokio::spawn(async move { call(address, Wire::GRPC, &[("x-request-id", id)]).await });
        fail(&mut upstream.call().await);
        let waiting = works(&mut console, id, 3).await;
        assert_eq!(waiting.works[2].stopped_ms, None, "the wait is on");
        if leaves {
            calling.abort();
        } else {
            let words = "moving house".to_owned();
            console.cancel(CancelRequest { call_id: waiting.call_id, words }).await.unwrap();
            let ending = soon("the end", calling).await.unwrap().1;
            assert_eq!((ending.code, ending.words.as_str()), (1, "moving house"));
        }
        let request = GetRequest { request_id: id.to_owned(), wait_ms: 10_000 };
        let ended = console.get(request).await.unwrap().into_inner().calls.pop().unwrap();
        assert!(ended.end.is_some() && ended.works.iter().all(|work| work.stopped_ms.is_some()), "{id}");
        assert_eq!(ended.works.len(), 3, "no further attempt");
    }
}

#[tokio::test]
async fn the_deadline_ends_an_attempt_and_resets_its_stream() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let ((_, ending), reason) =
        tokio::join!(call(server.address, Wire::WEB_H1, &[("grpc-timeout", "1500m")]), async {
            fail(&mut upstream.call().await);
            upstream.call().await.reset().await
        });
    assert_eq!((ending.code, reason), (4, h2::Reason::CANCEL));
}

#[tokio::test]
async fn a_caller_that_leaves_in_the_middle_of_a_later_attempts_answer_resets_its_stream() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let key = told("k");
    let (mut answer, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        fail(&mut upstream.call().await);
        let mut stream = upstream.call().await.begin(&[]);
        stream.send_data(reply(), false).unwrap();
        stream
    });
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "at last");
    drop(answer);
    assert_eq!(soon("a reset", reset_of(&mut stream)).await, h2::Reason::CANCEL);
}
