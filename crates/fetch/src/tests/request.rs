//! What requests contain.

use std::time::Duration;

use drawbridge_proto::message::Request;
use prost::Message as _;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::calls::{start, start_with};
use super::mock_browser::{MockBrowser, frame};
use crate::CallOptions;

#[test]
fn a_call_is_sent_as_grpc_web() {
    let browser = MockBrowser::default();
    assert!(start(&browser, CallOptions::new()).run().is_none());
    let exchange = browser.exchange();
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
    let browser = MockBrowser::default();
    drop(start(&browser, CallOptions::new()));
    assert!(browser.sent_nothing() && browser.is_idle());
}

#[test]
fn metadata_is_sent_value_by_value_and_binary_values_in_base64() {
    let browser = MockBrowser::default();
    let mut metadata = MetadataMap::new();
    metadata.append("x-a", MetadataValue::from_static("1"));
    metadata.append("x-a", MetadataValue::from_static("2"));
    metadata.append_bin("x-bin", MetadataValue::from_bytes(&[0xff, 0]));
    let mut request = tonic::Request::new(Request::default());
    request.metadata_mut().append("x-own", MetadataValue::from_static("3"));
    let _ = start_with(&browser, CallOptions::new().with_metadata(metadata), request).run();
    let exchange = browser.exchange();
    let all = |name: &str| exchange.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(all("x-a"), ["1", "2"]);
    assert_eq!(all("x-bin"), ["/wA"]);
    assert_eq!(all("x-own"), ["3"]);
}

#[test]
fn the_remaining_time_is_sent() {
    let browser = MockBrowser::default();
    let mut call = start(&browser, CallOptions::new().with_timeout(Duration::from_millis(250)));
    let _ = call.run();
    assert_eq!(browser.exchange().headers()["grpc-timeout"], "250000u");
}

#[test]
fn tonics_timeout_applies_and_is_sent() {
    let browser = MockBrowser::default();
    let mut request = tonic::Request::new(Request::default());
    request.set_timeout(Duration::from_secs(3));
    let defaults = CallOptions::new().with_timeout(Duration::from_secs(9));
    let _ = start_with(&browser, defaults, request).run();
    let exchange = browser.exchange();
    assert_eq!(exchange.headers().get_all("grpc-timeout").iter().collect::<Vec<_>>(), ["3000000u"]);
}
