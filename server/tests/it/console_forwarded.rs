//! The console lists forwarded services, and the upstream of each forwarded call.

use bytes::Bytes;
use drawbridge::{Bridge, ServicePattern};
use drawbridge_calls_proto::{Call, Forwarded, Forwarding, ServicesRequest, ServicesResponse};
use tokio::net::TcpSocket;

use crate::support::client::Wire;
use crate::support::console::{get, listed, start, watch};
use crate::support::probe::{Probe, told};
use crate::support::upstream::{RawUpstream, upstream_at};

const PATH: &str = "/any.Service/Method";
const LABEL: (&str, &str) = ("x-request-id", "order-17");

fn answered(call: &Call) -> bool {
    call.forwarded.as_ref().is_some_and(|forwarded| forwarded.answered_ms.is_some())
}

#[tokio::test]
async fn a_watcher_sees_when_a_call_is_sent_to_its_upstream_and_when_it_responds() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = start(upstream.bridge()).await;
    let mut watched = watch(&mut console).await;
    for wire in Wire::ALL {
        let key = told("k");
        let calling = wire.call_with_headers(server.address, PATH, &key, &[LABEL]);
        let (answer, (sent, stream)) = tokio::join!(calling, async {
            let mut arrived = upstream.call().await;
            let sent = listed(&mut watched, |call| call.end.is_none() && call.forwarded.is_some()).await;
            (sent, arrived.begin(&[]))
        });
        assert_eq!(sent.forwarded.as_ref().unwrap().answered_ms, None, "{wire:?}: the upstream is silent");
        let open = listed(&mut watched, |call| call.call_id == sent.call_id && answered(call)).await;
        assert!(open.end.is_none(), "{wire:?}");
        drop((answer, stream));
        let ended = listed(&mut watched, |call| call.call_id == sent.call_id && call.end.is_some()).await;
        let Forwarded { address, sent_ms, answered_ms } = ended.forwarded.unwrap();
        assert_eq!(address, format!("http://{}", upstream.address));
        assert_eq!(Some(sent_ms), sent.forwarded.map(|forwarded| forwarded.sent_ms), "{wire:?}");
        let times = [0.0, sent_ms, answered_ms.unwrap(), ended.elapsed_ms];
        assert!(times.is_sorted(), "{wire:?}: {times:?}");
    }
    let kept = get(&mut console, LABEL.1).await;
    assert!(kept.len() == Wire::ALL.len() && kept.iter().all(answered), "{kept:?}");
}

#[tokio::test]
async fn a_call_that_is_sent_again_has_the_time_of_the_last_attempt() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = start(upstream.bridge()).await;
    let mut watched = watch(&mut console).await;
    let key = told("k");
    let calling = Wire::GRPC.call_with_headers(server.address, PATH, &key, &[LABEL]);
    let sent = |call: &Call| call.forwarded.as_ref().map(|forwarded| forwarded.sent_ms);
    let (_answer, (first, again)) = tokio::join!(calling, async {
        let mut refused = upstream.call().await;
        let first = listed(&mut watched, |call| sent(call).is_some()).await;
        refused.answer.send_reset(h2::Reason::REFUSED_STREAM);
        let mut arrived = upstream.call().await;
        let again = listed(&mut watched, |call| sent(call) > sent(&first)).await;
        arrived.complete(&Bytes::new(), &[]);
        (first, again)
    });
    assert_eq!(first.call_id, again.call_id);
}

#[tokio::test]
async fn a_call_that_is_not_sent_to_an_upstream_is_listed_without_one() {
    let (hosted, _events) = Probe::hosted();
    // A bound port without a listener: connections are refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (server, mut console) = start(hosted.upstream(upstream_at(socket.local_addr().unwrap()))).await;
    for (path, code) in [("/Message/Stream", 9), (PATH, 14)] {
        let answer = Wire::WEB_H1.call_with_headers(server.address, path, &told("fail"), &[LABEL]).await;
        assert_eq!(answer.ending().await.code, code, "{path}");
    }
    let kept = get(&mut console, LABEL.1).await;
    assert_eq!(kept.iter().map(|call| call.forwarded.clone()).collect::<Vec<_>>(), [None, None]);
}

#[tokio::test]
async fn a_forwarded_call_that_succeeds_is_not_kept_without_a_watcher() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = start(upstream.bridge()).await;
    let key = told("k");
    let calling = Wire::GRPC.call(server.address, PATH, &key);
    let (answer, ()) = tokio::join!(calling, async {
        upstream.call().await.complete(&Bytes::new(), &[]);
    });
    assert_eq!(answer.ending().await.code, 0);
    let first = watch(&mut console).await.message().await.unwrap().unwrap();
    assert_eq!(first.calls, [], "there was no watcher");
}

async fn services(bridge: Bridge) -> ServicesResponse {
    let (_server, mut console) = start(bridge).await;
    console.services(ServicesRequest {}).await.unwrap().into_inner()
}

fn bridge_with(upstreams: &[&str]) -> Bridge {
    let (hosted, _events) = Probe::hosted();
    upstreams.iter().fold(hosted, |bridge, upstream| bridge.upstream(upstream.parse().unwrap()))
}

const HOSTED: [&str; 2] = ["Message", "drawbridge.calls.v1.Calls"];

#[tokio::test]
async fn a_bridge_without_upstreams_lists_hosted_services() {
    let listed = services(bridge_with(&[]).expose(["*".parse().unwrap()])).await;
    let hosted = HOSTED.map(str::to_owned).to_vec();
    assert_eq!(listed, ServicesResponse { hosted, ..ServicesResponse::default() });
}

#[tokio::test]
async fn upstreams_are_listed_in_the_order_in_which_they_match() {
    let listed = services(bridge_with(&[
        "http://127.0.0.1:7001/",
        "shop=http://[::1]:7002",
        "shop.Orders=http://orders.example",
        "shop=http://127.0.0.1:7003",
    ]))
    .await;
    let forwarding = |name: Option<&str>, addresses: &[&str]| Forwarding {
        name: name.map(str::to_owned),
        addresses: addresses.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(listed.hosted, HOSTED);
    assert_eq!(
        listed.forwarded,
        [
            forwarding(Some("shop.Orders"), &["http://orders.example"]),
            forwarding(Some("shop"), &["http://[::1]:7002", "http://127.0.0.1:7003"]),
            forwarding(None, &["http://127.0.0.1:7001"]),
        ]
    );
    assert!(listed.closed.contains(&"grpc.reflection".to_owned()), "{:?}", listed.closed);
    assert_eq!(listed.exposed, [""; 0]);
}

#[tokio::test]
async fn blocked_packages_are_listed_if_there_is_a_catch_all_upstream() {
    let exposed = ["grpc.reflection.*", "envoy.admin.v3.Admin"];
    let patterns = exposed.map(|pattern| pattern.parse::<ServicePattern>().unwrap());
    let listed = services(bridge_with(&["http://127.0.0.1:7001"]).expose(patterns.clone())).await;
    assert_eq!((listed.closed.len(), listed.exposed), (5, exposed.map(str::to_owned).to_vec()));
    let listed = services(bridge_with(&["shop=http://127.0.0.1:7001"]).expose(patterns)).await;
    assert_eq!(
        (listed.closed.len(), listed.exposed.len()),
        (0, 0),
        "an upstream with a name has nothing blocked"
    );
}
