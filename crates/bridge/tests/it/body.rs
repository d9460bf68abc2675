//! How a response ends on the wire.

use std::convert::Infallible;

use bytes::Bytes;
use drawbridge::{CallLayer, GrpcWebLayer};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::Status;
use tonic::body::Body;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use super::support::request;

/// Answers with these frames, and then with an error.
fn answers(frames: Vec<Frame<Bytes>>, error: Option<Status>) -> Response<Body> {
    let frames = stream::iter(frames.into_iter().map(Ok).chain(error.map(Err)));
    let mut response = Response::new(Body::new(StreamBody::new(frames.boxed())));
    response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    response
}

/// Sends a call through `GrpcWebLayer` and `CallLayer`, and returns the data of the response, whether it broke off, and its
/// trailers.
async fn call(
    content_type: &str,
    frames: &'static [&'static [u8]],
    error: Option<Status>,
) -> (Vec<u8>, bool, HeaderMap) {
    let service = ServiceBuilder::new().layer(GrpcWebLayer::new()).layer(CallLayer::new()).service(
        service_fn(move |_: Request<Body>| {
            let frames = frames.iter().map(|data| Frame::data(Bytes::from_static(data))).collect();
            let response = answers(frames, error.clone());
            async move { Ok::<_, Infallible>(response) }
        }),
    );
    let mut body = service.oneshot(request("/a.B/C", content_type, &[])).await.unwrap().into_body();
    let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => data.extend_from_slice(&piece),
            Ok(Err(frame)) => trailers = frame.into_trailers().unwrap(),
            Err(_) => return (data, true, trailers),
        }
    }
    (data, false, trailers)
}

const MESSAGE: &[u8] = b"\0\0\0\0\x03abc";
const HALF: &[u8] = b"\0\0\0\0\x03a";

#[tokio::test]
async fn an_error_between_messages_is_a_status_in_either_form() {
    let (data, broken, _) = call("application/grpc-web", &[MESSAGE], Some(Status::aborted("stop"))).await;
    let text = String::from_utf8_lossy(&data).into_owned();
    assert!(data.starts_with(MESSAGE) && text.contains("grpc-status:10") && !broken, "{text}");
    let (data, broken, trailers) = call("application/grpc", &[MESSAGE], Some(Status::aborted("stop"))).await;
    assert_eq!((&*data, broken, &trailers["grpc-status"]), (MESSAGE, false, &"10".parse().unwrap()));
}

#[tokio::test]
async fn a_grpc_web_response_that_ends_inside_of_a_message_breaks_off() {
    for content_type in ["application/grpc-web", "application/grpc-web-text"] {
        let (data, broken, _) = call(content_type, &[MESSAGE, HALF], Some(Status::aborted("stop"))).await;
        assert!(broken, "{content_type}: trailers would be read as the rest of the message: {data:?}");
    }
    // Trailers of HTTP/2 are apart from the body.
    let (data, broken, trailers) =
        call("application/grpc", &[MESSAGE, HALF], Some(Status::aborted("stop"))).await;
    assert_eq!((data, broken), ([MESSAGE, HALF].concat(), false));
    assert_eq!(trailers["grpc-status"], "10");
}

#[tokio::test]
async fn without_the_call_layer_an_error_behind_data_is_not_lost() {
    for content_type in ["application/grpc-web", "application/grpc"] {
        let service =
            ServiceBuilder::new().layer(GrpcWebLayer::new()).service(service_fn(|_: Request<Body>| async {
                let frames = vec![Frame::data(Bytes::from_static(MESSAGE))];
                Ok::<_, Infallible>(answers(frames, Some(Status::internal("lost"))))
            }));
        let mut body = service.oneshot(request("/a.B/C", content_type, &[])).await.unwrap().into_body();
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data, MESSAGE, "{content_type}");
        let error = body.frame().await.expect("the error comes behind the data").unwrap_err();
        assert_eq!(error.message(), "lost", "{content_type}");
        assert!(body.frame().await.is_none());
    }
}
