//! Which calls are forwarded, and to which upstream.

use drawbridge::{Bridge, Upstream};
use drawbridge_proto::message::Response as Progress;

use crate::support::Server;
use crate::support::client::{Answer, Wire};
use crate::support::probe::{Probe, told};
use crate::support::upstream::{RawUpstream, bridge_to, upstream_at, with_causes};

const PATH: &str = "/any.Service/Method";

async fn call(server: &Server, wire: Wire, path: &str) -> Answer {
    wire.call(server.address, path, &told("k")).await
}

#[tokio::test]
async fn only_an_exact_grpc_path_is_forwarded() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    for path in [
        "/any.Service/Me%74hod",
        "/any.Service/../Method",
        "/../Method",
        "/any.Service/Method/",
        "//any.Service/Method",
        "/a/b/c",
        "/any.Service/",
    ] {
        for wire in [Wire::GRPC, Wire::WEB_H1] {
            let ending = call(&server, wire, path).await.ending().await;
            assert_eq!(ending.code, 12, "{path}");
        }
    }
    // The authority of an absolute target does not select the upstream.
    let absolute = format!("http://localhost{PATH}");
    let (answer, arrived) = tokio::join!(call(&server, Wire::WEB_H1, &absolute), async {
        let mut arrived = upstream.call().await;
        arrived.trailers_only(&[("grpc-status", "0")]);
        arrived
    });
    assert_eq!(answer.ending().await.code, 0);
    assert_eq!(arrived.head.uri.to_string(), format!("http://{}{PATH}", upstream.address));
}

#[tokio::test]
async fn a_named_service_goes_to_its_upstream_and_a_hosted_one_is_not_forwarded() {
    let mut catch_all = RawUpstream::start().await;
    let mut named = RawUpstream::start().await;
    let (bridge, mut events) = Probe::hosted();
    let bridge = bridge
        .upstream(upstream_at(catch_all.address))
        .upstream(upstream_at(named.address).for_service("shop").unwrap());
    let server = Server::start(bridge).await;
    for (path, upstream) in [("/shop.Orders/List", &mut named), ("/shops.Orders/List", &mut catch_all)] {
        let (answer, ()) = tokio::join!(call(&server, Wire::WEB_H2, path), async {
            upstream.call().await.trailers_only(&[("grpc-status", "0")]);
        });
        assert_eq!(answer.ending().await.code, 0, "{path}");
    }
    let answer = call(&server, Wire::GRPC, "/Message/Stream").await;
    events.started().await;
    assert_eq!(answer.finish::<Progress>().await.0[0].message, "k");
}

#[tokio::test]
async fn a_catch_all_forwards_administrative_services_only_if_they_are_exposed() {
    const CHANNELZ: &str = "/grpc.channelz.v1.Channelz/GetServers";
    const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let mut upstream = RawUpstream::start().await;
    let default = Server::start(upstream.bridge()).await;
    for path in [REFLECTION, CHANNELZ, "/envoy.admin.v3.Admin/Any"] {
        let ending = call(&default, Wire::GRPC, path).await.ending().await;
        assert_eq!(ending.code, 12, "{path}");
        assert!(ending.words.contains("does not expose"), "{}", ending.words);
    }
    let exposing = Server::start(upstream.bridge().expose(["grpc.channelz.*".parse().unwrap()])).await;
    let (answer, ()) = tokio::join!(call(&exposing, Wire::GRPC, CHANNELZ), async {
        upstream.call().await.trailers_only(&[("grpc-status", "0")]);
    });
    assert_eq!(answer.ending().await.code, 0);
}

#[tokio::test]
async fn the_certificate_of_a_tls_upstream_is_checked() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, private) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = drawbridge::Tls::from_pem(certificate.as_bytes(), private.as_bytes()).unwrap();
    let (bridge, mut events) = Probe::hosted();
    let options = drawbridge::ConnectionOptions::new().with_tls(tls);
    let upstream = Server::start_with(bridge, options).await;
    let at = |pem: &str| {
        let url = format!("https://localhost:{}", upstream.address.port());
        Bridge::new().upstream(Upstream::new(&url).unwrap().certificate_authorities(pem.as_bytes()).unwrap())
    };
    let server = Server::start(at(&certificate)).await;
    let answer = call(&server, Wire::WEB_H1, "/Message/Stream").await;
    events.started().await;
    assert_eq!(answer.finish::<Progress>().await.0[0].message, "k");

    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (bridge, mut causes) = with_causes(at(&other.cert.pem()));
    let server = Server::start(bridge).await;
    let ending = call(&server, Wire::WEB_H1, "/Message/Stream").await.ending().await;
    assert_eq!((ending.code, &*ending.words), (14, "Message: cannot connect to the upstream"));
    let cause = causes.recv().await.unwrap();
    assert!(cause.contains("certificate"), "{cause}");
}

#[tokio::test]
async fn a_bridge_forwards_to_another_bridge() {
    let (server, mut events) = Probe::start().await;
    let near = Server::start(bridge_to(server.address)).await;
    let far = Server::start(bridge_to(near.address)).await;
    for wire in Wire::ALL {
        let answer = wire
            .call_with_headers(far.address, "/Message/Stream", &told("k"), &[("x-request-id", "one-request")])
            .await;
        assert_eq!(events.started().await.request_id().as_str(), "one-request");
        events.released().await;
        assert_eq!(answer.finish::<Progress>().await.0[0].message, "k", "{wire:?}");
    }
}
