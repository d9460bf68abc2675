//! What the tests share.

use std::time::Duration;

use bytes::Bytes;
use drawbridge_proto::greet::greeter_server::Greeter;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use futures_util::stream::BoxStream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tonic::body::Body;
use tonic::{Request as GrpcRequest, Response as GrpcResponse, Status};

/// Greets at once, and streams one greeting that is followed by nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hello;

#[tonic::async_trait]
impl Greeter for Hello {
    type SayHellosStream = BoxStream<'static, Result<HelloReply, Status>>;

    async fn say_hello(
        &self,
        request: GrpcRequest<HelloRequest>,
    ) -> Result<GrpcResponse<HelloReply>, Status> {
        tracing::info!("handling");
        // What an interceptor has found out about the caller.
        let user = request.metadata().get("x-user").and_then(|user| user.to_str().ok()).unwrap_or("nobody");
        let message = format!("Hello {}, says {user}", request.get_ref().name);
        Ok(GrpcResponse::new(HelloReply { message }))
    }

    async fn say_hellos(
        &self,
        _: GrpcRequest<HelloRequest>,
    ) -> Result<GrpcResponse<Self::SayHellosStream>, Status> {
        let once = futures_util::stream::once(async { Ok(HelloReply { message: "Hello".to_owned() }) });
        let never = futures_util::stream::pending();
        Ok(GrpcResponse::new(Box::pin(futures_util::StreamExt::chain(once, never))))
    }
}

/// Returns a request over HTTP/2 with one message.
pub(crate) fn request(path: &str, content_type: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let message = HelloRequest { name: "ada".to_owned() }.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let mut request = Request::post(path).version(http::Version::HTTP_2).header("content-type", content_type);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::new(Full::from(Bytes::from(frame)))).unwrap()
}

/// Reads a response to its end, and returns its body as text, with the code that it ended with.
pub(crate) async fn read<B>(response: Response<B>) -> (String, Option<i32>)
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let in_head = code(response.headers());
    let collected = soon(response.into_body().collect()).await.unwrap();
    let in_trailers = collected.trailers().and_then(code);
    let text = String::from_utf8_lossy(&collected.to_bytes()).into_owned();
    (text, in_head.or(in_trailers))
}

fn code(headers: &http::HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// Waits for what must come. No test passes by the time that this waits.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it comes in time")
}
