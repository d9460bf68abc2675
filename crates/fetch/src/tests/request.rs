//! What is sent.

use std::time::Duration;

use drawbridge_proto::message::Request;
use prost::Message as _;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::world::{World, frame};
use super::{begin, begin_with};
use crate::CallOptions;

#[test]
fn a_call_is_sent_as_grpc_web() {
    let world = World::default();
    assert!(begin(&world, CallOptions::new()).run().is_none());
    let exchange = world.exchange();
    assert_eq!(exchange.request.path, "/Message/Stream");
    assert_eq!(exchange.request.body, frame(0, &Request { key: "k".into() }.encode_to_vec()));
    for (name, value) in [
        ("content-type", Some("application/grpc-web+proto")),
        ("accept", Some("application/grpc-web+proto")),
        ("x-grpc-web", Some("1")),
        ("te", None),
        ("grpc-timeout", None),
        ("grpc-accept-encoding", None),
    ] {
        assert_eq!(exchange.headers().get(name).map(|value| value.to_str().unwrap()), value, "{name}");
    }
}

#[test]
fn a_call_that_is_not_polled_is_not_sent() {
    let world = World::default();
    drop(begin(&world, CallOptions::new()));
    assert!(world.sent_nothing() && world.is_quiet());
}

#[test]
fn metadata_goes_out_value_by_value_and_binary_in_base64() {
    let world = World::default();
    let mut metadata = MetadataMap::new();
    metadata.append("x-a", MetadataValue::from_static("1"));
    metadata.append("x-a", MetadataValue::from_static("2"));
    metadata.append_bin("x-bin", MetadataValue::from_bytes(&[0xff, 0]));
    let mut request = tonic::Request::new(Request::default());
    request.metadata_mut().append("x-own", MetadataValue::from_static("3"));
    let _ = begin_with(&world, CallOptions::new().with_metadata(metadata), request).run();
    let exchange = world.exchange();
    let all = |name: &str| exchange.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(all("x-a"), ["1", "2"]);
    assert_eq!(all("x-bin"), ["/wA"]);
    assert_eq!(all("x-own"), ["3"]);
}

#[test]
fn the_server_is_told_what_is_left_of_the_time() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new().with_timeout(Duration::from_millis(250)));
    // The clock runs since the call was made, which is when its future was first polled by its caller.
    let _ = call.run();
    assert_eq!(world.exchange().headers()["grpc-timeout"], "250000u");
}

#[test]
fn tonics_own_timeout_counts_and_is_told() {
    let world = World::default();
    let mut request = tonic::Request::new(Request::default());
    request.set_timeout(Duration::from_secs(3));
    let defaults = CallOptions::new().with_timeout(Duration::from_secs(9));
    let _ = begin_with(&world, defaults, request).run();
    let exchange = world.exchange();
    assert_eq!(exchange.headers().get_all("grpc-timeout").iter().collect::<Vec<_>>(), ["3000000u"]);
}
