//! How reflection queries upstreams, and leaves out those that do not respond.

use std::time::Duration;

use drawbridge::Bridge;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::support::client::Wire;
use crate::support::program::Program;
use crate::support::reflection::{
    PATH, V1, V1ALPHA, ask, ask_in, came, code, exposed, file, list, named, question, services, symbol,
    upstream,
};
use crate::support::upstream::{RawUpstream, bridge_to, map, upstream_at};
use crate::support::{Server, samples};

#[tokio::test]
async fn an_upstream_without_reflection_is_left_out() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    // One without reflection, one that is down, and one whose responses are broken.
    let silent = Server::start(Bridge::new()).await;
    let gone = RawUpstream::start().await.address;
    let breaking = RawUpstream::start().await;
    let broken = upstream_at(breaking.address).for_service("broken").unwrap();
    let _answering = breaking.answering(|mut call| async move {
        let mut stream = call.begin(&[]);
        stream.send_trailers(map(&[("x-end", "without a status")])).unwrap();
    });
    let bridge = samples()
        .upstream(upstream_at(rest.address))
        .upstream(named(&silent, "silent"))
        .upstream(upstream_at(gone).for_service("gone").unwrap())
        .upstream(broken);
    let server = Server::start(exposed(bridge)).await;
    let expected = ["Message", "greet.Greeter", V1, V1ALPHA, "shop.Orders"];
    assert_eq!(list(server.address).await, expected);
    for name in ["silent", "gone", "broken"] {
        let answers = ask(server.address, &[symbol(&format!("{name}.Service")), symbol("shop.Orders")]).await;
        // An upstream that fails may have the symbol, so the error is not NOT_FOUND.
        assert_eq!(code(&answers[0]) == Code::NotFound as i32, name == "silent", "{name}");
        assert_eq!(came(&answers[1]).0, "shop.proto");
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_respond_is_left_out_after_half_of_the_timeout() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let mut hanging = RawUpstream::start().await;
    let bridge = bridge_to(rest.address).upstream(upstream_at(hanging.address).for_service("hang").unwrap());
    let server = Server::start(exposed(bridge)).await;
    let asked = [MessageRequest::ListServices(String::new())];
    let (answers, reason) =
        tokio::join!(ask_in(server.address, &asked, Some(Duration::from_secs(4))), async {
            hanging.call().await.reset().await
        });
    assert_eq!(services(&answers.unwrap()[0]), [V1, V1ALPHA, "shop.Orders"]);
    assert_eq!(reason, h2::Reason::CANCEL);
}

#[tokio::test]
async fn a_query_to_an_upstream_is_a_child_of_the_reflection_call() {
    let mut raw = RawUpstream::start().await;
    let server = Server::start(exposed(raw.bridge())).await;
    let asked = question(MessageRequest::ListServices(String::new()));
    let headers = [
        ("authorization", "Bearer b"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-request-id", "order-17"),
        ("grpc-timeout", "300S"),
    ];
    let asking = tokio::spawn(async move {
        Wire::GRPC.call_with_headers(server.address, PATH, &asked, &headers).await.ending().await
    });
    let mut arrived = raw.call().await;
    assert_eq!(arrived.head.uri.path(), PATH);
    assert_eq!(arrived.headers("authorization"), ["Bearer b"]);
    assert_eq!(arrived.headers("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(arrived.headers("x-request-id"), ["order-17"]);
    assert_eq!(arrived.headers("content-type"), ["application/grpc"]);
    assert_eq!(arrived.headers("grpc-timeout").len(), 1);
    asking.abort();
    assert_eq!(arrived.reset().await, h2::Reason::CANCEL);
}

#[tokio::test]
async fn only_the_upstream_that_a_symbol_is_routed_to_gets_credentials() {
    let (mut rest, mut shop) = (RawUpstream::start().await, RawUpstream::start().await);
    let named = format!("shop=http://{}", shop.address).parse().unwrap();
    let server = Server::start(exposed(rest.bridge().upstream(named))).await;
    let headers = [("authorization", "Bearer b"), ("cookie", "a=b"), ("x-shelf", "7")];
    let meant: &[&str] = &["Bearer b"];
    for (asked, to_shop) in
        [(MessageRequest::ListServices(String::new()), &[][..]), (symbol("shop.Orders"), meant)]
    {
        let asking = tokio::spawn(async move {
            let asked = question(asked);
            Wire::GRPC.call_with_headers(server.address, PATH, &asked, &headers).await.ending().await
        });
        let arrived = shop.call().await;
        assert_eq!(arrived.headers("authorization"), to_shop);
        assert_eq!(arrived.headers("cookie").len(), to_shop.len());
        assert_eq!(arrived.headers("x-shelf"), ["7"]);
        if to_shop.is_empty() {
            let arrived = rest.call().await;
            assert!(arrived.headers("authorization").is_empty() && arrived.headers("cookie").is_empty());
        }
        asking.abort();
    }
}

#[tokio::test]
async fn the_program_lists_samples_and_upstreams_and_logs_which_upstream_fails() {
    let rest = upstream(&[file("shop.proto", "shop.Orders", "Order", None)]).await;
    let gone = RawUpstream::start().await.address;
    let (rest, gone) = (format!("http://{}", rest.address), format!("gone=http://{gone}"));
    let arguments = ["--samples", "--upstream", &rest, "--upstream", &gone, "--expose", "grpc.reflection.*"];
    let mut program = Program::start(&arguments).await;
    let listed = list(program.socket()).await;
    for service in ["shop.Orders", "greet.Greeter", "drawbridge.calls.v1.Calls", "grpc.health.v1.Health"] {
        assert!(listed.iter().any(|name| name == service), "{service} of {listed:?}");
    }
    let line = program.logged("an upstream lists no services").await;
    assert_eq!(format!("gone=http://{}", line["upstream"].as_str().unwrap()), gone);
    assert_eq!(line["code"], "UNAVAILABLE");
}
