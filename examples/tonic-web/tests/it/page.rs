//! The page beside the services.

use std::time::Duration;

use drawbridge::CallLayer;
use drawbridge_example_tonic_web::{grpc, with_page};
use drawbridge_proto::greet::HelloRequest;

use crate::wire::{Request, Response, serve};

fn text(response: &Response) -> String {
    String::from_utf8(response.chunks.concat()).unwrap()
}

#[tokio::test]
async fn files_views_and_calls_share_a_port() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "the page").unwrap();
    std::fs::write(folder.path().join("style.css"), "body {}").unwrap();
    let router = with_page(grpc(Duration::ZERO, CallLayer::new()), folder.path());
    let address = serve(router).await;

    let get = |path| Request::call(path, &()).method("GET").without_header("content-type").body("");
    assert_eq!(text(&get("/style.css").response(address).await), "body {}");
    for view in ["/", "/streams", "/greeter"] {
        let response = get(view).response(address).await;
        assert_eq!((response.status, text(&response).as_str()), (200, "the page"), "{view}");
    }

    let hello = Request::call("/greet.Greeter/SayHello", &HelloRequest { name: "Ada".to_owned() });
    assert_eq!(hello.response(address).await.grpc_status().as_deref(), Some("0"));
    // The console is a service that is not here, which its status says to the page.
    let console = Request::call("/drawbridge.calls.v1.Calls/Get", &());
    assert_eq!(console.response(address).await.grpc_status().as_deref(), Some("12"));
}
