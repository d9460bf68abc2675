//! CORS of one's own has credentials, and loses nothing that the bridge's would have done.

use drawbridge_example_library::own_cors::router;
use http::HeaderValue;

use crate::support::{http, say_hello, serve, values};

const ORIGIN: &str = "https://app.example";

#[tokio::test]
async fn a_page_of_the_origin_may_call_with_cookies() {
    let address = serve(router(HeaderValue::from_static(ORIGIN))).await;
    let asks = [
        ("origin", ORIGIN),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-grpc-web,grpc-timeout,x-mine"),
    ];
    let preflight = http(address, "OPTIONS /greet.Greeter/SayHello", &asks, b"").await;
    assert!(preflight.starts_with("HTTP/1.1 20"), "{preflight}");
    assert_eq!(values(&preflight, "access-control-allow-credentials"), ["true"], "{preflight}");
    assert_eq!(values(&preflight, "access-control-allow-headers"), ["x-grpc-web,grpc-timeout,x-mine"]);

    let response = say_hello(address, &[("origin", ORIGIN)]).await;
    assert_eq!(values(&response, "access-control-allow-origin"), [ORIGIN], "{response}");
    assert_eq!(values(&response, "access-control-allow-credentials"), ["true"], "{response}");
}

#[tokio::test]
async fn metadata_is_exposed_by_name_and_no_header_of_cors_comes_twice() {
    let address = serve(router(HeaderValue::from_static(ORIGIN))).await;
    let response = say_hello(address, &[("origin", ORIGIN)]).await;
    let exposed = values(&response, "access-control-expose-headers");
    let [exposed] = exposed.as_slice() else { panic!("{exposed:?}") };
    let exposed: Vec<&str> = exposed.split(',').collect();
    for name in ["grpc-status", "grpc-message", "x-mood", "x-request-id"] {
        assert!(exposed.contains(&name), "{name} is not in {exposed:?}");
    }
    assert!(!exposed.contains(&"*"), "{exposed:?}");
    assert_eq!(values(&response, "vary").len(), 1, "{response}");
}

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing() {
    let address = serve(router(HeaderValue::from_static(ORIGIN))).await;
    let response = say_hello(address, &[("origin", "https://evil.example")]).await;
    assert_eq!(values(&response, "access-control-allow-origin"), Vec::<&str>::new(), "{response}");
    assert_eq!(values(&response, "access-control-expose-headers"), Vec::<&str>::new(), "{response}");
}
