//! A call that may be retried, and an upstream with a scripted response to each attempt.

use std::net::SocketAddr;

use bytes::Bytes;
use drawbridge::RetryRule;
use drawbridge_proto::message::Response as Progress;

use super::Server;
use super::client::{Ending, Wire, frame};
use super::probe::told;
use super::upstream::{Arrived, RawUpstream};

pub const PATH: &str = "/any.Service/Method";

/// Up to three attempts, with a backoff of 1 ms.
pub const QUICK: &str = "3:UNAVAILABLE:1ms..1ms";

/// Up to three attempts, with a backoff that no test waits for.
pub const SLOW: &str = "3:UNAVAILABLE:1h..1h";

pub const UNAVAILABLE: [(&str, &str); 2] = [("grpc-status", "14"), ("grpc-message", "scripted")];

pub fn rule(text: &str) -> RetryRule {
    text.parse().unwrap()
}

pub async fn start(upstream: &RawUpstream, rules: &[&str]) -> Server {
    let bridge = rules.iter().fold(upstream.bridge(), |bridge, text| bridge.retry(rule(text)));
    Server::start(bridge).await
}

pub fn reply() -> Bytes {
    frame(&Progress { message: "at last".to_owned() })
}

pub async fn call(server: SocketAddr, wire: Wire, headers: &[(&str, &str)]) -> (Vec<Progress>, Ending) {
    call_with(server, wire, PATH, frame(&told("k")), headers).await
}

pub async fn call_with(
    server: SocketAddr,
    wire: Wire,
    path: &str,
    body: Bytes,
    headers: &[(&str, &str)],
) -> (Vec<Progress>, Ending) {
    let mut connection = wire.connect(server).await;
    wire.call_with(&mut connection, path, body, headers).await.finish().await
}

/// Makes one call, to whose attempts the upstream responds in this order. Returns the result, and the attempts.
pub async fn attempts(
    upstream: &mut RawUpstream,
    server: &Server,
    headers: &[(&str, &str)],
    responses: &[&dyn Fn(&mut Arrived)],
) -> ((Vec<Progress>, Ending), Vec<Arrived>) {
    tokio::join!(call(server.address, Wire::WEB_H1, headers), async {
        let mut seen = Vec::new();
        for respond in responses {
            let mut arrived = upstream.call().await;
            assert_eq!(arrived.read().await, frame(&told("k")), "each attempt sends the whole request");
            respond(&mut arrived);
            seen.push(arrived);
        }
        seen
    })
}

pub fn fail(call: &mut Arrived) {
    call.trailers_only(&UNAVAILABLE);
}

pub fn succeed(call: &mut Arrived) {
    call.complete(&reply(), &[]);
}
