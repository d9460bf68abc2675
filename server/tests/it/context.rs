//! The context of a call: request ids, trailers, and tasks that end with the call or outlive it.

use drawbridge::{Bridge, CallContext, EndReason, OnCallEnd};
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::Response as Progress;
use drawbridge_proto::message::message_server::{Message, MessageServer};
use futures_util::stream::BoxStream;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tonic::{Code, Request, Response, Status};

use crate::support::client::{Answer, Wire, frame};
use crate::support::probe::{Events, Probe, told};
use crate::support::{Server, soon};

async fn call_with_id(wire: Wire, server: &Server, key: &str, request_id: &str) -> Answer {
    let headers = [("x-request-id", request_id)];
    wire.call_with_headers(server.address, "/Message/Stream", &told(key), &headers).await
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_returned_to_the_caller() {
    let (server, mut events) = Probe::start().await;
    for wire in Wire::ALL {
        for key in ["echo", "fail", "panic", "cancel"] {
            let answer = call_with_id(wire, &server, key, "order:17/3").await;
            assert_eq!(answer.headers["x-request-id"], "order:17/3", "{wire:?} {key}");
            assert_eq!(events.started().await.request_id().as_str(), "order:17/3");
            events.released().await;
        }
    }
}

#[tokio::test]
async fn an_invalid_request_id_is_replaced() {
    let (server, mut events) = Probe::start().await;
    for request_id in ["two words", "<script>", &"x".repeat(129)] {
        let answer = call_with_id(Wire::WEB_H1, &server, "echo", request_id).await;
        let made = events.started().await.request_id().to_string();
        events.released().await;
        assert_eq!(answer.headers["x-request-id"], made);
        assert!(made.len() == 16 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
    }
}

#[tokio::test]
async fn a_call_that_reaches_no_handler_has_a_request_id() {
    let (server, _events) = Probe::start().await;
    let mut connection = Wire::WEB_H1.connect(server.address).await;
    for (name, value) in [("grpc-timeout", "soon"), ("grpc-timeout", "0m")] {
        let headers = [(name, value), ("x-request-id", "order-17")];
        let body = frame(&told("echo"));
        let answer = Wire::WEB_H1.call_with(&mut connection, "/Message/Stream", body, &headers).await;
        assert_eq!(answer.headers["x-request-id"], "order-17", "{value}");
        assert_ne!(answer.ending().await.code, 0);
    }
}

#[tokio::test]
async fn trailers_that_a_handler_sets_follow_its_last_message() {
    let (server, _events) = Probe::start().await;
    for wire in Wire::ALL {
        let answer = wire.call(server.address, "/Message/Stream", &told("trailers")).await;
        let trailers = answer.trailers().await;
        assert_eq!(trailers.get_all("x-shelf").iter().collect::<Vec<_>>(), ["7", "8"], "{wire:?}");
        assert_eq!(trailers["grpc-status"], "0");
    }
}

/// Reports when it is dropped, and in which call.
struct DropReporter(Option<oneshot::Sender<Option<CallContext>>>);

impl Drop for DropReporter {
    fn drop(&mut self) {
        let _ = self.0.take().expect("dropped once").send(CallContext::current());
    }
}

fn drop_reporter() -> (DropReporter, oneshot::Receiver<Option<CallContext>>) {
    let (sender, dropped) = oneshot::channel();
    (DropReporter(Some(sender)), dropped)
}

/// Opens a call. Dropping the answer ends it.
async fn open(server: &Server, events: &mut Events) -> (CallContext, Answer) {
    let answer = Wire::GRPC.call(server.address, "/Message/Stream", &told("silent")).await;
    (events.started().await, answer)
}

#[tokio::test]
async fn a_task_with_abort_is_dropped_inside_its_call_at_the_end() {
    let (server, mut events) = Probe::start().await;
    let (context, answer) = open(&server, &mut events).await;
    let (reporter, dropped) = drop_reporter();
    let work = context.spawn(OnCallEnd::Abort, async move {
        let _reporter = reporter;
        std::future::pending::<()>().await;
    });
    drop(answer);
    let inside = soon("the work's drop", dropped).await.unwrap().expect("dropped inside its call");
    assert_eq!(inside.call_id(), context.call_id());
    assert_eq!(soon("the work's end", work).await.unwrap(), None);
}

#[tokio::test]
async fn a_task_with_abort_does_not_outlive_a_completed_call() {
    let (server, mut events) = Probe::start().await;
    let answer = Wire::GRPC.call(server.address, "/Message/Stream", &told("echo")).await;
    let context = events.started().await;
    let work = context.spawn(OnCallEnd::Abort, std::future::pending::<()>());
    answer.finish::<Progress>().await;
    assert_eq!(soon("the work's end", work).await.unwrap(), None);
    let late = context.spawn(OnCallEnd::Abort, async { unreachable!("the call has ended") });
    assert_eq!(late.await.unwrap(), None::<()>);
}

#[tokio::test]
async fn a_task_that_finishes_before_the_end_returns_its_result() {
    let (server, mut events) = Probe::start().await;
    let (context, _answer) = open(&server, &mut events).await;
    for at_end in [OnCallEnd::Abort, OnCallEnd::Detach] {
        let inside = context.spawn(at_end, async { CallContext::current().map(|call| call.call_id()) });
        assert_eq!(soon("the result", inside).await.unwrap(), Some(Some(context.call_id())));
    }
}

#[tokio::test]
async fn a_task_with_detach_outlives_its_call_and_sees_its_end() {
    let (server, mut events) = Probe::start().await;
    let (context, answer) = open(&server, &mut events).await;
    let (release, released) = oneshot::channel::<&str>();
    let (tell, mut told) = mpsc::unbounded_channel();
    let work = context.spawn(OnCallEnd::Detach, async move {
        let call = CallContext::current().expect("work runs inside its call");
        tell.send(call.cancelled().await).unwrap();
        released.await.unwrap()
    });
    drop(answer);
    assert_eq!(soon("the end", told.recv()).await, Some(EndReason::ClientGone));
    release.send("done").unwrap();
    assert_eq!(soon("the result", work).await.unwrap(), Some("done"));
}

/// A handler that waits for an HTTP request to another server.
struct Asks(std::net::SocketAddr);

#[tonic::async_trait]
impl Message for Asks {
    type StreamStream = BoxStream<'static, Result<Progress, Status>>;

    async fn stream(&self, _: Request<KeyRequest>) -> Result<Response<Self::StreamStream>, Status> {
        let stream = TcpStream::connect(self.0).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("/slow").header("host", "far").body(Empty::<bytes::Bytes>::new());
        let answer = sender.send_request(request.unwrap()).await;
        unreachable!("the far end never answers, and yet: {answer:?}")
    }
}

#[tokio::test]
async fn an_http_request_of_a_handler_is_dropped_at_the_deadline() {
    let far = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = far.local_addr().unwrap();
    let server = Server::start(Bridge::new().add_service(MessageServer::new(Asks(address)))).await;
    let (key, headers) = (told("ask"), [("grpc-timeout", "500m")]);
    let call = Wire::WEB_H1.call_with_headers(server.address, "/Message/Stream", &key, &headers);
    let far_end = async {
        let (mut stream, _) = far.accept().await.unwrap();
        let mut request = Vec::new();
        // Reads until the connection is closed, which nothing but the end of the call does.
        soon("the far end to be closed", stream.read_to_end(&mut request)).await.unwrap();
        request
    };
    let (answer, request) = tokio::join!(call, far_end);
    assert!(request.starts_with(b"GET /slow"), "{}", String::from_utf8_lossy(&request));
    assert_eq!(answer.ending().await.code, Code::DeadlineExceeded as i32);
    assert_eq!(server.calls.open(), 0);
}
